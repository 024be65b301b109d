"""ARNs of secrets, as ECS writes them."""

from __future__ import annotations

import pytest

from ecr_action.aws.secret_arn import SecretArn, parse

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/gitops-AbCdEf"
PARAMETER = "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/team/gitops"


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (SECRET, ()),
        (f"{SECRET}:token", ("token",)),
        (f"{SECRET}:token::", ("token",)),
        (f"{SECRET}::AWSPREVIOUS:", ("", "AWSPREVIOUS")),
        (f"{SECRET}:token::9d4cb84b-ad69", ("token", "", "9d4cb84b-ad69")),
    ],
)
def test_a_secret_with_key_stage_and_version(text: str, rest: tuple[str, ...]) -> None:
    """Each part behind the name may be empty, or left out at the end."""
    assert parse(text) == SecretArn("secretsmanager", "eu-west-1", SECRET, *rest)


@pytest.mark.parametrize("version", ["", ":3", ":live"])
def test_a_parameter_keeps_its_version(version: str) -> None:
    """It is a part of what GetParameter is asked for."""
    assert parse(PARAMETER + version) == SecretArn("ssm", "cn-north-1", PARAMETER + version)


@pytest.mark.parametrize(
    "text",
    [
        "ghp_token",
        "",
        "arn:aws:iam::123456789012:role/x",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:",
        f"{SECRET}:a:b:c:d",
        "arn:aws:secretsmanager:eu-west-1:12345:secret:x",
        "arn:aws:ssm:eu-west-1:123456789012:document/x",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    """A role's ARN, a cut one, a token."""
    assert parse(text) is None
