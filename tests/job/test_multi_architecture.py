"""One job for each platform, on a machine of that platform, and one that merges: an index without an engine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.runner.shim import StepResult
from lab.stage import ACTION, EXAMPLES, Stage
from tests.job.acting import copy_program, run_workflow
from tests.job.seen import ecr, gitops_file, image_config, keys_of, repository_of, tags_of, writes
from tests.job.test_deploy import NO_ENGINE
from tests.job.test_failures import failed
from tests.job.test_publish import ok

BOTH = {"platforms": "linux/amd64,linux/arm64"}
NO_COMMANDS = {"Dockerfile": "FROM scratch\nCOPY index.html /\n"}
NO_GITOPS = {"gitops_repository": "-", "gitops_token": "-"}


def part(stage: Stage, platform: str, **given: Any) -> StepResult:
    """The job of one platform, which has no GitOps repository."""
    return stage.publish(stage.push_payload(), part=platform, **{**BOTH, **NO_GITOPS, **given})


def needs(*parts: StepResult, result: str = "success") -> str:
    """The `needs` context of the job that merges: those of the parts, and one that has no digest."""
    jobs = {f"part-{number}": one.outputs for number, one in enumerate(parts)} | {"test": {}}
    return json.dumps({name: {"result": result, "outputs": outputs} for name, outputs in jobs.items()})


def merged(stage: Stage, parts: str, **given: Any) -> StepResult:
    """The job that merges, on a machine without an engine."""
    return stage.publish(stage.push_payload(), parts=parts, variables=NO_ENGINE, **{**BOTH, **given})


def image(stage: Stage, digest: str) -> dict[str, Any]:
    """The manifest as ECR has it."""
    ids = [{"imageDigest": digest}]
    (found,) = ecr(stage).batch_get_image(repositoryName=repository_of(stage), imageIds=ids)["images"]
    return dict(json.loads(found["imageManifest"]))


def test_two_jobs_and_one_that_merges(stage: Stage) -> None:
    """The parts get no tag that anybody follows; the index gets all of them, is rolled out, and is the same again."""
    stage.commit("No commands", NO_COMMANDS)
    amd = ok(part(stage, "linux/amd64", cache="auto"))
    arm = ok(part(stage, "linux/arm64", cache="auto", engine="buildx"))
    assert {amd.outputs["tags"], arm.outputs["image"], arm.outputs["deployed"]} == {"", "false"}
    own = {f"buildcache-{kind}linux-{name}" for kind in ("", "part-") for name in ("amd64", "arm64")}
    assert (set(tags_of(stage)), keys_of(stage)) == (own, {})
    assert "linux/arm64 of " in arm.summary
    both = needs(arm, amd)
    whole = ok(merged(stage, both, annotations="index:org.example.team=web"))
    index = image(stage, whole.outputs["digest"])
    assert index["annotations"] == {"org.example.team": "web"}
    rows = [(row["platform"]["architecture"], row["digest"]) for row in index["manifests"]]
    assert rows == [("amd64", amd.outputs["digest"]), ("arm64", arm.outputs["digest"])]
    expected = {stage.head, stage.head[:7], f"dev-{stage.head[:7]}", "latest", "deployed-dev"}
    assert {tag for tag, on in tags_of(stage).items() if on == whole.outputs["digest"]} == expected
    assert whole.outputs["deployed"] == "true"
    stage.calls()
    again = ok(part(stage, "linux/arm64", annotations="index:org.example.team=web", variables=NO_ENGINE))
    assert (again.outputs["reused"], again.outputs["digest"]) == ("true", arm.outputs["digest"])
    # The files of `outputs` are the parts' too.
    given = {"annotations": "index:org.example.team=web", "outputs": "type=local,dest=out"}
    assert ok(merged(stage, both, **given)).outputs["reused"] == "true"
    assert writes(stage.calls()) == []


def test_parts_that_are_no_whole(stage: Stage) -> None:
    """A job that failed, a platform that is missing, another commit's part, one that is nowhere: nothing is tagged."""
    stage.commit("No commands", NO_COMMANDS)
    amd = ok(part(stage, "linux/amd64", provenance="mode=min"))
    assert len(image(stage, amd.outputs["digest"])["manifests"]) == 2
    failed(merged(stage, needs(amd, result="failure")), "E-INPUT", "part-0", "failure", status=2)
    failed(merged(stage, needs(amd)), "E-ECR-IMAGE", "linux/arm64 is missing")
    failed(merged(stage, f"sha256:{'0' * 64}"), "E-ECR-IMAGE", "is not in the repository")
    stage.commit("Another", {"index.html": "another\n"})
    failed(merged(stage, needs(amd)), "E-COMMIT", "is of commit")
    assert set(tags_of(stage)) == {"buildcache-part-linux-amd64"}


