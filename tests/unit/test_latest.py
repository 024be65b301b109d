"""The tag `latest` among several publishers at once: every order of their steps is tried."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import pytest

from ecr_action.image.latest import Newer, Put, newest, settle

Steps = Generator["Put | Newer", "str | None", None]
HISTORY = ("a", "b", "c", "d")


@dataclass(frozen=True)
class World:
    """What everybody sees: the published commits, and the one that `latest` is on (empty: none)."""

    published: frozenset[str] = frozenset()
    latest: str = ""


@dataclass(frozen=True)
class Publisher:
    """A run of *commit*: what it has done so far, as the answers that it got (*read*: the tag, before it is put)."""

    commit: str
    published: bool = False
    read: str | None = None
    answers: tuple[str | None, ...] = ()


@dataclass
class Search:
    """Walks through every order of the steps of several publishers, each state once."""

    make: Callable[[str], Steps]
    seen: set[tuple[World, tuple[Publisher, ...]]] = field(default_factory=set)
    ends: set[str] = field(default_factory=set)
    known: dict[Publisher, Put | Newer | None] = field(default_factory=dict)

    def walk(self, world: World, publishers: tuple[Publisher, ...]) -> None:
        """Let each of *publishers* take its next step in turn."""
        waiting = [(world, publishers)]
        while waiting:
            state = waiting.pop()
            if state in self.seen:
                continue
            self.seen.add(state)
            following = [moved for index in range(len(state[1])) if (moved := self.step(*state, index))]
            waiting += following
            if not following:
                self.ends.add(state[0].latest)

    def step(
        self, world: World, publishers: tuple[Publisher, ...], index: int
    ) -> tuple[World, tuple[Publisher, ...]] | None:
        """The state after one step of one publisher; None where that one has ended."""
        one = publishers[index]
        if not one.published:
            world = World(world.published | {one.commit}, world.latest)
            one = Publisher(one.commit, published=True)
        elif one.read is None:
            one = Publisher(one.commit, published=True, read=world.latest)
        else:
            if one not in self.known:
                self.known[one] = self.next(one)
            step = self.known[one]
            if step is None:
                return None
            answer = None
            if isinstance(step, Put):
                world = World(world.published, step.commit)
            else:
                answer = newest(HISTORY[HISTORY.index(step.commit) + 1 :], world.published)
            one = Publisher(one.commit, published=True, read=one.read, answers=(*one.answers, answer))
        return world, (*publishers[:index], one, *publishers[index + 1 :])

    def next(self, one: Publisher) -> Put | Newer | None:
        """The step that comes next for it: none where it found something newer to begin with."""
        if one.read and HISTORY.index(one.read) > HISTORY.index(one.commit):
            return None
        steps = self.make(one.commit)
        try:
            step = next(steps)
            for answer in one.answers:
                step = steps.send(answer)
        except StopIteration:
            return None
        return step


def ends(count: int, make: Callable[[str], Steps]) -> set[str]:
    """Where `latest` can end with that many publishers."""
    search = Search(make)
    search.walk(World(), tuple(Publisher(commit) for commit in HISTORY[:count]))
    return search.ends


def without_looking(commit: str) -> Steps:
    """Compare, put, done."""
    yield Put(commit)


def looking_once(commit: str) -> Steps:
    """Put, look once, put what is newer: no loop."""
    yield Put(commit)
    found = yield Newer(commit)
    if found:
        yield Put(found)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_latest_ends_on_the_newest_whatever_the_order(count: int) -> None:
    """Of two, three and four runs at once."""
    assert ends(count, settle) == {HISTORY[count - 1]}


def test_without_the_look_two_publishers_suffice_to_move_it_back() -> None:
    """Both read before either puts."""
    assert ends(2, without_looking) == {"a", "b"}


def test_with_one_look_and_no_loop_three_suffice() -> None:
    """Two are not enough to show it."""
    assert ends(2, looking_once) == {"b"}
    assert ends(3, looking_once) == {"b", "c"}


def test_a_run_whose_tag_stands_already_looks_all_the_same() -> None:
    """It may be that the run that put it was cut off before it looked."""
    steps = settle("a", put=False)
    assert next(steps) == Newer("a")
    assert steps.send("c") == Put("c")
    assert steps.send(None) == Newer("c")
    assert list(steps) == []
