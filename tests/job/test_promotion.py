"""Whole runs that take an image over from another account, Region or repository, on machines without an engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lab.aws import setup
from lab.runner.shim import StepResult
from lab.stage import Stage
from tests.job.seen import ecr, gitops_file, repository_of, retag, tags_of, writes
from tests.job.test_failures import failed
from tests.job.test_publish import ok

Make = Callable[..., Stage]
OTHER, WEST = "210987654321", "us-west-2"
HOST, PRODUCTION = "123456789012.dkr.ecr.us-east-1.amazonaws.com", f"{OTHER}.dkr.ecr.{WEST}.amazonaws.com"
NO_ENGINE = {"DOCKER_HOST": "tcp://127.0.0.1:9"}
NO_GITOPS = {"gitops_repository": "-", "gitops_token": "-"}
FILES = {
    "dev/deployment.yaml": f"kind: Deployment\nimage: {HOST}/APP:placeholder\n",
    # As it was copied from dev: the promotion gives it the other account's host.
    "prod/deployment.yaml": f"kind: Deployment\nimage: {HOST}/APP:placeholder\n",
}


def production(stage: Stage) -> tuple[Any, str]:
    """The other account: an administrator's client of ECR, and the role that publishes there."""
    iam = setup.admin_client("iam", stage.endpoint, OTHER)
    role = setup.full_role(iam, "darede-labs", account=OTHER, region=WEST)
    return setup.admin_client("ecr", stage.endpoint, OTHER, WEST), role


def promote(stage: Stage, role: str, image: str, **given: str) -> StepResult:
    """Deploy *image* to prod, in the other account."""
    given = {"mode": "deploy", "environment": "prod", "image": image, **given}
    given = {"role_to_assume": role, "aws_region": WEST, "image_role_to_assume": stage.role, **given}
    return stage.publish(stage.push_payload(), event="workflow_dispatch", variables=NO_ENGINE, **given)


def tags_there(client: Any, stage: Stage) -> dict[str, str]:
    """Tag -> digest in the other account."""
    found = client.list_images(repositoryName=repository_of(stage), filter={"tagStatus": "TAGGED"})
    return {row["imageTag"]: row["imageDigest"] for row in found["imageIds"]}


def test_from_the_account_of_development_to_that_of_production(make_stage: Make) -> None:
    """Same digest, tags that name it, GitOps on the other host; again nothing; back by `previous`; never by itself."""
    stage = make_stage(FILES)
    client, role = production(stage)
    first = ok(stage.publish(stage.push_payload()))
    short, digest = first.outputs["tag"], first.outputs["digest"]
    before = gitops_file(stage, "dev/deployment.yaml")

    dry = ok(promote(stage, role, first.outputs["image"], dry_run="true"))
    assert "would copy" in dry.log
    assert client.describe_repositories()["repositories"] == []

    stage.calls()
    done = ok(promote(stage, role, first.outputs["image"]))
    assert not any(call.startswith("registry:") for call in stage.calls())
    assert (done.outputs["digest"], done.outputs["registry"], done.outputs["deployed"]) == (digest, PRODUCTION, "true")
    assert (done.outputs["repository-created"], done.outputs["reused"]) == ("true", "true")
    assert tags_there(client, stage) == dict.fromkeys([stage.head, short, f"prod-{short}", "deployed-prod"], digest)
    assert f"image: {PRODUCTION}/{repository_of(stage)}:{short}\n" in gitops_file(stage, "prod/deployment.yaml")
    assert gitops_file(stage, "dev/deployment.yaml") == before
    assert "MB streamed" in done.log
    stage.calls()
    ok(promote(stage, role, first.outputs["image"]))
    assert writes(stage.calls()) == []

    stage.commit("Second", {"index.html": "revision 2\n"})
    second = ok(stage.publish(stage.push_payload()))
    newer = ok(promote(stage, role, f"{HOST}/{repository_of(stage)}@{second.outputs['digest']}"))
    assert (newer.outputs["tag"], "there already" in newer.log) == (second.outputs["tag"], True)
    older = stage.publish(
        stage.push_payload(),
        event="schedule",
        mode="deploy",
        environment="prod",
        image=first.outputs["image"],
        role_to_assume=role,
        aws_region=WEST,
        image_role_to_assume=stage.role,
    )
    failed(older, "E-NOT-DEPLOYED", short)
    ok(promote(stage, role, "previous"))
    assert tags_there(client, stage)["deployed-prod"] == digest
    assert f":{short}\n" in gitops_file(stage, "prod/deployment.yaml")


