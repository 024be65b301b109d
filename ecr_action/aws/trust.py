"""Why a role does not trust a job, and the statement that would make it: from the claims of the token. Pure.

Sources: GitHub's OpenID Connect reference ("Example subject claims", "Immutable subject claims"); the IAM user
guide, "Available keys for AWS OIDC federation". The token itself stands in no text.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecr_action.aws.permissions import as_json
from ecr_action.errors import AwsRefused, AwsUnreachable, Failure, ProviderMissing, TrustRefused

Claims = Mapping[str, Any]
GITHUB = "https://token.actions.githubusercontent.com"
_ROLE = re.compile(r"arn:(?P<partition>[\w-]+):iam::(?P<account>\d{12}):role/(?:.*/)?(?P<name>[^/]+)")
# repo:OWNER[@ID]/NAME[@ID]:CONTEXT; neither an owner's nor a repository's name has an @ or a colon.
_SUB = re.compile(
    r"repo:(?P<owner>[^/@:]+)(?:@(?P<owner_id>\d+))?/(?P<name>[^/@:]+)(?:@(?P<id>\d+))?:(?P<context>.+)", re.DOTALL
)
_CONTEXT = re.compile(r"ref:refs/(?:heads|tags)/[^:]+|ref:refs/[^:]+|environment:[^:]+|pull_request", re.DOTALL)


@dataclass(frozen=True)
class Role:
    """A role's ARN, taken apart."""

    partition: str
    account: str
    name: str


@dataclass(frozen=True)
class Subject:
    """A ``sub`` that begins with ``repo:``. The ids are there in the immutable form only; *context* is what follows."""

    owner: str
    name: str
    context: str
    owner_id: str | None = None
    repository_id: str | None = None

    @property
    def immutable(self) -> bool:
        """Whether it has the form with ids."""
        return self.owner_id is not None or self.repository_id is not None

    @property
    def environment(self) -> str | None:
        """The job's environment, where ``sub`` names one."""
        return self.context.split(":")[1].replace("%3A", ":") if self.context.startswith("environment:") else None

    @property
    def custom(self) -> bool:
        """Whether the organization or repository made its own template of claims."""
        return not _CONTEXT.fullmatch(self.context)


def claims_of(token: str) -> Claims:
    """The claims of a JWT, unverified; empty where *token* is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        content = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def parse_sub(sub: str) -> Subject | None:
    """*sub* in parts; None for a template that does not begin with the repository."""
    match = _SUB.fullmatch(sub)
    if not match:
        return None
    return Subject(match["owner"], match["name"], match["context"], match["owner_id"], match["id"])


def parse_role(arn: str) -> Role:
    """The parts of a role's ARN; of what is no such ARN, placeholders."""
    match = _ROLE.fullmatch(arn)
    return Role(match["partition"], match["account"], match["name"]) if match else Role("aws", "ACCOUNT", "ROLE")


def default_audience(role_arn: str) -> str:
    """The audience that AWS's set-up for GitHub uses in the role's partition."""
    return "sts.amazonaws.com.cn" if parse_role(role_arn).partition == "aws-cn" else "sts.amazonaws.com"


def issuer_host(claims: Claims) -> str:
    """Host and path of the issuer: the provider's name in ARNs and condition keys (GHES and ``ghe.com`` differ)."""
    return str(claims.get("iss") or GITHUB).removeprefix("https://").rstrip("/")


def exact_statement(claims: Claims, role_arn: str) -> dict[str, Any]:
    """The trust policy's statement that admits exactly this job's ``sub`` and ``aud``."""
    host = issuer_host(claims)
    conditions = {f"{host}:aud": _literal(claims.get("aud")), f"{host}:sub": _literal(claims.get("sub"))}
    return _statement(claims, role_arn, {"StringEquals": conditions})


