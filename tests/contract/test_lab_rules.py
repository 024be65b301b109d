"""Rules of the lab that can be taken out: each is where the table says, and no row of FIDELITY.md goes without one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lab.rules import Rule
from tools.fidelity import ALL

ROOT = Path(__file__).resolve().parents[2]
# Sections of FIDELITY.md, and the folder of their tests.
SECTIONS = {
    "Registry (": "aws", "ECR API (": "aws", "STS, IAM, tokens": "aws", "GitHub\n": "github", "Runner\n": "runner",
}  # fmt: skip
# Tests that stand in a row and have no rule to take out, and why.
WITHOUT_RULE = {
    "aws/test_api.py::test_one_of_two_racing_creations_finds_the_repository": "a lock: without it some runs pass",
    "aws/test_api.py::test_images_and_repositories_change_at_the_same_time": "a lock: without it some runs pass",
    "aws/test_lifecycle.py::test_the_guides_examples_by_the_product": "the rules are the product's",
    "aws/test_lifecycle.py::test_both_evaluators_agree_whatever_the_policy_and_the_images": "all rules at once",
    "github/test_github_graph.py::test_comparison_sees_every_kind_of_difference": "about the comparison, not the lab",
    "runner/test_runner_shim.py::test_variable_above_131071_bytes_cannot_start_a_process": "the kernel's own limit",
}


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: f"{rule.file}: {rule.old.strip()[:60]}")
def test_every_rule_is_where_the_table_says(rule: Rule) -> None:
    """Its text is in the file once, and its test is there; `make fidelity` tries them all."""
    assert (ROOT / "lab" / rule.file).read_text().count(rule.old) == 1
    file, _, name = rule.test.partition("::")
    wanted = rf"^def {name}\(" if name else "^def test_"
    assert re.search(wanted, (ROOT / "tests/lab" / file).read_text(), re.M)


def named(text: str) -> set[str]:
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
    """A new test needs a rule in tests/lab/{aws,hub,runner}_rules.py, or a reason above; all reasons are needed."""
    proved, found = {rule.test for rule in ALL}, named((ROOT / "lab/FIDELITY.md").read_text())
    assert len(found) > 220
    assert sorted(found - proved - set(WITHOUT_RULE)) == []
    assert sorted(set(WITHOUT_RULE) - (found - proved)) == []
