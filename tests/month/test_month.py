"""A month of a team: whatever happens, in whatever order, what must hold holds after each event."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from lab.paths import Paths
from lab.stage import ACTION, Stage
from tests.month import warm
from tests.month.guards import GUARDS, Guard, without
from tests.month.seen import World, broken, manifests, taken, world
from tests.month.team import EVENTS, Run, Team

Laboratory = tuple[Paths, dict[str, str]]
_NUMBERS = itertools.count(1)
# The first month that Hypothesis draws has quiet days alone; the second one has everything.
MONTHS = 2
STEPS = 225
# Where a run is cut off: the operation that fails, and how many of them pass before.
CUTS = (("ecr:PutImage", 0), ("ecr:PutImage", 1), ("ecr:PutImage", 3), ("registry:PUT manifest", 0))
# Where the slower one of two runs stands while the other one goes by.
HOLDS = (
    *(("ecr:BatchGetImage", passed) for passed in range(4)),
    ("registry:PUT manifest", 0),
    *(("ecr:PutImage", passed) for passed in range(9)),
)


class Month:
    """One team, its history, and what was true before each event."""

    def __init__(self, laboratory: Laboratory, folder: Path, action: Path) -> None:
        """*laboratory* is the lab that is up, *folder* takes work trees of jobs that overlap, *action* publishes."""
        name = f"darede-labs/team-{next(_NUMBERS)}"
        stage = Stage(*laboratory, name=name, gitops=f"{name}-gitops", action=action)
        stage.set_up(manifests(name.rpartition("/")[2]))
        self.team = Team(stage, folder)
        self.story: list[str] = []

    def happens(self, what: str, pick: int, hours: int, cut: int | None) -> None:
        """Let *what* happen, once cut off when asked for, then again; look each time."""
        team = self.team
        team.wait(hours)
        team.control("lifecycle", {})
        before = world(team.stage)
        runs = EVENTS[what](team, pick)
        if not runs:
            return
        started = " ".join(f"{run.ref}@{run.sha[:7]}#{run.number}" for run in runs)
        self.story.append(f"{what} {started} {pick=} {cut=}")
        standing = before
        if cut is not None:
            self._cut(runs, cut)
            standing = self._holds(before, runs, cut=True)
        log = self._start(runs, standing, HOLDS[pick % len(HOLDS)])
        after = self._holds(before, runs)
        for run in runs:
            self._start([run], after)
            now = world(team.stage)
            assert now == after, self._told(f"the second run of {run} changed something", log)

    def _cut(self, runs: list[Run], cut: int) -> None:
        operation, skip = CUTS[cut]
        error = {"code": "AccessDeniedException", "message": "cut off", "status": 400}
        self.team.control("faults", {"operation": operation, "skip": skip, "times": 50, "error": error})
        self.team.start(runs[0])
        self.team.forget_faults()

    def _start(self, runs: list[Run], before: World, hold: tuple[str, int] = HOLDS[0]) -> str:
        team = self.team
        results = [team.start(runs[0])] if len(runs) == 1 else team.start_together(runs, hold)
        logs = []
        for run, result in zip(runs, results, strict=True):
            assert result.exit_code in (0, 1), self._told(f"{run} ended with {result.exit_code}", result.log)
            if run.kind not in ("deploy", "rollback"):
                wrong = self._told(f"{run} ended with {result.exit_code}", result.log)
                assert bool(result.exit_code) == taken(before, run), wrong
            logs.append(result.log)
        return "\n".join(logs)

    def _holds(self, before: World, runs: list[Run], *, cut: bool = False) -> World:
        now = world(self.team.stage)
        wrong = list(broken(self.team, before, now, runs, cut=cut))
        assert not wrong, self._told("\n".join(wrong), "")
        return now

    def _told(self, what: str, log: str) -> str:
        return "\n".join([what, *self.story[-12:], log[-6000:]])


def machine(laboratory: Laboratory, folder: Path, action: Path, played: list[Month]) -> type[RuleBasedStateMachine]:
    """The month as Hypothesis plays it; each goes into *played* when it begins."""

    class Played(RuleBasedStateMachine):
        month: Month | None = None

        @rule(
            what=st.sampled_from(sorted(EVENTS, key=lambda name: name != "quiet")),
            pick=st.integers(0, 999),
            hours=st.integers(0, 7),
            cut=st.sampled_from([None, None, None, *range(len(CUTS))]),
        )
        def something_happens(self, what: str, pick: int, hours: int, cut: int | None) -> None:
            """One event of the team's month."""
            if what == "quiet":
                return
            if self.month is None:
                self.month = Month(laboratory, folder, action)
                played.append(self.month)
            self.month.happens(what, pick, hours, cut)

    return Played


def play(laboratory: Laboratory, folder: Path, action: Path = ACTION, steps: int = STEPS) -> list[Month]:
    """Play one month of *steps* days with *action*, the same each time."""
    chosen = settings(
        max_examples=MONTHS,
        stateful_step_count=steps,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    played: list[Month] = []
    with warm.action(action, folder / "warm") as started:
        month = machine(laboratory, folder / "trees", started, played)
        run_state_machine_as_test(month, settings=chosen)  # type: ignore[no-untyped-call]
    return played


def test_a_month_of_a_team(laboratory: Laboratory, tmp_path: Path) -> None:
    """Two hundred events: each is started twice, some are cut off, some go by one that is slower."""
    (month,) = play(laboratory, tmp_path)
    assert len(month.story) >= 200


@pytest.mark.parametrize("what", ["two pushes", "two releases"])
def test_wherever_the_slower_of_two_runs_stands_when_the_other_goes_by(
    laboratory: Laboratory, tmp_path: Path, what: str
) -> None:
    """Each of its calls in turn, the last of which puts the mark on what it rolled out before the other did."""
    with warm.action(ACTION, tmp_path / "warm") as started:
        month = Month(laboratory, tmp_path / "trees", started)
        month.happens("release", 1, 0, None)
        for pick in range(len(HOLDS)):
            month.happens(what, pick, 0, None)


def test_what_is_seen_is_seen_by_others_than_the_action() -> None:
    """Neither who looks nor who acts imports anything of it."""
    script = "import sys, tests.month.seen, tests.month.warm; print([m for m in sys.modules if 'ecr_action' in m])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ACTION, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_the_month_fails_without_each_guard(laboratory: Laboratory, tmp_path: Path, guard: Guard) -> None:
    """What the month finds, it finds because the guard is gone."""
    action = without(guard, tmp_path / "action")
    with pytest.raises(AssertionError, match=guard.seen):
        play(laboratory, tmp_path, action)
