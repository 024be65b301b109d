"""Fifty jobs at once on one branch, as processes of their own, from their environment to their exit status."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from lab.github import client, git, setup

from .job import HOST

ROOT = Path(__file__).resolve().parents[3]
JOBS = 50
# What a commit and a read take at GitHub on a bad day, in seconds, and what the slowest of the jobs may take then.
COMMIT, READ, SECONDS = 0.7, 0.3, 120
# A machine that is five times slower is no failure; what does not end by then is ended.
PATIENCE = 5 * SECONDS
OLD, NEW = "0ddba11e" * 5, "f005ba11" * 5
GITOPS, TOKEN = "acme/shared-gitops", "ghp_fifty"


def app(number: int) -> str:
    """The name of an app."""
    return f"app-{number:02}"


def manifest(number: int, tag: str) -> str:
    """The file of an app."""
    name = app(number)
    container = f"{{name: {name}, image: {HOST}/{name}:{tag}}} # {number}"
    return f"kind: Pod\nmetadata: {{name: {name}}}\nspec:\n  containers:\n    - {container}\n"


def environment(github: client.GitHub, number: int, folder: Path) -> dict[str, str]:
    """What the job of one app is started with: a push of NEW to its default branch."""
    event = folder / f"{number}.json"
    event.write_text(json.dumps({"repository": {"full_name": f"acme/{app(number)}", "default_branch": "main"}}))
    inputs = {"aws-region": "us-east-1", "gitops-repository": GITOPS, "gitops-token": TOKEN, "github-token": TOKEN}
    return {
        "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": NEW,
        "GITHUB_REPOSITORY": f"acme/{app(number)}", "GITHUB_API_URL": github.url,
        "GITHUB_EVENT_PATH": str(event), "ECR_PUBLISH_INPUTS": json.dumps(inputs), "LOG": str(folder / f"{number}.log"),
    }  # fmt: skip


def run(jobs: list[dict[str, str]], folder: Path) -> set[str]:
    """The logs of the jobs that ended well; what still runs when the patience ends is stopped."""
    asked, told = folder / "jobs.json", folder / "ended.txt"
    asked.write_text(json.dumps(jobs))
    with told.open("wb") as output:
        command = [sys.executable, "-m", "tests.rooms.gitops.job", str(asked)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, start_new_session=True)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return set(told.read_text().split())


def test_fifty_jobs_at_once_all_land(github: client.GitHub, tmp_path: Path) -> None:
    """None lost, none doubled, each commit on top of another's; no branch is ever moved but by a commit."""
    files = {f"apps/{app(number)}/pod.yaml": manifest(number, OLD) for number in range(JOBS)}
    bare = github.repository(GITOPS, files)
    github.token(TOKEN, "platform-bot", {GITOPS: "write"})
    github.clear_calls()
    github.fault(kind="latency", read=READ, commit=COMMIT)
    jobs = [environment(github, number, tmp_path) for number in range(JOBS)]
    begun = time.monotonic()
    landed = run(jobs, tmp_path)
    print(f"{len(landed)} of {JOBS} jobs landed in {time.monotonic() - begun:.0f} s; wanted: {SECONDS} s")
    assert [Path(job["LOG"]).read_text() for job in jobs if job["LOG"] not in landed] == []
    subjects = Counter(row.subject for row in setup.log(bare))
    assert subjects.pop("Initial commit") == 1
    assert sorted(subjects.values()) == [1] * JOBS
    parents = git.Bare(bare).run("rev-list", "--parents", "main").decode().splitlines()
    assert [len(line.split()) for line in parents] == [2] * JOBS + [1]
    for number, path in enumerate(files):
        assert setup.read(bare, path).decode() == manifest(number, NEW[:7])
    writes = [row for row in github.calls() if row["method"] != "GET" and row["repository"] == GITOPS]
    assert {row["operation"] for row in writes} == {"repository", "createCommitOnBranch"}
