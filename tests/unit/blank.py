"""A registry and a GitHub that have nothing and know nothing: tests say what is otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NoReturn

from ecr_action.protocols import Archived, Clock, Comparison, Image, Running
from ecr_action.services import Services
from tests.rooms.github.said import QuickClock, Said


class Blank:
    """Images and History, both empty."""

    def find(self, repository: str, tags: Sequence[str]) -> Mapping[str, Image]:
        return {}

    def by_digest(self, repository: str, digest: str) -> Image | None:
        return None

    def commits(self, repository: str, image: Image) -> tuple[str, ...]:
        return ()

    def labels(self, repository: str, image: Image) -> Mapping[str, str]:
        return {}

    def platforms(self, repository: str, image: Image) -> tuple[str, ...]:
        return ()

    def pushed(self, repository: str, image: Image) -> datetime | None:
        return None

    def tags(self, repository: str, image: Image) -> tuple[str, ...]:
        return ()

    def archived(self, repository: str, names: Sequence[str]) -> Archived | None:
        return None

    def put_tag(self, repository: str, image: Image, tag: str) -> bool:
        return False

    def compare(self, base: str, head: str) -> Comparison:
        return Comparison(status=None)

    def after(self, commit: str, branch: str) -> tuple[str, ...]:
        return ()

    def running(self, commit: str) -> tuple[Running, ...]:
        return ()

    def services(self, clock: Clock | None = None) -> Services:
        """What a step is given; nothing but this registry and this GitHub is needed."""
        return Services(
            console=Said(),  # type: ignore[arg-type]
            clock=clock or QuickClock(),
            cloud=never,
            engine=never,
            gitops=never,
            proposals=never,
            history=self,
            chance=lambda: 0.5,
        )


def never() -> NoReturn:
    """Fail where something is asked for that is not needed."""
    raise AssertionError("nothing else is needed")
