"""Fifty jobs at once on one branch, as processes of their own, from their environment to their exit status."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from lab.github import client, git, setup

from .job import HOST
from .place import Place

ROOT = Path(__file__).resolve().parents[3]
JOBS = 50
# What a commit and a read take at GitHub on a bad day, in seconds, and what the slowest of the jobs may take then.
COMMIT, READ, SECONDS = 0.7, 0.3, 120
# A read and a commit on a machine that has nothing else to do but this.
ALONE = 1.2
# What does not end by itself is ended: the test's own patience.
PATIENCE = 600
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


def alone(place: Place, tag: str) -> float:
    """Seconds that a read and a commit take on this machine, as it is now."""
    begun = time.monotonic()
    place.write(place.room(), lambda snapshot: {file.path: tag.encode() for file in snapshot.files})
    return time.monotonic() - begun


def run(jobs: list[dict[str, str]], folder: Path, place: Place) -> tuple[set[str], float]:
    """The logs of the jobs that ended well; what still runs when the patience ends is stopped. And how slow the machine
    was meanwhile: the mean of what a read and a commit took in another repository."""
    asked, told = folder / "jobs.json", folder / "ended.txt"
    asked.write_text(json.dumps(jobs))
    slow = [alone(place, "before")]
    with told.open("wb") as output:
        command = [sys.executable, "-m", "tests.rooms.gitops.job", str(asked)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, start_new_session=True)
        end = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < end:
            slow.append(alone(place, f"meanwhile {len(slow)}"))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(3)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return set(told.read_text().split()), statistics.mean(slow)


def test_fifty_jobs_at_once_all_land_within_two_minutes(github: client.GitHub, place: Place, tmp_path: Path) -> None:
    """None lost, none doubled, each commit on top of another's; no branch is ever moved but by a commit.

    A machine that needs longer for one commit has longer for fifty.
    """
    files = {f"apps/{app(number)}/pod.yaml": manifest(number, OLD) for number in range(JOBS)}
    bare = github.repository(GITOPS, files)
    github.token(TOKEN, "platform-bot", {GITOPS: "write"})
    github.clear_calls()
    github.fault(kind="latency", read=READ, commit=COMMIT)
    jobs = [environment(github, number, tmp_path) for number in range(JOBS)]
    begun = time.monotonic()
    landed, slow = run(jobs, tmp_path, place)
    took = time.monotonic() - begun
    assert [Path(job["LOG"]).read_text() for job in jobs if job["LOG"] not in landed] == []
    subjects = Counter(row.subject for row in setup.log(bare))
    assert subjects.pop("Initial commit") == 1
    assert sorted(subjects.values()) == [1] * JOBS
    parents = git.Bare(bare).run("rev-list", "--parents", "main").decode().splitlines()
    assert [len(line.split()) for line in parents] == [2] * JOBS + [1]
    for number, path in enumerate(files):
        assert setup.read(bare, path).decode() == manifest(number, NEW[:7])
    assert took < SECONDS * max(1.0, slow / ALONE)
    writes = [row for row in github.calls() if row["method"] != "GET" and row["repository"] == GITOPS]
    assert {row["operation"] for row in writes} == {"repository", "createCommitOnBranch"}
