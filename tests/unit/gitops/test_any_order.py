"""Never backwards, whatever the order in which runs come to their end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action.gitops.superseded import Ours, Standing, verdict
from ecr_action.image import version
from ecr_action.protocols import Comparison


@dataclass(frozen=True)
class Run:
    """A run of commit number *commit* of one branch, published as *tag*."""

    commit: int
    tag: str


def _push(number: int) -> Run:
    return Run(number, f"{number:07x}")


def _ends(runs: Sequence[Run], environment: str | None, *, by_hand: bool = False) -> Run | None:
    """What stands after *runs*, one after the other, in a file of *environment*."""
    stands: Run | None = None
    for run in runs:
        if stands is None or _goes(run, stands, environment, by_hand):
            stands = run
    return stands


def _goes(run: Run, stands: Run, environment: str | None, by_hand: bool) -> bool:
    ours = version.of_tag(run.tag)
    status = "identical" if run.commit == stands.commit else "ahead" if run.commit > stands.commit else "behind"
    standing = Standing(tag=stands.tag, version=version.of_tag(stands.tag), file_environment=environment, file="a.yaml")
    mine = Ours(commit=f"{run.commit:040x}", version=ours, release=ours is not None)
    return verdict(mine, standing, Comparison(status=status), allow=by_hand).go


COMMITS = st.lists(st.integers(0, 9), min_size=1, max_size=8)
VERSIONS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(["v1.0.0", "v1.0.1", "v1.9.0", "v1.10.0", "v2.0.0", "v2.0.0-rc.1"])),
    min_size=1,
    max_size=8,
)


@given(commits=COMMITS)
def test_of_pushes_the_newest_commit_stands(commits: list[int]) -> None:
    """Slow builds and re-runs of old runs included."""
    ends = _ends([_push(number) for number in commits], "dev")
    assert ends == _push(max(commits))


@given(releases=VERSIONS)
def test_of_releases_the_highest_version_stands(releases: list[tuple[int, str]]) -> None:
    """Hotfixes of older lines and release candidates included, whatever commits they are of."""
    ends = _ends([Run(commit, tag) for commit, tag in releases], "prod")
    assert ends is not None
    found = [version.of_tag(tag) for _, tag in releases]
    assert version.of_tag(ends.tag) == max(one for one in found if one is not None)


@given(commits=COMMITS, order=st.randoms(use_true_random=False))
def test_in_a_file_of_no_environment_releases_win(commits: list[int], order: random.Random) -> None:
    """Pushes and releases in any order: the highest release stands, and before the first the newest commit."""
    runs = [_push(number) for number in commits] + [Run(0, "v1.0.0"), Run(1, "v1.1.0")]
    order.shuffle(runs)
    assert _ends(runs, None) == Run(1, "v1.1.0")
    pushes = [run for run in runs if version.of_tag(run.tag) is None]
    assert _ends(pushes, None) == _push(max(commits))


@pytest.mark.parametrize("environment", ["prod", None])
def test_a_person_goes_back_and_the_next_run_goes_on(environment: str | None) -> None:
    """Naming an older version is consent, for that run alone: the release that comes later is newer again."""
    old, new, later = Run(0, "v1.0.0"), Run(1, "v1.1.0"), Run(2, "v1.2.0")
    assert _ends([new, old], environment) == new
    assert _ends([new, old], environment, by_hand=True) == old
    assert _ends([old, later], environment) == later
