"""Which image is published and under which tags."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action.errors import TagTaken
from ecr_action.image import reuse
from ecr_action.image.key import Key
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


KEY = Key(tag="key-0123456789abcdef", inputs={"context": "1", "build-args": "2"})
KEYED = Image(digest="sha256:" + "3" * 64, media_type="m", manifest="{}")


def chosen(
    there: dict[str, Image],
    *,
    tags: Tags = BRANCH,
    reusing: bool = True,
    dirty: bool = False,
    inputs: dict[str, dict[str, str]] | None = None,
    names: tuple[str, ...] = (),
) -> reuse.Choice:
    """The choice of run 5; *inputs* are those of images by digest, *names* the tags of every image."""
    known = reuse.Known(inputs=lambda image: (inputs or {}).get(image.digest), names=lambda _: names)
    return reuse.choose(tags, there, "5", reusing=reusing, key=KEY, known=known, dirty=dirty)


def test_a_commit_without_an_image_is_built() -> None:
    """Under its plain tags."""
    choice = chosen({"latest": OTHER})
    assert (choice.image, choice.tags, choice.keyed) == (None, BRANCH, True)


def test_an_image_with_our_key_is_reused() -> None:
    """Nothing is built, nothing said."""
    choice = chosen({SHA: FIRST, KEY.tag: FIRST})
    assert (choice.image, choice.tags, choice.notices) == (FIRST, BRANCH, ())


def test_an_image_with_our_inputs_and_no_key_yet_is_reused() -> None:
    """The run that built it was cut off; the key is put now."""
    choice = chosen({SHA: FIRST}, inputs={FIRST.digest: dict(KEY.inputs)})
    assert (choice.image, choice.keyed, choice.notices) == (FIRST, True, ())


def test_another_pipelines_image_of_the_commit_is_taken_with_a_notice() -> None:
    """And gets no key: nobody knows what it was built with."""
    choice = chosen({SHA: FIRST})
    assert (choice.image, choice.tags, choice.keyed) == (FIRST, BRANCH, False)
    assert "another pipeline" in choice.notices[0]


def test_other_build_inputs_make_a_second_image() -> None:
    """The notice names the input which differs."""
    choice = chosen({SHA: FIRST}, inputs={FIRST.digest: {**KEY.inputs, "build-args": "9"}})
    assert (choice.image, choice.tags.content) == (None, f"{SHA}-r5")
    assert "build-args" in choice.notices[0]


def test_a_key_that_moved_to_a_second_image_gives_that_one_with_its_own_tags() -> None:
    """What a schedule built is what later runs of the commit roll out."""
    choice = chosen({SHA: FIRST, KEY.tag: KEYED}, names=(f"{SHA}-r4", f"{SHORT}-r4", KEY.tag))
    assert (choice.image, choice.tags.primary) == (KEYED, f"{SHORT}-r4")


@pytest.mark.parametrize("name", ["context", "file", "target"])
def test_another_context_file_or_target_is_another_service(name: str) -> None:
    """An error with the line to add, before anything is built."""
    key = {FIRST.digest: {name: "9"}}
    known = reuse.Known(inputs=lambda image: key.get(image.digest), names=lambda _: ())
    ours = Key(tag=KEY.tag, inputs={name: "1"})
    with pytest.raises(TagTaken) as caught:
        reuse.choose(BRANCH, {SHA: FIRST}, "5", reusing=True, key=ours, known=known)
    assert name in caught.value.what
    assert "repository: " in caught.value.fix


def test_by_content_an_image_of_another_commit_gets_this_ones_tags() -> None:
    """Until it has too many."""
    choice = chosen({KEY.tag: KEYED}, names=("x",) * (reuse.MOST_TAGS - 1))
    assert (choice.image, choice.tags) == (KEYED, BRANCH)
    assert chosen({KEY.tag: KEYED}, names=("x",) * reuse.MOST_TAGS).image is None


def test_a_dirty_tree_takes_no_image_and_gives_none() -> None:
    """Its tags are its run's, and it gets no key."""
    for there in ({}, {SHA: FIRST, KEY.tag: FIRST}, {f"{SHA}-r5": OTHER}):
        choice = chosen(there, dirty=True, reusing=False)
        assert (choice.image, choice.tags.content, choice.keyed) == (None, f"{SHA}-r5", False)


def test_a_second_image_of_a_commit_takes_none_of_its_tags() -> None:
    """Each that names the commit ends in the run's number; the primary is what rolls out."""
    choice = chosen({SHA: FIRST, KEY.tag: FIRST}, reusing=False)
    assert choice.image is None
    assert choice.tags.content == f"{SHA}-r5"
    assert choice.tags.primary == f"{SHORT}-r5"
    assert choice.tags.order == (f"{SHA}-r5", f"{SHORT}-r5", f"dev-{SHORT}-r5", "latest")
    assert choice.tags.moving == ("latest",)
    assert choice.notices


def test_a_re_run_finds_the_second_image_that_it_built() -> None:
    """By the run's own number."""
    there = {SHA: FIRST, f"{SHA}-r5": OTHER}
    assert set(there) <= set(reuse.asked(BRANCH, "5", KEY))
    assert chosen(there, reusing=False, inputs={OTHER.digest: dict(KEY.inputs)}).image == OTHER


def test_another_job_of_the_same_run_with_other_inputs_is_no_re_run() -> None:
    """A matrix over build arguments needs a repository for each."""
    with pytest.raises(TagTaken):
        chosen({SHA: FIRST, f"{SHA}-r5": OTHER}, reusing=False, inputs={OTHER.digest: {"build-args": "9"}})


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