def organization_statement(claims: Claims, role_arn: str) -> dict[str, Any] | None:
    """The statement that admits every workflow of the owner, by both forms of ``sub``; None where they don't apply.

    Never ``repo:owner*``: that would admit ``owner-evil`` too.
    """
    subject = parse_sub(str(claims.get("sub", "")))
    owner_id = _owner_id(claims, subject)
    if subject is None or not owner_id:
        return None
    host = issuer_host(claims)
    subjects = [f"repo:{subject.owner}/*:*", f"repo:{subject.owner}@{owner_id}/*:*"]
    conditions = {
        "StringEquals": {f"{host}:aud": _literal(claims.get("aud"))},
        "StringLike": {f"{host}:sub": subjects},
    }
    return _statement(claims, role_arn, conditions)


def _statement(claims: Claims, role_arn: str, condition: dict[str, Any]) -> dict[str, Any]:
    role = parse_role(role_arn)
    provider = f"arn:{role.partition}:iam::{role.account}:oidc-provider/{issuer_host(claims)}"
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }


def _literal(value: Any) -> str:
    # In a condition's value ``${`` begins a policy variable, and ``${$}`` is a dollar sign.
    return str(value or "").replace("${", "${$}{")


def _owner_id(claims: Claims, subject: Subject | None) -> str:
    return str(claims.get("repository_owner_id") or (subject.owner_id if subject else "") or "")


def refusal(claims: Claims, role_arn: str) -> TrustRefused:
    """STS answered AccessDenied: what GitHub presented, why a policy may not match it, and the statements that do."""
    role, sub = parse_role(role_arn), str(claims.get("sub", ""))
    what = (
        f"AWS does not let this job assume the role {role.name} of account {role.account}. GitHub presented "
        f"sub {sub!r}, aud {str(claims.get('aud', ''))!r}, repository {str(claims.get('repository', ''))!r}."
    )
    return TrustRefused(what, why=" ".join(_reasons(claims)), fix=_fix(claims, role_arn))


def _reasons(claims: Claims) -> list[str]:
    reasons = ["The role's trust policy does not match these values (or there is no such role: AWS says the same)."]
    subject = parse_sub(str(claims.get("sub", "")))
    if subject is None or subject.custom:
        reasons.append("The sub follows a template of the organization or repository: only its exact value is sure.")
    if subject is None:
        return reasons
    if subject.immutable:
        reasons.append(
            f"The sub has the form with ids, which repositories created, renamed or transferred after 2026-07-15 have. "
            f"A policy that admits only 'repo:{subject.owner}/*:*' (the platform's) never matches it."
        )
    if subject.environment:
        reasons.append(
            f"The job's environment {subject.environment!r} stands in the sub instead of the branch: "
            f"a policy for 'ref:refs/heads/...' does not match it."
        )
    elif subject.context == "pull_request":
        reasons.append("On a pull request the sub ends in 'pull_request' instead of naming a branch.")
    if claims.get("job_workflow_ref") and claims.get("job_workflow_ref") != claims.get("workflow_ref"):
        reasons.append(f"The job is in a called workflow: job_workflow_ref is {claims['job_workflow_ref']!r}.")
    return reasons


def _fix(claims: Claims, role_arn: str) -> str:
    role = parse_role(role_arn)
    parts = [f"To admit exactly this job, add to the trust policy of {role.name}:"]
    parts.append(as_json(exact_statement(claims, role_arn)))
    everyone = organization_statement(claims, role_arn)
    if everyone:
        subject = parse_sub(str(claims.get("sub", "")))
        owner = subject.owner if subject else ""
        parts += [f"To admit every repository of {owner}, in both forms of sub:", as_json(everyone)]
        parts.append(_terraform(owner, _owner_id(claims, subject)))
    parts.append(f"What it admits now: aws iam get-role --role-name {role.name} --query Role.AssumeRolePolicyDocument")
    return "\n".join(parts)


def _terraform(owner: str, owner_id: str) -> str:
    return (
        "With the platform's Terraform, write to config.yaml and apply:\n"
        f'github:\n  enable_oidc: true\n  org: "{owner}"\n  org_id: "{owner_id}"'
    )


