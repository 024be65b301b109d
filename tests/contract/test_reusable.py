"""The reusable workflow is the action: the same inputs, defaults and outputs, and what a job needs beside them."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import yaml

from ecr_action.inputs import TABLE, Inputs
from ecr_action.report import OUTPUTS
from tools import reusable

from .source import ROOT

TEXT = (ROOT / ".github" / "workflows" / "publish.yml").read_text(encoding="utf-8")
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
CALL: dict[str, dict[str, dict[str, Any]]] = WORKFLOW[True]["workflow_call"]  # YAML 1.1 reads the key `on` as true.
JOB: dict[str, Any] = WORKFLOW["jobs"]["publish"]
STEP: dict[str, Any] = JOB["steps"][-1]


def test_inputs_are_the_actions() -> None:
    """Names and defaults; `github-token` is the job's own; what the job needs itself has names of its own."""
    wanted = {name: spec.default for name, spec in TABLE.items() if name != "github-token"}
    given = {name: spec["default"] for name, spec in CALL["inputs"].items()}
    own = {name: given.pop(name) for name in reusable.OWN}
    assert given == wanted
    assert own == {"runs-on": "ubuntu-latest", "github-environment": "", "timeout-minutes": 60}


def test_every_input_reaches_the_action() -> None:
    """Each under its own name; as a secret first where it may be one."""
    wanted = {name: f"${{{{ inputs.{name} }}}}" for name in TABLE if name != "github-token"}
    wanted |= {name: f"${{{{ secrets.{name} || inputs.{name} }}}}" for name in CALL["secrets"]}
    assert STEP["with"] == wanted


def test_what_may_be_secret_can_be_given_as_a_secret() -> None:
    """Each input whose value the program hides, the build's secrets, and the roles; none is required."""
    hidden = {field.name.replace("_", "-") for field in dataclasses.fields(Inputs) if field.type == "Secret"}
    roles = {name for name in TABLE if name.endswith("role-to-assume")}
    assert {"gitops-token"} < hidden
    assert set(CALL["secrets"]) == (hidden - {"github-token"}) | roles | {"secrets"}
    assert [name for name, spec in CALL["secrets"].items() if spec["required"] is not False] == []


def test_outputs_are_the_actions() -> None:
    """From the step to the job to the caller, under one name."""
    assert JOB["outputs"] == {name: f"${{{{ steps.publish.outputs.{name} }}}}" for name in OUTPUTS}
    values = {name: spec["value"] for name, spec in CALL["outputs"].items()}
    assert values == {name: f"${{{{ jobs.publish.outputs.{name} }}}}" for name in OUTPUTS}


def test_it_uses_the_action_of_its_own_release() -> None:
    """A caller that names a release gets the program of that release."""
    version = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    assert version is not None
    assert STEP["uses"] == f"darede-labs/ecr-publish@v{version[1]}"


def test_the_readme_tells_what_is_its_own() -> None:
    """Inputs of the workflow alone, its secrets, and its permissions."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## As one line")[1].split("\n## ")[0]
    assert [name for name in [*reusable.OWN, *CALL["secrets"]] if f"`{name}`" not in section] == []
    assert [right for right, level in JOB["permissions"].items() if f"`{right}: {level}`" not in section] == []
    call = yaml.safe_load(section.split("```yaml\n")[1].split("```")[0])["jobs"]["publish"]
    assert call["uses"].partition("@")[0] == "darede-labs/ecr-publish/.github/workflows/publish.yml"
    assert (set(call["with"]) - set(CALL["inputs"]), set(call["secrets"]) - set(CALL["secrets"])) == (set(), set())
    assert call["permissions"] == JOB["permissions"]
