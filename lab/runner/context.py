"""The environment that GitHub's runner gives to a job, made from an event."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ARCHITECTURES = {"x86_64": "X64", "aarch64": "ARM64", "arm64": "ARM64"}


@dataclass(frozen=True)
class Event:
    """An event as it reaches a job: *ref* in full, *sha* 40 hex, *head* and *base* of pull requests else empty."""

    name: str
    payload: Mapping[str, Any]
    repository: str
    ref: str
    sha: str
    head: str = ""
    base: str = ""


def event(
    name: str, payload: Mapping[str, Any], repository: str, workspace: Path, ref: str | None, sha: str | None
) -> Event:
    """Return *name* with GITHUB_REF and GITHUB_SHA as the event has them, unless *ref* or *sha* is given.

    Source: https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows; a sha
    that the payload does not hold is HEAD of the workspace.
    """
    pull = payload.get("pull_request") or {}
    head, base = (str((pull.get(end) or {}).get("ref", "")) for end in ("head", "base"))
    if name == "merge_group":
        group = payload.get("merge_group", {})
        head, base = (str(group.get(f"{end}_ref", "")).removeprefix("refs/heads/") for end in ("head", "base"))
    return Event(
        name, payload, repository, ref or _ref(name, payload),
        sha or _sha(name, payload) or _head(workspace), head, base,
    )  # fmt: skip


def _ref(name: str, payload: Mapping[str, Any]) -> str:
    default = f"refs/heads/{(payload.get('repository') or {}).get('default_branch', 'main')}"
    if name == "push" and payload.get("deleted"):
        return default
    if name == "pull_request":
        return f"refs/pull/{payload['number']}/merge"
    if name == "pull_request_target":
        return f"refs/heads/{payload['pull_request']['base']['ref']}"
    if name == "release":
        return f"refs/tags/{payload['release']['tag_name']}"
    if name == "merge_group":
        return str(payload["merge_group"]["head_ref"])
    given = payload.get("ref")
    return given if isinstance(given, str) and given.startswith("refs/") else default


def _sha(name: str, payload: Mapping[str, Any]) -> str | None:
    if name == "push" and not payload.get("deleted"):
        return payload.get("after")
    if name == "merge_group":
        return (payload.get("merge_group") or {}).get("head_sha")
    if name == "pull_request_target":
        return ((payload.get("pull_request") or {}).get("base") or {}).get("sha")
    return None


def _head(workspace: Path) -> str:
    argv = ["git", "-C", str(workspace), "rev-parse", "--verify", "--quiet", "HEAD"]
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    return result.stdout.strip() or "0" * 40


def variables(event: Event, workspace: Path, temp: Path, tool_cache: Path, event_file: Path) -> dict[str, str]:
    """Return CI, GITHUB_* and RUNNER_* of a job; writes the payload to *event_file*."""
    event_file.write_text(json.dumps(event.payload), encoding="utf-8")
    about = event.payload.get("repository") or {}
    owner, sender = about.get("owner") or {}, event.payload.get("sender") or {}
    actor = str(sender.get("login", "octocat"))
    kind = "tag" if event.ref.startswith("refs/tags/") else "branch"
    name = event.ref.removeprefix("refs/heads/").removeprefix("refs/tags/").removeprefix("refs/pull/")
    workflow = f"{event.repository}/.github/workflows/ci.yml@{event.ref}"
    return {
        "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_ACTION": "__self", "GITHUB_ACTION_REPOSITORY": "",
        "GITHUB_ACTION_REF": "", "GITHUB_ACTOR": actor, "GITHUB_ACTOR_ID": str(sender.get("id", 583231)),
        "GITHUB_TRIGGERING_ACTOR": actor, "GITHUB_API_URL": "https://api.github.com",
        "GITHUB_BASE_REF": event.base, "GITHUB_EVENT_NAME": event.name, "GITHUB_EVENT_PATH": str(event_file),
        "GITHUB_GRAPHQL_URL": "https://api.github.com/graphql", "GITHUB_HEAD_REF": event.head,
        "GITHUB_JOB": "publish", "GITHUB_REF": event.ref, "GITHUB_REF_NAME": name, "GITHUB_REF_PROTECTED": "false",
        "GITHUB_REF_TYPE": kind, "GITHUB_REPOSITORY": event.repository,
        "GITHUB_REPOSITORY_ID": str(about.get("id", "")), "GITHUB_REPOSITORY_OWNER": event.repository.split("/")[0],
        "GITHUB_REPOSITORY_OWNER_ID": str(owner.get("id", "")), "GITHUB_RETENTION_DAYS": "90",
        "GITHUB_RUN_ATTEMPT": "1", "GITHUB_RUN_ID": "812", "GITHUB_RUN_NUMBER": "1",
        "GITHUB_SERVER_URL": "https://github.com", "GITHUB_SHA": event.sha, "GITHUB_WORKFLOW": "ci",
        "GITHUB_WORKFLOW_REF": workflow, "GITHUB_WORKFLOW_SHA": event.sha, "GITHUB_WORKSPACE": str(workspace),
        "RUNNER_ARCH": ARCHITECTURES.get(platform.machine(), "X64"), "RUNNER_ENVIRONMENT": "github-hosted",
        "RUNNER_NAME": "lab", "RUNNER_OS": "Linux", "RUNNER_TEMP": str(temp),
        "RUNNER_TOOL_CACHE": str(tool_cache), "RUNNER_WORKSPACE": str(workspace.parent),
    }  # fmt: skip