@pytest.mark.parametrize("merging", [False, True])
def test_a_pull_request_builds_its_parts_and_merges_nothing(stage: Stage, merging: bool) -> None:
    """Without a push there is no digest, and the job that merges has nothing to do."""
    head = {"sha": stage.head, "ref": "feature", "repo": {"full_name": stage.name}}
    payload = {**stage.push_payload(), "number": 7, "pull_request": {"number": 7, "head": head}}
    stage.commit("No commands", NO_COMMANDS)
    skipped = json.dumps({"part": {"result": "success", "outputs": {"digest": ""}}})
    given = {"parts": skipped, "variables": NO_ENGINE} if merging else {"part": "linux/arm64"}
    result = ok(stage.publish(payload, event="pull_request", ref="refs/pull/7/merge", **{**BOTH, **NO_GITOPS, **given}))
    assert (result.outputs["digest"], result.outputs["pushed"]) == ("", "false")
    assert ("Nothing is merged" in result.log) is merging


WORKFLOW = ".github/workflows/multi-arch.yml"
CALLER = """
on: push
jobs:
  publish:
    uses: darede-labs/ecr-publish/.github/workflows/multi-arch.yml@v1
    permissions: {id-token: write, contents: read, actions: read}
    with: {aws-region: us-east-1, gitops-repository: GITOPS, labels: team=web}
    secrets:
      role-to-assume: ${{ secrets.AWS_ROLE_ARN }}
      gitops-token: ${{ secrets.GITOPS_PAT }}
"""
LABELS = ("ubuntu-latest", "ubuntu-24.04", "ubuntu-24.04-arm")


@pytest.mark.parametrize("reusable", [False, True], ids=["the example", "the reusable workflow"])
def test_workflows_publish_one_image_of_two(stage: Stage, tmp_path: Path, reusable: bool) -> None:
    """Three jobs, run by act: the index has both platforms under the push's tags, and is rolled out."""
    program = copy_program(tmp_path / "ecr-publish")
    (program / WORKFLOW).parent.mkdir(parents=True)
    shutil.copy(ACTION / WORKFLOW, program / WORKFLOW)
    example = (EXAMPLES / "workflows/multi-architecture.yaml").read_text().replace("hello-web", repository_of(stage))
    caller = CALLER.replace("GITOPS,", f"{stage.gitops},") if reusable else example
    stage.commit("The workflow", {".github/workflows/ci.yml": caller, **NO_COMMANDS})
    step = yaml.safe_load((ACTION / WORKFLOW).read_text())["jobs"]["publish"]["steps"][-1]
    payload, actions = stage.push_payload(), {step["uses"]: program}
    run_workflow(stage, program, "ci.yml", payload, labels=LABELS, actions=actions)
    tags = tags_of(stage)
    assert {stage.head, stage.head[:7], f"dev-{stage.head[:7]}", "latest", "deployed-dev"} <= set(tags)
    rows = image(stage, tags[stage.head])["manifests"]
    assert [row["platform"]["architecture"] for row in rows] == ["amd64", "arm64"]
    labels = [image_config(stage, row["digest"])["config"]["Labels"] for row in rows]
    assert {one["org.opencontainers.image.revision"] for one in labels} == {stage.head}
    assert {one.get("team") for one in labels} == {"web" if reusable else None}
    assert f"{repository_of(stage)}:{stage.head[:7]}" in gitops_file(stage, "manifests/deployment.yaml")
