"""Partitions and Regions have to agree, before anything is asked of AWS."""

from __future__ import annotations

import pytest

from ecr_action import inputs
from ecr_action.converters import REGIONS
from ecr_action.errors import Problem
from ecr_action.partitions import partition_of

ID = "1234abcd-12ab-34cd-56ef-1234567890ab"


def problems_of(**given: str) -> tuple[Problem, ...]:
    """What is wrong with these inputs."""
    return inputs.parse({name.replace("_", "-"): text for name, text in given.items()})[1]


def key(region: str, partition: str = "aws") -> str:
    """A key's ARN."""
    return f"arn:{partition}:kms:{region}:123456789012:key/{ID}"


def role(partition: str) -> str:
    """A role's ARN."""
    return f"arn:{partition}:iam::123456789012:role/publish"


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("us-east-1", "aws"),
        ("eu-west-1", "aws"),
        ("cn-northwest-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
    ],
)
def test_the_partition_of_a_region(region: str, expected: str) -> None:
    """By the beginning of its name."""
    assert partition_of(region) == expected


def test_every_known_region_is_the_sdk_s() -> None:
    """botocore's own table says the same."""
    import botocore.session

    session = botocore.session.get_session()
    partitions = session.get_available_partitions()
    known = {region: name for name in partitions for region in session.get_available_regions("ecr", name)}
    assert {region: partition_of(region) for region in known} == known
    assert set(REGIONS) <= set(known)


@pytest.mark.parametrize(
    "given",
    [
        {"aws_region": "us-east-1", "role_to_assume": role("aws")},
        {"aws_region": "cn-north-1", "role_to_assume": role("aws-cn")},
        {"aws_region": "us-gov-west-1", "role_to_assume": role("aws-us-gov")},
        {"aws_region": "us-east-1", "encryption": "KMS", "kms_key": key("us-east-1")},
        {"aws_region": "us-east-1", "encryption": "KMS_DSSE", "kms_key": "alias/ecr"},
        {"encryption": "KMS", "kms_key": f"mrk-{'0' * 32}"},
        {"encryption": "KMS", "kms_key": ID},
        {"kms_key": "arn:aws:kms:us-east-1:123456789012:alias/ecr", "encryption": "KMS", "aws_region": "us-east-1"},
    ],
)
def test_what_agrees(given: dict[str, str]) -> None:
    """Nothing is said."""
    assert problems_of(**given) == ()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"aws_region": "cn-north-1", "role_to_assume": role("aws")}, "role-to-assume"),
        ({"aws_region": "us-east-1", "role_to_assume": role("aws-us-gov")}, "role-to-assume"),
        ({"aws_region": "us-east-1", "encryption": "KMS", "kms_key": key("us-west-2")}, "kms-key"),
        ({"encryption": "KMS", "kms_key": "my-key"}, "kms-key"),
        ({"encryption": "KMS", "kms_key": f"arn:aws:iam::123456789012:role/{ID}"}, "kms-key"),
        (
            {
                "image": "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/app:v1",
                "image_role_to_assume": role("aws"),
                "mode": "deploy",
            },
            "image-role-to-assume",
        ),
    ],
)
def test_what_does_not_agree_is_named_with_what_to_write(given: dict[str, str], name: str) -> None:
    """One problem, of the input that is wrong."""
    (problem,) = problems_of(**given)
    assert (problem.name, bool(problem.fix)) == (name, True)
