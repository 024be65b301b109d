"""The loop around a commit: read, decide, commit, and again where the branch moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from ecr_action.errors import GitOpsBusy
from ecr_action.gitops.write import Seen, write
from ecr_action.gitops_protocols import Commit, File, Snapshot, Stale
from tests.rooms.github.said import QuickClock, Said


@dataclass
class Branch:
    """A branch in memory that moves under the first *moves* commits; *since* is what a second read tells."""

    moves: int = 0
    content: bytes = b"old"
    reads: int = 0
    commits: list[tuple[str, Mapping[str, bytes], str]] = field(default_factory=list)
    since: int | None = None

    def read(self, patterns: Sequence[str], needles: Sequence[bytes]) -> Snapshot:
        self.reads += 1
        files = (File(path="a.yaml", content=self.content),)
        since = self.since if self.reads > 1 else None
        return Snapshot(repository="o/r", branch="main", head=str(self.reads), files=files, since=since)

    def commit(self, snapshot: Snapshot, changes: Mapping[str, bytes], message: str) -> Commit:
        if self.moves:
            self.moves -= 1
            raise Stale
        self.commits.append((snapshot.head, changes, message))
        return Commit(oid="c" * 40, url="")


def run(
    branch: Branch,
    clock: QuickClock,
    decide: Callable[[Snapshot], Mapping[str, bytes]],
    *,
    chance: float = 0.5,
    seen: Seen | None = None,
) -> Commit | None:
    """The loop with *chance* (half) of each window."""
    return write(
        branch, decide, patterns=["a.yaml"], needles=[b"x"], message=lambda: "Bump",
        console=Said(), clock=clock, chance=lambda: chance, seen=seen,
    )  # fmt: skip


def test_what_was_decided_is_committed_on_the_head_it_was_decided_for() -> None:
    """Not on an earlier one."""
    branch, clock = Branch(moves=2), QuickClock()
    made = run(branch, clock, lambda snapshot: {"a.yaml": snapshot.head.encode()})
    assert made == Commit(oid="c" * 40, url="")
    assert branch.commits == [("3", {"a.yaml": b"3"}, "Bump")]
    assert clock.slept == [4.0, 4.0]


def test_a_long_wait_is_cut_short_when_a_look_shows_that_nobody_is_there() -> None:
    """One commit in four seconds: the window of eight shrinks to two."""
    branch, clock = Branch(moves=1, since=1), QuickClock()
    assert run(branch, clock, lambda _: {"a.yaml": b"new"}, chance=0.9) is not None
    assert clock.slept == [4.0, 1.8]
    assert branch.reads == 3


def test_on_a_crowded_branch_looking_is_all_that_is_done() -> None:
    """Two commits a second land without us: nine tenths of a window that grows to a minute are never over."""
    branch, clock = Branch(moves=1, since=8), QuickClock()
    with pytest.raises(GitOpsBusy, match="without a commit of ours"):
        run(branch, clock, lambda _: {"a.yaml": b"new"}, chance=0.9)
    assert set(clock.slept) == {4.0}
    assert branch.commits == []


def test_what_was_read_long_before_is_decided_on_first() -> None:
    """One call less; where the branch has moved since, it is read at once: that is no sign of a crowd."""
    seen = Seen(Snapshot(repository="o/r", branch="main", head="0", files=()), -11.0)
    branch, clock = Branch(), QuickClock()
    assert run(branch, clock, lambda _: {"a.yaml": b"new"}, seen=seen) is not None
    assert (branch.reads, branch.commits[0][0]) == (0, "0")
    branch = Branch(moves=1)
    assert run(branch, clock, lambda _: {"a.yaml": b"new"}, seen=seen) is not None
    assert (branch.reads, branch.commits[0][0], clock.slept) == (1, "1", [])
    branch, seen = Branch(moves=1), replace(seen, at=-1.0)
    assert run(branch, clock, lambda _: {"a.yaml": b"new"}, seen=seen) is not None
    assert (branch.reads, clock.slept) == (1, [4.0])


def test_nothing_decided_is_nothing_committed() -> None:
    """And no wait."""
    branch, clock = Branch(), QuickClock()
    assert run(branch, clock, lambda _: {}) is None
    assert (branch.reads, branch.commits, clock.slept) == (1, [], [])


@pytest.mark.parametrize(("at", "reads"), [(-11.0, 1), (-9.0, 0)])
def test_nothing_to_change_in_what_was_read_long_before_is_no_last_word(at: float, reads: int) -> None:
    """Somebody may have gone back since: the branch is read once more, and decided on again."""
    seen = Seen(Snapshot(repository="o/r", branch="main", head="0", files=()), at)
    branch = Branch()
    made = run(branch, QuickClock(), lambda snapshot: {"a.yaml": b"new"} if snapshot.files else {}, seen=seen)
    assert (branch.reads, bool(made), len(branch.commits)) == (reads, bool(reads), reads)
    branch = Branch()
    assert run(branch, QuickClock(), lambda _: {}, seen=seen) is None
    assert branch.reads == reads


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
    assert "(refused: 6)" in busy.value.what


def test_an_error_of_a_decision_ends_the_loop() -> None:
    """Nothing is written after it."""
    branch = Branch()

    def broken(snapshot: Snapshot) -> Mapping[str, bytes]:
        raise GitOpsBusy("no")

    with pytest.raises(GitOpsBusy):
        run(branch, QuickClock(), broken)
    assert branch.commits == []
