"""Which image is published and under which tags."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action.errors import TagTaken
from ecr_action.image import reuse
from ecr_action.image.tags import Tags
from ecr_action.protocols import Image, RepositoryState
from tests.builders import SHA

SHORT = SHA[:7]
FIRST = Image(digest="sha256:" + "1" * 64, media_type="m", manifest="{}")
OTHER = Image(digest="sha256:" + "2" * 64, media_type="m", manifest="{}")
BRANCH = Tags(
    content=SHA,
    fixed=(SHA, SHORT, f"dev-{SHORT}"),
    moving=("latest",),
    primary=SHORT,
    order=(SHA, SHORT, f"dev-{SHORT}", "latest"),
)
RELEASE = Tags(
    content=SHA,
    fixed=(SHA, SHORT),
    versions=("v1.2.3", "prod-v1.2.3"),
    primary="v1.2.3",
    order=("v1.2.3", "prod-v1.2.3", SHA, SHORT),
)


def repository(mutability: str = "MUTABLE", *exclusions: str) -> RepositoryState:
    """A repository of that mutability."""
    return RepositoryState(
        name="hello-node", uri="r/hello-node", arn="", account="", mutability=mutability, immutable_except=exclusions
    )


def test_a_commit_without_an_image_is_built() -> None:
    """Under its plain tags."""
    choice = reuse.choose(BRANCH, {"latest": OTHER}, "5", reusing=True)
    assert (choice.image, choice.tags) == (None, BRANCH)


def test_a_commit_with_an_image_is_reused() -> None:
    """Nothing is built."""
    choice = reuse.choose(BRANCH, {SHA: FIRST}, "5", reusing=True)
    assert (choice.image, choice.tags) == (FIRST, BRANCH)


def test_a_second_image_of_a_commit_takes_none_of_its_tags() -> None:
    """Each that names the commit ends in the run's number; the primary is what rolls out."""
    choice = reuse.choose(BRANCH, {SHA: FIRST}, "5", reusing=False)
    assert choice.image is None
    assert choice.tags.content == f"{SHA}-r5"
    assert choice.tags.primary == f"{SHORT}-r5"
    assert choice.tags.order == (f"{SHA}-r5", f"{SHORT}-r5", f"dev-{SHORT}-r5", "latest")
    assert choice.tags.moving == ("latest",)
    assert choice.notices


def test_a_re_run_finds_the_second_image_that_it_built() -> None:
    """By the run's own number."""
    there = {SHA: FIRST, f"{SHA}-r5": OTHER}
    assert f"{SHA}-r5" in reuse.asked(BRANCH, "5", reusing=False)
    assert reuse.choose(BRANCH, there, "5", reusing=False).image == OTHER


@pytest.mark.parametrize(
    ("mutability", "exclusions", "tag", "expected"),
    [
        ("MUTABLE", (), "latest", False),
        ("IMMUTABLE", (), "latest", True),
        ("IMMUTABLE_WITH_EXCLUSION", ("latest",), "latest", False),
        ("IMMUTABLE_WITH_EXCLUSION", ("pr-*",), "pr-7", False),
        ("IMMUTABLE_WITH_EXCLUSION", ("pr-*",), "latest", True),
        ("IMMUTABLE_WITH_EXCLUSION", ("*est",), "latest", False),
        ("IMMUTABLE_WITH_EXCLUSION", ("l*t*t",), "latest", False),
        ("IMMUTABLE_WITH_EXCLUSION", ("l*x*t",), "latest", True),
        ("IMMUTABLE_WITH_EXCLUSION", ("late*test",), "latest", True),
        ("IMMUTABLE_WITH_EXCLUSION", ("l.*",), "latest", True),
        ("MUTABLE_WITH_EXCLUSION", ("v*",), "v1.2.3", True),
        ("MUTABLE_WITH_EXCLUSION", ("v*",), "latest", False),
    ],
)
def test_which_tags_an_immutable_repository_keeps_moving(
    mutability: str, exclusions: tuple[str, ...], tag: str, expected: bool
) -> None:
    """Exclusions are wildcards, no regular expressions."""
    assert reuse.immutable(tag, repository(mutability, *exclusions)) is expected


