"""Trust policies and permission policies, decided by the lab as the documents say: two tables, a source in each row."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.aws import setup

from .conftest import COUNTER, Lab, refusal

HOST = setup.ISSUER_HOST
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{HOST}"
ROLE_DOCUMENT = 'IAM user guide, "Create a role for OpenID Connect federation"'
CLAIMS_DOCUMENT = 'IAM user guide, "Available keys for AWS OIDC federation"'
GITHUB = 'GitHub, "Configuring OpenID Connect in Amazon Web Services"'
REFERENCE = 'GitHub, "OpenID Connect reference"'
REUSABLE = 'GitHub, "Using OpenID Connect with reusable workflows"'
OPERATORS = 'IAM user guide, "Condition operators"'
MULTIPLE = 'IAM user guide, "Set operators for multivalued context keys"'
LOGIC = 'IAM user guide, "Policy evaluation logic"'
CROSS = 'IAM user guide, "Cross-account policy evaluation logic"'
ECR_ACTIONS = 'Service authorization reference, "Actions, resources, and condition keys for Amazon ECR"'
ECR_TAGS = 'ECR user guide, "Using tag-based access control"'
ECR_PUSH = 'ECR user guide, "IAM permissions for pushing an image"'
ECR_POLICIES = 'ECR user guide, "Private repository policies"'
ELEMENTS = 'IAM user guide, "IAM JSON policy elements"'


def github(**keys: Any) -> dict[str, Any]:
    """Return condition keys of GitHub's provider; the audience is always asked for."""
    return {f"{HOST}:{key}": value for key, value in keys.items()}


def trusted(**condition: Any) -> dict[str, Any]:
    """Return a statement that trusts GitHub's provider under *condition*."""
    statement = {"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:AssumeRoleWithWebIdentity"}
    return {**statement, "Condition": condition}


@dataclass(frozen=True)
class Trust:
    """A trust policy's statements and the claims of a token, and whether it opens the role."""

    name: str
    source: str
    statements: tuple[dict[str, Any], ...]
    claims: dict[str, str]
    admitted: bool


AUDIENCE = github(aud="sts.amazonaws.com")
MAIN = {"sub": "repo:o/r:ref:refs/heads/main"}
BRANCH = (trusted(StringEquals={**AUDIENCE, **github(sub="repo:o/r:ref:refs/heads/main")}),)
WHOLE = (trusted(StringEquals=AUDIENCE, StringLike=github(sub="repo:o/r:*")),)
ENVIRONMENT = (trusted(StringEquals={**AUDIENCE, **github(sub="repo:o/r:environment:prod")}),)
IDS = (trusted(StringEquals=AUDIENCE, StringLike=github(sub=["repo:o/*:*", "repo:o@6/*:*"])),)
WORKFLOW = "o/w/.github/workflows/publish.yml@refs/heads/main"
CALLED = (trusted(StringEquals={**AUDIENCE, **github(job_workflow_ref=WORKFLOW)}),)
NO_PULLS = {**trusted(StringLike=github(sub="repo:*:pull_request")), "Effect": "Deny"}
FOR_ALL = {"StringLike": github(sub="repo:o/*"), "ForAllValues:StringEquals": github(environment="prod")}
TRUSTS = (
    Trust("a branch", GITHUB, BRANCH, MAIN, True),
    Trust("another branch", GITHUB, BRANCH, {"sub": "repo:o/r:ref:refs/heads/dev"}, False),
    Trust("any job of a repository", ROLE_DOCUMENT, WHOLE, {"sub": "repo:o/r:pull_request"}, True),
    Trust("a repository of a longer name", ROLE_DOCUMENT, WHOLE, {"sub": "repo:o/rest:pull_request"}, False),
    Trust("an environment", GITHUB, ENVIRONMENT, {"sub": "repo:o/r:environment:prod"}, True),
    Trust("a branch where an environment is asked for", REFERENCE, ENVIRONMENT, MAIN, False),
    Trust("ids in the subject", REFERENCE, IDS, {"sub": "repo:o@6/r@7:ref:refs/heads/main"}, True),
    Trust("ids of another owner", REFERENCE, IDS, {"sub": "repo:o@8/r@7:ref:refs/heads/main"}, False),
    Trust("a called workflow", REUSABLE, CALLED, {**MAIN, "job_workflow_ref": WORKFLOW}, True),
    Trust("a job of no called workflow", REUSABLE, CALLED, MAIN, False),
    Trust("a deny beside an allow", LOGIC, (*WHOLE, NO_PULLS), {"sub": "repo:o/r:pull_request"}, False),
    Trust(
        "a claim that is no condition key",
        CLAIMS_DOCUMENT,
        (trusted(StringLike=github(sub="repo:o/*"), StringEquals=github(repository_owner="o")),),
        {**MAIN, "repository_owner": "o"},
        False,
    ),
    Trust("for all values of an absent claim", MULTIPLE, (trusted(**FOR_ALL),), MAIN, True),
)


