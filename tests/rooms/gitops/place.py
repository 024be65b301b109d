"""A GitOps repository in the lab, and the room that reads and writes it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ecr_action.github.api import Api
from ecr_action.gitops.commit import GitHubGitOps
from ecr_action.gitops.write import write
from ecr_action.gitops_protocols import Commit, Snapshot
from ecr_action.secret import Secret
from lab.github import client, setup
from tests.rooms.github.said import QuickClock, Said

NEEDLES = [b"hello-node"]
DEV, PROD = "overlays/dev/deploy.yaml", "overlays/prod/deploy.yaml"
FILES = {
    DEV: "image: registry/hello-node:old # dev\n",
    PROD: "image: registry/hello-node:old # prod\n",
    "other/deploy.yaml": "image: registry/other:1\n",
    "README.md": "hello-node\n",
    ".github/workflows/ci.yaml": "run: echo hello-node\n",
}
_NUMBERS = itertools.count(1)


@dataclass
class Place:
    """A repository *name* (``owner/name``) with its bare repository on disk, and a token that may write to it."""

    github: client.GitHub
    name: str
    bare: Path
    token: str
    said: Said = field(default_factory=Said)
    clock: QuickClock = field(default_factory=QuickClock)

    def room(self, token: str | None = None, branch: str | None = None, name: str | None = None) -> GitHubGitOps:
        """The room, as a job of its own makes it; *token* empty: none was given."""
        given = Secret(self.token if token is None else token, "gitops-token")
        api = Api(self.github.url, given, self.said, self.clock)
        return GitHubGitOps(api, name or self.name, branch, self.said)

    def write(
        self, room: GitHubGitOps, decide: Callable[[Snapshot], Mapping[str, bytes]], *, patterns: Sequence[str] = (DEV,)
    ) -> Commit | None:
        """The whole loop, with a clock that nobody waits for."""
        return write(
            room, decide, patterns=patterns, needles=NEEDLES, message=lambda: "Bump\n\nBody\n",
            console=self.said, clock=self.clock, chance=lambda: 0.5,
        )  # fmt: skip

    def commit(self, files: Mapping[str, str | bytes | tuple[str, str | bytes] | None]) -> str:
        """Somebody else's commit on main."""
        return setup.commit(self.bare, files, "Somebody else")

    def read(self, path: str) -> bytes:
        """The bytes of *path* at the head of main, from disk."""
        return setup.read(self.bare, path)

    def subjects(self) -> list[str]:
        """First lines of main's commits, newest first."""
        return [row.subject for row in setup.log(self.bare)]

    def calls(self) -> list[str]:
        """What was asked since the last look, in short, without the host behind the archive's redirect."""
        rows = self.github.calls()
        self.github.clear_calls()
        return [_short(row["path"], row["operation"]) for row in rows if "/_codeload/" not in row["path"]]


def _short(path: str, operation: str | None) -> str:
    return operation or next(
        (word for word in ("trees", "tarball", "blobs", "commits", "compare") if f"/{word}" in path), path
    )


def place_in(github: client.GitHub, files: Mapping[str, str] | None = None, *, empty: bool = False) -> Place:
    """A new repository with *files* (FILES where None), or *empty*."""
    name = f"acme/gitops{next(_NUMBERS)}"
    bare = github.repository(name, None if empty else FILES if files is None else files)
    github.token(f"ghp_{name}", "ada", {name: "write"})
    return Place(github, name, bare, f"ghp_{name}")


def bumped(tag: str = "new") -> Callable[[Snapshot], Mapping[str, bytes]]:
    """A decision that puts *tag* where ``:old`` stands."""

    def decide(snapshot: Snapshot) -> Mapping[str, bytes]:
        new = {file.path: file.content.replace(b":old", f":{tag}".encode()) for file in snapshot.files}
        return {file.path: new[file.path] for file in snapshot.files if new[file.path] != file.content}

    return decide
