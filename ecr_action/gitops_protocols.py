"""The GitOps repository as the run sees it, in our own types: what is read of it, what is written to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of the GitOps branch: *content* are the exact bytes, *mode* git's (``100644``), *oid* its blob id."""

    path: str
    content: bytes
    mode: str = "100644"
    oid: str = ""


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder of the app's own commit: its *path*, its *files* by their paths in it, with git's bytes.

    *left_out* are links, submodules and what else is never copied; *too_much* says in words why no file was read.
    """

    path: str
    files: tuple[File, ...] = ()
    left_out: tuple[str, ...] = ()
    too_much: str = ""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The files looked at, all of one commit. *paths* lists every file of the tree where it was read; *head* is empty
    where there is no commit yet. *since*: how many the branch got since the same reader read it, None where unknown."""

    repository: str
    branch: str
    head: str
    files: tuple[File, ...]
    paths: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    since: int | None = None


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit that was made: *oid* (40 hex) and its *url*."""

    oid: str
    url: str


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """A pull request: its *state* is ``open``, ``merged`` or ``closed`` (without a merge), *head* its last commit."""

    number: int
    url: str
    state: str
    head: str
    title: str = ""
    body: str = ""


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """Our *branch*: its *head* (empty: it is not there), its *pulls*, newest first; *foreign*: others committed to it.
    *files* differ from the base.

    *conflicts*: the open pull request can't be merged as it is; *repository_id* is GitHub's node id.
    """

    branch: str
    repository_id: str = ""
    head: str = ""
    pulls: tuple[PullRequest, ...] = ()
    foreign: bool = False
    files: frozenset[str] = frozenset()
    conflicts: bool = False

    @property
    def open(self) -> PullRequest | None:
        """The pull request that waits for a merge."""
        return next((pull for pull in self.pulls if pull.state == "open"), None)

    @property
    def live(self) -> bool:
        """Whether the branch holds a proposal: no pull request of it has come to an end with that commit."""
        return bool(self.head) and all(pull.state == "open" or pull.head != self.head for pull in self.pulls)


class Stale(Exception):
    """The branch moved since the snapshot was read: read again, decide again."""


class GitOps(Protocol):
    """The GitOps repository."""

    def read(self, patterns: Sequence[str], needles: Sequence[bytes]) -> Snapshot:
        """The files that match *patterns* (all YAML and JSON files where empty) and contain one of *needles*."""

    def commit(self, snapshot: Snapshot, changes: Mapping[str, bytes], message: str) -> Commit | None:
        """One commit on top of the snapshot's head. Raises :class:`Stale` where the branch moved."""


class Proposals(Protocol):
    """Pull requests from a branch of ours."""

    def look(self, base: Snapshot, branch: str) -> Proposed: ...
    def read(self, proposed: Proposed, patterns: Sequence[str], needles: Sequence[bytes]) -> Snapshot:
        """The files as they are on the branch."""

    def commit(self, base: Snapshot, proposed: Proposed, changes: Mapping[str, bytes], message: str) -> Commit | None:
        """Let the branch be one commit of *changes* on *base*'s head. Raises :class:`Stale` where the branch moved."""

    def add(self, on: Snapshot, changes: Mapping[str, bytes], message: str) -> Commit | None:
        """One commit on top of the branch that *on* was read from. Raises :class:`Stale` where it moved."""

    def ask(self, base: Snapshot, proposed: Proposed, title: str, body: str) -> PullRequest | None:
        """Open the pull request, or update the one that is open."""

    def close(self, base: Snapshot, pull: PullRequest, why: str) -> None:
        """Close one without a merge; *why* is put below its text."""

    def merge_when_ready(self, base: Snapshot, pull: PullRequest) -> None:
        """Let GitHub merge it once all is there that its base requires, where that is wanted."""
