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
