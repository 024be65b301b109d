"""action.yml is what the program reads and writes."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from ecr_action.inputs import TABLE
from ecr_action.report import OUTPUTS

from .source import ROOT

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEP: dict[str, Any] = ACTION["runs"]["steps"][0]


def test_inputs_are_the_programs() -> None:
    """Names, order and defaults of the inputs are those of the program's table."""
    declared = [(name, spec["default"]) for name, spec in ACTION["inputs"].items()]
    assert declared == [(name, spec.default) for name, spec in TABLE.items()]


def test_outputs_are_the_programs() -> None:
    """Names and order of the outputs are those that the report writes, each handed on from the one step."""
    declared = {name: spec["value"] for name, spec in ACTION["outputs"].items()}
    assert declared == {name: f"${{{{ steps.publish.outputs.{name} }}}}" for name in OUTPUTS}
    assert list(declared) == list(OUTPUTS)


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_each_is_described_in_a_sentence(kind: str) -> None:
    """Every input and output has a description that begins and ends as a sentence does."""
    wrong = [name for name, spec in ACTION[kind].items() if not re.fullmatch(r"[A-Z`].*\.", spec["description"])]
    assert wrong == []


def test_defaults_are_texts() -> None:
    """A default that YAML would read as a boolean or number is quoted: the runner hands on texts."""
    assert [name for name, spec in ACTION["inputs"].items() if not isinstance(spec["default"], str)] == []


def test_one_composite_step_called_publish() -> None:
    """The action is one step of a composite action, run by sh: Alpine's containers have no bash."""
    assert ACTION["runs"]["using"] == "composite"
    assert [(step["id"], step["shell"]) for step in ACTION["runs"]["steps"]] == [("publish", "sh")]


def test_nothing_is_expanded_in_the_script() -> None:
    """Inputs reach the program through one variable; the script itself holds no expression."""
    assert STEP["env"] == {"ECR_PUBLISH_INPUTS": "${{ toJSON(inputs) }}"}
    assert "${{" not in STEP["run"]
    assert '"$GITHUB_ACTION_PATH/bootstrap.py"' in STEP["run"]
    assert "github.action_path" not in (ROOT / "action.yml").read_text(encoding="utf-8")