def rejected(claims: Claims, role_arn: str, code: str, message: str, skew: float | None = None) -> Failure:
    """STS refused the token itself or the call: *code* and *message* as sent.

    *skew*: seconds that this machine's clock is ahead of AWS's, where known.
    """
    if code == "AccessDenied":
        return refusal(claims, role_arn)
    if code == "InvalidIdentityToken" and "No OpenIDConnect provider" in message:
        return _no_provider(claims, role_arn)
    if code == "InvalidIdentityToken" and "audience" in message:
        return _wrong_audience(claims, role_arn)
    if code == "InvalidIdentityToken" and _NO_KEYS in message:
        why = f"AWS asks the issuer for its keys and got no answer in time: https://{issuer_host(claims)}. It passes."
        return AwsUnreachable(f"AWS could not verify the identity token: {message}", why=why, transient=True)
    if code == "ValidationError" and "DurationSeconds" in message:
        return AwsRefused(message, fix="role-duration-seconds: '3600'  # or raise the role's MaxSessionDuration")
    if code in ("ExpiredTokenException", "ExpiredToken", "IDPRejectedClaim"):
        return AwsRefused(f"AWS calls a fresh identity token expired or invalid ({code}: {message}).", why=_clock(skew))
    return AwsRefused(f"sts:AssumeRoleWithWebIdentity answered {code}: {message}", why=_unseen(code))


def _clock(skew: float | None) -> str:
    if skew is None or abs(skew) < 60:
        return "The token was seconds old; GitHub's and AWS's clocks seem to differ. Run the job again."
    side = "ahead of" if skew > 0 else "behind"
    return f"This machine's clock is {abs(skew):.0f} seconds {side} AWS's: set it by NTP."


def _unseen(code: str) -> str:
    return "CloudTrail has no record of this: AWS drops such a call early." if code == "InvalidIdentityToken" else ""


def _no_provider(claims: Claims, role_arn: str) -> ProviderMissing:
    role, host = parse_role(role_arn), issuer_host(claims)
    return ProviderMissing(
        f"Account {role.account} has no OpenID Connect provider for https://{host}.",
        why="The provider must be in the account of the role. " + _unseen("InvalidIdentityToken"),
        fix="With the platform's Terraform, write to config.yaml and apply:\ngithub:\n  enable_oidc: true\n"
        f"Or: aws iam create-open-id-connect-provider --url https://{host} --client-id-list {claims.get('aud', '')}",
    )


def _wrong_audience(claims: Claims, role_arn: str) -> ProviderMissing:
    role, host = parse_role(role_arn), issuer_host(claims)
    arn = f"arn:{role.partition}:iam::{role.account}:oidc-provider/{host}"
    return ProviderMissing(
        f"The OpenID Connect provider of account {role.account} does not know the audience {str(claims.get('aud'))!r}.",
        why=_unseen("InvalidIdentityToken"),
        fix=f"audience: {default_audience(role_arn)}\nOr: aws iam add-client-id-to-open-id-connect-provider "
        f"--open-id-connect-provider-arn {arn} --client-id {claims.get('aud', '')}",
    )


# -- another attempt? ------------------------------------------------------------------------------------------------

# Seconds before the second, third, ... attempt of what passes.
_BACKOFF = (1.0, 2.0, 4.0, 8.0)
_NO_KEYS = "retrieve verification key"
_FRESH = ("ExpiredTokenException", "ExpiredToken", "IDPRejectedClaim")


def wait_before_retry(code: str, message: str, *, passing: bool, attempts: int) -> float | None:
    """Seconds to wait before another attempt with a fresh token; None where another would fare the same.

    *attempts* is how many failed with this code so far, this one counted; *passing*: throttled or a fault of AWS's.
    """
    if code == "AccessDenied":
        # A role or policy made a moment ago takes seconds to reach every part of IAM.
        return 2.0 if attempts == 1 else None
    if code in _FRESH:
        return 1.0 if attempts == 1 else None
    if passing or (code == "InvalidIdentityToken" and _NO_KEYS in message):
        return _BACKOFF[min(attempts, len(_BACKOFF)) - 1]
    return None
