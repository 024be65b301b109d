"""What is dangerous in a policy that ECR takes."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action.aws import lifecycle, lint, simulate
from ecr_action.aws.policy import Policy
from ecr_action.aws.simulate import Stored

from .policies import policies

COUNT, AGE = {"countType": "imageCountMoreThan"}, {"countType": "sinceImagePushed", "countUnit": "days"}


def tagged(number: int, kind: dict[str, str], **lists: list[str]) -> dict[str, Any]:
    return {"tagStatus": "tagged", **lists, **kind, "countNumber": number}


SHIELD = tagged(9999, COUNT, tagPrefixList=["deployed-"])
DEV = tagged(5, COUNT, tagPrefixList=["dev-"])


def codes(*selections: dict[str, Any]) -> list[tuple[str, int | None]]:
    """Code and rule of each finding; rules are numbered from 1."""
    rules = [
        {"rulePriority": number, "selection": selection, "action": {"type": "expire"}}
        for number, selection in enumerate(selections, 1)
    ]
    found = lint.lint(json.dumps({"rules": rules}) + " " * 100)
    assert all(row.severity == "warning" and row.message and row.fix for row in found)
    return [(row.code, row.rule) for row in found]


def test_the_default_is_clean() -> None:
    """Nothing to say of our own policy."""
    assert lint.lint(lifecycle.text(lifecycle.default_policy())) == ()


def test_what_ecr_refuses_is_an_error_alone() -> None:
    """No advice on what is not a policy."""
    found = lint.lint("{")
    assert [(row.severity, row.code) for row in found] == [("error", "json")]


def test_the_platform_s_policy_is_explained() -> None:
    """``["prod-", "v"]`` works for images with both; ``["staging-", "dev-"]`` leaves nearly everything; no shield."""
    untagged = {"tagStatus": "untagged", **AGE, "countNumber": 7}
    found = codes(
        tagged(10, COUNT, tagPrefixList=["prod-", "v"]), tagged(5, COUNT, tagPrefixList=["staging-", "dev-"]), untagged
    )
    assert found == [
        ("all-must-match", 1), ("all-must-match", 2), ("deployed-unprotected", 1), ("never-expires", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("selections", "found"),
    [
        ([SHIELD, DEV], []),
        ([SHIELD, DEV, tagged(5, COUNT, tagPrefixList=["dev-x"])], [("never-acts", 3)]),
        ([SHIELD, DEV, tagged(5, COUNT, tagPatternList=["dev-*-*"])], [("never-acts", 3)]),
        ([SHIELD, DEV, tagged(5, COUNT, tagPatternList=["*dev-"])], []),
        (
            [SHIELD, tagged(9999, COUNT, tagPatternList=["*"]), tagged(5, COUNT, tagPrefixList=["x"])],
            [("never-acts", 3)],
        ),
        ([DEV, tagged(10, COUNT, tagPrefixList=["v"])], [("deployed-unprotected", 2)]),
        ([DEV, tagged(500, COUNT, tagPrefixList=["v"])], []),
        ([SHIELD, DEV, tagged(90, AGE, tagPrefixList=["prod-"])], [("releases-by-age", 3)]),
        ([SHIELD, DEV, tagged(90, AGE, tagPrefixList=["latest"])], [("moving-tag", 3)]),
        ([SHIELD, tagged(9, COUNT, tagPrefixList=["x"])], [("never-expires", None)]),
    ],
)
def test_each_danger_is_found(selections: list[dict[str, Any]], found: list[tuple[str, int | None]]) -> None:
    """And nothing else is said."""
    assert codes(*selections) == found


@given(policies(), st.data())
def test_a_rule_that_never_acts_never_acts(policy: Policy, data: st.DataObject) -> None:
    """No repository makes a rule act of which lint says that it can't."""
    dead = {row.rule for row in lint.lint(lifecycle.text(policy) + " " * 100) if row.code == "never-acts"}
    now = datetime(2026, 11, 3, tzinfo=timezone.utc)
    tags = st.lists(st.from_regex(r"(prod-|staging-|dev-|v|pr-|latest|a|b)[a-d0-9.-]{0,4}", fullmatch=True), max_size=3)
    images = [
        Stored(digest=f"d{number}", pushed_at=now - timedelta(days=number), tags=tuple(data.draw(tags)))
        for number in range(15)
    ]
    assert not dead & {row.rule for row in simulate.simulate(policy, images, now)}
