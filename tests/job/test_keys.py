"""KMS keys that ECR can't use: named with the way out, where its registry gives a status and nothing else."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab.stage import Stage
from tests.job.seen import control, ecr, repository_of, tags_of
from tests.job.test_failures import failed
from tests.job.test_publish import NO_GITOPS

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@contextmanager
def failing(stage: Stage, **codes: dict[str, Any]) -> Iterator[None]:
    """Let calls fail meanwhile: ``ecr_PutImage={"code": ...}``."""
    for operation, error in codes.items():
        named = operation.replace("__", " ").replace("_", ":", 1)
        control(stage, "faults", {"operation": named, "error": error, "times": 99})
    try:
        yield
    finally:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        asked = urllib.request.Request(f"{stage.endpoint}/_lab/faults", method="DELETE")
        opener.open(asked, timeout=30).close()


def test_a_key_that_does_not_exist_is_named_before_anything_is_built(stage: Stage) -> None:
    """The repository is not created; a key of another Region, or none at all, is an input error."""
    text = f"Key '{KEY}' does not exist"
    with failing(stage, ecr_CreateRepository={"code": "KmsException", "message": text}):
        result = stage.publish(stage.push_payload(), encryption="KMS", kms_key=KEY, **NO_GITOPS)
    failed(result, "E-AWS-REFUSED", KEY, "does not exist", f"aws kms describe-key --key-id {KEY}")
    assert not any(call.startswith("registry:") for call in stage.calls())
    for key in (KEY.replace("us-east-1", "eu-west-1"), "the-key"):
        wrong = stage.publish(stage.push_payload(), encryption="KMS", kms_key=key, **NO_GITOPS)
        failed(wrong, "E-INPUT", "kms-key", status=2)
    assert stage.calls() == []


@pytest.mark.parametrize("engine", ["buildx", "docker"])
def test_a_key_that_is_denied_when_layers_are_pushed(stage: Stage, engine: str) -> None:
    """The registry answers with a bare 403: the API tells the reason."""
    ecr(stage).create_repository(repositoryName=repository_of(stage))
    denied = {"code": "KmsException", "message": "AccessDeniedException: the key is disabled"}
    with failing(stage, registry_POST__uploads={"code": "", "status": 403}, ecr_InitiateLayerUpload=denied):
        result = stage.publish(stage.push_payload(), engine=engine, **NO_GITOPS)
    failed(result, "E-AWS-REFUSED", "the key is disabled", "kms:CreateGrant")
    assert tags_of(stage) == {}


@pytest.mark.parametrize("action", ["kms:CreateGrant", "kms:DescribeKey"])
def test_a_role_that_may_not_use_the_key_is_told_all_that_a_key_needs(stage: Stage, action: str) -> None:
    """ECR asks for the grant as the one who creates the repository; both actions come in one statement on the key."""
    said = f"is not authorized to perform: {action} on resource: {KEY} because no identity-based policy allows it"
    denied = {"code": "AccessDeniedException", "message": f"User: {stage.role} {said}"}
    with failing(stage, ecr_CreateRepository=denied):
        result = stage.publish(stage.push_payload(), encryption="KMS", kms_key=KEY, **NO_GITOPS)
    message = failed(result, "E-AWS-DENIED", action)
    statement = json.loads(message[message.rindex("needs: ") + 7 : message.rindex("}") + 1])
    assert statement == {"Effect": "Allow", "Action": ["kms:CreateGrant", "kms:DescribeKey"], "Resource": KEY}
