"""Reads the git work tree that is built: its HEAD, whether it is clean, its tags."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ecr_action.github.context import Checkout
from ecr_action.gitops_protocols import File, Folder

# In a container the workspace belongs to another user, which git refuses unless told otherwise. What is checked out may
# be a stranger's: no setting of a repository within it may start a program.
_SETTINGS = (
    *("-c", "safe.directory=*", "-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null", "-c", "log.showSignature=false"),
)
# What a folder may have to be copied as a whole: more is no set of manifests.
MOST_FILES, MOST_BYTES = 100, 5_000_000


@dataclass(frozen=True)
class _Entry:
    """A file of a tree, as ``git ls-tree -l`` tells it."""

    mode: str
    oid: str
    size: int
    path: str


def _entry(line: bytes) -> _Entry:
    about, _, path = line.partition(b"\t")
    mode, _, oid, size = about.decode().split()
    return _Entry(mode, oid, 0 if size == "-" else int(size), path.decode("utf-8", "replace"))


def _is_copied(entry: _Entry) -> bool:
    """No link, no submodule, nothing that GitHub itself acts on, no name that is not UTF-8."""
    first = entry.path.lower().partition("/")[0]
    return entry.mode.startswith("100") and first not in (".github", ".gitmodules") and "\ufffd" not in entry.path


class WorkTree:
    """The git work tree around *folder*. *environment* is what git is started with."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**environment, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}

    def _git(self, *arguments: str) -> str | None:
        found = self._bytes(*arguments)
        return None if found is None else found.decode("utf-8", "replace").strip()

    def _bytes(self, *arguments: str, given: bytes = b"") -> bytes | None:
        command = ["git", *_SETTINGS, "-C", str(self._folder), *arguments]
        try:
            done = subprocess.run(command, env=self._environment, input=given, capture_output=True, check=False)
        except (OSError, ValueError):
            return None
        return done.stdout if done.returncode == 0 else None

    def read(self) -> Checkout | None:
        """The checkout, or None where the folder is in no git work tree (or git is not installed)."""
        shown = self._git("show", "--no-patch", "--format=%H %ct%n%B", "HEAD", "--")
        if not shown:
            return None
        first, _, message = shown.partition("\n")
        head, _, seconds = first.partition(" ")
        date = datetime.fromtimestamp(int(seconds), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        status = self._git("status", "--porcelain", "--no-renames", "--", ".")
        return Checkout(head=head, dirty=bool(status), date=date, message=message)

    def has_folder(self, path: str) -> bool:
        """Whether HEAD has a folder *path* (relative to this one): no link, no submodule."""
        return self._git("cat-file", "-t", f"HEAD:./{path}") == "tree"

    def folder(self, path: str) -> Folder | None:
        """What HEAD has below *path*; None where that is no folder. Sizes are looked at before any content is read."""
        listed = self._bytes("ls-tree", "-r", "-l", "-z", "--full-tree", f"HEAD:./{path}")
        if listed is None:
            return None
        entries = [_entry(line) for line in listed.split(b"\0") if line]
        kept = [entry for entry in entries if _is_copied(entry)]
        left_out = tuple(entry.path for entry in entries if not _is_copied(entry))
        size = sum(entry.size for entry in kept)
        if len(kept) > MOST_FILES or size > MOST_BYTES:
            has = f"{len(kept)} files" if len(kept) > MOST_FILES else f"{size:,} bytes"
            too_much = f"it has {has}, and {MOST_FILES} files of {MOST_BYTES:,} bytes in all are copied at most"
            return Folder(path=path, left_out=left_out, too_much=too_much)
        contents = self._blobs([entry.oid for entry in kept])
        files = [File(path=entry.path, content=contents[entry.oid], mode=entry.mode) for entry in kept]
        return Folder(path=path, files=tuple(files), left_out=left_out)

    def _blobs(self, oids: Sequence[str]) -> dict[str, bytes]:
        """The blobs by their ids, as ``git cat-file --batch`` writes them: a line with the size, then the bytes."""
        text = self._bytes("cat-file", "--batch", given="".join(f"{oid}\n" for oid in oids).encode()) or b""
        found, at = {}, 0
        for oid in oids:
            head, _, _ = text[at:].partition(b"\n")
            start, size = at + len(head) + 1, int(head.rpartition(b" ")[2])
            found[oid] = text[start : start + size]
            at = start + size + 1
        return found

    def content(self, dockerfile: Path, beside: Sequence[Path] = ()) -> str | None:
        """What git has in the folder, as *dockerfile* and in the folders *beside* (their ids).

        None where one of them is not in HEAD, or a folder beside has changes that are in no commit.
        """
        there = WorkTree(dockerfile.parent, self._environment)
        ids = [self._id(""), there._id(dockerfile.name)]
        if ignored := there._id(f"{dockerfile.name}.dockerignore"):
            ids.append(ignored)
        for path in beside:
            other = WorkTree(path, self._environment)
            ids.append(None if other._git("status", "--porcelain", "--", ".") else other._id(""))
        return f"content {' '.join(str(oid) for oid in ids)}" if all(ids) else None

    def _id(self, path: str) -> str | None:
        return self._git("rev-parse", "--verify", "--quiet", f"HEAD:./{path}")

    def paths(self) -> frozenset[str] | None:
        """The files that HEAD has below the folder, relative to it; None where there is no commit."""
        listed = self._bytes("ls-tree", "-r", "-z", "--name-only", "HEAD")
        if listed is None:
            return None
        return frozenset(path.decode("utf-8", "replace") for path in listed.split(b"\0") if path)

    def commit_of_tag(self, name: str) -> str | None:
        """The commit (40 hex) that the git tag *name* stands on, or None where the checkout has no such tag."""
        return self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"refs/tags/{name}^{{commit}}")
