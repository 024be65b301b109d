"""A rule of the lab that is taken out is missed by its test."""

from __future__ import annotations

import dataclasses

from tests.lab.aws_rules import AWS_QUICK
from tests.lab.runner_rules import QUICK
from tools.fidelity import survivors


def test_rules_without_a_server_are_missed_when_they_are_taken_out() -> None:
    """The quick part of `make fidelity`, in a copy of the checkout; changes that change nothing or all are told."""
    idle, broken = (dataclasses.replace(QUICK[0], new=new) for new in (QUICK[0].old, "no Python"))
    start = f"lab/{idle.file} without {idle.old!r}: {idle.test}"
    assert survivors([*QUICK, *AWS_QUICK, idle, broken]) == [f"{start} passes", f"{start} does not run"]
