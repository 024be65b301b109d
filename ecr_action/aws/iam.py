"""The IAM policy of a publishing role: the declared permissions, in sets that are chosen, on resources by kind. Pure.

Sources: "Actions, resources, and condition keys" for Amazon ECR, AWS Signer, AWS KMS, AWS Secrets Manager and AWS
Systems Manager (service authorization reference).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ecr_action.aws.permissions import (
    EVERYTHING,
    KEY,
    PARAMETER,
    PERMISSIONS,
    REPOSITORY,
    SECRET,
    SECRET_KEY,
    Permission,
)

PROFILE = "profile"
# What only some publishes use, by the name of the choice; every other permission is each publish's.
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "scan-gate": ("ecr:DescribeImageScanFindings", "ecr:StartImageScan"),
    "drift-fix": ("ecr:PutImageScanningConfiguration", "ecr:PutImageTagMutability"),
    "creation-templates": ("ecr:DescribeRepositoryCreationTemplates", "ecr:SetRepositoryPolicy"),
    "secrets": ("secretsmanager:GetSecretValue", "ssm:GetParameter", "kms:Decrypt"),
    "kms": ("kms:CreateGrant", "kms:DescribeKey"),
}
# Signing is ECR's own, done as the one who pushes; no call of the action's needs it.
_SIGNING = tuple(
    Permission(action, "let ECR sign what is pushed", "images are not signed", PROFILE)
    for action in ("signer:GetSigningProfile", "signer:SignPayload")
)
SETS: Mapping[str, tuple[Permission, ...]] = {
    **{name: tuple(one for one in PERMISSIONS if one.action in actions) for name, actions in _CHOICES.items()},
    "signing": _SIGNING,
}
# The order of the statements, and their names.
SIDS: Mapping[str, str] = {
    EVERYTHING: "Registry",
    REPOSITORY: "Repositories",
    KEY: "Key",
    PROFILE: "SigningProfiles",
    SECRET: "Secrets",
    PARAMETER: "Parameters",
    SECRET_KEY: "SecretsKeys",
}


def declared() -> dict[str, Any]:
    """Everything: what each publish uses (``publish``), and the optional ``sets`` by name; actions by kind."""
    return {"publish": _by_kind(_publish()), "sets": {name: _by_kind(members) for name, members in SETS.items()}}


def policy(sets: Iterable[str], resources: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The policy document for a publish and the chosen *sets*.

    Parameters: *resources* are ARNs by kind; a kind without any is left out. Raises KeyError for an unknown set.
    """
    chosen = _by_kind([*_publish(), *(one for name in sets for one in SETS[name])])
    statements = [
        {"Sid": sid, "Effect": "Allow", "Action": chosen[kind], "Resource": list(resources[kind])}
        for kind, sid in SIDS.items()
        if chosen.get(kind) and resources.get(kind)
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _publish() -> list[Permission]:
    chosen = {one.action for members in SETS.values() for one in members}
    return [one for one in PERMISSIONS if one.action not in chosen]


def _by_kind(permissions: Iterable[Permission]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in permissions:
        actions = found.setdefault(one.resource, [])
        if one.action not in actions:
            actions.append(one.action)
    return found
