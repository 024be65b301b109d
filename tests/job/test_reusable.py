"""The reusable workflow, called by an app's workflow of a few lines, run by act."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from lab.stage import ACTION, Stage
from tests.job.acting import copy_program, run_workflow
from tests.job.seen import described, gitops_file, image_config, tags_of

PUBLISH = ".github/workflows/publish.yml"
CALLER = """
on: push
jobs:
  publish:
    uses: darede-labs/ecr-publish/.github/workflows/publish.yml@v1
    permissions: {id-token: write, contents: read, actions: read}
    with:
      aws-region: us-east-1
      gitops-repository: GITOPS
      labels: team=web
      tag-mutability: immutable
      scan-on-push: false
    secrets:
      role-to-assume: ${{ secrets.AWS_ROLE_ARN }}
      gitops-token: ${{ secrets.GITOPS_PAT }}
      secrets: npm-token=${{ secrets.NPM_TOKEN }}
  after:
    needs: publish
    runs-on: ubuntu-latest
    steps:
      - id: after
        env:
          TAG: ${{ needs.publish.outputs.repository }}:${{ needs.publish.outputs.tag }}
          DEPLOYED: ${{ needs.publish.outputs.deployed }}
        run: echo "seen=$TAG $DEPLOYED" >> "$GITHUB_OUTPUT"
"""
DOCKERFILE = "FROM busybox:stable\nRUN --mount=type=secret,id=npm-token sha256sum < /run/secrets/npm-token > /sum\n"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The action's repository, as far as a runner reads it."""
    folder = copy_program(tmp_path / "ecr-publish")
    (folder / PUBLISH).parent.mkdir(parents=True)
    shutil.copy(ACTION / PUBLISH, folder / PUBLISH)
    return folder


def test_one_line_publishes_and_hands_on(stage: Stage, program: Path) -> None:
    """Inputs and secrets reach the registry, the image and the GitOps repository; a later job reads the outputs."""
    caller = CALLER.replace("GITOPS\n", f"{stage.gitops}\n")
    stage.commit("The workflow", {".github/workflows/ci.yml": caller, "Dockerfile": DOCKERFILE})
    step = yaml.safe_load((ACTION / PUBLISH).read_text())["jobs"]["publish"]["steps"][-1]
    result = run_workflow(
        stage,
        program,
        "ci.yml",
        stage.push_payload(),
        actions={step["uses"]: program},
        NPM_TOKEN="npm_the_token_of_the_build",
    )
    short, name = stage.head[:7], stage.name.rpartition("/")[2]
    assert result.outputs["after"]["seen"] == f"{name}:{short} true"
    assert f"{name}:{short}" in gitops_file(stage, "manifests/deployment.yaml")
    assert described(stage)["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert described(stage)["imageScanningConfiguration"] == {"scanOnPush": False}
    assert image_config(stage, tags_of(stage)[short])["config"]["Labels"]["team"] == "web"
    assert "npm_the_token_of_the_build" not in result.log
