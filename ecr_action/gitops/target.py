"""What is rolled out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Target:
    """One image to roll out.

    Parameters: *registry* is the host, None for names without one; *repository* the name in it (``team/app``); *tag*;
    *digest* (``sha256:`` and 64 hex) where it is known; *pin* says whether references get the digest too. One that
    has a digest keeps one, whatever *pin* says.
    """

    registry: str | None
    repository: str
    tag: str
    digest: str | None = None
    pin: Literal["tag", "digest"] | str = "tag"

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}" if self.registry else self.repository
