"""Whole runs of `mode: bump`: what the jobs of a matrix published is rolled out by one commit, without an engine."""

from __future__ import annotations

import json
from collections.abc import Callable

from lab.runner.shim import StepResult
from lab.stage import Stage
from tests.job.seen import gitops_file, gitops_message, keys_of, repository_of, retag, tags_of, writes
from tests.job.test_deploy import NO_ENGINE
from tests.job.test_publish import NO_GITOPS, ok

Make = Callable[..., Stage]
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
SERVICES = ("api", "web")
MANIFESTS = {
    f"apps/{name}.yaml": f"kind: Pod\nspec: {{containers: [{{image: {HOST}/APP-{name}:old}}]}}\n" for name in SERVICES
}


def published(stage: Stage, *services: str) -> dict[str, StepResult]:
    """The jobs of a matrix: one image for each service, rolled out by none of them."""
    return {
        name: ok(stage.publish(stage.push_payload(), repository=f"{repository_of(stage)}-{name}", **NO_GITOPS))
        for name in services
    }


def needs(jobs: dict[str, StepResult], **more: dict[str, object]) -> str:
    """toJSON(needs) of a job that comes after them."""
    done = {name: {"result": "success", "outputs": {"metadata": job.outputs["metadata"]}} for name, job in jobs.items()}
    return json.dumps({**done, **more})


def bump(stage: Stage, images: str, **given: str) -> StepResult:
    """The last job, on a machine without an engine."""
    return stage.publish(stage.push_payload(), variables=NO_ENGINE, mode="bump", images=images, **given)


def in_files(stage: Stage) -> list[str]:
    """The tags that the files have."""
    return [gitops_file(stage, f"apps/{name}.yaml").partition(f"-{name}:")[2].partition("}")[0] for name in SERVICES]


def test_the_jobs_of_a_matrix_are_rolled_out_by_one_commit(make_stage: Make) -> None:
    """Marked, told and never moved back, each by itself; a second run changes nothing."""
    stage = make_stage(MANIFESTS)
    name, head = repository_of(stage), stage.gitops_head()
    first = published(stage, *SERVICES)
    stage.calls()
    skipped: dict[str, object] = {"result": "skipped", "outputs": {}}
    result = ok(bump(stage, needs(first, lint={"result": "success", "outputs": {}}, docs=skipped)))
    assert not any(call.startswith("registry:") for call in stage.calls())
    assert in_files(stage) == [first["api"].outputs["tag"]] * 2
    assert stage.gitops_diff(head, stage.gitops_head()).count("\n+") == 4
    message = gitops_message(stage)
    assert message.startswith(f"Deploy {name}-api, {name}-web {stage.head[:7]} to dev\n\n")
    for service in SERVICES:
        assert f"Ecr-Publish-Image: {first[service].outputs['image']}\n" in message
        assert tags_of(stage, f"{name}-{service}")["deployed-dev"] == first[service].outputs["digest"]
    told = json.loads(result.outputs["metadata"])
    assert [(image["image"], image["deployed"]) for image in told["images"]] == [
        (first[service].outputs["image"], "true") for service in SERVICES
    ]
    assert (result.outputs["deployed"], result.outputs["gitops-commit"]) == ("true", stage.gitops_head())
    assert "2 images are on their way to dev" in result.summary
    stage.calls()
    ok(bump(stage, needs(first)))
    assert writes(stage.calls()) == []

    old = stage.head
    stage.commit("Second", {"index.html": "revision 2\n"})
    second = published(stage, "api")
    ok(bump(stage, json.dumps({"api": second["api"].outputs["metadata"], "web": ""})))
    assert in_files(stage) == [stage.head[:7], old[:7]]
    assert "1 commit since" in gitops_message(stage)
    assert f"{name}-web" not in gitops_message(stage)

    stage.checkout(old)
    late = ok(bump(stage, needs(first)))
    assert in_files(stage)[0] == second["api"].outputs["tag"]
    seen = [late.outputs[key] for key in ("deployed", "superseded", "gitops-changed")]
    assert seen == ["false", "true", "false"]
    assert f"{name}-api: {second['api'].outputs['tag']} stands" in "".join(a.message for a in late.annotations)
    retag(stage, second["api"].outputs["digest"], "deployed-dev-rejected", f"{name}-api")
    stage.checkout("main")
    again = ok(bump(stage, needs(second)))
    assert (again.outputs["deployed"], again.outputs["superseded"]) == ("false", "true")
    assert "was rolled back in dev" in again.summary


def test_one_image_that_is_not_right_and_none_is_rolled_out(make_stage: Make) -> None:
    """Referenced nowhere, not in the registry, or no image at all: all of them are told, nothing is written."""
    stage = make_stage(MANIFESTS)
    name, head = repository_of(stage), stage.gitops_head()
    jobs = published(stage, "api", "docs", "jobs")
    nowhere = bump(stage, needs(jobs))
    assert (nowhere.exit_code, "E-GITOPS-REFERENCE" in nowhere.log) == (1, True)
    assert "2 of 3 images are referenced nowhere" in nowhere.log
    for service in ("docs", "jobs"):
        assert f"{name}-{service} is referenced in none of the" in nowhere.log
    assert f"{HOST}/{name}-web:old (apps/web.yaml)" in nowhere.log

    tag = jobs["api"].outputs["tag"]
    listed = [
        {"repository": f"{name}-api", "tag": tag, "digest": "sha256:" + "0" * 64},
        f"{name}-docs:v9.9.9",
        f"{name}-nothing:1",
        f"999988887777.dkr.ecr.us-east-1.amazonaws.com/{name}-jobs:{tag}",
    ]
    missing = bump(stage, json.dumps(listed))
    assert missing.exit_code == 2
    for words in ("the tag stands on", "no such image", "no such repository", "is an image of 999988887777"):
        assert words in missing.log
    wrong = bump(stage, json.dumps([{"tag": "1"}, "x"]), aws_region="nowhere")
    assert wrong.exit_code == 2
    for words in ("[0] without", "[1] (", "no AWS Region"):
        assert words in wrong.log
    assert stage.gitops_head() == head
    assert "deployed-dev" not in tags_of(stage, f"{name}-api")

    by_digest = json.dumps([{"repository": f"{name}-api", "digest": jobs["api"].outputs["digest"]}])
    alone = ok(bump(stage, by_digest, environment="staging", dry_run="true"))
    assert (alone.outputs["tag"], alone.outputs["environment"], stage.gitops_head()) == (tag, "staging", head)
    nothing = ok(bump(stage, "[]"))
    assert "no job published an image" in nothing.log


def test_an_image_is_found_by_its_key_where_the_commit_has_two(make_stage: Make) -> None:
    """The tag that `mode: matrix` foresaw is the first image's; the key names ours. One that is not there is told."""
    stage = make_stage(MANIFESTS)
    name, head = f"{repository_of(stage)}-api", stage.gitops_head()
    jobs = [
        ok(stage.publish(stage.push_payload(), repository=name, build_args=f"A={value}", **NO_GITOPS)) for value in "12"
    ]
    (key,) = [tag for tag, digest in keys_of(stage, name).items() if digest == jobs[1].outputs["digest"]]
    entry = {"service": "api", "context": ".", "repository": name, "tag": stage.head[:7], "key": key}
    gone = bump(stage, json.dumps([{**entry, "key": "key-0123456789abcdef"}]))
    assert (gone.exit_code, "no such image" in gone.log, stage.gitops_head()) == (2, True, head)
    ok(bump(stage, json.dumps([entry])))
    assert in_files(stage)[0] == jobs[1].outputs["tag"] != stage.head[:7]
