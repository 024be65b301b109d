"""What a release does beside publishing the image: its notes, and the tags `v1` and `v1.2` that users follow.

``release.py notes v1.2.3`` prints the release's section of CHANGELOG.md, ``release.py move v1.2.3`` moves the tags of
the remote ``origin``. Both end with exit status 1 and the reason where that is not possible.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ecr_action.image.version import Version, parse  # noqa: E402

REMOTE = "origin"


class ReleaseError(Exception):
    """A release that can't be made, with the reason."""


def moved(tag: str, tags: Iterable[str]) -> list[str]:
    """The moving tags that go to the release *tag*, given all *tags* of the repository (its own may be among them).

    `v1.2` goes to the highest release of 1.2, `v1` to the highest of 1: a fix of an older line moves that line alone,
    a pre-release moves nothing. Raises ReleaseError where *tag* is no release of ours.
    """
    ours = _release(tag)
    if ours is None:
        raise ReleaseError(f"{tag} is no version such as v1.2.3 or v1.2.3-rc.1")
    if ours.prerelease:
        return []
    others = [version for version in map(_release, tags) if version and not version.prerelease]
    line = [version for version in others if (version.major, version.minor) == (ours.major, ours.minor)]
    major = [version for version in others if version.major == ours.major]
    names = {f"v{ours.major}.{ours.minor}": line, f"v{ours.major}": major}
    return [name for name, rivals in names.items() if all(version <= ours for version in rivals)]


def _release(tag: str) -> Version | None:
    """*tag* as a version, None where it is not written as our releases are: with the `v`, without a build."""
    version = parse(tag)
    return version if version and not version.build and tag == version.tag else None


def notes(tag: str, changelog: str, declared: str) -> str:
    """The section of *changelog* about *tag*; *declared* is the program's own version, which *tag* has to name.

    The reusable workflow uses the action of that version, so a tag of another one would run another program.
    Raises ReleaseError where it is another one, or where there is no such section.
    """
    if _release(tag) is None:
        raise ReleaseError(f"{tag} is no version such as v1.2.3 or v1.2.3-rc.1")
    if tag != f"v{declared}":
        raise ReleaseError(f"{tag} is no release of {declared}, the version in pyproject.toml")
    found = re.search(rf"^## {re.escape(tag)}\b[^\n]*\n(.*?)(?=^## |\Z)", changelog, re.M | re.S)
    if not found or not found[1].strip():
        raise ReleaseError(f"CHANGELOG.md has no section '## {tag}'")
    return found[1].strip() + "\n"


def move(tag: str, repository: Path) -> list[str]:
    """Let the moving tags of the remote go to the release *tag*, all or none; the names of those that moved.

    A tag that another release has moved meanwhile stays. Raises ReleaseError where git refuses.
    """
    there = _remote_tags(repository)
    if tag not in there:
        raise ReleaseError(f"{REMOTE} has no tag {tag}")
    commit = there.get(f"{tag}^{{}}", there[tag])
    names = [name for name in moved(tag, there) if there.get(f"{name}^{{}}", there.get(name)) != commit]
    if names:
        leases = [f"--force-with-lease=refs/tags/{name}:{there.get(name, '')}" for name in names]
        _git(repository, "push", "--atomic", *leases, REMOTE, *(f"{commit}:refs/tags/{name}" for name in names))
    return names


def _remote_tags(repository: Path) -> dict[str, str]:
    rows = (line.split("\t") for line in _git(repository, "ls-remote", "--tags", REMOTE).splitlines())
    return {name.removeprefix("refs/tags/"): oid for oid, name in rows}


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def main(arguments: list[str]) -> int:
    """Run one of the two commands; the exit status."""
    try:
        match arguments:
            case ["notes", tag]:
                declared = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)
                assert declared is not None
                print(notes(tag, (ROOT / "CHANGELOG.md").read_text("utf-8"), declared[1]), end="")
            case ["move", tag]:
                print("\n".join(f"{name} is {tag} now" for name in move(tag, ROOT)) or "No tag moves.")
            case _:
                raise ReleaseError("usage: release.py notes|move TAG")
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
