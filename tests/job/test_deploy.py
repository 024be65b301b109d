"""Whole runs of `mode: deploy`: the daily release, the rollback, and what may follow them."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from lab.runner.shim import StepResult
from lab.stage import Stage
from tests.contract.source import ROOT
from tests.job.seen import gitops_file, gitops_message, retag, tags_of, writes
from tests.job.test_publish import ok

FILE = "manifests/deployment.yaml"
NO_ENGINE = {"DOCKER_HOST": "tcp://127.0.0.1:9"}


def deploy(stage: Stage, image: str, *, event: str = "workflow_dispatch", **given: str) -> StepResult:
    """Deploy that image to dev, on a machine without an engine."""
    given = {"environment": "dev", "mode": "deploy", "image": image, **given}
    return stage.publish(stage.push_payload(), event=event, variables=NO_ENGINE, **given)


def two_published(stage: Stage) -> tuple[StepResult, StepResult]:
    """Two commits, both published and deployed to dev."""
    first = ok(stage.publish(stage.push_payload()))
    stage.commit("Second", {"index.html": "revision 2\n"})
    return first, ok(stage.publish(stage.push_payload()))


def test_a_rollback_and_what_may_follow_it(stage: Stage) -> None:
    """A re-run of the push does not deploy the rejected commit again, nor an older one; a newer commit goes."""
    first, second = two_published(stage)
    assert f"\n\n1 commit since {first.outputs['tag']}:\n- Second ({stage.head[:7]})\n\n" in gitops_message(stage)
    stage.calls()
    back = ok(deploy(stage, "previous"))
    assert f"Back by 1 commit, from {second.outputs['tag']}." in gitops_message(stage)
    assert not any(call.startswith("registry:") for call in stage.calls())
    assert (back.outputs["digest"], back.outputs["tag"]) == (first.outputs["digest"], first.outputs["tag"])
    assert (back.outputs["deployed"], back.outputs["gitops-changed"]) == ("true", "true")
    assert first.outputs["image"] in gitops_file(stage, FILE)
    assert f"Ecr-Publish-Source: {stage.name}@" in gitops_message(stage)
    tags = tags_of(stage)
    assert tags["deployed-dev"] == first.outputs["digest"]
    assert tags["deployed-dev-previous"] == first.outputs["digest"]
    assert tags["deployed-dev-rejected"] == second.outputs["digest"]
    stage.calls()
    ok(deploy(stage, "previous"))
    assert writes(stage.calls()) == []

    head = stage.gitops_head()
    for event in ("push", "schedule"):
        again = ok(stage.publish(stage.push_payload(), event=event))
        assert (again.outputs["deployed"], again.outputs["superseded"]) == ("false", "true")
        assert "NOT DEPLOYED" in [annotation.title for annotation in again.annotations]
    assert stage.gitops_head() == head
    assert tags_of(stage)["deployed-dev"] == first.outputs["digest"]

    stage.commit("The fix", {"index.html": "revision 3\n"})
    third = ok(stage.publish(stage.push_payload()))
    assert (third.outputs["deployed"], third.outputs["image"] in gitops_file(stage, FILE)) == ("true", True)
    since = f"2 commits since {first.outputs['tag']}"
    assert f"{since}:\n- The fix ({stage.head[:7]})\n- Second (" in gitops_message(stage)
    assert re.search(rf"{since} \(\[compare\]\([^)]+\)\)\n\n- `The fix` {stage.head[:7]}\n- `Second` ", third.summary)


def test_an_explicit_deploy_takes_a_rejected_image_again(stage: Stage) -> None:
    """Naming it is consent."""
    _, second = two_published(stage)
    ok(deploy(stage, "previous"))
    ok(deploy(stage, second.outputs["tag"]))
    assert second.outputs["image"] in gitops_file(stage, FILE)


def test_an_image_by_digest_commit_reference_and_version(stage: Stage) -> None:
    """The same image each time; the second run changes nothing."""
    first = ok(stage.publish(stage.push_payload()))
    retag(stage, first.outputs["digest"], "v1.2.3")
    for image in (first.outputs["digest"], stage.head, first.outputs["image"], "1.2.3", "latest"):
        result = ok(deploy(stage, image))
        assert (result.outputs["digest"], result.outputs["deployed"]) == (first.outputs["digest"], "true")
        assert result.outputs["tag"] in (first.outputs["tag"], "v1.2.3")
    stage.calls()
    ok(deploy(stage, "v1.2.3"))
    assert writes(stage.calls()) == []


def test_a_deploy_that_is_superseded_fails(stage: Stage) -> None:
    """On a schedule nobody named an image to go back to."""
    first, second = two_published(stage)
    head = stage.gitops_head()
    result = deploy(stage, first.outputs["tag"], event="schedule")
    assert result.exit_code == 1
    assert "E-NOT-DEPLOYED" in result.log
    assert result.outputs["deployed"] == "false"
    assert stage.gitops_head() == head
    assert tags_of(stage)["deployed-dev"] == second.outputs["digest"]


def test_an_image_that_is_not_there(stage: Stage) -> None:
    """Named, before anything is changed; `previous` too, where nothing was deployed before."""
    ok(stage.publish(stage.push_payload()))
    for image in ("v9.9.9", "previous", "sha256:" + "0" * 64):
        result = deploy(stage, image)
        assert (result.exit_code, "E-ECR-IMAGE" in result.log) == (1, True)
    other = deploy(stage, "another-repository:v1")
    assert (other.exit_code, "The repository another-repository has no image" in other.log) == (1, True)
    for image in ("public.ecr.aws/nginx/nginx:1", "docker.io/library/nginx:1"):
        refused = deploy(stage, image)
        assert (refused.exit_code, image.partition("/")[0] in refused.log) == (2, True)


def test_a_dry_run_of_a_deploy_changes_nothing(stage: Stage) -> None:
    """It shows the diff."""
    two_published(stage)
    before, head = tags_of(stage), stage.gitops_head()
    result = ok(deploy(stage, "previous", dry_run="true"))
    assert (tags_of(stage), stage.gitops_head()) == (before, head)
    assert "```diff" in result.summary


def test_the_plan_of_a_deploy_at_the_prompt() -> None:
    """Offline, without a role or a region; the subcommand is the mode."""
    given = ["--image", "previous", "--environment", "prod"]
    command = [sys.executable, str(ROOT / "entrypoint.py")]
    told = subprocess.run(
        [*command, "plan", "--mode", "deploy", "--format", "json", *given], capture_output=True, text=True, check=True
    )
    plan = json.loads(told.stdout)
    assert (plan["environment"], plan["push"], plan["gitops"], plan["tags"]) == ("prod", False, True, [])
    refused = subprocess.run([*command, "deploy", "--image", "v1"], capture_output=True, text=True, check=False)
    assert (refused.returncode, "environment is not given" in refused.stderr) == (2, True)
