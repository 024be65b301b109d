"""Policies that only limit what others allow: boundaries, session policies, the organization's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.aws import setup

from .conftest import COUNTER, Lab, refusal

READS = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:Describe*", "Resource": "*"}}
ARN = "arn:aws:ecr:us-east-1:123456789012:repository"


@pytest.fixture
def role(lab: Lab) -> str:
    """The ARN of a role that may do everything with ECR."""
    iam = lab.admin("iam")
    setup.open_id_provider(iam)
    everything = {"Action": ["ecr:*", "sts:*"], "Resource": "*"}
    return setup.role(iam, f"limited-{next(COUNTER)}", setup.trust(["repo:o/*"]), [everything])


def session(lab: Lab, role: str, **more: Any) -> Any:
    """Return the ECR client of a session of *role*."""
    return lab.client("ecr", lab.assume(role, lab.token(repository="o/r"), **more)["Credentials"])


def check(lab: Lab, ecr: Any, role: str, repository: str, kind: str) -> None:
    """It may describe, and not list: by API and by wire the refusal names the *kind* of policy."""
    user = f"arn:aws:sts::123456789012:assumed-role/{role.rsplit('/', 1)[1]}/GitHubActions"
    reason = f"on resource: {ARN}/{repository} because no {kind} allows the ecr:ListImages action"
    assert ecr.describe_images(repositoryName=repository)["imageDetails"] == []
    with pytest.raises(ClientError) as error:
        ecr.list_images(repositoryName=repository)
    text = f"User: {user} is not authorized to perform: ecr:ListImages {reason}"
    assert refusal(error) == ("AccessDeniedException", text, 400)


def test_a_permissions_boundary_limits_its_role(lab: Lab, role: str, repository: str) -> None:
    """From the next call on, and no more when it is taken away."""
    iam, name = lab.admin("iam"), role.rsplit("/", 1)[1]
    document = json.dumps(READS)
    boundary = iam.create_policy(PolicyName=f"boundary-{next(COUNTER)}", PolicyDocument=document)["Policy"]["Arn"]
    ecr = session(lab, role)
    assert ecr.list_images(repositoryName=repository)["imageIds"] == []
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
    check(lab, ecr, role, repository, "permissions boundary")
    iam.delete_role_permissions_boundary(RoleName=name)
    assert ecr.list_images(repositoryName=repository)["imageIds"] == []


def test_a_session_policy_limits_its_session(lab: Lab, role: str, repository: str) -> None:
    """The session's own calls and its registry password, no other session of the role."""
    policy = {**READS, "Statement": {**READS["Statement"], "Action": ["ecr:Describe*", "ecr:GetAuth*"]}}  # type: ignore[dict-item]
    ecr = session(lab, role, Policy=json.dumps(policy))
    check(lab, ecr, role, repository, "session policy")
    reply = lab.registry(lab.password(ecr)).ask("GET", f"/v2/{repository}/tags/list")
    assert (reply.status, "because no session policy allows the ecr:ListImages action" in reply.error[1]) == (403, True)
    assert session(lab, role).list_images(repositoryName=repository)["imageIds"] == []


def test_a_session_policy_may_be_a_managed_one(lab: Lab, role: str, repository: str) -> None:
    """By its ARN; one that is not there, and a text that is no policy, begin no session."""
    iam = lab.admin("iam")
    arn = iam.create_policy(PolicyName=f"reads-{next(COUNTER)}", PolicyDocument=json.dumps(READS))["Policy"]["Arn"]
    check(lab, session(lab, role, PolicyArns=[{"arn": arn}]), role, repository, "session policy")
    for wrong in ({"PolicyArns": [{"arn": f"{arn}-never"}]}, {"Policy": "{"}):
        with pytest.raises(ClientError) as error:
            session(lab, role, **wrong)
        assert refusal(error)[0] == "MalformedPolicyDocument"
    with pytest.raises(ClientError, match="less than or equal to 2048"):
        session(lab, role, Policy=json.dumps(READS).ljust(2049))


@pytest.fixture
def governed(lab: Lab) -> Iterator[Any]:
    """A way to put the account under a service control policy, during the test."""
    account = "123456789012"
    yield lambda policy: lab.control("POST", "organization", {"account": account, "policy": policy})
    lab.control("POST", "organization", {"account": account, "policy": None})


def test_a_service_control_policy_limits_an_account(lab: Lab, role: str, repository: str, governed: Any) -> None:
    """What it does not allow, and what it denies, nobody's own policy allows."""
    ecr = session(lab, role)
    governed(READS)
    check(lab, ecr, role, repository, "service control policy")
    denying = {"Effect": "Deny", "Action": "ecr:Describe*", "Resource": "*"}
    governed({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, denying]})
    assert ecr.list_images(repositoryName=repository)["imageIds"] == []
    with pytest.raises(ClientError, match="with an explicit deny in a service control policy"):
        ecr.describe_images(repositoryName=repository)
