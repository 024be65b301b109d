"""The scripts of the delivering workflows, run as they stand, on git's own repositories with a `gh` that notes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.github import git

from .source import ROOT
from .test_workflows import jobs

GH = '#!/bin/sh\necho "$*" >> "$NOTED"\ncase "$*" in *view*) printf %s "$ANSWER"; exit "$STATUS" ;; esac\n'


class Runner:
    """A machine with *folder* as the checkout; `gh ... view` answers *answer*, or fails where that is empty."""

    def __init__(self, folder: Path, answer: str = "") -> None:
        self.folder, self.answer = folder, answer
        self.noted = folder.parent / "noted"
        tools = folder.parent / "bin"
        tools.mkdir(exist_ok=True)
        (tools / "gh").write_text(GH)
        (tools / "gh").chmod(0o755)

    def run(self, script: str, ref: str = "main") -> list[str]:
        """Run *script* as GitHub does; what `gh` was called with."""
        self.noted.write_text("")
        path = os.pathsep.join([str(self.noted.parent / "bin"), os.environ["PATH"]])
        about = {"GITHUB_REF_NAME": ref, "RUNNER_TEMP": str(self.noted.parent)}
        told = {"NOTED": str(self.noted), "ANSWER": self.answer, "STATUS": "0" if self.answer else "1"}
        environment = {**git.environment(), "PATH": path, **about, **told}
        subprocess.run(["bash", "-e", "-c", script], cwd=self.folder, env=environment, check=True, capture_output=True)
        return self.noted.read_text().splitlines()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a release's scripts read, of version 1.2.0 and of a candidate of it."""
    folder = tmp_path / "checkout"
    for path in ("tools/release.py", "ecr_action/__init__.py", "ecr_action/image/__init__.py",
                 "ecr_action/image/version.py"):  # fmt: skip
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## v1.2.0 - today\n\n- All.\n\n## v1.2.0-rc.1\n\n- Some.\n")
    return folder


@pytest.mark.parametrize(("tag", "more"), [("v1.2.0", ""), ("v1.2.0-rc.1", " --prerelease")])
def test_the_release_gets_its_notes_once(checkout: Path, tag: str, more: str) -> None:
    """A candidate is marked as one; a second run leaves the release that is there alone."""
    (checkout / "pyproject.toml").write_text(f'version = "{tag.removeprefix("v")}"\n')
    script = jobs("release.yml")["tags"]["steps"][1]["run"]
    notes = checkout.parent / "notes.md"
    assert Runner(checkout).run(script, tag) == [
        f"release view {tag}",
        f"release create {tag} --verify-tag --title {tag} --notes-file {notes}{more}",
    ]
    assert notes.read_text() == ("- Some.\n" if more else "- All.\n")
    assert Runner(checkout, "there").run(script, tag) == [f"release view {tag}"]


def repository(folder: Path, *arguments: str) -> str:
    """What git says."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(folder), *arguments]
    done = subprocess.run(command, env=git.environment(), check=True, capture_output=True, text=True)
    return done.stdout.strip()


def clone(remote: Path, folder: Path, lock: str) -> Path:
    """A new checkout into which the artifact with *lock* has been put."""
    repository(remote.parent, "clone", "--quiet", str(remote), str(folder))
    (folder / "requirements.lock").write_text(lock)
    return folder


def test_newer_packages_are_one_pull_request(tmp_path: Path) -> None:
    """The locks alone, on top of the default branch; next week's take the place of those that nobody merged."""
    remote = tmp_path / "remote"
    repository(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    first = clone(remote, tmp_path / "first", "old\n")
    repository(first, "switch", "--quiet", "--create", "main")
    repository(first, "add", ".")
    repository(first, "commit", "--quiet", "-m", "Old")
    repository(first, "push", "--quiet", "origin", "main")
    script = jobs("dependencies.yml")["propose"]["steps"][-1]["run"]
    for week, answer in (("one", ""), ("two", "OPEN"), ("three", "MERGED")):
        folder = clone(remote, tmp_path / week, f"{week}\n")
        (folder / "other").write_text("not ours to commit\n")
        asked = Runner(folder, answer).run(script)
        wanted = [["pr", "view"], ["pr", "create"]]
        assert [call.split()[:2] for call in asked] == wanted[: 1 if answer == "OPEN" else 2]
        assert repository(remote, "show", "dependencies/lock:requirements.lock") == week
        assert repository(remote, "diff", "--name-only", "main", "dependencies/lock") == "requirements.lock"
        assert repository(remote, "rev-list", "--count", "main..dependencies/lock") == "1"
