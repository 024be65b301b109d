"""A team at work: what it does on one day, as runs of its workflow. Nothing here knows how the action works."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from lab.github import git
from lab.runner.shim import StepResult
from lab.stage import Stage

ENVIRONMENTS = ("dev", "staging", "prod")
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
DOCKERFILE = "FROM busybox:stable\nCOPY base.txt index.html /\n"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the workflow: it can be started again as it is.

    *kind* is the team's word for it; *names* tells whether somebody named the image that goes out.
    """

    kind: str
    event: str
    ref: str
    sha: str
    payload: Mapping[str, Any]
    number: str
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> bool:
        """Whether a person named the image: then it may go back."""
        return self.kind in ("deploy", "rollback")


@dataclass
class Checkout(Stage):
    """The same app in a work tree of one job."""

    tree: Path = Path()

    @property
    def app(self) -> Path:
        """That work tree."""
        return self.tree


class Team:
    """The app's people: their git history, their releases, the runs they started."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        """*stage* is the app; *folder* takes the work trees of jobs that overlap."""
        self.stage = stage
        self._folder = folder
        self.runs: list[Run] = []
        self.releases: dict[str, str] = {}
        self.candidates = 0
        self._work = 0
        self._base(0)
        stage.commit(
            "Start", {"Dockerfile": DOCKERFILE, ".gitignore": "base.txt\n", ".dockerignore": "", "index.html": "0\n"}
        )
        self.main = [stage.head]

    def git(self, *arguments: str) -> str:
        """What git says in the app's work tree."""
        command = ["git", "-C", str(self.stage.app), *arguments]
        done = subprocess.run(command, env=git.environment(), check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether *old* is *new* or lies before it."""
        command = ["git", "-C", str(self.stage.app), "merge-base", "--is-ancestor", old, new]
        return subprocess.run(command, env=git.environment(), check=False).returncode == 0

    def _base(self, generation: int) -> None:
        """What the image is built on, which no commit tells."""
        self.generation = generation
        (self.stage.app / "base.txt").write_text(f"base {generation}\n")

    def commit(self, branch: str = "main", at: str = "") -> str:
        """A new commit on *branch*, which begins at the commit *at* when given."""
        self._work += 1
        self.git("checkout", "--quiet", *(["-B", branch, at] if at else [branch]))
        made = self.stage.commit(f"Work {self._work}", {"index.html": f"{self._work}\n"}, branch=branch)
        if branch == "main":
            self.main.append(made)
        return made

    def run(self, kind: str, sha: str, *, event: str = "push", ref: str = "refs/heads/main", **changes: Any) -> Run:
        """A new run of the commit *sha*."""
        owner, _, name = self.stage.name.partition("/")
        about = {
            "full_name": self.stage.name,
            "name": name,
            "default_branch": "main",
            "private": True,
            "owner": {"login": owner},
        }
        payload = {"ref": ref, "after": sha, "deleted": False, "repository": about, **changes.pop("payload", {})}
        number = str(1000 + len(self.runs))
        made = Run(kind=kind, event=event, ref=ref, sha=sha, payload=payload, number=number, inputs=changes)
        self.runs.append(made)
        return made

    def start(self, run: Run, stage: Stage | None = None) -> StepResult:
        """Start *run*, in the checkout *stage* when given."""
        at = stage or self.stage
        at.checkout(run.sha)
        return at.publish(
            run.payload,
            event=run.event,
            ref=run.ref,
            variables={"GITHUB_RUN_ID": run.number, "GITHUB_RUN_NUMBER": run.number},
            **run.inputs,
        )

    def start_together(self, runs: list[Run], hold: tuple[str, int]) -> list[StepResult]:
        """Start two *runs* of which the first is slow: at the call that *hold* names it waits for the other's end.

        *hold*: an operation, and how many of its calls pass before. Each run has a work tree of its own.
        """
        slow, quick = runs
        results: dict[str, StepResult] = {}
        places = [self._checkout(run) for run in runs]
        self.control("faults", {"operation": hold[0], "skip": hold[1], "hold": True})
        job = threading.Thread(target=self._into, args=(results, slow, places[0]))
        job.start()
        while not (held := self._held()) and job.is_alive():
            time.sleep(0.01)
        if not held:
            self.forget_faults()
        self._into(results, quick, places[1])
        self.forget_faults()
        job.join()
        return [results[run.number] for run in runs]

    def _held(self) -> bool:
        with _OPENER.open(f"{self.stage.endpoint}/_lab/held", timeout=30) as answer:
            return bool(json.load(answer)["held"])

    def _into(self, results: dict[str, StepResult], run: Run, place: Checkout) -> None:
        results[run.number] = self.start(run, place)

    def _checkout(self, run: Run) -> Checkout:
        tree = self._folder / run.number / self.stage.app.name
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(self.stage.app, tree)
        given = {one.name: getattr(self.stage, one.name) for one in fields(Stage)}
        return Checkout(**given, tree=tree)

    def control(self, path: str, body: Mapping[str, Any]) -> Any:
        """Tell the lab's AWS something: a fault, the time."""
        request = urllib.request.Request(f"{self.stage.endpoint}/_lab/{path}", json.dumps(body).encode(), method="POST")
        with _OPENER.open(request, timeout=30) as answer:
            return json.load(answer)

    def forget_faults(self) -> None:
        """Let everything work again."""
        _OPENER.open(urllib.request.Request(f"{self.stage.endpoint}/_lab/faults", method="DELETE"), timeout=30).close()

    def wait(self, hours: int) -> None:
        """Let time go by."""
        self.control("clock", {"advance": hours * 3600})

    # What a team does. Each returns the runs that came of it, in the order in which they began.

    def quiet(self, _: int) -> list[Run]:
        """Nothing happens."""
        return []

    def push(self, _: int) -> list[Run]:
        """Somebody merges to the default branch."""
        return [self.run("push", self.commit())]

    def two_pushes(self, _: int) -> list[Run]:
        """Two merges follow one another so quickly that their runs overlap."""
        return [self.run("push", self.commit()), self.run("push", self.commit())]

    def feature(self, pick: int) -> list[Run]:
        """A branch is pushed; it is built and goes nowhere."""
        name = f"feature-{pick % 3}"
        made = self.commit(name, self.main[-1])
        return [self.run("feature", made, ref=f"refs/heads/{name}")]

    def candidate(self, pick: int) -> list[Run]:
        """A release candidate of one of the last commits."""
        self.candidates += 1
        tag = f"v{self._next(pick)}-rc.{self.candidates}"
        return [self.run("candidate", self._recent(pick), ref=f"refs/tags/{tag}")]

    def release(self, pick: int) -> list[Run]:
        """A release of one of the last commits, above every other."""
        version, commit = self._next(pick), self._recent(pick // 7)
        self.releases[version] = commit
        return [self.run("release", commit, ref=f"refs/tags/v{version}")]

    def two_releases(self, pick: int) -> list[Run]:
        """A release, and a higher one before the first has run."""
        return [*self.release(pick), *self.release(pick // 5)]

    def hotfix(self, pick: int) -> list[Run]:
        """A fix on the line of an older release."""
        if not self.releases:
            return []
        version = sorted(self.releases, key=_order)[pick % len(self.releases)]
        major, minor, _ = _order(version)
        patch = max(one[2] for one in map(_order, self.releases) if one[:2] == (major, minor)) + 1
        made = self.commit(f"fix-{major}.{minor}", self.releases[version])
        self.releases[f"{major}.{minor}.{patch}"] = made
        return [self.run("hotfix", made, ref=f"refs/tags/v{major}.{minor}.{patch}")]

    def moved_version(self, pick: int) -> list[Run]:
        """Somebody moves a git tag to another commit; the run must fail."""
        if not self.releases:
            return []
        version = sorted(self.releases, key=_order)[pick % len(self.releases)]
        other = self.main[-1 - pick % min(3, len(self.main))]
        if other == self.releases[version]:
            return []
        return [self.run("moved", other, ref=f"refs/tags/v{version}")]

    def again(self, pick: int) -> list[Run]:
        """Somebody presses "re-run" on an earlier run."""
        return [self.runs[pick % len(self.runs)]] if self.runs else []

    def rebuild(self, _: int) -> list[Run]:
        """The schedule takes the fixes of a new base image."""
        self._base(self.generation + 1)
        return [self.run("rebuild", self.main[-1], event="schedule", payload={"schedule": "0 3 * * 1"})]

    def fork(self, _: int) -> list[Run]:
        """A stranger's pull request."""
        made = self.commit("stranger", self.main[-1])
        pull = {"number": 7, "head": {"sha": made, "repo": {"full_name": "stranger/fork"}}}
        payload = {"number": 7, "pull_request": pull}
        return [self.run("fork", made, event="pull_request", ref="refs/pull/7/merge", payload=payload)]

    def deletion(self, _: int) -> list[Run]:
        """A branch is deleted."""
        gone = {"deleted": True, "after": "0" * 40}
        return [self.run("deletion", self.main[-1], ref="refs/heads/feature-0", payload=gone)]

    def deploy(self, pick: int) -> list[Run]:
        """The daily production release: one of the versions, named by a person."""
        if not self.releases:
            return []
        version = sorted(self.releases, key=_order)[-1 - pick % min(4, len(self.releases))]
        return [self._dispatch("deploy", f"v{version}", ENVIRONMENTS[1 + pick % 2])]

    def rollback(self, _: int) -> list[Run]:
        """Back to what ran before."""
        if len(self.releases) < 2:
            return []
        return [self._dispatch("rollback", "previous", "prod")]

    def _dispatch(self, kind: str, image: str, environment: str) -> Run:
        inputs = {"mode": "deploy", "image": image, "environment": environment}
        return self.run(kind, self.main[-1], event="workflow_dispatch", **inputs)

    def _recent(self, pick: int) -> str:
        return self.main[-1 - pick % min(5, len(self.main))]

    def _next(self, pick: int) -> str:
        """A version above every other."""
        major, minor, patch = max(map(_order, self.releases), default=(1, 0, -1))
        return f"{major}.{minor + 1}.0" if pick % 2 else f"{major}.{minor}.{patch + 1}"


def _order(version: str) -> tuple[int, int, int]:
    major, minor, patch = map(int, version.split("."))
    return major, minor, patch


EVENTS: dict[str, Callable[[Team, int], list[Run]]] = {
    "quiet": Team.quiet,
    "push": Team.push,
    "two pushes": Team.two_pushes,
    "feature": Team.feature,
    "candidate": Team.candidate,
    "release": Team.release,
    "two releases": Team.two_releases,
    "hotfix": Team.hotfix,
    "moved version": Team.moved_version,
    "again": Team.again,
    "rebuild": Team.rebuild,
    "fork": Team.fork,
    "deletion": Team.deletion,
    "deploy": Team.deploy,
    "rollback": Team.rollback,
}
