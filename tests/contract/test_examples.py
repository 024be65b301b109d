"""Examples are workflows that linters find nothing in, that ask for no right too much, and whose inputs there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ecr_action.inputs import TABLE

from . import linters
from .source import ROOT

WORKFLOWS = sorted((linters.EXAMPLES / "workflows").glob("*.yaml"))
OURS = "darede-labs/ecr-publish@v1"


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


@pytest.fixture(params=WORKFLOWS, ids=names(WORKFLOWS))
def text(request: pytest.FixtureRequest) -> str:
    """One example after the other."""
    return str(request.param.read_text(encoding="utf-8"))


@pytest.fixture
def workflow(text: str) -> dict[str, Any]:
    """What stands in it."""
    return dict(yaml.safe_load(text))


def test_linters_find_nothing() -> None:
    """actionlint and zizmor, of all examples."""
    assert linters.actionlint(WORKFLOWS) == ""
    assert linters.zizmor(WORKFLOWS) == ""


def test_an_example_says_what_it_is_for(text: str) -> None:
    """In a comment on top, as a title and a sentence."""
    assert re.match(r"# [A-Z][^:\n]+: .+", text)


def test_an_example_gives_no_right_on_top_and_limits_its_runs(workflow: dict[str, Any]) -> None:
    """Each job names its rights, and why; two runs do not stand in each other's way."""
    assert workflow["permissions"] == {}
    assert {"group", "cancel-in-progress"} <= workflow["concurrency"].keys()
    assert [name for name, job in workflow["jobs"].items() if "permissions" not in job] == []


def test_an_example_uses_inputs_that_there_are(workflow: dict[str, Any]) -> None:
    """Every `with:` of our action; it is used at least once."""
    steps = [step for job in workflow["jobs"].values() for step in job["steps"] if step.get("uses") == OURS]
    assert steps
    assert [name for step in steps for name in step["with"] if name not in TABLE] == []


def test_the_readme_leads_to_every_example() -> None:
    """By a link to each."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in WORKFLOWS if f"](examples/workflows/{path.name})" not in readme] == []
