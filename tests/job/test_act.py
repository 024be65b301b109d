"""The second runner: a workflow with ``uses: ./`` run by act, its outputs read by a later step."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.github import git
from lab.runner import act
from lab.stage import REGION, Stage
from tests.job.acting import copy_program
from tests.job.seen import gitops_file, tags_of

WORKFLOW = """
on: push
jobs:
  publish:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - id: publish
        uses: ./
        with:
          role-to-assume: ${{ secrets.AWS_ROLE_ARN }}
          aws-region: REGION
          gitops-repository: GITOPS
          gitops-token: ${{ secrets.GITOPS_PAT }}
      - id: later
        env:
          IMAGE: ${{ steps.publish.outputs.image }}
          DEPLOYED: ${{ steps.publish.outputs.deployed }}
        run: |
          echo "seen=$IMAGE deployed=$DEPLOYED" >> "$GITHUB_OUTPUT"
"""


@pytest.fixture
def app(stage: Stage) -> Path:
    """The app's work tree with the action in it, so that the workflow can name it by its path."""
    copy_program(stage.app)
    text = WORKFLOW.replace("GITOPS_PAT", "gitops_pat").replace("GITOPS", stage.gitops).replace("REGION", REGION)
    (stage.app / ".github/workflows").mkdir(parents=True, exist_ok=True)
    (stage.app / ".github/workflows/ci.yml").write_text(text.replace("gitops_pat", "GITOPS_PAT"))
    stage.commit("The workflow")
    return stage.app


def test_a_workflow_on_a_push_event(stage: Stage, app: Path) -> None:
    """From the commit to the GitOps commit; the later step reads what the action put out."""
    result = act.run(
        app,
        event="push",
        payload=stage.push_payload(),
        environment={
            **{name: value for name, value in stage.job().items() if name != "PATH"},
            "PATH": stage.environment["PATH"],
            "GITHUB_REPOSITORY": stage.name,
        },
        secrets={"AWS_ROLE_ARN": stage.role, "GITOPS_PAT": stage.gitops_token, "GITHUB_TOKEN": stage.token},
    )
    assert result.exit_code == 0, result.log
    short = stage.head[:7]
    assert result.outputs["later"]["seen"].endswith(f"{stage.name.rpartition('/')[2]}:{short} deployed=true")
    assert set(tags_of(stage)) == {stage.head, short, f"dev-{short}", "latest", "deployed-dev"}
    assert f":{short}" in gitops_file(stage, "manifests/deployment.yaml")
    changed = subprocess.run(
        ["git", "-C", str(app), "status", "--porcelain"],
        capture_output=True,
        text=True,
        check=True,
        env=git.environment(),
    )
    assert changed.stdout == ""
