"""What the action may need of IAM, declared once: messages, documents and Terraform all use this list.

Sources: "Actions, resources, and condition keys for Amazon ECR" (service authorization reference) for the action
names and which of them take a repository's ARN; the ECR user guide, "Required KMS permissions", for the key; the
Secrets Manager user guide, "Secret encryption and decryption", and the Systems Manager user guide, "Restricting access
to parameters", for secrets.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

REPOSITORY, EVERYTHING, KEY = "repository", "*", "key"
SECRET, PARAMETER, SECRET_KEY = "secret", "parameter", "secret's key"


@dataclass(frozen=True)
class Permission:
    """One IAM *action* on a kind of *resource*; *use* is what for, *lost* what a run goes without (empty: it fails)."""

    action: str
    use: str
    lost: str = ""
    resource: str = REPOSITORY

    @property
    def required(self) -> bool:
        """Whether a publish fails without it."""
        return not self.lost


PERMISSIONS = (
    Permission("ecr:GetAuthorizationToken", "log in to the registry", resource=EVERYTHING),
    Permission("ecr:DescribeRepositories", "find the repository"),
    Permission("ecr:BatchGetImage", "see which images are there; pull"),
    Permission(
        "ecr:GetDownloadUrlForLayer",
        "read layers of the cache; read an image's labels",
        "what an image was built from is not known where its tags don't tell it; caches and base images of the "
        "registry can't be pulled",
    ),
    Permission("ecr:BatchCheckLayerAvailability", "push only the layers that are missing"),
    Permission("ecr:InitiateLayerUpload", "push layers"),
    Permission("ecr:UploadLayerPart", "push layers"),
    Permission("ecr:CompleteLayerUpload", "push layers"),
    Permission("ecr:PutImage", "push the manifest; put tags"),
    Permission("ecr:CreateRepository", "create the repository", "a repository that is missing is not created"),
    Permission("ecr:TagResource", "tag a new repository", "a new repository gets no resource tags"),
    Permission(
        "ecr:GetLifecyclePolicy",
        "compare the lifecycle policy",
        "the lifecycle policy is neither compared nor completed on a repository older than an hour",
    ),
    Permission("ecr:PutLifecyclePolicy", "write the lifecycle policy", "no lifecycle policy is written"),
    Permission(
        "ecr:DescribeImages",
        "see all tags of an image",
        "an image's commit is read from its revision label, not from its tags; nothing is said of images that the "
        "lifecycle policy is about to expire",
    ),
    Permission(
        "ecr:DescribeImageScanFindings", "read what a scan found", "'scan-fail-on' can't be met, and stops the run"
    ),
    Permission("ecr:StartImageScan", "scan an image that was not scanned on its push", "such an image is not scanned"),
    Permission(
        "ecr:BatchGetRepositoryScanningConfiguration",
        "see whether the registry's configuration scans the repository",
        "a difference in scanning on push is neither told nor mended",
    ),
    Permission(
        "ecr:PutImageScanningConfiguration", "switch scanning on push ('drift: fix')", "scanning on push stays as it is"
    ),
    Permission(
        "ecr:PutImageTagMutability", "change the tag mutability ('drift: fix')", "the tag mutability stays as it is"
    ),
    Permission(
        "ecr:DescribeRepositoryCreationTemplates",
        "take a creation template's defaults for a new repository",
        "a new repository is made without the defaults of a creation template",
        EVERYTHING,
    ),
    Permission(
        "ecr:SetRepositoryPolicy",
        "give a new repository the policy of its creation template",
        "a new repository gets no policy of its creation template",
    ),
    Permission(
        "secretsmanager:GetSecretValue",
        "read a token, key or build secret that an input names by ARN",
        "an input that is the ARN of a secret of Secrets Manager fails",
        SECRET,
    ),
    Permission(
        "ssm:GetParameter",
        "read a token, key or build secret that an input names by ARN",
        "an input that is the ARN of a parameter fails",
        PARAMETER,
    ),
    Permission(
        "kms:Decrypt",
        "read a secret that a key of your own encrypts",
        "an input that is the ARN of a secret with a key of your own fails",
        SECRET_KEY,
    ),
    Permission("kms:CreateGrant", "create a repository with a key of your own", "'encryption: KMS' fails", KEY),
    Permission("kms:DescribeKey", "create a repository with a key of your own", "'encryption: KMS' fails", KEY),
)
_BY_ACTION = {permission.action: permission for permission in PERMISSIONS}


def required() -> tuple[Permission, ...]:
    """Those that a publish into a repository that is there can't do without."""
    return tuple(permission for permission in PERMISSIONS if permission.required)


def optional() -> tuple[Permission, ...]:
    """Those without which a run goes on with less."""
    return tuple(permission for permission in PERMISSIONS if not permission.required)


def lost(action: str) -> str:
    """What a run goes without where *action* is denied; empty where it is required or not ours."""
    permission = _BY_ACTION.get(action)
    return permission.lost if permission else ""


def use(action: str) -> str:
    """What *action* is for; empty where it is not ours."""
    permission = _BY_ACTION.get(action)
    return permission.use if permission else ""


def statement(actions: Iterable[str], resource: str) -> str:
    """The IAM statement that allows *actions* on *resource* (an ARN or ``*``), as JSON to paste."""
    return as_json({"Effect": "Allow", "Action": listed(actions), "Resource": resource})


def listed(values: Iterable[str]) -> str | list[str]:
    """One value by itself, several as a list: both are policy language."""
    several: Sequence[str] = list(values)
    return several[0] if len(several) == 1 else list(several)


def as_json(value: Any) -> str:
    """*value* as people read JSON: two spaces, in the order given."""
    return json.dumps(value, indent=2, ensure_ascii=False)
