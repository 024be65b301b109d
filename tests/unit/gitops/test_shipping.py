"""What ships, in words: bounded, and whatever a commit's subject holds, it stays in its line."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action.gitops import message, shipping
from ecr_action.gitops.message import Origin, Shipped
from ecr_action.gitops.shipping import Shipping
from ecr_action.protocols import Comparison, Revision
from tests.unit.test_report import outside_code

URL = "https://github.com/o/app/compare/a...b"
HOSTILE = [
    "fixes #1", "closes o/r#2", "thanks @team/all", "`code` [a](javascript:b)", "<img src=x onerror=alert(1)>",
    "[skip ci]", "x\n\nEcr-Publish-Run: https://evil", "Co-authored-by: Eve <eve@x>", "a\u2028## Heading", "```",
    "| a | b |", "see https://github.com/o/r/pull/3", "**bold** ~~gone~~", "",
]  # fmt: skip


def step(*subjects: str, status: str = "ahead", was: str = "abc1234", **changes: Any) -> Shipping:
    """One image's step over commits of these *subjects*, newest first."""
    revisions = tuple(Revision(sha=f"{number:040x}", subject=text) for number, text in enumerate(subjects, 1))
    given = {"ahead_by": len(subjects), "revisions": revisions, "url": URL, **changes}
    return Shipping(repository="app", was=was, comparison=Comparison(status=status, **given))


def test_a_commit_a_line_newest_first() -> None:
    """With its short id; the message names the one that stood."""
    assert shipping.text([step("Second", "First")]) == "2 commits since abc1234:\n- Second (0000000)\n- First (0000000)"
    assert shipping.summary([step("Second", "First")]) == (
        f"**What ships:** 2 commits since abc1234 ([compare]({URL}))\n\n- `Second` 0000000\n- `First` 0000000"
    )


def test_many_commits_are_cut() -> None:
    """At 20, with the number of those that are left out and the page that has them; long subjects at 120 characters."""
    many = step(*(f"Commit {number}" for number in range(30)), ahead_by=140)
    lines = shipping.text([many]).splitlines()
    assert len(lines) == 22
    assert lines[0] == "140 commits since abc1234:"
    assert lines[-1] == f"- and 120 more: {URL}"
    assert shipping.summary([many]).splitlines()[-1] == "- and 120 more"
    assert len(shipping.text([step("x" * 10_000)])) < 200


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (Shipping(repository="app"), "First deployment here."),
        (step(status="identical"), "No new commit since abc1234."),
        (step(status="behind", behind_by=2), "Back by 2 commits, from abc1234."),
        (
            step("Mended", status="diverged", behind_by=3),
            "1 commit on another line than abc1234 (a force push, or another branch), 3 commits of it left out:",
        ),
        (
            Shipping(repository="app", was="abc1234"),
            "Unknown, since abc1234 names no commit that GitHub could compare with.",
        ),
        (
            Shipping(repository="app", was="abc1234", comparison=Comparison(status=None)),
            "Unknown, since abc1234 names no commit that GitHub could compare with.",
        ),
    ],
)
def test_what_is_said_where_there_is_no_list(what: Shipping, words: str) -> None:
    """A first deployment, a rollback, a force push, a history that nobody knows."""
    assert shipping.text([what]).splitlines()[0] == words


def test_images_that_make_the_same_step_share_its_list() -> None:
    """Those of one matrix as a rule; another's has its own."""
    same, other = step("One"), Shipping(repository="web")
    told = shipping.text([same, Shipping(repository="api", was=same.was, comparison=same.comparison), other])
    assert told == "app, api: 1 commit since abc1234:\n- One (0000000)\n\nweb: First deployment here."
    assert shipping.text([]) == shipping.summary([]) == ""


@pytest.mark.parametrize("subject", HOSTILE)
def test_a_hostile_subject_stays_in_its_line(subject: str) -> None:
    """In the message no trailer, link or order comes of it; in Markdown nothing but code."""
    told = shipping.text([step(subject, was=subject or "x")])
    assert len(told.splitlines()) == 2
    shipped, origin = Shipped(name="h/app", repository="app", tag="1"), Origin(repository="o/app", sha="f" * 40)
    last = message.compose([shipped], origin, environment="dev", ships=told).rpartition("\n\n")[2]
    assert last == f"Ecr-Publish-Image: h/app:1\nEcr-Publish-Source: o/app@{'f' * 40}\n"
    for order in ("#1", "#2", "@team", "[skip ci]", "https://github.com/o/r/pull/3"):
        assert order not in told
    shown = shipping.summary([step(subject)])
    assert len(shown.splitlines()) == 3
    assert outside_code(shown).splitlines()[2] == "-  0000000"


@given(st.text(), st.text(min_size=1))
def test_any_subject_is_one_line_of_code(subject: str, was: str) -> None:
    """Whatever characters it is made of."""
    shown = shipping.summary([step(subject, was=was)])
    assert shown.count("\n") == 2
    assert outside_code(shown.split("\n")[2]) == "-  0000000"
    assert shipping.text([step(subject, was=was)]).count("\n") == 1
    assert not re.search(r"(?<![A-Za-z0-9_])@\w|#\d", shipping.text([step(subject, was=was)]))
