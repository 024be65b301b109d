"""What a user can meet: each failure has its code, says why, and has the fix to paste."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.runner.shim import StepResult
from lab.stage import Stage
from tests.job.seen import tags_of, writes

Make = Callable[..., Stage]
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/APP:v1.0.0"
POD = f"kind: Pod\nspec:\n  containers:\n    - image: {IMAGE}\n"


def failed(result: StepResult, code: str, *words: str, status: int = 1) -> str:
    """The annotation of a step that must have failed with *code*; *words* must stand in it and in the summary."""
    assert result.exit_code == status, result.log
    (error,) = [
        found for found in result.annotations if found.level == "error" and "Process completed" not in found.message
    ]
    assert f"({code})" in error.title
    assert error.message.startswith(f"{code}: ")
    assert result.log.count(code) == 1, "said once"
    for word in words:
        assert word in error.message
        assert word.replace("*", "") in result.summary.replace("\\", "").replace("*", "")
    return error.message


def test_wrong_inputs_are_named_all_at_once_before_anything_is_done(stage: Stage) -> None:
    """Unknown name, Region, repository name, Dockerfile: one run shows them all."""
    result = stage.publish(
        stage.push_payload(), repositry="x", aws_region="us-east1", repository="Hello", file="docker/Dockerfile"
    )
    failed(
        result,
        "E-INPUT",
        *[
            "Did you mean 'repository'?",
            "Did you mean 'us-east-1'?",
            "'hello'",
            "docker/Dockerfile",
            "file: Dockerfile",
        ],
        status=2,
    )
    assert stage.calls() == []


def test_a_missing_region_is_named(stage: Stage) -> None:
    """Where nothing gives one."""
    failed(stage.publish(stage.push_payload(), aws_region="-"), "E-INPUT", "aws-region: us-east-1", status=2)


def test_an_empty_checkout_is_named(stage: Stage) -> None:
    """The step before is missing."""
    failed(stage.publish(stage.push_payload(), context="nowhere"), "E-INPUT", "nowhere", status=2)


def test_a_job_without_the_right_to_identity_tokens(stage: Stage) -> None:
    """With the block to add, both scopes in it."""
    none = {"ACTIONS_ID_TOKEN_REQUEST_URL": "", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ""}
    result = stage.publish(stage.push_payload(), variables=none)
    failed(result, "E-OIDC-PERMISSION", "id-token: write", "contents: read")


def test_an_empty_role_on_a_push_says_that_the_secret_is_empty(stage: Stage) -> None:
    """It is not set, or hidden from this run."""
    result = stage.publish(stage.push_payload(), role_to_assume="")
    failed(result, "E-AWS-CREDENTIALS", "secrets.AWS_ROLE_ARN", "Dependabot")


@pytest.mark.parametrize(
    ("claims", "sub"),
    [
        ({}, "repo:other-org/app:ref:refs/heads/main"),
        ({"immutable_subject": True}, "repo:other-org@"),
    ],
)
def test_a_trust_policy_that_refuses_prints_the_statement_that_admits_the_job(
    make_stage: Make, claims: dict[str, bool], sub: str
) -> None:
    """For each form of `sub`."""
    stage = make_stage(full=False)
    job = stage.job(repository="other-org/app", **claims)
    result = stage.publish(stage.push_payload(), variables=job)
    failed(result, "E-AWS-TRUST", sub, '"sts:AssumeRoleWithWebIdentity"', "sts.amazonaws.com", "org_id")


def test_a_repository_made_lately_is_refused_by_the_platforms_present_trust(make_stage: Make) -> None:
    """The most likely first failure of all: its `sub` has ids, which `repo:<org>/*:*` does not match."""
    stage = make_stage(full=False)
    result = stage.publish(stage.push_payload(), variables=stage.job(immutable_subject=True))
    failed(result, "E-AWS-TRUST", "repo:darede-labs@", "org_id")


def test_credentials_of_another_account(stage: Stage) -> None:
    """Before anything is read there."""
    result = stage.publish(stage.push_payload(), allowed_account_ids="210987654321")
    failed(result, "E-AWS-ACCOUNT", "123456789012", "210987654321")
    assert not [call for call in stage.calls() if call.startswith("ecr:")]


@pytest.mark.parametrize("engine", ["buildx", "docker"])
def test_an_engine_that_does_not_run(stage: Stage, engine: str) -> None:
    """The address that was tried is named; nothing was pushed."""
    gone = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    result = stage.publish(stage.push_payload(), variables=gone, engine=engine)
    failed(result, "E-ENGINE", "unix:///nowhere/docker.sock", "runs-on: ubuntu-latest")
    assert tags_of(stage) == {}


def test_a_repository_that_may_not_be_created(stage: Stage) -> None:
    """With the command that makes it."""
    result = stage.publish(stage.push_payload(), create_repository="false")
    failed(result, "E-ECR-REPOSITORY", "aws ecr create-repository", "create-repository: 'true'")


def test_a_gitops_token_without_access(stage: Stage) -> None:
    """Nothing is built where it had access before; the box to tick is named."""
    assert stage.publish(stage.push_payload()).exit_code == 0
    stage.github.token(stage.gitops_token, "platform-bot", {}, kind="fine-grained")
    commit = stage.commit("Second", {"index.html": "revision 2\n"})
    failed(stage.publish(stage.push_payload()), "E-GITOPS-ACCESS", stage.gitops, "Contents", "deployed-dev")
    assert commit not in tags_of(stage)


def test_a_gitops_token_that_may_only_read(stage: Stage) -> None:
    """Found before the build."""
    stage.github.token(stage.gitops_token, "platform-bot", {stage.gitops: "read"}, kind="fine-grained")
    failed(stage.publish(stage.push_payload()), "E-GITOPS-ACCESS", "Contents")


def test_a_missing_gitops_token_is_named_before_anything_is_done(stage: Stage) -> None:
    """Not after the build."""
    failed(stage.publish(stage.push_payload(), gitops_token=""), "E-INPUT", "secrets.GITOPS_PAT", status=2)
    assert stage.calls() == []


def test_an_image_that_is_referenced_nowhere(make_stage: Make) -> None:
    """What was seen is listed; a run after the file was mended continues."""
    stage = make_stage({"other.yaml": POD.replace("APP", "some-other")})
    failed(stage.publish(stage.push_payload()), "E-GITOPS-REFERENCE", "some-other")
    stage.calls()
    failed(stage.publish(stage.push_payload()), "E-GITOPS-REFERENCE")
    assert writes(stage.calls()) == []


def test_references_of_two_environments_and_no_way_to_tell(make_stage: Make) -> None:
    """Nothing is written; the lines to choose from are ready."""
    stage = make_stage({"overlays/qa/pod.yaml": POD, "overlays/prod/pod.yaml": POD})
    head = stage.gitops_head()
    failed(stage.publish(stage.push_payload()), "E-GITOPS-ENVIRONMENT", "gitops-files:", "overlays/qa/pod.yaml")
    assert stage.gitops_head() == head


def test_a_protected_gitops_branch(stage: Stage) -> None:
    """The rule is named; GitHub tells of it at the commit alone, so that the image is published by then."""
    stage.github.repository(stage.gitops, protected={"main": "branch-protection"})
    result = stage.publish(stage.push_payload())
    failed(result, "E-GITOPS-PROTECTED", "pull request")
    assert result.outputs["digest"] == tags_of(stage)["latest"]
    assert (result.outputs["pushed"], result.outputs["deployed"]) == ("true", "false")
    assert "### Published, not rolled out" in result.summary
