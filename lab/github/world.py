"""The server's parts in one place, and how a reference is read and moved."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from lab.github import git
from lab.github.clock import Clock
from lab.github.faults import Faults
from lab.github.limits import Meter
from lab.github.state import Repository, State

TARBALL_LINK_SECONDS = 300


@dataclass
class World:
    """State on disk, faults, rate meter, recorded calls and the links that tarball redirects gave out."""

    state: State
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    calls: list[dict[str, Any]] = field(default_factory=list)
    # What was ever called: `GET /repos/{owner}/{repo}/pulls`, or the first field of a GraphQL document.
    operations: set[str] = field(default_factory=set)
    tickets: dict[str, tuple[str, str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.meter = Meter(self.clock)

    def head(self, repository: Repository, branch: str) -> str | None:
        """Return the commit that a read of *branch* shows, which is an earlier one while reads are stale."""
        reference = f"refs/heads/{branch}"
        return self.faults.seen(repository.id, reference, repository.bare.reference(reference))

    def commit(self, repository: Repository, name: str) -> str | None:
        """Return the commit that *name* means: an id (full or short), a full reference, a branch or a tag."""
        if name.startswith("refs/heads/"):
            return self.head(repository, name.removeprefix("refs/heads/"))
        bare, name = repository.bare, name.removeprefix("heads/")
        if git.OID.fullmatch(name):
            return bare.commit_of(name)
        found = self.head(repository, name) if bare.reference(f"refs/heads/{name}") else None
        tag = name if name.startswith("refs/") else f"refs/tags/{name.removeprefix('tags/')}"
        found = found or bare.commit_of(tag)
        return found or (bare.commit_of(name) if git.SHORT_OID.fullmatch(name) else None)

    def move(self, repository: Repository, reference: str, new: str, expected: str) -> None:
        """Move a reference if it is at *expected* (git.ZERO: missing). Raises HeadMoved."""
        repository.bare.move(reference, new, expected)
        self.faults.moved(repository.id, reference, None if expected == git.ZERO else expected)

    def ticket(self, repository: Repository, commit: str) -> str:
        """Return a fresh secret for a tarball link, good for 5 minutes."""
        name = secrets.token_urlsafe(16)
        self.tickets[name] = (repository.full_name, commit, self.clock.now() + TARBALL_LINK_SECONDS)
        return name
