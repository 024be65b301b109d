"""What the platform's Terraform makes: the OpenID Connect provider and the role that workflows assume.

Every function takes an IAM client of an administrator (``admin_client("iam", endpoint)``) and may be called again.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from typing import Any

import boto3

ISSUER_HOST = "token.actions.githubusercontent.com"
# The organisation's id, as it stands in the form of ``sub`` with ids.
OWNER_ID = "600000001"
ROLE = "idp-poc-darede-cluster-github-ecr-push"
PUSH_PULL = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchGetImage",
    "ecr:PutImage",
    "ecr:InitiateLayerUpload",
    "ecr:UploadLayerPart",
    "ecr:CompleteLayerUpload",
)
CREATE = (
    "ecr:CreateRepository",
    "ecr:DescribeRepositories",
    "ecr:PutLifecyclePolicy",
    "ecr:PutImageScanningConfiguration",
)
# What the action can use beyond the platform's present role.
FURTHER = (
    "ecr:GetLifecyclePolicy",
    "ecr:DescribeImages",
    "ecr:ListImages",
    "ecr:TagResource",
    "ecr:ListTagsForResource",
    "ecr:PutImageTagMutability",
    "ecr:BatchGetRepositoryScanningConfiguration",
    "ecr:GetRegistryScanningConfiguration",
    "ecr:DescribeImageScanFindings",
    "ecr:StartImageScan",
    "ecr:DescribeRepositoryCreationTemplates",
    "ecr:SetRepositoryPolicy",
)
Statement = dict[str, Any]
# Clients of one session share the service models, which take longer to load than most calls.
_SESSION = boto3.session.Session()


def admin_credentials(endpoint: str, account: str = "123456789012") -> dict[str, str]:
    """Return AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of *account*'s administrator in the lab at *endpoint*."""
    with urllib.request.urlopen(f"{endpoint}/_lab/admin?account={account}", timeout=10) as answer:
        told: dict[str, str] = json.load(answer)
    return {k: told[k] for k in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}


def admin_client(service: str, endpoint: str, account: str = "123456789012", region: str = "us-east-1") -> Any:
    """Return a boto3 client of *service* that may do everything in *account*."""
    keys = admin_credentials(endpoint, account)
    return _SESSION.client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )


def platform_role(iam: Any, org: str, *, account: str = "123456789012", region: str = "us-east-1") -> str:
    """Make the role as the platform has it today; return its ARN.

    Its permissions are the platform's two statements and ``ecr:GetAuthorizationToken``; it trusts every workflow
    of *org*, by the form of ``sub`` without ids.
    """
    open_id_provider(iam, account)
    statements: list[Statement] = [
        {"Sid": "ECRPushPull", "Action": list(PUSH_PULL), "Resource": _repositories(account, region)},
        {"Sid": "ECRCreateRepository", "Action": list(CREATE), "Resource": "*"},
        {"Sid": "ECRLogin", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
    ]
    return role(iam, ROLE, trust([f"repo:{org}/*:*"], account=account), statements)


def full_role(
    iam: Any,
    org: str,
    *,
    name: str = "ecr-publish-full",
    account: str = "123456789012",
    region: str = "us-east-1",
    owner_id: str = OWNER_ID,
    actions: Sequence[str] = FURTHER,
) -> str:
    """Make a role with everything the action can use, trusting both forms of ``sub``; return its ARN.

    owner_id: the organisation's id, as it stands in the form of ``sub`` with ids.
    actions: what it may do beyond the platform's role.
    """
    open_id_provider(iam, account)
    statements: list[Statement] = [
        {"Action": [*PUSH_PULL, *CREATE, *actions], "Resource": _repositories(account, region)},
        {"Action": ["ecr:GetAuthorizationToken", *(a for a in actions if "Registry" in a or "Templates" in a)]},
    ]
    subjects = [f"repo:{org}/*:*", f"repo:{org}@{owner_id}/*:*"]
    return role(iam, name, trust(subjects, account=account), [{"Resource": "*", **s} for s in statements])


def open_id_provider(iam: Any, account: str = "123456789012", audiences: Sequence[str] = ()) -> str:
    """Make the provider for GitHub's issuer, for ``sts.amazonaws.com`` unless *audiences* says otherwise."""
    arn = f"arn:aws:iam::{account}:oidc-provider/{ISSUER_HOST}"
    known = [p["Arn"] for p in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    if arn not in known:
        iam.create_open_id_connect_provider(
            Url=f"https://{ISSUER_HOST}",
            ClientIDList=list(audiences) or ["sts.amazonaws.com"],
            ThumbprintList=["6938fd4d98bab03faadb97b34396831e3780aea1"],
        )
    return arn


def trust(subjects: Sequence[str], *, account: str = "123456789012", **condition: Statement) -> Statement:
    """Return a trust policy for tokens whose ``sub`` is like one of *subjects*.

    condition: further operators, for example ``StringLike={...}``; they replace the default ones of that name.
    """
    conditions = {
        "StringEquals": {f"{ISSUER_HOST}:aud": "sts.amazonaws.com"},
        "StringLike": {f"{ISSUER_HOST}:sub": list(subjects)},
        **condition,
    }
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{ISSUER_HOST}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": conditions,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def role(iam: Any, name: str, trust_policy: Statement, statements: Sequence[Statement], seconds: int = 3600) -> str:
    """Make role *name*, or bring it to this form; return its ARN.

    statements: identity policy; ``Effect`` is Allow where it is left out. seconds: MaxSessionDuration.
    """
    document = json.dumps(trust_policy)
    try:
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, MaxSessionDuration=seconds)["Role"]
    except iam.exceptions.EntityAlreadyExistsException:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=document)
        iam.update_role(RoleName=name, MaxSessionDuration=seconds)
        made = iam.get_role(RoleName=name)["Role"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **s} for s in statements]}
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="ecr", PolicyDocument=json.dumps(policy))
    elif "ecr" in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName="ecr")
    return str(made["Arn"])


def _repositories(account: str, region: str) -> str:
    return f"arn:aws:ecr:{region}:{account}:repository/*"