@pytest.mark.parametrize("row", TRUSTS, ids=lambda row: row.name)
def test_trust_policies(lab: Lab, row: Trust) -> None:
    """STS admits a token, or refuses it in its one sentence."""
    iam, now = lab.admin("iam"), int(time.time())
    setup.open_id_provider(iam)
    policy = {"Version": "2012-10-17", "Statement": list(row.statements)}
    role = setup.role(iam, f"trust-{next(COUNTER)}", policy, [])
    times = {"iat": now - 10, "nbf": now - 10, "exp": now + 3600}
    claims = {"iss": f"https://{HOST}", "aud": "sts.amazonaws.com", **times, **row.claims}
    token = lab.control("POST", "token", claims)["value"]
    if row.admitted:
        assert lab.assume(role, token)["SubjectFromWebIdentityToken"] == row.claims["sub"]
        return
    with pytest.raises(ClientError) as error:
        lab.assume(role, token)
    assert refusal(error) == ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)


ARN = "arn:aws:ecr:us-east-1:123456789012:repository"
IDENTITY = "because no identity-based policy allows the ecr:{} action"
RESOURCE = "because no resource-based policy allows the ecr:{} action"
DENIED = "with an explicit deny in an identity-based policy"
DENIED_THERE = "with an explicit deny in a resource-based policy"


@dataclass(frozen=True)
class Permission:
    """A role's statements, a repository's own, and a call: the reason for which it is refused, "" where it is not."""

    name: str
    source: str
    identity: tuple[dict[str, Any], ...]
    reason: str = ""
    operation: str = "DescribeImages"
    repository: tuple[dict[str, Any], ...] = ()
    account: str = "123456789012"
    parameters: dict[str, Any] = field(default_factory=dict)


def allow(action: Any = "ecr:DescribeImages", resource: Any = f"{ARN}/table/*", **more: Any) -> dict[str, Any]:
    """Return a statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def there(effect: str, principal: Any, **more: Any) -> dict[str, Any]:
    """Return a statement of a repository's policy."""
    return {"Effect": effect, "Principal": principal, "Action": "ecr:DescribeImages", **more}


