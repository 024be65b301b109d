"""The IAM policy of a publishing role: the declared permissions, in sets that are chosen, on resources by kind. Pure.

Sources: "Actions, resources, and condition keys" for Amazon ECR, AWS Signer, AWS KMS, AWS Secrets Manager and AWS
Systems Manager (service authorization reference).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ecr_action.aws.permissions import EVERYTHING, KEY, PERMISSIONS, REPOSITORY, Permission

PROFILE, SECRET, PARAMETER = "profile", "secret", "parameter"
SETS: Mapping[str, tuple[Permission, ...]] = {
    "scan-gate": (
        Permission("ecr:DescribeImageScanFindings", "read what a scan found"),
        Permission("ecr:StartImageScan", "scan an image that no push scanned"),
        Permission("ecr:BatchGetRepositoryScanningConfiguration", "see how a repository is scanned"),
    ),
    "drift-fix": (
        Permission("ecr:BatchGetRepositoryScanningConfiguration", "see how a repository is scanned"),
        Permission("ecr:ListTagsForResource", "compare a repository's tags"),
        Permission("ecr:PutImageScanningConfiguration", "set scan on push"),
        Permission("ecr:PutImageTagMutability", "set the tags' mutability"),
        Permission("ecr:GetRegistryScanningConfiguration", "see how the registry scans", resource=EVERYTHING),
    ),
    "creation-templates": (
        Permission("ecr:DescribeRepositoryCreationTemplates", "read the registry's templates", resource=EVERYTHING),
    ),
    "signing": (
        Permission("signer:GetSigningProfile", "find the signing profile", resource=PROFILE),
        Permission("signer:SignPayload", "sign images", resource=PROFILE),
    ),
    "secrets": (
        Permission("secretsmanager:GetSecretValue", "read the GitOps token", resource=SECRET),
        Permission("ssm:GetParameter", "read the GitOps token", resource=PARAMETER),
    ),
    "kms": tuple(one for one in PERMISSIONS if one.resource == KEY),
}
# The order of the statements, and their names.
_SIDS = {
    EVERYTHING: "Registry",
    REPOSITORY: "Repositories",
    KEY: "Key",
    PROFILE: "SigningProfiles",
    SECRET: "Secrets",
    PARAMETER: "Parameters",
}


def declared() -> dict[str, Any]:
    """Everything: what each publish uses (``publish``), and the optional ``sets`` by name; actions by kind."""
    return {"publish": _by_kind(_publish()), "sets": {name: _by_kind(members) for name, members in SETS.items()}}


def policy(sets: Iterable[str], resources: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The policy document for a publish and the chosen *sets*; *resources*: ARNs by kind, a kind without any is left
    out. Raises KeyError for a set that is not there."""
    chosen = _by_kind([*_publish(), *(one for name in sets for one in SETS[name])])
    statements = [
        {"Sid": sid, "Effect": "Allow", "Action": chosen[kind], "Resource": list(resources[kind])}
        for kind, sid in _SIDS.items()
        if chosen.get(kind) and resources.get(kind)
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _publish() -> list[Permission]:
    optional = {one.action for members in SETS.values() for one in members}
    return [one for one in PERMISSIONS if one.action not in optional]


def _by_kind(permissions: Iterable[Permission]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in permissions:
        actions = found.setdefault(one.resource, [])
        if one.action not in actions:
            actions.append(one.action)
    return found
