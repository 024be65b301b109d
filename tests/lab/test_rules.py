"""A rule of the lab that is taken out is missed by its test."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from tests.lab.rules import QUICK, SLOW, Rule
from tools.fidelity import survivors

LAB = Path(__file__).resolve().parents[2] / "lab"


@pytest.mark.parametrize("rule", QUICK + SLOW, ids=lambda rule: f"{rule.file}: {rule.old.strip()[:60]}")
def test_every_rule_is_where_the_table_says(rule: Rule) -> None:
    """Its text is in the file once, and its test is there; `make fidelity` tries them all."""
    assert (LAB / rule.file).read_text().count(rule.old) == 1
    file, name = rule.test.split("::")
    assert re.search(rf"^def {name}\(", (Path(__file__).parent / file).read_text(), re.M)


def test_rules_without_a_server_are_missed_when_they_are_taken_out() -> None:
    """The quick part of `make fidelity`, in a copy of the checkout; a change that changes nothing is told."""
    idle = dataclasses.replace(QUICK[0], new=QUICK[0].old)
    assert survivors([*QUICK, idle]) == [f"lab/{idle.file} without {idle.old!r}: {idle.test} passes"]
