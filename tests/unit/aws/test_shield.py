"""Whether what is deployed, or about to be, can expire."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from ecr_action.aws import lifecycle, shield
from ecr_action.aws.policy import Policy
from ecr_action.aws.simulate import simulate

from .policies import policies
from .test_simulate import COUNT, NOW, PUSHED, image, rule

BY_AGE = Policy((rule(1, PUSHED, 14, "dev-"), rule(2, PUSHED, 7)))
BY_COUNT = Policy((rule(1, COUNT, 3, "dev-"),))


def builds(count: int, *deployed: int) -> list[shield.Stored]:
    """A build a day; those of *deployed* carry the mark."""
    return [image(f"i{n}", n, f"dev-{n}", *(["deployed-dev"] if n in deployed else [])) for n in range(count)]


def test_a_deployed_image_ends_by_age_at_a_time() -> None:
    """Fourteen days after its first push; at once where that is past."""
    (found,) = shield.threatened(BY_AGE, builds(9, 4), NOW)
    assert (found.rule, found.when) == (1, NOW + timedelta(days=10))
    assert found.words() == "deployed-dev (i4) expires by the rule of priority 1 on 2026-11-13"
    (late,) = shield.threatened(BY_AGE, builds(30, 20), NOW)
    assert late.when == NOW


def test_a_deployed_image_ends_by_number_after_so_many_more() -> None:
    """The third of three goes with the next; the fourth goes now."""
    (third,) = shield.threatened(BY_COUNT, builds(3, 2), NOW)
    assert (third.when, third.after) == (None, 1)
    assert "once 1 newer images are there" in third.words()
    (fourth,) = shield.threatened(BY_COUNT, builds(4, 3), NOW)
    assert fourth.when == NOW


def test_the_default_policy_threatens_nothing_that_is_deployed() -> None:
    """It begins with the shield."""
    assert shield.threatened(lifecycle.default_policy(), builds(40, 39), NOW) == ()


def test_what_is_rejected_or_not_marked_is_not_deployed() -> None:
    """Only the marks of what runs, was and will be running."""
    images = [image("a", 1, "dev-1", "deployed-prod-rejected"), image("b", 2, "dev-2", "deployed-prod-previous")]
    assert [found.digest for found in shield.threatened(BY_AGE, images, NOW)] == ["b"]


def test_an_old_build_that_is_released_may_be_the_first_to_go() -> None:
    """Ten newer releases are there: rank counts from the first push; the mark of the deployment saves it."""
    releases = [image(f"r{n}", n, f"prod-v1.0.{n}", f"v1.0.{n}") for n in range(10)]
    images = [*releases, image("old", 30, "dev-old")]
    tags = ["v1.1.0", "prod-v1.1.0"]
    policy = lifecycle.default_policy()
    found = shield.foreseen(policy, images, "old", tags, NOW)
    assert found is not None
    assert (found.rule, found.when) == (30, NOW)
    assert shield.foreseen(policy, images, "old", [*tags, "deployed-prod"], NOW) is None
    assert shield.foreseen(policy, images[1:], "old", tags, NOW) is None


def test_what_ends_after_a_month_is_not_told() -> None:
    """By age, from the first push."""
    policy = Policy((rule(1, PUSHED, 40, "v"),))
    assert shield.foreseen(policy, [image("a", 9, "dev-1")], "a", ["v1"], NOW) is None
    assert shield.foreseen(policy, [image("a", 11, "dev-1")], "a", ["v1"], NOW) is not None


def test_tags_that_move_leave_the_others() -> None:
    """The image that was deployed before has the mark no longer."""
    images = [image("old", 20, "dev-1"), image("new", 1, "dev-2", "deployed-dev")]
    policy = Policy((rule(1, COUNT, 1, "deployed-"),))
    assert shield.foreseen(policy, images, "old", ["deployed-dev"], NOW) is None


def test_under_the_default_policy_only_the_mark_shields_a_release() -> None:
    """Then nothing needs to be listed; a user's own policy without the shield in front may expire it."""
    policy, tags = lifecycle.default_policy(), ["v1.1.0", "prod-v1.1.0"]
    assert shield.shielded(policy, [*tags, "deployed-prod"])
    assert not shield.shielded(policy, tags)
    assert not shield.shielded(Policy((rule(1, COUNT, 9998, "deployed-"),)), ["deployed-prod"])
    assert shield.shielded(Policy((rule(1, PUSHED, 7), rule(2, PUSHED, 7, "v", action="transition"))), tags)
    early = Policy((rule(1, COUNT, 3, "dev-"), rule(2, COUNT, 9999, "v")))
    assert not shield.shielded(early, tags), "the image may have a tag dev-... too"


@given(
    policies(),
    st.sets(st.sampled_from(["prod-1", "v1", "latest"]), min_size=1),
    st.sets(st.sampled_from(["dev-1", "staging-1", "a", "b1", "v2"])),
    st.integers(0, 400),
)
def test_what_is_shielded_never_ends(policy: Policy, tags: set[str], more: set[str], days: int) -> None:
    """Whatever further tags it has, and however old it is."""
    if shield.shielded(policy, sorted(tags)):
        images = [image("old", days, *more), *(image(f"n{n}", 0, *tags, *more) for n in range(20))]
        assert shield.foreseen(policy, images, "old", sorted(tags), NOW) is None


@given(policies(), st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["dev-", "prod-", "v1", "", "a"]))))
def test_what_ends_now_is_what_the_simulation_expires(policy: Policy, drawn: list[tuple[int, str]]) -> None:
    """Both read one policy; an image whose day is this moment goes a moment later."""
    images = [image(f"i{n}", days + 0.5, *([f"{tag}{n}"] if tag else [])) for n, (days, tag) in enumerate(drawn)]
    expired = {fate.digest for fate in simulate(policy, images, NOW) if fate.action == "expire"}
    ends = [shield.end(policy, images, one.digest, NOW) for one in images]
    assert {found.digest for found in ends if found and found.when == NOW} == expired
