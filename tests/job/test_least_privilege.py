"""The declared permissions are enough, and each is missed by name: whole runs under exactly the documented policy."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence

import pytest

from ecr_action.aws.permissions import EVERYTHING, PARAMETER, PERMISSIONS, SECRET, Permission
from lab.aws import setup
from lab.runner.shim import StepResult
from lab.stage import Stage
from tests.job.seen import described, ecr, repository_of, tags_of
from tests.job.test_failures import failed

Make = Callable[..., Stage]
NO_GITOPS = {"gitops_repository": "-", "gitops_token": "-"}
_NUMBERS = itertools.count(1)
# Those of secrets are looked at apart, those of keys in test_keys.py: ECR makes the calls itself.
DECLARED = [permission for permission in PERMISSIONS if permission.action.startswith("ecr:")]
PULL = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "ecr:BatchGetImage"}


def restrict(stage: Stage, permissions: Sequence[Permission], secret: str = "") -> None:
    """Give the app's workflow a role that may do what *permissions* say, on its own repository where they say so.

    *secret* is the ARN of the one that it may read.
    """
    arn = f"arn:aws:ecr:us-east-1:123456789012:repository/{repository_of(stage)}"
    resources = {EVERYTHING: "*", SECRET: secret, PARAMETER: secret}
    statements = [{"Action": one.action, "Resource": resources.get(one.resource, arn)} for one in permissions]
    iam = setup.admin_client("iam", stage.endpoint)
    trust = setup.trust([f"repo:{stage.name}:*"])
    stage.role = setup.role(iam, f"exactly-{next(_NUMBERS)}", trust, statements)


@pytest.fixture
def template(stage: Stage) -> Iterator[None]:
    """A creation template for all that is pushed, with a repository policy."""
    client, policy = ecr(stage), {"Version": "2012-10-17", "Statement": [PULL]}
    client.create_repository_creation_template(
        prefix="ROOT", appliedFor=["CREATE_ON_PUSH"], repositoryPolicy=json.dumps(policy)
    )
    yield
    client.delete_repository_creation_template(prefix="ROOT")


def first(stage: Stage) -> StepResult:
    """A first publish, into a repository that it makes, of an image that it has scanned."""
    given = {"repository_tags": "team=web", "scan_on_push": "false", "scan_fail_on": "none"}
    return stage.publish(stage.push_payload(), **given, **NO_GITOPS)


def mending(stage: Stage) -> StepResult:
    """A publish into a repository that is there and differs."""
    return stage.publish(stage.push_payload(), drift="fix", tag_mutability="immutable", **NO_GITOPS)


def differing(stage: Stage) -> StepResult:
    """A publish of the same commit with other build arguments: what the first image was built with is looked up."""
    return stage.publish(stage.push_payload(), build_args="A=2", **NO_GITOPS)


def deploying(stage: Stage) -> StepResult:
    """A deploy: the tags of the image tell its commit and version."""
    given = {"mode": "deploy", "image": stage.head, "environment": "dev"}
    return stage.publish(stage.push_payload(), event="workflow_dispatch", **given)


# What a run has to be for an action to be missed; a first publish misses the rest.
RUNS = {
    "ecr:GetDownloadUrlForLayer": differing,
    "ecr:DescribeImages": deploying,
    "ecr:BatchGetRepositoryScanningConfiguration": mending,
    "ecr:PutImageScanningConfiguration": mending,
    "ecr:PutImageTagMutability": mending,
}


def prepare(stage: Stage, run: Callable[[Stage], StepResult]) -> None:
    """Bring the registry to where *run* begins, by other means."""
    if run is mending:
        ecr(stage).create_repository(repositoryName=repository_of(stage))
    elif run in (differing, deploying):
        result = stage.publish(stage.push_payload(), **NO_GITOPS)
        assert result.exit_code == 0, result.log


@pytest.mark.usefixtures("template")
def test_exactly_what_is_declared_is_enough(make_stage: Make) -> None:
    """From the first publish to a deploy nothing is missed."""
    stage = make_stage()
    restrict(stage, DECLARED)
    for run in (first, mending, differing, deploying):
        result = run(stage)
        assert result.exit_code == 0, result.log
        assert "is denied" not in result.log
    assert described(stage)["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert tags_of(stage)["deployed-dev"]


@pytest.mark.usefixtures("template")
@pytest.mark.parametrize("lacking", DECLARED, ids=lambda permission: permission.action)
def test_each_is_missed_by_name(make_stage: Make, lacking: Permission) -> None:
    """A required one stops the run; another costs a notice, or the part that was asked for; both say what to add."""
    stage, run = make_stage(), RUNS.get(lacking.action, first)
    prepare(stage, run)
    restrict(stage, [permission for permission in DECLARED if permission is not lacking])
    result = run(stage)
    assert result.exit_code == (1 if lacking.required or lacking.action in STOPPED else 0), result.log
    levels = {"error"} if result.exit_code else {"notice"}
    told = [one.message for one in result.annotations if one.level in levels and lacking.action in one.message]
    # A registry's answer may not name the action: then the statement has all that a push needs.
    assert any(re.search(rf'"Action": (?:\[[^]]*)?"{lacking.action}"', text) for text in told), result.log


# Optional ones without which a part that this run asks for can't be had.
STOPPED = {"ecr:CreateRepository", "ecr:DescribeImageScanFindings"}


@pytest.mark.parametrize("kind", [SECRET, PARAMETER])
def test_a_token_that_aws_keeps_takes_one_permission_more(stage: Stage, kind: str) -> None:
    """Without it the run ends with the action, the secret and the statement; with exactly that it deploys."""
    arn, (needed,) = kept(stage, kind), [one for one in PERMISSIONS if one.resource == kind]
    restrict(stage, DECLARED)
    denied = stage.publish(stage.push_payload(), gitops_token=arn)
    told = failed(denied, "E-AWS-DENIED", needed.action)
    statement = {"Effect": "Allow", "Action": needed.action, "Resource": arn}
    assert json.loads(told[told.index("{") : told.rindex("}") + 1]) == statement
    restrict(stage, [*DECLARED, needed], arn)
    result = stage.publish(stage.push_payload(), gitops_token=arn)
    assert (result.exit_code, "is denied" in result.log) == (0, False), result.log
    assert result.outputs["gitops-commit"] == stage.gitops_head()


def kept(stage: Stage, kind: str) -> str:
    """The ARN under which AWS keeps the GitOps token."""
    name, service = f"gitops{stage.name}", {SECRET: "secretsmanager", PARAMETER: "ssm"}[kind]
    client = setup.admin_client(service, stage.endpoint)
    if kind == SECRET:
        return str(client.create_secret(Name=name, SecretString=stage.gitops_token)["ARN"])
    client.put_parameter(Name=f"/{name}", Value=stage.gitops_token, Type="SecureString")
    return str(client.get_parameter(Name=f"/{name}")["Parameter"]["ARN"])
