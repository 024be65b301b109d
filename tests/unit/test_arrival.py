"""A GitOps repository that is made while the run goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ecr_action.arrival import arrived
from ecr_action.errors import Failure, GitOpsAccess, GitOpsMissing
from ecr_action.gitops_protocols import Snapshot
from tests.rooms.github.said import QuickClock, Said

EMPTY = Snapshot(repository="o/r", branch="", head="", files=())
THERE = Snapshot(repository="o/r", branch="main", head="a" * 40, files=())
ABSENT = GitOpsAccess("There is no o/r.", why="GitHub says so.", fix="gitops-repository: o/r", transient=True)


class Reads:
    """Answers in order, the last one for ever; *asked* counts."""

    def __init__(self, *answers: Snapshot | Failure) -> None:
        self.answers: Iterator[Snapshot | Failure] = iter(answers)
        self.last = answers[-1]
        self.asked = 0

    def __call__(self) -> Snapshot:
        self.asked += 1
        answer = next(self.answers, self.last)
        if isinstance(answer, Failure):
            raise answer
        return answer


def test_a_repository_that_is_there_is_asked_for_once() -> None:
    """Without a wait, and without a word."""
    reads, said, clock = Reads(THERE), Said(), QuickClock()
    assert arrived(reads, said, clock, empty=False) is THERE
    assert (reads.asked, said.lines, clock.slept) == (1, [], [])


def test_one_that_comes_and_then_gets_its_first_commit_is_waited_for() -> None:
    """It is told once what is waited for."""
    reads, said, clock = Reads(ABSENT, ABSENT, EMPTY, THERE), Said(), QuickClock()
    assert arrived(reads, said, clock, empty=False) is THERE
    assert (reads.asked, clock.slept) == (4, [5, 5, 5])
    assert said.lines == ["There is no o/r. Asking again, for 120 s."]


def test_an_empty_one_is_no_reason_to_wait_for_who_begins_it() -> None:
    """The app's own manifests are its first commit."""
    reads, clock = Reads(ABSENT, EMPTY), QuickClock()
    assert arrived(reads, Said(), clock, empty=True) is EMPTY
    assert clock.slept == [5]


@pytest.mark.parametrize(
    ("never", "kind", "fix"),
    [(ABSENT, GitOpsAccess, "gitops-repository: o/r"), (EMPTY, GitOpsMissing, "into the folder deploy/")],
)
def test_two_minutes_later_it_is_an_error_that_says_what_to_do(
    never: Snapshot | Failure, kind: type[Failure], fix: str
) -> None:
    """What is published stays, and another run goes on from there."""
    reads, clock = Reads(never), QuickClock()
    with pytest.raises(kind) as failed:
        arrived(reads, Said(), clock, empty=False)
    assert 110 < sum(clock.slept) <= 120
    assert "120 s" in failed.value.why
    assert fix in failed.value.fix
    assert failed.value.fix.endswith("run the job again: it finds the image, and rolls it out.")


def test_another_refusal_ends_the_wait_at_once() -> None:
    """Time does not mend a token."""
    clock = QuickClock()
    with pytest.raises(GitOpsAccess):
        arrived(Reads(GitOpsAccess("no")), Said(), clock, empty=False)
    assert clock.slept == []