def test_a_release_takes_the_commits_image_from_the_other_account(make_stage: Make) -> None:
    """Nothing is built; a version is written once; the image of another commit is refused."""
    stage = make_stage(FILES)
    client, role = production(stage)
    first = ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    place = f"{HOST}/{repository_of(stage)}"

    def release(version: str, image: str = place, **given: str) -> StepResult:
        payload, ref = stage.push_payload(f"refs/tags/{version}"), f"refs/tags/{version}"
        given = {"role_to_assume": role, "aws_region": WEST, "image_role_to_assume": stage.role, **given}
        return stage.publish(payload, ref=ref, image=image, variables=NO_ENGINE, **given)

    done = ok(release("v1.0.0"))
    named = [stage.head, stage.head[:7], "v1.0.0", "prod-v1.0.0", "deployed-prod"]
    assert tags_there(client, stage) == dict.fromkeys(named, first.outputs["digest"])
    assert f"image: {PRODUCTION}/{repository_of(stage)}:v1.0.0\n" in gitops_file(stage, "prod/deployment.yaml")
    assert (done.outputs["reused"], done.outputs["tag"]) == ("true", "v1.0.0")
    stage.calls()
    ok(release("v1.0.0"))
    assert writes(stage.calls()) == []

    stage.commit("Second", {"index.html": "revision 2\n"})
    failed(release("v1.1.0"), "E-ECR-IMAGE", stage.head)
    failed(release("v1.1.0", first.outputs["image"]), "E-COMMIT", stage.head)
    ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    stage.calls()
    failed(release("v1.0.0"), "E-ECR-TAG", "v1.0.0", stage.head)
    assert writes(stage.calls()) == []


