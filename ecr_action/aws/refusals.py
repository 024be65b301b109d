"""From AWS's error answers to what, why and fix. Pure: the effects hand in code, text and status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ecr_action.aws import permissions
from ecr_action.errors import AwsDenied, AwsRefused, AwsUnreachable, Failure

# IAM user guide, "Troubleshoot access denied error messages": the sentence, and its two endings.
_SENTENCE = re.compile(
    r"User: (?P<principal>\S+) is not authorized to perform: (?P<action>[\w-]+:\w+)"
    r"(?: on resource: (?P<resource>.+?))??(?P<rest> (?:because|with an explicit deny).*)?",
    re.DOTALL,
)
_NOT_ALLOWED = re.compile(r"because no (?P<kind>[\w -]+?) allows")
_DENY = re.compile(r"explicit deny in an? (?P<kind>[\w -]+?)(?::|\.|$)")
_KINDS = {
    "identity-based policy": "identity",
    "resource-based policy": "resource",
    "service control policy": "scp",
    "resource control policy": "rcp",
    "permissions boundary": "boundary",
    "session policy": "session",
    "VPC endpoint policy": "endpoint",
}
_ASSUMED = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/.+")

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
# botocore, retries.standard: throttling and transient codes; ECR's own ServerException.
_PASSING = frozenset(
    "IDPCommunicationError InternalError InternalFailure PriorRequestNotComplete "
    "ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled RequestThrottledException "
    "RequestTimeout RequestTimeoutException ServerException "
    "ServiceUnavailable ServiceUnavailableException SlowDown Throttling ThrottledException ThrottlingException "
    "TooManyRequestsException TransactionInProgressException".split()
)
# Code -> why, fix. Codes of the ECR and STS API references that another run would meet again.
_KNOWN: Mapping[str, tuple[str, str]] = {
    "ExpiredTokenException": (
        "The credentials are no longer valid.",
        "role-to-assume: ${{ secrets.AWS_ROLE_ARN }}  # renewed during the run, unlike credentials of an earlier step",
    ),
    "UnrecognizedClientException": (
        "AWS does not know these credentials: deleted, of another partition, or of a Region that is not enabled.",
        "Check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN of the job, or use role-to-assume.",
    ),
    "InvalidSignatureException": (
        "The secret key does not belong to the access key, or this machine's clock is wrong.",
        "Check AWS_SECRET_ACCESS_KEY (a blank or a newline in the secret?) and the clock.",
    ),
    "KmsException": (
        "The KMS key does not exist, is disabled, lies in another Region, or its policy does not let ECR use it.",
        "kms-key: arn:aws:kms:REGION:ACCOUNT:key/ID  # a key of the repository's own Region, with kms:CreateGrant "
        "and kms:DescribeKey for the role",
    ),
    "LimitExceededException": (
        "A quota of ECR is used up (images of a repository, tags of an image, repositories of a registry).",
        "Raise it in the Service Quotas console, or let a lifecycle policy expire what is not needed.",
    ),
    "LayersNotFoundException": (
        "The image's layers are not in this repository: they were deleted, or the manifest is another repository's.",
        "Push the image to this repository first.",
    ),
    "ReferencedImagesNotFoundException": (
        "The index names images that are not in this repository.",
        "Push the images of each platform first, then the index.",
    ),
    "ImageDigestDoesNotMatchException": ("The manifest was changed on its way to ECR.", "Run the job again."),
    "ImageArchivedException": (
        "The image is in the archive storage class and can't be read; restoring takes up to 20 minutes.",
        "aws ecr update-image-storage-class --repository-name NAME --image-id imageDigest=DIGEST "
        "--target-storage-class STANDARD",
    ),
    "RepositoryNotFoundException": (
        "The repository was deleted, or lies in another registry or Region.",
        "Check repository, registry-id and aws-region.",
    ),
    "RegionDisabledException": (
        "The Region is an opt-in Region that the account has not enabled.",
        "aws account enable-region --region-name REGION",
    ),
}
_ALIASES = {
    "ExpiredToken": "ExpiredTokenException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}


@dataclass(frozen=True)
class Refusal:
    """An error answer: *operation* as IAM spells it (``ecr:PutImage``), *code* and *message* as sent, HTTP *status*."""

    operation: str
    code: str
    message: str
    status: int = 400

    @property
    def denied(self) -> bool:
        """Whether a policy refused the call."""
        return self.code in DENIED


@dataclass(frozen=True)
class Denial:
    """Who may not do what: *kind* of policy (``identity``, ``resource``, ``scp``, ``rcp``, ``boundary``, ``session``,
    ``endpoint``, empty where AWS does not say), and whether it is an *explicit* deny."""

    principal: str
    action: str
    resource: str
    kind: str = ""
    explicit: bool = False


def denial(refusal: Refusal) -> Denial:
    """What the sentence of an AccessDenied says; the operation itself where the sentence is another one."""
    match = _SENTENCE.fullmatch(refusal.message.strip())
    if not match:
        return Denial("", refusal.operation, "*")
    rest = match["rest"] or ""
    deny, lacking = _DENY.search(rest), _NOT_ALLOWED.search(rest)
    said = deny or lacking
    return Denial(
        principal=match["principal"],
        action=match["action"],
        resource=(match["resource"] or "*").strip(),
        kind=_KINDS.get(said["kind"].strip(), "") if said else "",
        explicit=bool(deny) or "explicit deny" in rest,
    )


def missing_statement(found: Denial) -> str:
    """What is to be changed where, for one denial, with the statement to paste."""
    allow = permissions.statement([found.action], found.resource)
    if found.explicit:
        where = _PLACES.get(found.kind, "a policy")
        return f"An explicit deny in {where} wins over every allow: remove it, or except {_who(found)} from it."
    if found.kind == "resource":
        owner = f"{_instead(found)}Add to the policy of the repository (its owner does that):"
        return f"{owner}\n{_resource_statement(found)}"
    if found.kind in ("scp", "rcp", "boundary", "session", "endpoint"):
        return f"Allow it in {_PLACES[found.kind]}, besides the role's own policy:\n{allow}"
    return f"Add to the policy of {_who(found)}:\n{allow}"


_PLACES = {
    "identity": "an identity-based policy",
    "resource": "the repository's policy",
    "scp": "a service control policy of the organization",
    "rcp": "a resource control policy of the organization",
    "boundary": "the role's permissions boundary",
    "session": "the session policy",
    "endpoint": "the policy of the VPC endpoint",
}


# What taking an image from another account's repository calls there.
_READS = ("ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer")


def _resource_statement(found: Denial) -> str:
    # A repository's policy speaks of that repository: it has no Resource.
    principal = {"AWS": role_of(found.principal) or found.principal}
    action = list(_READS) if found.action in _READS else found.action
    return permissions.as_json({"Effect": "Allow", "Principal": principal, "Action": action})


def _instead(found: Denial) -> str:
    """A role of the other account, which reads without the repository's own policy."""
    account = found.resource.split(":")[4] if found.resource.startswith("arn:") else ""
    if found.action not in _READS or not account:
        return ""
    role = f"image-role-to-assume: arn:aws:iam::{account}:role/NAME"
    return f"Where 'image:' names it, read as a role of its own account:\n{role}\nOr: "


