"""The reusable workflow for two platforms is the action: its inputs reach each job that needs them."""

from __future__ import annotations

from typing import Any

import yaml

from ecr_action.inputs import TABLE
from ecr_action.report import OUTPUTS
from tools import multi_architecture, reusable

from .source import ROOT

TEXT = (ROOT / ".github" / "workflows" / "multi-arch.yml").read_text(encoding="utf-8")
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
CALL: dict[str, dict[str, dict[str, Any]]] = WORKFLOW[True]["workflow_call"]  # YAML 1.1 reads the key `on` as true.
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
BOTH = "linux/amd64,linux/arm64"


def given(job: str) -> dict[str, Any]:
    """The inputs of the action in *job*, without those that the workflow sets."""
    step = dict(JOBS[job]["steps"][-1]["with"])
    assert step.pop("platforms") == BOTH
    return step


def test_inputs_are_the_actions_and_its_own() -> None:
    """But those that the workflow sets itself."""
    wanted = {name: spec.default for name, spec in TABLE.items() if name not in multi_architecture.SET}
    inputs = {name: spec["default"] for name, spec in CALL["inputs"].items()}
    assert {name: inputs.pop(name) for name in multi_architecture.OWN} == {
        "runs-on-amd64": "ubuntu-24.04",
        "runs-on-arm64": "ubuntu-24.04-arm",
        "runs-on": "ubuntu-latest",
        "github-environment": "",
        "timeout-minutes": 60,
    }
    assert inputs == wanted


def test_the_job_that_merges_gets_all_and_the_parts_what_they_need() -> None:
    """No token of the GitOps repository is in a job that runs the commands of a Dockerfile."""
    values = {name: f"${{{{ {reusable.value(name)} }}}}" for name in TABLE if name not in multi_architecture.SET}
    assert given("publish") == {"parts": "${{ toJSON(needs) }}", **values}
    later = {name for name in values if name.startswith("gitops-")}
    later |= {"node-architectures", "scan-fail-on", "scan-ignore", "scan-timeout"}
    for name in ("amd64", "arm64"):
        own = {key: value for key, value in values.items() if key not in later}
        assert given(name) == {"part": f"linux/{name}", **own}
    assert JOBS["publish"]["needs"] == ["amd64", "arm64"]
    assert ("environment" in JOBS["publish"], "environment" in JOBS["amd64"]) == (True, False)


def test_outputs_are_the_actions() -> None:
    """Of the job that merges; the parts hand on their digest alone."""
    assert JOBS["publish"]["outputs"] == {name: f"${{{{ steps.publish.outputs.{name} }}}}" for name in OUTPUTS}
    assert JOBS["arm64"]["outputs"] == {"digest": "${{ steps.publish.outputs.digest }}"}
    assert {name: spec["value"] for name, spec in CALL["outputs"].items()} == {
        name: f"${{{{ jobs.publish.outputs.{name} }}}}" for name in OUTPUTS
    }
