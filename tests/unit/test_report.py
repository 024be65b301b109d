"""Outputs and summary: whatever a value holds, it stays in its place."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action import markdown, report
from ecr_action.errors import BuildFailed, InputProblems, Problem
from ecr_action.gitops.shipping import Shipping
from ecr_action.gitops_protocols import Commit
from ecr_action.plan import Plan
from ecr_action.protocols import Comparison, Revision, Step
from ecr_action.report import Outcome, Previewed, RolledOut
from tests.builders import SHA

HOSTILE = "x` | <img src=x onerror=alert(1)> [a](javascript:b) **b** @team\n| forged | row |\n```\n## Heading"
DIGEST = "sha256:" + "1" * 64


def compared(text: str) -> Comparison:
    """A comparison with *text* wherever a foreign one may stand."""
    return Comparison(status="ahead", ahead_by=1, revisions=(Revision(sha=SHA, subject=text),), url=text)


def outcome(text: str = "hello-node") -> Outcome:
    """A whole outcome with *text* wherever a foreign text may stand."""
    return Outcome(
        plan=Plan(event="push", commit=SHA, environment=text, push=True),
        repository=text,
        uri="123456789012.dkr.ecr.us-east-1.amazonaws.com/hello-node",
        digest=DIGEST,
        tags=(SHA, text),
        primary="3f2c1ab",
        pushed=True,
        because=text,
        rolled_out=RolledOut(
            repository=text,
            commit=Commit(oid="f" * 40, url="https://github.com/o/r/commit/f"),
            diff=text,
            deployed=("hello-node",),
            ships=(Shipping(repository=text, was=text, comparison=compared(text)), Shipping(repository=text)),
        ),
        previewed=Previewed(repository=text, environment=text, diff=text, notices=(text,)),
        steps=(Step(name=text, seconds=1.5, cached=False),),
        notices=(text,),
        seconds={"Image": 1.0},
    )


def outside_code(markdown: str) -> str:
    """*markdown* without its fenced blocks, code spans and escaped characters."""
    text = re.sub(r"(?ms)^(`{3,})[a-z]*\n.*?\n\1$", "", markdown)
    # From left to right: a backslash escapes nothing inside of code.
    return re.sub(r"\\.|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


@given(st.text(min_size=1) | st.just(HOSTILE))
def test_no_text_becomes_markup(text: str) -> None:
    """HTML, links, headings and rows are ours alone."""
    left = outside_code(report.summary(outcome(text)))
    ours = outside_code(report.summary(outcome("a")))
    for mark in ("<", "](", "\n#", "\n|", "**", "@", "```"):
        assert left.count(mark) <= ours.count(mark), mark


@given(st.text(min_size=1) | st.just(HOSTILE))
def test_no_text_of_a_run_of_several_becomes_markup(text: str) -> None:
    """Nor of one that shows what a merge would end in."""

    def shown(text: str) -> str:
        one, failure = outcome(text), BuildFailed(text, why=text, fix=text)
        out = replace(one.rolled_out, kept={text: text}, proposed=(text,))
        previewed = Previewed(repository=text, environment=text, failure=failure)
        return report.summary(replace(one, images=(one, one), rolled_out=out, previewed=previewed))

    left, ours = outside_code(shown(text)), outside_code(shown("a"))
    for mark in ("<", "](", "\n#", "\n|", "**", "@", "```"):
        assert left.count(mark) <= ours.count(mark), mark


@given(st.text(alphabet="`~\n ax", max_size=40))
def test_a_diff_stays_in_its_block(text: str) -> None:
    """However many backticks it holds."""
    block = markdown.block(text, "diff").split("\n")
    fence = block[0].removesuffix("diff")
    assert block[-1] == fence
    assert not any(line.strip().startswith(fence) for line in block[1:-1])


def test_every_output_has_a_value_and_a_form() -> None:
    """Booleans as words, tags one a line, the commit's 40 digits."""
    values = report.outputs(outcome())
    assert tuple(values) == report.OUTPUTS
    assert values["tags"] == f"{SHA}\nhello-node"
    assert values["image"] == "123456789012.dkr.ecr.us-east-1.amazonaws.com/hello-node:3f2c1ab"
    assert values["image-digest"] == f"123456789012.dkr.ecr.us-east-1.amazonaws.com/hello-node@{DIGEST}"
    assert (values["pushed"], values["reused"], values["gitops-commit"]) == ("true", "false", "f" * 40)
    assert json.loads(values["metadata"])["tags"] == [SHA, "hello-node"]


def test_without_an_image_the_outputs_are_empty_not_missing() -> None:
    """A later step compares with ''."""
    values = report.outputs(Outcome(plan=Plan(event="delete", commit="", nothing="it was deleted")))
    assert {name for name, value in values.items() if value not in ("", "false")} == {"metadata"}


def test_a_dry_run_claims_nothing() -> None:
    """A later step must not take it for a publish."""
    dry = replace(outcome(), dry_run=True, created=True)
    values = report.outputs(dry)
    assert (values["pushed"], values["deployed"], values["repository-created"]) == ("false", "false", "false")
    assert "would be created" in report.summary(dry)


def test_what_is_held_back_stands_first() -> None:
    """`NOT DEPLOYED` is the first line under the heading."""
    held = replace(outcome(), rolled_out=RolledOut(repository="o/r", held="NOT DEPLOYED: v1.0.0 is out"))
    lines = [line for line in report.summary(held).split("\n") if line]
    assert lines[1] == "> **NOT DEPLOYED: v1.0.0 is out**"


def test_a_long_diff_is_cut() -> None:
    """The commit's page has the whole."""
    long = replace(outcome(), rolled_out=replace(outcome().rolled_out, diff="+a\n" * 500))
    assert "... 300 more lines" in report.summary(long)


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (
            BuildFailed("It broke.", why="Because.", fix="Mend `it`."),
            ["(E-BUILD)", "It broke.", "Because.", "Mend `it`."],
        ),
        (
            InputProblems([Problem("push", "is 'x'"), Problem("tags", "is `y`")]),
            ["(E-INPUT)", "- push is 'x'", "- tags is `y`"],
        ),
    ],
)
def test_a_failures_summary_has_what_why_and_fix(failure: BuildFailed, words: list[str]) -> None:
    """As a person reads it."""
    text = report.failure_summary(failure)
    for word in words:
        assert word in text
