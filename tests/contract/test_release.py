"""Which tags a release moves, on values and on git's own repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.github import git
from tools import release
from tools.release import ReleaseError

ALL = ["v1", "v1.1", "v1.1.0", "v1.1.4", "v1.2", "v1.2.0", "v1.2.1-rc.1", "v1.10.0", "v2.0.0-rc.1", "nightly", "9.9.9"]
CHANGELOG = "# Changelog\n\n## v1.2.0 - 2026-11-24\n\n- A thing.\n\n## v1.1.0 - 2026-10-01\n\n## v1.0.0\n- First.\n"


@pytest.mark.parametrize(
    ("tag", "others", "names"),
    [
        ("v1.0.0", [], ["v1.0", "v1"]),
        ("v1.10.1", ALL, ["v1.10", "v1"]),
        ("v1.10.0", ALL, ["v1.10", "v1"]),
        ("v1.2.1", ALL, ["v1.2"]),
        ("v1.1.5", ALL, ["v1.1"]),
        ("v1.1.3", ALL, []),
        ("v1.9.0", ALL, ["v1.9"]),
        ("v2.0.0", ALL, ["v2.0", "v2"]),
        ("v0.9.0", ALL, ["v0.9", "v0"]),
        ("v1.11.0-rc.1", ALL, []),
        ("v1.10.1", [*ALL, "v1.10.2-rc.1", "v1.11.0-rc.1"], ["v1.10", "v1"]),
    ],
)
def test_a_release_moves_its_own_line_and_never_back(tag: str, others: list[str], names: list[str]) -> None:
    """The newest of a line moves the line's tag; the newest of all lines the major's; a pre-release none."""
    assert release.moved(tag, others) == names
    assert release.moved(tag, [*reversed(others), tag]) == names


@pytest.mark.parametrize("tag", ["v1", "v1.2", "1.2.3", "v1.2.3+build", "v01.2.3", "latest", "v1.2.3-", ""])
def test_what_is_no_release_is_refused(tag: str) -> None:
    """Only the form that our releases have."""
    with pytest.raises(ReleaseError, match="is no version"):
        release.moved(tag, ALL)


def test_notes_are_the_section_of_the_version() -> None:
    """From its heading to the next, for the very version that the program has."""
    assert release.notes("v1.2.0", CHANGELOG, "1.2.0") == "- A thing.\n"
    assert release.notes("v1.0.0", CHANGELOG, "1.0.0") == "- First.\n"
    for tag, version in (("v1.2.0", "1.1.0"), ("v1.2.0-rc.1", "1.2.0"), ("v1.2.0", "1.2.0-rc.1")):
        with pytest.raises(ReleaseError, match="no release of"):
            release.notes(tag, CHANGELOG, version)
    for tag, version in (("v1.1.0", "1.1.0"), ("v1.2.0-rc.1", "1.2.0-rc.1"), ("v1.2.1", "1.2.1")):
        with pytest.raises(ReleaseError, match="has no section"):
            release.notes(tag, CHANGELOG, version)


class Repository:
    """A work tree with a remote, both git's own."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tree"
        self.git("init", "--quiet", "--bare", str(folder / "remote"), at=folder)
        self.git("init", "--quiet", "--initial-branch=main", str(self.path), at=folder)
        self.git("remote", "add", "origin", str(folder / "remote"))

    def git(self, *arguments: str, at: Path | None = None) -> str:
        person = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        command = ["git", *person, "-C", str(at or self.path), *arguments]
        done = subprocess.run(command, env=git.environment(), check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def release(self, tag: str, *options: str) -> str:
        """Commit, and put *tag* on it on the remote; the commit."""
        self.git("commit", "--quiet", "--allow-empty", "-m", tag)
        self.git("tag", *options, tag)
        self.git("push", "--quiet", "origin", f"refs/tags/{tag}")
        return self.git("rev-parse", "HEAD")

    def remote(self) -> dict[str, str]:
        """The moving tags of the remote and the commits they are on."""
        rows = (line.split("\t") for line in self.git("ls-remote", "--tags", "origin", "v?", "v?.?").splitlines())
        return {name.removeprefix("refs/tags/"): oid for oid, name in rows}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """One without a release."""
    return Repository(tmp_path)


def test_tags_move_on_the_remote(repository: Repository) -> None:
    """To the commit of the release, whichever kind of tag it is; a second run moves nothing."""
    first = repository.release("v1.1.0")
    assert release.move("v1.1.0", repository.path) == ["v1.1", "v1"]
    assert repository.remote() == {"v1": first, "v1.1": first}
    second = repository.release("v1.2.0", "--annotate", "-m", "second")
    assert release.move("v1.2.0", repository.path) == ["v1.2", "v1"]
    assert repository.remote() == {"v1": second, "v1.1": first, "v1.2": second}
    assert release.move("v1.2.0", repository.path) == []
    fix = repository.release("v1.1.1")
    assert release.move("v1.1.1", repository.path) == ["v1.1"]
    repository.release("v1.3.0-rc.1")
    assert release.move("v1.3.0-rc.1", repository.path) == []
    assert repository.remote() == {"v1": second, "v1.1": fix, "v1.2": second}


def test_an_older_run_that_is_run_again_moves_nothing_back(repository: Repository) -> None:
    """Its release is no longer the newest of its line."""
    repository.release("v1.1.0")
    newer = repository.release("v1.1.1")
    release.move("v1.1.1", repository.path)
    assert release.move("v1.1.0", repository.path) == []
    assert repository.remote() == {"v1": newer, "v1.1": newer}


def test_all_tags_move_or_none(repository: Repository) -> None:
    """A remote that refuses one of them keeps the other as well, and the reason is told."""
    old = repository.release("v1.1.0")
    release.move("v1.1.0", repository.path)
    repository.release("v1.1.1")
    hook = repository.path.parent / "remote" / "hooks" / "update"
    hook.write_text('#!/bin/sh\ntest "$1" != refs/tags/v1 || { echo "v1 is protected" >&2; exit 1; }\n')
    hook.chmod(0o755)
    with pytest.raises(ReleaseError, match="v1 is protected"):
        release.move("v1.1.1", repository.path)
    assert repository.remote() == {"v1": old, "v1.1": old}


def test_a_release_that_the_remote_lacks_is_refused(repository: Repository) -> None:
    """A tag that stands in the work tree alone is no release."""
    repository.release("v1.1.0")
    with pytest.raises(ReleaseError, match=r"has no tag v1\.1\.1"):
        release.move("v1.1.1", repository.path)
