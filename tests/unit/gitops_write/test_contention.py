"""The window of refused commits, and a model of many jobs on one branch that its numbers were chosen with."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action.gitops.contention import LOOK_SECONDS, Window

READ, COMMIT = 0.3, 0.7


@dataclass
class Job:
    """One job of the model: the head that it saw and when, how long it still waits, whether it was refused since."""

    window: Window = field(default_factory=Window)
    head: int = 0
    looked: float | None = None
    wait: float = 0.0
    refused: bool = False


@dataclass(frozen=True)
class Raced:
    """How a race went: *seconds* until the last one landed, all *attempts*, the most *tries* of one job."""

    seconds: float
    attempts: int
    tries: int


def race(count: int, seed: int, *, spread: float = 0.0) -> Raced:
    """*count* jobs that begin within *spread* seconds: a read shows the head at its end, a commit lands if it is the
    head still at its own."""
    chance = random.Random(seed)
    jobs = [Job() for _ in range(count)]
    events = [(chance.random() * spread + READ, number, False) for number in range(count)]
    heapq.heapify(events)
    landed = attempts = 0
    now = 0.0
    while events:
        now, number, commits = heapq.heappop(events)
        job = jobs[number]
        if commits and job.head == landed:
            landed += 1
            continue
        if commits:
            job.window.refused()
            job.refused, job.wait = True, job.window.wait(chance.random())
        elif _looked(job, now, landed, chance.random()):
            attempts += 1
            heapq.heappush(events, (now + COMMIT + 0.05 * chance.random(), number, True))
            continue
        heapq.heappush(events, (now + min(job.wait, LOOK_SECONDS) + READ, number, False))
    assert landed == count
    return Raced(now, attempts, max(job.window.refusals for job in jobs) + 1)


def _looked(job: Job, now: float, landed: int, chance: float) -> bool:
    """Whether it is the job's turn, now that it has looked."""
    if job.looked is not None:
        job.window.look(landed - job.head, now - job.looked, COMMIT, refused=job.refused)
    turn = job.wait <= LOOK_SECONDS
    job.head, job.looked, job.refused = landed, now, False
    if not turn:
        job.wait = job.window.wait(chance)
    return turn


@pytest.mark.parametrize(("count", "seconds", "attempts"), [(2, 9, 4), (10, 22, 40), (50, 80, 260), (100, 150, 520)])
@pytest.mark.parametrize("spread", [0.0, 10.0])
def test_any_number_of_jobs_is_done_soon_and_without_a_storm(
    count: int, seconds: float, attempts: int, spread: float
) -> None:
    """At 0.7 s for each commit 50 of them can't be done in less than 35 s; the last of them is not left waiting."""
    raced = [race(count, seed, spread=spread) for seed in range(40)]
    assert max(one.seconds for one in raced) < seconds + spread
    assert max(one.attempts for one in raced) < attempts
    assert max(one.tries for one in raced) <= 18


def test_a_crowd_widens_the_window_and_its_end_narrows_it() -> None:
    """A commit a second, each of 0.7 s: the gap between attempts is 0.3 s, and 0.5 s is aimed at."""
    window = Window(seconds=12)
    window.look(4, 4.0, 0.7, refused=True)
    assert window.seconds == pytest.approx(20)
    window.look(1, 4.0, 0.7, refused=False)
    assert window.seconds == 5
    window.look(0, 4.0, 0.7, refused=False)
    assert window.seconds == 2


def test_refused_though_nothing_landed_is_no_reason_to_hurry() -> None:
    """GitHub shows old heads, or is in trouble."""
    window = Window(seconds=12)
    window.look(0, 4.0, 0.7, refused=True)
    assert window.seconds == 24
    window.look(None, 4.0, 0.7, refused=True)
    assert window.seconds == 24


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 50), st.floats(0, 1e6), st.floats(0, 1e3), st.booleans())),
    st.floats(0, 1),
)
def test_a_wait_is_never_longer_than_a_minute(
    looks: list[tuple[int | None, float, float, bool]], chance: float
) -> None:
    """Whatever was seen."""
    window = Window()
    for commits, elapsed, own, refused in looks:
        window.refused()
        window.look(commits, elapsed, own, refused=refused)
        assert 2 <= window.seconds <= 60
        assert 0 <= window.wait(chance) <= 60
