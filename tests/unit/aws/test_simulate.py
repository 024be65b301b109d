"""What a policy does to images, sentence by sentence of the user guide."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action import errors
from ecr_action.aws import lifecycle, simulate
from ecr_action.aws.policy import Policy, Rule, Selection
from ecr_action.aws.simulate import Stored

from .policies import policies

NOW = datetime(2026, 11, 3, 12, tzinfo=timezone.utc)
COUNT, PUSHED = "imageCountMoreThan", "sinceImagePushed"


def image(name: str, days: float, *tags: str, **more: Any) -> Stored:
    """An image that was pushed *days* ago."""
    return Stored(digest=name, pushed_at=NOW - timedelta(days=days), tags=tags, **more)


def rule(
    priority: int, kind: str, number: int, *prefixes: str, status: str = "", action: str = "expire", **more: Any
) -> Rule:
    """A rule by prefixes; of untagged images without any."""
    chosen = Selection(
        tag_status=status or ("tagged" if prefixes or "patterns" in more else "untagged"),
        count_type=kind,
        count_number=number,
        prefixes=prefixes,
        **more,
    )
    return Rule(priority=priority, selection=chosen, action=action)


def fates(rules: list[Rule], *images: Stored) -> dict[str, int | None]:
    """Digest -> the rule that acts."""
    return {row.digest: row.rule for row in simulate.simulate(Policy(tuple(rules)), images, NOW)}


def test_the_youngest_are_kept() -> None:
    """Counted from the youngest; the order of the document makes no difference."""
    images = [image("c", 3, "v3"), image("a", 1, "v1"), image("d", 4, "v4"), image("b", 2, "v2")]
    assert fates([rule(1, COUNT, 2, "v")], *images) == {"a": None, "b": None, "c": 1, "d": 1}


def test_age_counts_from_the_first_push() -> None:
    """Older than so many days, not as old."""
    images = [image("old", 7.01, "pr-1"), image("exact", 7, "pr-2"), image("new", 6.99, "pr-3")]
    assert fates([rule(1, PUSHED, 7, "pr-")], *images) == {"old": 1, "exact": None, "new": None}


@pytest.mark.parametrize("days", [1_000_000, 10**10])
def test_a_policy_may_say_never_by_any_number_of_days(days: int) -> None:
    """More than a date can hold."""
    assert fates([rule(1, PUSHED, days, "pr-")], image("old", 4000, "pr-1")) == {"old": None}


def test_an_image_back_from_the_archive_is_as_old_as_its_return() -> None:
    """Age and order by the day it came back."""
    back = image("back", 400, "pr-1", activated_at=NOW - timedelta(days=3))
    other = image("other", 5, "pr-2")
    assert fates([rule(1, PUSHED, 7, "pr-")], back, other) == {"back": None, "other": None}
    assert fates([rule(1, COUNT, 1, "pr-")], back, other) == {"back": None, "other": 1}


def test_every_prefix_must_match() -> None:
    """Several prefixes are an and, over all tags of an image."""
    rules = [rule(1, COUNT, 1, "prod-", "v")]
    images = [
        image("both", 9, "prod-v1", "v1"), image("newer", 1, "v2", "prod-v2"),
        image("one", 9, "v3"), image("none", 9, "x"),
    ]  # fmt: skip
    assert fates(rules, *images) == {"both": 1, "newer": None, "one": None, "none": None}


@pytest.mark.parametrize(
    ("pattern", "tag", "matched"),
    [
        ("v*.*.*", "v1.2.3", True), ("v*.*.*", "v1.2", False), ("latest", "latest", True), ("latest", "latest2", False),
        ("*prod*", "team-production", True), ("prod*", "prod", True), ("a?c", "abc", False), ("[ab]", "a", False),
    ],
)  # fmt: skip
def test_patterns_know_one_wildcard(pattern: str, tag: str, matched: bool) -> None:
    """A star is any text; nothing else is special, and the whole tag must match."""
    found = fates([rule(1, PUSHED, 1, patterns=(pattern,))], image("x", 9, tag))
    assert found == {"x": 1 if matched else None}


def test_who_matches_a_rule_is_out_of_reach_of_the_next() -> None:
    """A rule that keeps an image protects it from every lower one."""
    rules = [rule(1, COUNT, 9999, "deployed-"), rule(2, PUSHED, 7, "dev-"), rule(3, PUSHED, 1, status="any")]
    images = [image("live", 99, "deployed-prod", "dev-1"), image("dev", 3, "dev-2"), image("x", 2, "x"), image("u", 2)]
    assert fates(rules, *images) == {"live": None, "dev": None, "x": 3, "u": 3}


def test_what_a_higher_rule_claims_still_counts() -> None:
    """A lower rule counts images of a higher one as if they stayed."""
    rules = [rule(1, COUNT, 1, "prod-"), rule(2, COUNT, 2, "v")]
    images = [image("p1", 1, "prod-1", "v1"), image("p2", 2, "prod-2", "v2"), image("v3", 3, "v3")]
    assert fates(rules, *images) == {"p1": None, "p2": 1, "v3": 2}


def test_priorities_not_the_order_of_writing() -> None:
    """The lower number first."""
    rules = [rule(9, PUSHED, 1, "dev-"), rule(2, COUNT, 9, "dev-x")]
    assert fates(rules, image("a", 5, "dev-x1")) == {"a": None}


def test_children_are_neither_touched_nor_counted() -> None:
    """An index holds its images."""
    images = [image("index", 1, "v1", children=("child",)), image("child", 99), image("loose", 98), image("new", 1)]
    assert fates([rule(1, COUNT, 1)], *images) == {"index": None, "child": None, "loose": 1, "new": None}


def test_referrers_share_their_subject_s_fate() -> None:
    """A signature goes with its image and stays with it; one without a subject is like any other."""
    images = [
        image("gone", 9, "pr-1"), image("kept", 1, "pr-2"), image("s-gone", 9, subject="gone"),
        image("s-kept", 99, subject="kept"), image("s-none", 99, subject="elsewhere"),
        image("s-s", 99, subject="s-gone"), image("loop", 99, subject="loop"),
    ]  # fmt: skip
    found = fates([rule(1, PUSHED, 7, "pr-"), rule(2, PUSHED, 7)], *images)
    assert found == {
        "gone": 1, "kept": None, "s-gone": 1, "s-kept": None, "s-none": 2, "s-s": 1, "loop": None
    }  # fmt: skip


def test_the_archive() -> None:
    """Transitions by the last pull; expiry by the day of the move; each rule sees its storage class alone."""
    pulled, moved = "sinceImagePulled", "sinceImageTransitioned"
    rules = [
        rule(1, pulled, 30, status="any", action="transition"),
        rule(2, moved, 90, status="any", storage_class="archive"),
    ]

    def ago(days: int) -> datetime:
        return NOW - timedelta(days=days)

    images = [
        image("never pulled", 40, "a"),
        image("pulled", 40, "b", pulled_at=ago(3)),
        image("restored", 400, "c", pulled_at=ago(300), activated_at=ago(3)),
        image("archived", 400, "d", status="ARCHIVED", archived_at=ago(91)),
        image("lately", 400, "e", status="ARCHIVED", archived_at=ago(89)),
        image("coming", 400, "f", status="ACTIVATING"),
    ]
    assert fates(rules, *images) == {
        "never pulled": 1, "pulled": None, "restored": None, "archived": 2, "lately": None, "coming": None,
    }  # fmt: skip
    assert simulate.simulate(Policy(tuple(rules)), images[:1], NOW)[0].action == "transition"


@st.composite
def repositories(draw: st.DrawFn) -> list[Stored]:
    """Up to twelve images with tags of the prefixes that the policies know."""
    tags = st.lists(
        st.sampled_from(["prod-1", "staging-1", "dev-1", "v1.2.3", "v2", "pr-7", "latest", "a1", "b", "x"]),
        max_size=3, unique=True,
    )  # fmt: skip
    return [
        image(f"d{number}", draw(st.integers(0, 20)), *draw(tags), status=draw(st.sampled_from(["ACTIVE", "ARCHIVED"])))
        for number in range(draw(st.integers(0, 12)))
    ]


@given(policies(), repositories())
def test_the_sentences_hold_for_any_policy(policy: Policy, images: list[Stored]) -> None:
    """One rule or none; only one that is about the image; none if an earlier one is; as another reading of it says."""
    rows = simulate.simulate(policy, images, NOW)
    assert [row.digest for row in rows] == [one.digest for one in images]
    for row, one in zip(rows, images, strict=True):
        first = next((found for found in policy.rules if about(found, one)), None)
        older = [other for other in images if first and about(first, other) and younger(other, one)]
        acts = first is not None and (
            len(older) >= first.selection.count_number
            if first.selection.count_type == COUNT
            else (NOW - one.pushed_at) > timedelta(days=first.selection.count_number)
        )
        assert (row.rule, row.action) == ((first.priority, first.action) if first and acts else (None, None))


def about(found: Rule, one: Stored) -> bool:
    """A second reading of «which images a rule is about»."""
    chosen = found.selection
    if (one.status == "ARCHIVED") != (chosen.storage_class == "archive"):
        return False
    globs = [f"{prefix}*" for prefix in chosen.prefixes] + list(chosen.patterns)
    tagged = chosen.tag_status == "any" or (chosen.tag_status == "tagged") == bool(one.tags)
    return tagged and all(any(fnmatchcase(tag, glob) for tag in one.tags) for glob in globs)


def younger(one: Stored, other: Stored) -> bool:
    return (one.pushed_at, one.digest) > (other.pushed_at, other.digest)


@given(repositories())
def test_the_default_never_expires_what_it_shields(images: list[Stored]) -> None:
    """``latest`` and ``deployed-`` stay, whatever else the image carries."""
    shielded = [Stored(digest=f"s-{i.digest}", pushed_at=i.pushed_at, tags=(*i.tags, "deployed-prod")) for i in images]
    for row in simulate.simulate(lifecycle.default_policy(), [*images, *shielded], NOW + timedelta(days=999)):
        assert row.action is None or not {"latest", "deployed-prod"} & set(row.tags)


def test_images_are_read_as_the_cli_writes_them() -> None:
    """ISO times with any offset or none, and seconds; children where they are given."""
    rows = [
        {"imageDigest": "a", "imageTags": ["v1"], "imagePushedAt": "2026-11-03T14:00:00.123000+02:00"},
        {"imageDigest": "b", "imagePushedAt": "2026-11-03T12:00:00Z", "imageStatus": "ARCHIVED",
         "lastArchivedAt": 1793707200, "subjectManifestDigest": "a", "children": ["c"]},
    ]  # fmt: skip
    for document in (rows, {"imageDetails": rows}):
        one, other = simulate.images(json.dumps(document))
        assert one == Stored(digest="a", tags=("v1",), pushed_at=NOW + timedelta(milliseconds=123))
        assert other == Stored(
            digest="b", pushed_at=NOW, status="ARCHIVED", archived_at=datetime(2026, 11, 3, 12, tzinfo=timezone.utc),
            subject="a", children=("c",),
        )  # fmt: skip


@pytest.mark.parametrize(
    "document", ["{", "7", "{}", '[{"imageDigest": "a"}]', "[7]", '[{"imageDigest": "a", "imagePushedAt": "soon"}]']
)
def test_other_documents_are_refused_in_words(document: str) -> None:
    """No list, no JSON, no time."""
    with pytest.raises(errors.InputProblems) as refused:
        simulate.images(document)
    assert "--images" in str(refused.value)
