"""What belongs to one partition and Region of AWS: roles, keys and the Region of a run have to agree. Pure.

Sources: AWS General Reference, "Amazon Resource Names" (partitions); AWS KMS developer guide, "Key identifiers"; ECR
API reference, EncryptionConfiguration ("The key must exist in the same Region as the repository").
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecr_action.converters import Wrong
from ecr_action.errors import Problem
from ecr_action.image.reference import parse

_PREFIXES = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc"}
_ISOLATED = re.compile(r"[a-z]{2}-iso([a-z]?)-")
_ID = r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})"
_ALIAS = r"alias/[A-Za-z0-9/_-]{1,250}"
_ARN = re.compile(rf"arn:(?P<partition>aws(?:-[a-z]+)*):kms:(?P<region>[a-z0-9-]+):[0-9]{{12}}:(?:key/{_ID}|{_ALIAS})")
_KEY = re.compile(rf"{_ID}|{_ALIAS}|{_ARN.pattern}")


def partition_of(region: str) -> str:
    """The partition of *region*: ``aws``, ``aws-cn``, ``aws-us-gov``, ..."""
    if found := _ISOLATED.match(region):
        return f"aws-iso-{found[1]}" if found[1] else "aws-iso"
    return next((name for prefix, name in _PREFIXES.items() if region.startswith(prefix)), "aws")


def kms_key(value: str) -> str | None:
    """Converter of ``kms-key``: an id, an ARN or an alias. Raises Wrong."""
    text = value.strip()
    if text and not _KEY.fullmatch(text):
        raise Wrong(
            f"is {text!r}, which names no KMS key.",
            "It has the form arn:aws:kms:us-east-1:123456789012:key/ID, ID, or alias/NAME.",
        )
    return text or None


def problems(
    region: str | None, role: str | None, key: str | None, image: str | None, reader: str | None
) -> Iterator[Problem]:
    """What does not fit together.

    Parameters: *region* is the run's, *role* and *reader* are ARNs (of ``role-to-assume``, ``image-role-to-assume``),
    *key* is a KMS key, *image* what ``image`` says. Those that are not given are None.
    """
    if region and role and _partition(role) != partition_of(region):
        what = f"is a role of the partition {_partition(role)}, and aws-region is {region}, of {partition_of(region)}."
        yield Problem("role-to-assume", what, "Use a role of an account of that partition.")
    if region and key and (found := _ARN.fullmatch(key)) and found["region"] != region:
        what = f"is a key of {found['region']}, and ECR takes keys of the repository's own Region, {region}."
        yield Problem("kms-key", what, f"Write a key of {region}, or a replica of a multi-Region key there.")
    registry = reference.registry if image and (reference := parse(image)) else None
    if registry and reader and _partition(reader) != partition_of(registry.region):
        what = f"is a role of the partition {_partition(reader)}, and the image is in {registry.region}."
        yield Problem("image-role-to-assume", what, f"Use a role of the account {registry.account}.")


def _partition(arn: str) -> str:
    return arn.split(":")[1]
