"""The pull request's branch, text and past."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action.gitops import pulls
from ecr_action.gitops.message import Origin, Shipped
from ecr_action.gitops_protocols import Proposed, PullRequest

DIGEST = f"sha256:{'a' * 64}"
SHIPPED = Shipped(name="host/team/app", repository="team/app", tag="v1.2.3", digest=DIGEST)
ORIGIN = Origin(repository="o/app", sha="b" * 40, run_url="https://github.com/o/app/actions/runs/1")
# ECR's names (API reference, "CreateRepository"): single separators between letters and digits.
PART = st.from_regex(r"[a-z0-9]{1,3}(?:[._-][a-z0-9]{1,2}){0,2}", fullmatch=True)
NAMES = st.lists(PART, min_size=1, max_size=3).map("/".join)


def body(**changes: str) -> str:
    """The text of a pull request."""
    return pulls.body([SHIPPED], ORIGIN, changes.get("environment", "prod"), changes.get("ships", ""))


@given(NAMES, NAMES)
def test_no_two_repositories_share_a_branch(one: str, other: str) -> None:
    """Nor does one's branch stand in the way of the other's, as a folder of that name would."""
    first, second = pulls.branch(one, "prod"), pulls.branch(other, "prod")
    assert (first == second) is (one == other)
    assert first == second or not f"{second}/".startswith(f"{first}/")


def test_a_branch_names_app_and_environment() -> None:
    """As the documents say."""
    assert pulls.branch("team/app", "prod") == "ecr-publish/team--app/prod"
    assert pulls.branch("team/app", "prod", "release/2") == "ecr-publish/team--app/prod@release/2"


def test_the_images_of_a_description_are_read_back() -> None:
    """Those of our own block, with or without a digest; not what people wrote around it."""
    other = Shipped(name="host:5000/web", repository="web", tag="v2")
    text = pulls.body([SHIPPED, other], ORIGIN, "prod")
    above = f"Ecr-Publish-Image: host/mine:1\n\n{text}".replace("\n", "\r\n")
    assert pulls.proposed_in(above) == [SHIPPED, other]
    assert pulls.proposed_in("Ecr-Publish-Image: host/mine:1") == []


def test_the_text_has_all_that_ships() -> None:
    """Image, digest, source, the run, and what others said of it, in a block that is found again."""
    text = body(ships="**What ships:** 2 commits")
    for part in ("`host/team/app:v1.2.3`", DIGEST, f"o/app@{'b' * 40}", ORIGIN.run_url, "**What ships:**", "**prod**"):
        assert part in text
    assert text.startswith("<!-- ecr-publish -->\n")
    assert text.endswith("<!-- /ecr-publish -->")


def test_an_environments_name_is_no_markup() -> None:
    """It stays the words that it is."""
    assert "<b>" not in body(environment="<b>prod")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "NEW"),
        ("Looked at.", "Looked at.\n\nNEW"),
        ("Above.\n\n<!-- ecr-publish -->\nold\n<!-- /ecr-publish -->\n\nBelow.", "Above.\n\nNEW\n\nBelow."),
        ("Above.\n\n<!-- ecr-publish -->\nthe end was deleted", "Above.\n\nNEW"),
    ],
)
def test_what_people_wrote_stays(old: str, new: str) -> None:
    """Above and below our own block, of which there is one."""
    assert pulls.joined(old, "NEW") == new


def test_a_closing_of_ours_is_below_the_text_and_gone_from_one_that_is_opened_again() -> None:
    """Whoever closes it then says no."""
    closed = pulls.closing(f"Looked at.\n\n{body()}\n", "main has a newer image by now.")
    assert closed.startswith(f"Looked at.\n\n{body()}\n\n<!--")
    assert closed.endswith("-->\n\nmain has a newer image by now.")
    again = past("closed", text=pulls.joined(closed, body()))
    assert pulls.declined(again, [DIGEST]) is not None


@given(st.text(max_size=60))
def test_the_second_writing_changes_nothing(old: str) -> None:
    """Whatever stood there."""
    once = pulls.joined(old, body())
    assert pulls.joined(once, body()) == once


def past(*states: str, text: str = DIGEST) -> Proposed:
    """A branch with pull requests of those states, newest first."""
    found = tuple(
        PullRequest(number=9 - number, url="u", state=state, head="c" * 40, body=text)
        for number, state in enumerate(states)
    )
    return Proposed(branch="b", head="c" * 40, pulls=found)


OTHER = f"sha256:{'b' * 64}"
CLOSED = past("closed").pulls


@pytest.mark.parametrize(
    ("found", "digests", "declined"),
    [
        (past(), [DIGEST], False),
        (past("open", "closed"), [DIGEST], False),
        (past("merged", "closed"), [DIGEST], False),
        (past("closed", "merged"), [DIGEST], True),
        (past("closed", text="another"), [DIGEST], False),
        (past("closed"), [DIGEST, OTHER], False),
        (past("closed", text=f"{DIGEST} {OTHER}"), [OTHER], True),
        (past("closed"), [""], False),
        (past("closed"), [], False),
        (past("closed", text=pulls.closing(DIGEST, "main has a newer image by now.")), [DIGEST], False),
        (replace(past("merged", text=OTHER), pulls=(*past("merged", text=OTHER).pulls, *CLOSED)), [DIGEST], True),
        (replace(past("closed", text=OTHER), pulls=(*past("closed", text=OTHER).pulls, *CLOSED)), [DIGEST], True),
    ],
)
def test_what_was_closed_without_a_merge_last_is_declined(
    found: Proposed, digests: list[str], declined: bool
) -> None:
    """The same images, all of them, whatever was proposed of others since; an unknown one never is."""
    assert (pulls.declined(found, digests) is not None) is declined


@pytest.mark.parametrize(
    ("states", "live"), [((), True), (("open",), True), (("merged",), False), (("closed",), False)]
)
def test_a_branch_is_live_until_its_pull_request_ends(states: tuple[str, ...], live: bool) -> None:
    """A branch without any waits for one: the run that made it was cut off."""
    assert past(*states).live is live
    assert Proposed(branch="b").live is False
