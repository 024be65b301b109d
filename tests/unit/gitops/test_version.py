"""Semantic versions."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action.image.version import Version, of_tag, parse

# The order of SemVer 2.0.0, item 11, and around it.
ORDER = (
    "0.0.1 0.9.0 1.0.0-0 1.0.0-1 1.0.0-2 1.0.0-11 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 "
    "1.0.0-beta.11 1.0.0-rc.1 1.0.0-rc-2 1.0.0 1.0.1 1.2.0 1.10.0 2.0.0 10.0.0"
).split()
NONE = (
    "", "1", "1.2", "v1", "v2.0", "1.2.3.4", "01.2.3", "1.02.3", "1.2.03", "1.2.3-01", "1.2.3-", "1.2.3-a..b", "1.2.3+",
    "1.2.3+a+b", "V1.2.3", "vv1.2.3", "v 1.2.3", "1.2.3 ", "1.2.3\n", "1.2.3-é", "\u0661.2.3", "a1.2.3", "prod-v1.2.3",
    "1.2.x", "-1.2.3", "9" * 5000 + ".0.0",
)  # fmt: skip


def test_order() -> None:
    """Sorted from any order they come out as SemVer says."""
    versions = [parse(text) for text in ORDER]
    shuffled = [version for version in versions if version]
    random.Random(1).shuffle(shuffled)
    assert [version.text for version in sorted(shuffled)] == ORDER


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_version(text: str) -> None:
    """Strictly: no leading zeros, three numbers, nothing before or after."""
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "tag", "prerelease"),
    [
        ("1.2.3", "v1.2.3", False),
        ("v1.2.3", "v1.2.3", False),
        ("1.2.3-rc.1", "v1.2.3-rc.1", True),
        ("v1.2.3+5.a", "v1.2.3_5.a", False),
        ("1.2.3-a-b.0+001", "v1.2.3-a-b.0_001", True),
    ],
)
def test_the_tag_of_a_version(text: str, tag: str, prerelease: bool) -> None:
    """With the `v`; a tag has no `+`; and the tag says which version it is."""
    version = parse(text)
    assert version is not None
    assert (version.tag, version.prerelease) == (tag, prerelease)
    assert of_tag(version.tag) == version
    assert parse(version.text) == version


def test_builds_have_no_precedence() -> None:
    """They are different versions, neither of them newer."""
    one, other = Version(1, 0, 0, build="a"), Version(1, 0, 0, build="b")
    assert one != other
    assert one >= other
    assert other >= one
    assert not one < other


@given(st.lists(st.sampled_from([version for text in ORDER if (version := parse(text))]), min_size=2, max_size=2))
def test_the_order_is_total(pair: list[Version]) -> None:
    """Of two versions exactly one of <, ==, > holds."""
    one, other = pair
    assert (one < other) + (one == other) + (one > other) == 1
    assert (one <= other) == (not one > other)
