"""The loop around a commit: read, decide, commit, and again where the branch moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action.errors import GitOpsBusy
from ecr_action.gitops.write import BUDGET_SECONDS, CAP_SECONDS, pause, write
from ecr_action.protocols import Commit, File, Snapshot, Stale
from tests.rooms.github.said import QuickClock, Said


@dataclass
class Branch:
    """A branch in memory that moves under the first *moves* commits."""

    moves: int = 0
    content: bytes = b"old"
    reads: int = 0
    commits: list[tuple[str, Mapping[str, bytes], str]] = field(default_factory=list)

    def read(self, patterns: Sequence[str], needles: Sequence[bytes]) -> Snapshot:
        self.reads += 1
        files = (File(path="a.yaml", content=self.content),)
        return Snapshot(repository="o/r", branch="main", head=str(self.reads), files=files)

    def commit(self, snapshot: Snapshot, changes: Mapping[str, bytes], message: str) -> Commit:
        if self.moves:
            self.moves -= 1
            raise Stale
        self.commits.append((snapshot.head, changes, message))
        return Commit(oid="c" * 40, url="")


def run(branch: Branch, clock: QuickClock, decide: Callable[[Snapshot], Mapping[str, bytes]]) -> Commit | None:
    """The loop with half of each wait's bound."""
    return write(
        branch, decide, patterns=["a.yaml"], needles=[b"x"], message=lambda: "Bump",
        console=Said(), clock=clock, chance=lambda: 0.5,
    )  # fmt: skip


def test_what_was_decided_is_committed_on_the_head_it_was_decided_for() -> None:
    """Not on an earlier one."""
    branch, clock = Branch(moves=2), QuickClock()
    made = run(branch, clock, lambda snapshot: {"a.yaml": snapshot.head.encode()})
    assert made == Commit(oid="c" * 40, url="")
    assert branch.commits == [("3", {"a.yaml": b"3"}, "Bump")]
    assert clock.slept == [1.0, 2.0]


def test_nothing_decided_is_nothing_committed() -> None:
    """And no wait."""
    branch, clock = Branch(), QuickClock()
    assert run(branch, clock, lambda _: {}) is None
    assert (branch.reads, branch.commits, clock.slept) == (1, [], [])


def test_time_and_not_a_count_of_attempts_is_the_limit() -> None:
    """A slow answer counts as well."""
    branch, clock = Branch(moves=10**6), QuickClock()

    def slow(snapshot: Snapshot) -> Mapping[str, bytes]:
        clock.slept.append(100.0)
        return {"a.yaml": b"new"}

    with pytest.raises(GitOpsBusy) as busy:
        run(branch, clock, slow)
    assert branch.reads == 6
    assert busy.value.transient
    assert "6 attempts" in busy.value.what


def test_an_error_of_a_decision_ends_the_loop() -> None:
    """Nothing is written after it."""
    branch = Branch()

    def broken(snapshot: Snapshot) -> Mapping[str, bytes]:
        raise GitOpsBusy("no")

    with pytest.raises(GitOpsBusy):
        run(branch, QuickClock(), broken)
    assert branch.commits == []


def test_waits_double_up_to_a_minute() -> None:
    """The bound of each wait; chance decides how much of it is used."""
    assert [pause(attempt, 1.0) for attempt in range(1, 8)] == [2, 4, 8, 16, 32, 60, 60]
    assert pause(3, 0.25) == 2.0


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_a_wait_is_never_longer_than_a_minute(attempt: int, chance: float) -> None:
    """However many attempts there were."""
    assert 0 <= pause(attempt, chance) <= CAP_SECONDS < BUDGET_SECONDS
