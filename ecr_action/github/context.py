"""What the event says: which commit, where it comes from, whose it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Payload = Mapping[str, Any]
# Events whose subject is a pull request although GITHUB_REF is not always its ref.
_ABOUT_PULL_REQUESTS = {
    "pull_request",
    "pull_request_target",
    "pull_request_review",
    "pull_request_review_comment",
    "issue_comment",
}
_QUEUE = "gh-readonly-queue/"


@dataclass(frozen=True)
class Branch:
    """A push of branch *name*; *default* is None where the payload does not say which branch is the default one."""

    name: str
    default: bool | None


@dataclass(frozen=True)
class GitTag:
    """A tag; *prerelease* is what a GitHub release says of it (None: no release speaks)."""

    name: str
    prerelease: bool | None = None


@dataclass(frozen=True)
class PullRequest:
    """A pull request for the branch *base*; *number* and *head* (40 hex) are None where the payload lacks them."""

    number: int | None
    head: str | None
    branch: str | None = None
    base: str | None = None


@dataclass(frozen=True)
class Queue:
    """A merge group: what would be merged."""


@dataclass(frozen=True)
class Nothing:
    """Nothing is to be done, *because*."""

    because: str


Source = Branch | GitTag | PullRequest | Queue | Nothing


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """The git work tree that is built: its *head* (40 hex), that one's *date* (UTC) and *message*; *dirty*: changed."""

    head: str
    dirty: bool = False
    date: str | None = None
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Context:
    """The event in our own words. *fork* is True where the head is another repository's, None where unknown.

    *now* is the time of the run; *pushed* has the messages of the commits that a push brought, the head's first;
    *onto* is the branch that a pull request or merge group is to be merged into.
    """

    event: str
    source: Source
    commit: str
    checkout: Checkout | None
    github_sha: str
    fork: bool | None
    repository: str
    run_id: str = ""
    run_number: str = ""
    actor: str = ""
    server_url: str = "https://github.com"
    description: str = ""
    license: str = ""
    private: bool | None = None
    now: datetime | None = None
    pushed: tuple[str, ...] = ()
    onto: Branch | None = None
    notices: tuple[str, ...] = field(default=())

    @property
    def run_url(self) -> str:
        """The page of this run."""
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}" if self.run_id else ""

    @property
    def date(self) -> str | None:
        """The commit's date in UTC, RFC 3339, as far as the checkout tells."""
        return self.checkout.date if self.checkout else None


def read(
    variables: Mapping[str, str], payload: Payload, checkout: Checkout | None, now: datetime | None = None
) -> Context:
    """The context from the job's GITHUB_* *variables*, the event's *payload* and the *checkout* that is built.

    The commit is the checkout's; without one it is GITHUB_SHA. *now* is the time of the run.
    """
    event = variables.get("GITHUB_EVENT_NAME") or "local"
    sha = variables.get("GITHUB_SHA", "")
    repository = variables.get("GITHUB_REPOSITORY") or str(_at(payload, "repository", "full_name") or "")
    source = _source(event, variables, payload)
    return Context(
        event=event,
        source=source,
        commit=checkout.head if checkout else sha,
        checkout=checkout,
        github_sha=sha,
        fork=_fork(event, source, payload),
        repository=repository,
        run_id=variables.get("GITHUB_RUN_ID", ""),
        run_number=variables.get("GITHUB_RUN_NUMBER", ""),
        actor=variables.get("GITHUB_ACTOR", ""),
        server_url=variables.get("GITHUB_SERVER_URL") or "https://github.com",
        description=str(_at(payload, "repository", "description") or ""),
        license=str(_at(payload, "repository", "license", "spdx_id") or ""),
        private=_at(payload, "repository", "private"),
        now=now,
        pushed=_pushed(event, payload, checkout),
        onto=_onto(event, payload),
        notices=_notices(checkout, sha, event),
    )


def _at(payload: Payload, *path: str) -> Any:
    value: Any = payload
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _notices(checkout: Checkout | None, sha: str, event: str) -> tuple[str, ...]:
    if checkout and sha and checkout.head != sha and event != "workflow_run":
        return (f"The checkout is at {checkout.head}, GITHUB_SHA is {sha}: the checkout is what is published.",)
    return ()