OTHER = "210987654321"
ROOT = {"AWS": "arn:aws:iam::123456789012:root"}
TAGGED = {"StringEquals": {"ecr:ResourceTag/team": "web"}}
KEYS = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
DENY = allow("ecr:Describe*", "*", Effect="Deny")
CREATE: dict[str, Any] = {"operation": "CreateRepository", "parameters": {"tags": [{"Key": "team", "Value": "web"}]}}
PERMISSIONS = (
    Permission("the action on the repository", ECR_ACTIONS, (allow(),)),
    Permission("no statement at all", LOGIC, (), IDENTITY),
    Permission("another action", ECR_ACTIONS, (allow("ecr:ListImages"),), IDENTITY),
    Permission("a wildcard in the action", ELEMENTS, (allow("ecr:Describe*"),)),
    Permission("an action in other letters", ELEMENTS, (allow("ECR:describeimages"),)),
    Permission("NotAction", ELEMENTS, (allow(NotAction="ecr:Put*", action=None),)),
    Permission("another repository", ECR_ACTIONS, (allow(resource=f"{ARN}/other/*"),), IDENTITY),
    Permission("another region", ECR_ACTIONS, (allow(resource=f"{ARN}/*".replace("east-1", "west-2")),), IDENTITY),
    Permission("a repository in other letters", ELEMENTS, (allow(resource=f"{ARN}/Table/*"),), IDENTITY),
    Permission("an explicit deny", LOGIC, (allow(), DENY), DENIED),
    Permission("the repository's tag", ECR_TAGS, (allow(Condition=TAGGED),)),
    Permission("another tag", ECR_TAGS, (allow(Condition={"StringEquals": {"ecr:ResourceTag/team": "db"}}),), IDENTITY),
    Permission(
        "a region as a condition", OPERATORS, (allow(Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}}),)
    ),
    Permission(
        "a key that is absent", OPERATORS, (allow(Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}}),), IDENTITY
    ),
    Permission("if it exists", OPERATORS, (allow(Condition={"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}),)),
    Permission("tags need TagResource", ECR_ACTIONS, (allow("ecr:CreateRepository"),), IDENTITY, **CREATE),
    Permission("tags by their keys", ECR_TAGS, (allow(["ecr:*"], Condition=KEYS),), **CREATE),
    Permission(
        "a login on one repository",
        ECR_PUSH,
        (allow("ecr:GetAuthorizationToken"),),
        IDENTITY,
        operation="GetAuthorizationToken",
    ),
    Permission("the repository's policy alone, for the role", ECR_POLICIES, (), repository=(there("Allow", "role"),)),
    Permission(
        "the repository's policy alone, for the account",
        CROSS,
        (),
        IDENTITY,
        repository=(there("Allow", ROOT),),
    ),
    Permission("a deny of the repository", LOGIC, (allow(),), DENIED_THERE, repository=(there("Deny", "*"),)),
    Permission("another account, one side", CROSS, (allow(resource="*"),), RESOURCE, account=OTHER),
    Permission(
        "another account, both", CROSS, (allow(resource="*"),), repository=(there("Allow", ROOT),), account=OTHER
    ),
    Permission(
        "another account, the repository alone", CROSS, (), IDENTITY, repository=(there("Allow", ROOT),), account=OTHER
    ),
)


@pytest.mark.parametrize("row", PERMISSIONS, ids=lambda row: row.name)
def test_permission_policies(lab: Lab, row: Permission) -> None:
    """ECR answers, or refuses and says which kind of policy is to blame."""
    iam, owner = lab.admin("iam"), lab.admin("ecr", row.account)
    setup.open_id_provider(iam)
    statements = [{k: v for k, v in statement.items() if v is not None} for statement in row.identity]
    role = setup.role(iam, f"table-{next(COUNTER)}", setup.trust(["repo:o/*"]), statements)
    name = f"table/app-{next(COUNTER)}"
    owner.create_repository(repositoryName=name, tags=[{"Key": "team", "Value": "web"}])
    if row.repository:
        own = [
            {**s, "Principal": {"AWS": role} if s["Principal"] == "role" else s["Principal"]} for s in row.repository
        ]
        document = json.dumps({"Version": "2012-10-17", "Statement": own})
        owner.set_repository_policy(repositoryName=name, policyText=document)
    client = lab.client("ecr", lab.assume(role, lab.token(repository="o/r"))["Credentials"])
    parameters = {**row.parameters, "repositoryName": name, "registryId": row.account}
    if row.operation == "CreateRepository":
        parameters = {**row.parameters, "repositoryName": f"{name}-new"}
    if row.operation == "GetAuthorizationToken":
        parameters = {}
    outcome = told(client, row.operation, parameters)
    action = "TagResource" if row.operation == "CreateRepository" else row.operation
    refused = outcome.startswith("AccessDeniedException: ") and outcome.endswith(row.reason.format(action))
    assert refused if row.reason else outcome == ""


def told(client: Any, operation: str, parameters: dict[str, Any]) -> str:
    """Make a call; return code and text of its refusal, "" when it succeeds."""
    names = {
        "DescribeImages": "describe_images",
        "CreateRepository": "create_repository",
        "GetAuthorizationToken": "get_authorization_token",
    }
    try:
        getattr(client, names[operation])(**parameters)
    except ClientError as error:
        return "{Code}: {Message}".format(**error.response["Error"])
    return ""


def test_the_tables_have_their_sources() -> None:
    """Ten trust policies and twenty permission policies at least, each from a document."""
    assert (len(TRUSTS) >= 10, len(PERMISSIONS) >= 20) == (True, True)
    assert [row.name for row in (*TRUSTS, *PERMISSIONS) if '"' not in row.source] == []