def test_who_may_read_the_other_account(make_stage: Make) -> None:
    """Without a role there the repository's own policy decides; a role that no job is trusted with takes on ours."""
    stage = make_stage(FILES)
    client, role = production(stage)
    first = ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    image, ours, name = first.outputs["image"], ecr(stage), repository_of(stage)
    there = setup.admin_client("iam", stage.endpoint, OTHER)
    reads = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:DescribeImages"]
    message = failed(promote(stage, role, image, image_role_to_assume="-"), "E-AWS-DENIED", "ecr:BatchGetImage")
    with policy_of(there, role, {**pasted(message), "Action": reads}):
        message = failed(promote(stage, role, image, image_role_to_assume="-"), "E-AWS-DENIED", "ecr:BatchGetImage")
        assert pasted(message)["Principal"] == {"AWS": role}
        policy = {"Version": "2012-10-17", "Statement": [{**pasted(message), "Action": reads}]}
        ours.set_repository_policy(repositoryName=name, policyText=json.dumps(policy))
        done = ok(promote(stage, role, image, image_role_to_assume="-"))
        assert tags_there(client, stage)["deployed-prod"] == done.outputs["digest"]
        ours.delete_repository_policy(repositoryName=name)

    trusted = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "sts:AssumeRole"}
    reader = setup.role(
        setup.admin_client("iam", stage.endpoint),
        "reader",
        {"Statement": [trusted]},
        [{"Action": reads, "Resource": "*"}],
    )
    failed(promote(stage, role, image, image_role_to_assume=reader), "E-AWS-TRUST", "reader")
    with policy_of(there, role, {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": reader}):
        chained = ok(promote(stage, role, image, image_role_to_assume=reader))
        assert "role reader by the role of this run" in chained.log


def pasted(message: str) -> dict[str, Any]:
    """The statement in the fix of a failure."""
    return dict(json.loads(message[message.index("{") : message.rindex("}") + 1]))


@contextmanager
def policy_of(iam: Any, role: str, statement: dict[str, Any]) -> Iterator[None]:
    """The role may do this too, meanwhile."""
    named = {"RoleName": role.rpartition("/")[2], "PolicyName": "further"}
    iam.put_role_policy(**named, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    yield
    iam.delete_role_policy(**named)


def test_from_another_repository_of_the_registry(stage: Stage) -> None:
    """Its layers are streamed; where the account has blob mounting on they are linked, and no byte is sent."""
    name = repository_of(stage)
    first = ok(stage.publish(stage.push_payload(), repository=f"{name}-built", **NO_GITOPS))
    given = {"mode": "deploy", "environment": "dev", "event": "workflow_dispatch"}
    image = f"{name}-built:{first.outputs['tag']}"
    stage.calls()
    done = ok(stage.publish(stage.push_payload(), image=image, variables=NO_ENGINE, **given))
    calls = stage.calls()
    assert (done.outputs["digest"], done.outputs["repository"]) == (first.outputs["digest"], name)
    assert (calls.count("registry:POST uploads"), "ecr:UploadLayerPart" in calls) == (1, True)
    assert tags_of(stage)["deployed-dev"] == first.outputs["digest"]

    client = ecr(stage)
    client.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    try:
        other = {"repository": f"{name}-linked", "gitops_files": "dev: nowhere.yaml"}
        linked = stage.publish(stage.push_payload(), image=image, variables=NO_ENGINE, **given, **other)
    finally:
        client.put_account_setting(name="BLOB_MOUNTING", value="DISABLED")
    assert "MB mounted" in linked.log
    assert "ecr:UploadLayerPart" not in stage.calls()
    assert tags_of(stage, f"{name}-linked")[first.outputs["tag"]] == first.outputs["digest"]


def test_a_tag_that_names_another_image_here_is_not_taken_over(stage: Stage) -> None:
    """Both images and the commit are named, and nothing is copied."""
    name = repository_of(stage)
    first = ok(stage.publish(stage.push_payload(), repository=f"{name}-built", **NO_GITOPS))
    stage.commit("Second", {"index.html": "revision 2\n"})
    second = ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    retag(stage, first.outputs["digest"], "v1.0.0", f"{name}-built")
    retag(stage, second.outputs["digest"], "v1.0.0")
    stage.calls()
    result = stage.publish(
        stage.push_payload(),
        event="workflow_dispatch",
        variables=NO_ENGINE,
        mode="deploy",
        environment="dev",
        image=f"{name}-built:v1.0.0",
    )
    failed(result, "E-ECR-TAG", first.outputs["digest"], second.outputs["digest"], stage.head)
    assert writes(stage.calls()) == []


def test_an_archived_image_is_named_with_the_command_that_restores_it(stage: Stage) -> None:
    """For a deploy and for a release of its commit, which would otherwise be built anew under the same version."""
    first = ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    digest, client, name = first.outputs["digest"], ecr(stage), repository_of(stage)
    client.update_image_storage_class(
        repositoryName=name, imageId={"imageDigest": digest}, targetStorageClass="ARCHIVE"
    )
    command = f"aws ecr update-image-storage-class --repository-name {name} --image-id imageDigest={digest}"
    given = {"mode": "deploy", "environment": "dev", "event": "workflow_dispatch"}
    for image in (first.outputs["tag"], digest):
        failed(stage.publish(stage.push_payload(), image=image, **given), "E-ECR-ARCHIVED", command)
    payload = stage.push_payload("refs/tags/v1.0.0")
    failed(stage.publish(payload, ref="refs/tags/v1.0.0", **NO_GITOPS), "E-ECR-ARCHIVED", command)
    assert tags_of(stage) == {}
    client.update_image_storage_class(
        repositoryName=name, imageId={"imageDigest": digest}, targetStorageClass="STANDARD"
    )
    failed(stage.publish(stage.push_payload(), image=digest, **given), "E-ECR-ARCHIVED", "20 minutes")
