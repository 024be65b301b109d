"""A rule of the lab that is taken out is missed by its test."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from tests.lab.rules import QUICK, Rule
from tools.fidelity import ALL, survivors

from .aws_rules import AWS_QUICK

LAB = Path(__file__).resolve().parents[2] / "lab"
# Sections of FIDELITY.md, and the folder of their tests.
SECTIONS = {"Registry (": "aws", "ECR API (": "aws", "STS, IAM, tokens": "aws"}
# Tests that stand in a row and have no rule to take out, and why.
WITHOUT_RULE = {
    "aws/test_api.py::test_one_of_two_racing_creations_finds_the_repository": "a lock: without it some runs pass",
    "aws/test_api.py::test_images_and_repositories_change_at_the_same_time": "a lock: without it some runs pass",
    "aws/test_lifecycle.py::test_the_guides_examples_by_the_product": "the rules are the product's",
    "aws/test_lifecycle.py::test_both_evaluators_agree_whatever_the_policy_and_the_images": "a hundred rules at once",
}


def _named(text: str) -> set[str]:
    """Return the tests that the rows of SECTIONS name, as rules name them."""
    sections = re.split(r"^## ", text, flags=re.M)
    return {
        f"{folder}/{test}"
        for start, folder in SECTIONS.items()
        for section in sections
        if section.startswith(start)
        for test in re.findall(r"`(test_\w+\.py(?:::\w+)?)`", section)
    }


def test_every_test_of_a_row_has_a_rule_that_it_misses() -> None:
    """By name; what has none is in a list that says why, and nothing else is in it."""
    proved = {rule.test for rule in ALL}
    named = _named((LAB / "FIDELITY.md").read_text())
    assert len(named) > 90
    assert sorted(named - proved - set(WITHOUT_RULE)) == []
    assert sorted(set(WITHOUT_RULE) - (named - proved)) == []


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: f"{rule.file}: {rule.old.strip()[:60]}")
def test_every_rule_is_where_the_table_says(rule: Rule) -> None:
    """Its text is in the file once, and its test is there; `make fidelity` tries them all."""
    assert (LAB / rule.file).read_text().count(rule.old) == 1
    file, _, name = rule.test.partition("::")
    wanted = rf"^def {name}\(" if name else "^def test_"
    assert re.search(wanted, (Path(__file__).parent / file).read_text(), re.M)


def test_rules_without_a_server_are_missed_when_they_are_taken_out() -> None:
    """The quick part of `make fidelity`, in a copy of the checkout; changes that change nothing or all are told."""
    idle, broken = (dataclasses.replace(QUICK[0], new=new) for new in (QUICK[0].old, "no Python"))
    start = f"lab/{idle.file} without {idle.old!r}: {idle.test}"
    assert survivors([*QUICK, *AWS_QUICK, idle, broken]) == [f"{start} passes", f"{start} does not run"]