def _pushed(event: str, payload: Payload, checkout: Checkout | None) -> tuple[str, ...]:
    """What is checked out counts, where the event is the push itself and not a workflow that ran after it."""
    if event == "workflow_run" and _at(payload, "workflow_run", "event") == "push":
        return (str(_at(payload, "workflow_run", "head_commit", "message") or ""),)
    if event != "push":
        return ()
    head = checkout.message if checkout else str(_at(payload, "head_commit", "message") or "")
    last = checkout.head if checkout else payload.get("after")
    rows = payload.get("commits")
    others = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return (head, *(str(row.get("message") or "") for row in others if row.get("id") != last))


def _onto(event: str, payload: Payload) -> Branch | None:
    """The branch that the run's commits are to be merged into, where the event is about that."""
    path = {"pull_request": ("pull_request", "base", "ref"), "merge_group": ("merge_group", "base_ref")}.get(event)
    name = _at(payload, *path) if path else None
    return _branch(_short(str(name)), payload) if name else None


def _source(event: str, variables: Mapping[str, str], payload: Payload) -> Source:
    ref = variables.get("GITHUB_REF") or str(payload.get("ref") or "")
    if event == "delete" or (event == "push" and payload.get("deleted") is True):
        return Nothing(f"{_short(str(payload.get('ref') or ref))} was deleted")
    if event == "release":
        return _release(payload, ref)
    if event == "merge_group" or _short(ref).startswith(_QUEUE):
        return Queue()
    if event == "workflow_run":
        branch = _at(payload, "workflow_run", "head_branch")
        return _branch(str(branch), payload) if branch else Branch("", False)
    if event in _ABOUT_PULL_REQUESTS or ref.startswith("refs/pull/"):
        return _pull_request(payload, ref)
    if ref.startswith("refs/tags/"):
        return GitTag(ref[len("refs/tags/") :])
    if event == "schedule":
        # "schedule" runs on the default branch alone (GitHub, "Events that trigger workflows").
        return Branch(_short(ref), True)
    return _branch(_short(ref), payload)


def _short(ref: str) -> str:
    return re.sub(r"^refs/(heads|tags)/", "", ref)


def _branch(name: str, payload: Payload) -> Branch:
    default = _at(payload, "repository", "default_branch") or _at(payload, "repository", "master_branch")
    return Branch(name, name == default if default else None)


def _release(payload: Payload, ref: str) -> Source:
    action = payload.get("action")
    if action != "published":
        told = f"a release that is {action}" if action else "a release without an 'action' in its event"
        return Nothing(f"{told} is not published by it; only 'published' is")
    name = str(_at(payload, "release", "tag_name") or _short(ref))
    return GitTag(name, prerelease=_at(payload, "release", "prerelease") is True)


def _pull_request(payload: Payload, ref: str) -> PullRequest:
    head = str(_at(payload, "pull_request", "head", "sha") or "")
    number = _at(payload, "pull_request", "number") or payload.get("number") or _at(payload, "issue", "number")
    number = number if isinstance(number, int) else None
    if number is None and (match := re.fullmatch(r"refs/pull/([0-9]+)/.*", ref)):
        number = int(match[1])
    branch, base = (_at(payload, "pull_request", side, "ref") for side in ("head", "base"))
    commit = head if re.fullmatch(r"[0-9a-f]{40}", head) else None
    return PullRequest(number, commit, str(branch) if branch else None, str(base) if base else None)


def _fork(event: str, source: Source, payload: Payload) -> bool | None:
    """Whether the head is another repository's. A head repository that was deleted, or is not named, is unknown."""
    ours = _at(payload, "repository", "full_name")
    if event == "workflow_run":
        theirs = _at(payload, "workflow_run", "head_repository", "full_name")
    elif isinstance(source, PullRequest):
        theirs = _at(payload, "pull_request", "head", "repo", "full_name")
    else:
        return False
    return None if not theirs or not ours else theirs != ours