@given(
    st.lists(st.sampled_from(["a", "b", ".", "*"]), min_size=1, max_size=8).map("".join),
    st.lists(st.sampled_from("ab."), max_size=8).map("".join),
)
def test_exclusions_match_as_wildcards_do(pattern: str, tag: str) -> None:
    """Against a translation of the pattern into a regular expression."""
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), tag) is not None
    assert reuse.immutable(tag, repository("MUTABLE_WITH_EXCLUSION", pattern)) is expected


def test_a_pull_requests_moving_tag_is_left_out_of_an_immutable_repository() -> None:
    """With a notice; its other tag names the commit."""
    tags = Tags(
        content="pr-7-abc", fixed=("pr-7-abc",), moving=("pr-7",), primary="pr-7-abc", order=("pr-7", "pr-7-abc")
    )
    fitted, notices = reuse.fitted(tags, repository("IMMUTABLE"))
    assert (fitted.moving, fitted.order, len(notices)) == ((), ("pr-7-abc",), 1)


def test_latest_in_an_immutable_repository_is_an_error_with_the_line_to_write() -> None:
    """Before anything is built."""
    with pytest.raises(TagTaken) as caught:
        reuse.fitted(BRANCH, repository("IMMUTABLE"))
    assert "latest: 'false'" in caught.value.fix
    assert reuse.fitted(BRANCH, repository("IMMUTABLE_WITH_EXCLUSION", "latest")) == (BRANCH, ())


def test_a_version_of_another_commit_is_an_error_that_names_both() -> None:
    """It is written once."""
    _, error = reuse.taken({"v1.2.3": OTHER}, {OTHER.digest: ("c" * 40,)}, SHA, "hello-node")
    assert error is not None
    assert SHA in error.what
    assert "c" * 40 in error.what


def test_a_version_of_this_commit_is_taken_as_it_is() -> None:
    """A re-run, or the second of a release's two events."""
    assert reuse.taken({"v1.2.3": OTHER}, {OTHER.digest: (SHA,)}, SHA, "hello-node") == (OTHER, None)


def test_a_short_sha_that_names_another_commit_grows() -> None:
    """Just beyond what both have in common, wherever it stands."""
    other = SHA[:9] + "0" * 31
    there = {SHORT: OTHER}
    tags, notices = reuse.lengthened(BRANCH, SHA, there, None, lambda _: (other,))
    longer = SHA[:10]
    assert tags.order == (SHA, longer, f"dev-{longer}", "latest")
    assert tags.primary == longer
    assert len(notices) == 1


def test_a_short_sha_of_this_commit_stays() -> None:
    """A run that was cut off put it there, or the same image has it."""
    assert reuse.lengthened(BRANCH, SHA, {SHORT: OTHER}, None, lambda _: (SHA,)) == (BRANCH, ())
    assert reuse.lengthened(BRANCH, SHA, {SHORT: FIRST}, FIRST, lambda _: ()) == (BRANCH, ())


def test_a_releases_primary_stays_where_its_short_sha_grows() -> None:
    """It is the version."""
    tags, _ = reuse.lengthened(RELEASE, SHA, {SHORT: OTHER}, None, lambda _: ())
    assert tags == replace(RELEASE, fixed=(SHA, SHA[:8]), order=("v1.2.3", "prod-v1.2.3", SHA, SHA[:8]))


@pytest.mark.parametrize(
    ("mutability", "exclusions", "words"),
    [
        (
            "IMMUTABLE",
            (),
            "IMMUTABLE_WITH_EXCLUSION --image-tag-mutability-exclusion-filters filterType=WILDCARD,filter=latest",
        ),
        ("IMMUTABLE_WITH_EXCLUSION", ("deployed-*",), "filter=deployed-* filterType=WILDCARD,filter=latest"),
        ("MUTABLE_WITH_EXCLUSION", ("latest",), "--image-tag-mutability MUTABLE"),
        (
            "MUTABLE_WITH_EXCLUSION",
            ("latest", "v*"),
            "MUTABLE_WITH_EXCLUSION --image-tag-mutability-exclusion-filters filterType=WILDCARD,filter=v*",
        ),
    ],
)
def test_the_command_lets_that_tag_move_and_nothing_else(
    mutability: str, exclusions: tuple[str, ...], words: str
) -> None:
    """Other filters stay; a mutable repository does not become immutable."""
    with pytest.raises(TagTaken) as caught:
        reuse.fitted(BRANCH, repository(mutability, *exclusions))
    assert caught.value.fix.endswith(words)
