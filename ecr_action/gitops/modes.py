"""How a change gets into the GitOps repository, for each environment. Pure."""

from __future__ import annotations

from dataclasses import dataclass

COMMIT, PULL_REQUEST, AUTO = "commit", "pull-request", "auto"
MODES = (COMMIT, PULL_REQUEST, AUTO)


@dataclass(frozen=True)
class Modes:
    """The mode of each environment that has one of its own, and the *default* of the others."""

    default: str = COMMIT
    own: tuple[tuple[str, str], ...] = ()

    def of(self, environment: str | None) -> str:
        """The mode of *environment*."""
        return dict(self.own).get(environment or "", self.default)
