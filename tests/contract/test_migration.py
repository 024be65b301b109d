"""docs/migration.md and the workflows it leads to."""

from __future__ import annotations

import re
from typing import Any

import yaml

from ecr_action.inputs import TABLE

from . import linters
from .source import ROOT

FOLDER = linters.EXAMPLES / "migration"
AFTER = sorted(FOLDER.glob("*-after.yaml"))
PAGE = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")


def test_linters_find_nothing_in_what_comes_after() -> None:
    """actionlint and zizmor, in its strictest form."""
    assert linters.actionlint(AFTER) == ""
    assert linters.zizmor(AFTER) == ""


def test_what_comes_after_is_one_step_with_inputs_that_there_are() -> None:
    """A checkout and our action, for each pipeline that has a before."""
    found = {path.name: yaml.safe_load(path.read_text("utf-8"))["jobs"]["publish"]["steps"] for path in AFTER}
    assert {path.name for path in FOLDER.glob("*-before.yaml")} == {name.replace("-after", "-before") for name in found}
    assert [[step["uses"].partition("@")[0] for step in steps] for steps in found.values()] == [
        ["actions/checkout", "darede-labs/ecr-publish"]
    ] * 3
    inputs: list[dict[str, Any]] = [steps[1]["with"] for steps in found.values()]
    assert [name for given in inputs for name in given if name not in TABLE] == []


def test_the_page_leads_to_every_file_and_names_inputs_that_there_are() -> None:
    """By a link to each; the right half of its table."""
    assert [path.name for path in sorted(FOLDER.iterdir()) if f"(../examples/migration/{path.name})" not in PAGE] == []
    table = PAGE.split("## What stands for what")[1].split("## Step by step")[0]
    named = {word for row in table.splitlines() for word in re.findall(r"`([a-z-]+)[:`]", row.rpartition(" | ")[2])}
    assert {"gitops-repository", "mode"} <= named
    assert named - set(TABLE) == set()


def test_the_script_is_as_long_as_the_page_says() -> None:
    """Rounded to ten lines."""
    lines = len((FOLDER / "publish.sh").read_text("utf-8").splitlines())
    assert f"a shell script of {round(lines, -1)} lines" in PAGE
