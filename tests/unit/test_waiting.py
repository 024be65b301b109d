"""A release waits for the run that is building its commit, and not for anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from ecr_action.image import version
from ecr_action.plan import Plan
from ecr_action.protocols import Image, Running
from ecr_action.waiting import LONGEST_SECONDS, wait_for_build
from tests.builders import SHA
from tests.rooms.github.said import QuickClock
from tests.unit.blank import Blank

IMAGE = Image(digest="sha256:" + "1" * 64, media_type="m", manifest="{}")
PUSH = Running(id="7", event="push", branch="main")


@dataclass
class World(Blank):
    """A registry and a GitHub in memory: *runs* as they are, the image *there* or not."""

    runs: tuple[Running, ...] = (PUSH,)
    there: bool = False
    clock: QuickClock = field(default_factory=QuickClock)

    def find(self, repository: str, tags: Sequence[str]) -> Mapping[str, Image]:
        return {SHA: IMAGE} if self.there and SHA in tags else {}

    def running(self, commit: str) -> tuple[Running, ...]:
        return self.runs

    def publish(self) -> None:
        self.there = True

    def end(self) -> None:
        self.runs = ()

    def wait(self, tag: str = "v1.2.3") -> Image | None:
        """Wait as run 5, a release."""

        services = self.services(self.clock)
        plan = Plan(event="release", commit=SHA, version=version.parse(tag), repository="app")
        return wait_for_build(plan, SHA, "5", self, services)


def test_the_image_is_taken_when_it_comes() -> None:
    """After one look in vain."""
    world = World()
    world.clock.meanwhile = lambda: len(world.clock.slept) > 1 and world.publish()
    assert world.wait() == IMAGE
    assert len(world.clock.slept) == 2


def test_the_wait_is_bounded() -> None:
    """Then it is built here."""
    world = World()
    assert world.wait() is None
    assert LONGEST_SECONDS <= sum(world.clock.slept) <= LONGEST_SECONDS + 30


def test_a_run_that_ends_without_an_image_is_waited_for_no_longer() -> None:
    """It failed, or it builds nothing."""
    world = World()
    world.clock.meanwhile = world.end
    assert world.wait() is None
    assert len(world.clock.slept) == 1


@pytest.mark.parametrize(
    "runs",
    [
        (),
        (Running(id="5", event="push", branch="main"),),
        (Running(id="7", event="push", branch="v1.2.3"),),
        (Running(id="7", event="push", branch="api/v1.2.3"),),
        (Running(id="7", event="release", branch="v1.2.3"),),
        (Running(id="7", event="pull_request", branch="topic"),),
    ],
)
def test_nothing_else_is_waited_for(runs: tuple[Running, ...]) -> None:
    """Not our own run, not the release's other event, not a pull request, which pushes nothing."""
    world = World(runs=runs)
    assert world.wait() is None
    assert world.clock.slept == []


def test_a_branch_waits_for_nobody() -> None:
    """Its run is the one that builds."""
    world = World()
    assert world.wait("main") is None
    assert world.clock.slept == []
