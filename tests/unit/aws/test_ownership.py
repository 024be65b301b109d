"""Whether our lifecycle policy is written over what stands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ecr_action.aws import lifecycle, ownership
from ecr_action.aws.policy import Keep
from ecr_action.aws.simulate import Stored
from ecr_action.protocols import Lifecycle, RepositorySpec

NOW = datetime(2026, 11, 3, 12, tzinfo=timezone.utc)
YOUNG, OLD = NOW - timedelta(minutes=59), NOW - timedelta(minutes=60)
DEFAULT = lifecycle.text(lifecycle.default_policy())
SPACED = json.dumps(json.loads(DEFAULT), indent=7)
EARLIER = lifecycle.text(lifecycle.default_policy({"dev": Keep(30)}))
OTHER = DEFAULT.replace('"countNumber": 14', '"countNumber": 15')
NONE, UNREADABLE = Lifecycle(readable=True), Lifecycle(readable=False)


def stands(text: str) -> Lifecycle:
    """A policy that could be read."""
    return Lifecycle(readable=True, text=text)


def builds(count: int) -> tuple[Stored, ...]:
    """So many builds of the default branch, one a day."""
    return tuple(
        Stored(digest=f"sha256:{n}", pushed_at=NOW - timedelta(days=n), tags=(f"dev-{n}",)) for n in range(count)
    )


def decide(
    standing: Lifecycle,
    created_at: datetime | None = OLD,
    images: Sequence[Stored] | None = (),
    *,
    now: bool = False,
    policy: str = DEFAULT,
    **spec: Any,
) -> ownership.Decision:
    """The decision about the repository `hello`."""
    wanted = RepositorySpec(
        name="hello", lifecycle_policy=policy, **{"lifecycle_is_default": policy == DEFAULT, **spec}
    )
    return ownership.decide(standing, wanted, created_now=now, created_at=created_at, now=NOW, inventory=lambda: images)


@pytest.mark.parametrize(
    ("standing", "created_at", "images", "asked", "write", "level"),
    [
        # Nothing stands: what it would expire decides, and consent.
        (NONE, OLD, (), False, True, "info"),
        (NONE, OLD, builds(5), False, True, "info"),
        (NONE, OLD, builds(6), False, False, "warning"),
        (NONE, YOUNG, builds(6), False, False, "warning"),
        (NONE, OLD, builds(6), True, True, "warning"),
        (NONE, OLD, builds(5), True, True, "info"),
        # The images can't be listed.
        (NONE, OLD, None, False, False, "notice"),
        (NONE, None, None, False, False, "notice"),
        (NONE, YOUNG, None, False, True, "info"),
        (NONE, OLD, None, True, True, "info"),
        # The same stands: never, however it is written.
        (stands(DEFAULT), YOUNG, None, False, False, "info"),
        (stands(SPACED), OLD, None, True, False, "info"),
        # An earlier default of ours, by the same rules; what it expires itself is no loss of ours.
        (stands(EARLIER), OLD, builds(5), False, True, "info"),
        (stands(EARLIER), OLD, builds(6), False, False, "warning"),
        (stands(EARLIER), OLD, builds(6), True, True, "warning"),
        (stands(EARLIER), YOUNG, None, False, False, "notice"),
        # Somebody else's stands: never.
        (stands(OTHER), YOUNG, (), True, False, "warning"),
        (stands("not ours to read"), OLD, (), True, False, "warning"),
        # It can't be read: only where a run may have been cut off; the notice is the reader's.
        (UNREADABLE, YOUNG, None, False, True, "info"),
        (UNREADABLE, OLD, (), True, False, "info"),
        (UNREADABLE, None, (), True, False, "info"),
    ],
)
def test_when_it_is_written(
    standing: Lifecycle,
    created_at: datetime | None,
    images: Sequence[Stored] | None,
    asked: bool,
    write: bool,
    level: str,
) -> None:
    """Never over somebody else's, never unasked where tagged images would go."""
    decision = decide(standing, created_at, images, lifecycle_asked_for=asked)
    assert (decision.write, decision.level) == (write, level)


@pytest.mark.parametrize("standing", [NONE, UNREADABLE])
def test_a_repository_of_our_own_always_gets_it(standing: Lifecycle) -> None:
    """Nothing is asked."""
    assert decide(standing, None, None, now=True).write


def test_what_the_standing_policy_expires_anyway_is_no_reason_to_wait() -> None:
    """A default with another number of pull requests, while old builds wait for the day's expiry."""
    earlier = lifecycle.text(lifecycle.default_policy({"pr": Keep(30)}))
    assert decide(stands(earlier), images=builds(9)).write


def test_untagged_images_are_no_reason_to_wait() -> None:
    """They are what nobody names any more."""
    old = Stored(digest="sha256:1", pushed_at=NOW - timedelta(days=99))
    assert decide(NONE, images=[old]).write


def test_drift_decides_about_somebody_elses() -> None:
    """Replaced, with what it costs; kept in silence."""
    fixed = decide(stands(OTHER), images=builds(6), drift="fix")
    assert (fixed.write, fixed.level) == (True, "info")
    lost = decide(stands("{}"), images=builds(6), drift="fix")
    assert (lost.write, lost.level) == (False, "warning")
    assert "It expires 1 tagged images today: dev-5 (rule 60). Look" in lost.because
    consent = decide(stands("{}"), images=builds(6), drift="fix", lifecycle_asked_for=True)
    assert (consent.write, consent.level) == (True, "warning")
    unknown = decide(stands(OTHER), images=None, drift="fix")
    assert (unknown.write, unknown.level) == (False, "notice")
    assert decide(stands(OTHER), images=None, drift="fix", lifecycle_asked_for=True).write
    kept = decide(stands(OTHER), drift="ignore")
    assert (kept.write, kept.level) == (False, "info")


def test_a_policy_of_ones_own_replaces_a_default_of_ours() -> None:
    """Whoever writes a file has decided."""
    own = OTHER.replace('"countNumber": 9999', '"countNumber": 9998')
    decision = decide(stands(DEFAULT), images=(), policy=own, lifecycle_is_default=False, lifecycle_asked_for=True)
    assert decision.write


def test_the_way_out_is_told() -> None:
    """The images that would go, the line that asks for the default, the difference and the line that replaces."""
    waiting = decide(NONE, images=builds(20)).because
    assert "lifecycle-policy: default" in waiting
    assert "It expires 15 tagged images today: dev-5 (rule 60)" in waiting
    assert "and 5 more" in waiting
    other = decide(stands(OTHER)).because
    assert "drift: fix" in other
    assert "- expire images tagged branch-* 15 days after push\n+ expire images tagged branch-* 14 days" in other