def role_of(principal: str) -> str | None:
    """The ARN of the role whose session *principal* is (without the role's path, which the session doesn't tell)."""
    match = _ASSUMED.fullmatch(principal)
    return f"arn:{match['partition']}:iam::{match['account']}:role/{match['role']}" if match else None


def _who(found: Denial) -> str:
    role = role_of(found.principal)
    return f"the role {role.rpartition('/')[2]}" if role else found.principal or "the role"


def notice(refusal: Refusal) -> str:
    """What a run goes without because of a denied call, and the statement that gives it back."""
    found = denial(refusal)
    what = permissions.lost(found.action) or permissions.lost(refusal.operation) or "a part of the run is left out"
    return f"{found.action} is denied: {what}. {missing_statement(found)}"


def denied(refusal: Refusal) -> AwsDenied:
    """A denied call that the run can't do without."""
    found = denial(refusal)
    use = permissions.use(found.action)
    purpose = f", which is needed to {use}" if use else ""
    where = f" on {found.resource}" if found.resource != "*" else ""
    reason = f"{found.action} is refused by {_PLACES[found.kind]}." if found.kind and found.explicit else ""
    if found.kind and not found.explicit:
        reason = f"No {_PLACES[found.kind].partition(' ')[2]} allows {found.action}."
    who = _who(found)
    return AwsDenied(
        f"{who[:1].upper()}{who[1:]} may not call {found.action}{where}{purpose}.",
        why=reason or refusal.message,
        fix=missing_statement(found),
    )


def failure(refusal: Refusal) -> Failure:
    """The failure that an error answer is."""
    if refusal.denied:
        return denied(refusal)
    what = f"{refusal.operation} answered {refusal.code}: {refusal.message}"
    if passing(refusal):
        why = "AWS is busy or has a fault that passes."
        return AwsUnreachable(what, why=why, fix="Run the job again.", transient=True)
    why, fix = _KNOWN.get(_ALIASES.get(refusal.code, refusal.code), ("", ""))
    return AwsRefused(what, why=why, fix=fix)


def passing(refusal: Refusal) -> bool:
    """Whether the same call may succeed a little later."""
    return refusal.code in _PASSING or refusal.status >= 500 or refusal.status == 429


def unreachable(operation: str, reason: str) -> AwsUnreachable:
    """No answer at all: *reason* is the client's own text (an address, a time-out)."""
    return AwsUnreachable(
        f"{operation} got no answer: {reason}",
        why="The network, a proxy, or a VPC without an endpoint stands between this machine and AWS.",
        fix="Check aws-region, HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE of the job; run it again.",
        transient=True,
    )
