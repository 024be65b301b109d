"""Secrets that AWS keeps: in any Region, by key and version, hidden, and never in an error."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from ecr_action.aws import secret_values
from ecr_action.aws.secret_arn import parse
from ecr_action.errors import AwsDenied, SecretUnusable
from ecr_action.secret import Secret
from lab.aws import setup

from .world import Job, World

NUMBERS = itertools.count(1)
REGION = "eu-west-1"
READER = ({"Action": ["secretsmanager:GetSecretValue", "ssm:GetParameter"], "Resource": "*"},)


def admin(service: str, world: World) -> Any:
    """An administrator's client in another Region than the role's session."""
    return setup.admin_client(service, world.endpoint, region=REGION)


def kept(world: World, value: str | bytes) -> str:
    """The ARN of a new secret with that value."""
    name = f"team/gitops-{next(NUMBERS)}"
    given = {"SecretBinary": value} if isinstance(value, bytes) else {"SecretString": value}
    arn: str = admin("secretsmanager", world).create_secret(Name=name, **given)["ARN"]
    return arn


def read(job: Job, world: World, arn: str, statements: tuple[setup.Statement, ...] = READER) -> Secret:
    """What a job whose role has *statements* reads of it; nothing that was told holds the value."""
    iam = world.admin("iam")
    setup.open_id_provider(iam)
    role = setup.role(iam, f"reader-{next(NUMBERS)}", setup.trust(["repo:darede-labs/*:*"]), list(statements))
    wanted = parse(arn)
    assert wanted is not None
    service = job.connect(role).service(wanted.service, region=wanted.region)
    found = secret_values.read(service, wanted, "gitops-token", job.console)
    assert job.console.leaks() == []
    assert found.reveal() in job.console.of("mask")
    return found


def test_a_secret_of_another_region_is_read_and_masked(job: Job, world: World) -> None:
    """A line break at its end belongs to no token."""
    assert read(job, world, kept(world, "ghp_kept\n")).reveal() == "ghp_kept"
    assert world.calls()[-1] == "secretsmanager:GetSecretValue"


def test_one_value_of_a_json_object_and_an_earlier_version(job: Job, world: World) -> None:
    """As the console makes them, and after a rotation."""
    arn = kept(world, json.dumps({"token": "ghp_first", "other": "x"}))
    admin("secretsmanager", world).put_secret_value(SecretId=arn, SecretString='{"token": "ghp_second"}')
    assert read(job, world, f"{arn}:token::").reveal() == "ghp_second"
    assert read(job, world, f"{arn}:token:AWSPREVIOUS:").reveal() == "ghp_first"
    assert '{"token": "ghp_second"}' in job.console.of("mask")


def test_a_parameter_is_decrypted(job: Job, world: World) -> None:
    """A SecureString."""
    ssm = admin("ssm", world)
    ssm.put_parameter(Name="/team/gitops", Value="ghp_parameter", Type="SecureString")
    arn = ssm.get_parameter(Name="/team/gitops")["Parameter"]["ARN"]
    assert read(job, world, arn).reveal() == "ghp_parameter"


@pytest.mark.parametrize(
    ("value", "key", "words"),
    [
        ('{"password": "hidden-value"}', ":token::", "these keys: password"),
        ('{"password": "hidden-value"}', "", "holds several values"),
        ("hidden-value", ":token::", "holds no JSON object"),
        ('{"token": 5000001}', ":token::", "has no text there"),
        (b"hidden-value", "", "is no text but bytes"),
        ("  ", "", "is empty"),
    ],
)
def test_what_can_not_be_used_is_told_without_its_value(
    job: Job, world: World, value: str | bytes, key: str, words: str
) -> None:
    """With the ARN to write, or the command that sets it."""
    arn = kept(world, value)
    with pytest.raises(SecretUnusable) as failed:
        read(job, world, arn + key)
    assert words in str(failed.value)
    assert arn in failed.value.fix
    assert "hidden-value" not in str(failed.value)


@pytest.mark.parametrize("kind", ["secretsmanager:eu-west-1:123456789012:secret:none-AbCdEf",
                                  "ssm:eu-west-1:123456789012:parameter/none"])  # fmt: skip
def test_a_secret_that_is_not_there(job: Job, world: World, kind: str) -> None:
    """Its whole ARN is named."""
    with pytest.raises(SecretUnusable, match="There is no secret") as failed:
        read(job, world, f"arn:aws:{kind}")
    assert f"arn:aws:{kind}" in failed.value.what


def test_a_role_that_may_not_read_it_gets_the_statement(job: Job, world: World) -> None:
    """The action, on this secret alone."""
    arn = kept(world, "ghp_kept")
    with pytest.raises(AwsDenied) as denied:
        read(job, world, arn, ({"Action": "ecr:*", "Resource": "*"},))
    statement = json.loads(denied.value.fix[denied.value.fix.index("{") :])
    assert statement == {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn}


def test_a_key_that_may_not_be_used_is_named(job: Job, world: World) -> None:
    """Secrets Manager says no more than that."""
    arn = kept(world, "ghp_kept")
    world.fault("secretsmanager:GetSecretValue", "AccessDeniedException", "Access to KMS is not allowed")
    with pytest.raises(AwsDenied) as denied:
        read(job, world, arn)
    assert '"kms:Decrypt"' in denied.value.fix
