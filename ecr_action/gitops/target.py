"""What is rolled out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ecr_action.image.reference import Reference


@dataclass(frozen=True, kw_only=True)
class Target:
    """One image to roll out.

    Parameters: *registry* is the host, None for names without one; *repository* the name in it (``team/app``); *tag*;
    *digest* (``sha256:`` and 64 hex) where it is known; *pin* says whether references get the digest too. One that
    has a digest keeps one, whatever *pin* says. *source* is the repository that the image was promoted from: references
    to it take the new name too.
    """

    registry: str | None
    repository: str
    tag: str
    digest: str | None = None
    pin: Literal["tag", "digest"] | str = "tag"
    source: Reference | None = None

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}" if self.registry else self.repository

    @property
    def paths(self) -> tuple[str, ...]:
        """The names, without registry, that references to the image may have."""
        return tuple(dict.fromkeys([self.repository, *([self.source.path] if self.source else [])]))

    @property
    def words(self) -> tuple[str, ...]:
        """What a file must hold to name the image at all: the last part of each name."""
        return tuple(dict.fromkeys(path.rpartition("/")[2] for path in self.paths))
