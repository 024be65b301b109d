"""Identity and resource policies, on the API and on the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.aws import setup

from .conftest import COUNTER, Lab, refusal
from .oci import digest_of

ARN = "arn:aws:ecr:us-east-1:123456789012:repository"


@pytest.fixture
def session(lab: Lab) -> Any:
    """Make a role with the test's own statements; return its name and credentials."""

    def make(*statements: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        iam = lab.admin("iam")
        setup.open_id_provider(iam)
        name = f"allowed-{next(COUNTER)}"
        role = setup.role(iam, name, setup.trust(["repo:o/*"]), statements)
        return name, lab.assume(role, lab.token(repository="o/r"))["Credentials"]

    return make


def sentence(role: str, action: str, resource: str, reason: str = "") -> str:
    """Return how ECR says that *role* may not do *action*."""
    user = f"arn:aws:sts::123456789012:assumed-role/{role}/GitHubActions"
    reason = reason or f"because no identity-based policy allows the {action} action"
    return f"User: {user} is not authorized to perform: {action} on resource: {resource} {reason}"


def test_the_platforms_role_publishes_and_no_more(lab: Lab, platform_keys: dict[str, Any]) -> None:
    """It creates, logs in, pushes, pulls and tags; it may not read policies or describe images."""
    ecr = lab.client("ecr", platform_keys)
    ecr.create_repository(repositoryName="by-platform")
    registry = lab.registry(lab.password(ecr))
    manifest, _ = registry.push_image("by-platform", "v1", "hello")
    assert registry.ask("GET", "/v2/by-platform/manifests/v1").body == manifest
    assert registry.ask("GET", f"/v2/by-platform/blobs/{digest_of(b'hello')}").body == b"hello"
    ecr.put_image(repositoryName="by-platform", imageManifest=manifest.decode(), imageTag="v2")
    for operation in ("GetLifecyclePolicy", "DescribeImages"):
        name = {"GetLifecyclePolicy": "get_lifecycle_policy", "DescribeImages": "describe_images"}[operation]
        with pytest.raises(ClientError) as error:
            getattr(ecr, name)(repositoryName="by-platform")
        text = sentence(setup.ROLE, f"ecr:{operation}", f"{ARN}/by-platform")
        assert refusal(error) == ("AccessDeniedException", text, 400)
    with pytest.raises(ClientError, match="ecr:TagResource on resource"):
        ecr.create_repository(repositoryName="tagged", tags=[{"Key": "a", "Value": "b"}])


def test_a_resource_in_a_statement_limits_the_api_and_the_wire(lab: Lab, ecr: Any, session: Any) -> None:
    """ARNs with wildcards are compared for each call."""
    for name in ("scoped-a", "other-a"):
        ecr.create_repository(repositoryName=name)
    role, keys = session(
        {"Action": "ecr:*", "Resource": f"{ARN}/scoped-*"},
        {"Action": "ecr:GetAuthorizationToken", "Resource": "*"},
    )
    own = lab.client("ecr", keys)
    registry = lab.registry(lab.password(own))
    registry.push_image("scoped-a", "v1", "hello")
    assert own.describe_images(repositoryName="scoped-a")["imageDetails"]
    reply = registry.ask("POST", "/v2/other-a/blobs/uploads/")
    assert reply.status == 403
    assert reply.error == ("DENIED", sentence(role, "ecr:InitiateLayerUpload", f"{ARN}/other-a"))
    with pytest.raises(ClientError) as error:
        own.describe_images(repositoryName="other-a")
    assert refusal(error)[1] == sentence(role, "ecr:DescribeImages", f"{ARN}/other-a")
    with pytest.raises(ClientError, match="on resource: arn:aws:ecr:us-east-1:123456789012:repository/\\*"):
        own.describe_repositories()


@pytest.mark.parametrize(
    ("lacking", "method", "path"),
    [
        ("ecr:InitiateLayerUpload", "POST", "blobs/uploads/"),
        ("ecr:UploadLayerPart", "PATCH", "blobs/uploads/x"),
        ("ecr:CompleteLayerUpload", "PUT", "blobs/uploads/x"),
        ("ecr:BatchCheckLayerAvailability", "HEAD", f"blobs/{digest_of(b'')}"),
        ("ecr:GetDownloadUrlForLayer", "GET", f"blobs/{digest_of(b'')}"),
        ("ecr:BatchGetImage", "GET", "manifests/v1"),
        ("ecr:PutImage", "PUT", "manifests/v1"),
        ("ecr:ListImages", "GET", "tags/list"),
    ],
)
def test_each_request_of_the_wire_needs_its_action(
    lab: Lab, repository: str, session: Any, lacking: str, method: str, path: str
) -> None:
    """Everything is allowed but one action, which is the one that the request is refused for."""
    role, keys = session({"NotAction": lacking, "Resource": "*"})
    registry = lab.registry(lab.password(lab.client("ecr", keys)))
    reply = registry.ask(method, f"/v2/{repository}/{path}")
    assert reply.status == 403
    if method != "HEAD":
        assert reply.error == ("DENIED", sentence(role, lacking, f"{ARN}/{repository}"))


def test_an_operation_may_need_another_ones_permission(lab: Lab, repository: str, session: Any) -> None:
    """ListImageReferrers is allowed and refused as BatchGetImage."""
    subject = {"repositoryName": repository, "subjectId": {"imageDigest": digest_of(b"")}}
    for action, others in (("ecr:BatchGetImage", False), ("ecr:ListImageReferrers", True)):
        role, keys = session({"NotAction": action, "Resource": "*"})
        own = lab.client("ecr", keys)
        if others:
            assert own.list_image_referrers(**subject)["referrers"] == []
            continue
        with pytest.raises(ClientError) as error:
            own.list_image_referrers(**subject)
        assert refusal(error)[1] == sentence(role, action, f"{ARN}/{repository}")


def test_a_layer_in_one_piece_is_a_part_too(lab: Lab, repository: str, session: Any) -> None:
    """The last request of an upload needs UploadLayerPart where it brings bytes, and not where it brings none."""
    role, keys = session({"NotAction": "ecr:UploadLayerPart", "Resource": "*"})
    registry = lab.registry(lab.password(lab.client("ecr", keys)))
    path = f"/v2/{repository}/blobs/uploads/none?digest={digest_of(b'x')}"
    reply = registry.ask("PUT", path, b"x")
    assert (reply.status, reply.error) == (
        403,
        ("DENIED", sentence(role, "ecr:UploadLayerPart", f"{ARN}/{repository}")),
    )
    assert registry.ask("PUT", path).status == 404


def test_an_explicit_deny_wins_and_is_told(lab: Lab, session: Any) -> None:
    """Deny beats Allow, and the sentence says which kind of policy it stands in."""
    role, keys = session({"Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "ecr:Create*", "Resource": "*"})
    with pytest.raises(ClientError) as error:
        lab.client("ecr", keys).create_repository(repositoryName="denied")
    reason = "with an explicit deny in an identity-based policy"
    assert refusal(error)[1] == sentence(role, "ecr:CreateRepository", f"{ARN}/denied", reason)


def test_a_role_without_login_cannot_log_in(lab: Lab, session: Any) -> None:
    """GetAuthorizationToken stands on no repository: its resource is *."""
    role, keys = session({"Action": "ecr:*", "Resource": f"{ARN}/*"})
    with pytest.raises(ClientError) as error:
        lab.client("ecr", keys).get_authorization_token()
    assert refusal(error)[1] == sentence(role, "ecr:GetAuthorizationToken", "*")


def test_a_condition_on_the_tags_of_a_request(lab: Lab, session: Any) -> None:
    """aws:RequestTag decides about CreateRepository."""
    condition = {"StringEquals": {"aws:RequestTag/team": "web"}}
    _, keys = session({"Action": "ecr:*", "Resource": "*", "Condition": condition})
    own = lab.client("ecr", keys)
    assert own.create_repository(repositoryName="of-web", tags=[{"Key": "team", "Value": "web"}])
    with pytest.raises(ClientError, match="AccessDeniedException"):
        own.create_repository(repositoryName="of-db", tags=[{"Key": "team", "Value": "db"}])


def test_another_account_needs_the_repositorys_own_policy(lab: Lab, session: Any) -> None:
    """Both sides must allow; then registryId and the other registry's host work."""
    theirs = lab.admin("ecr", "210987654321")
    theirs.create_repository(repositoryName="shared")
    _, keys = session({"Action": "ecr:*", "Resource": "*"})
    own = lab.client("ecr", keys)
    host = lab.host.replace("123456789012", "210987654321")
    registry = lab.registry(lab.password(own), host)
    with pytest.raises(ClientError, match="because no resource-based policy allows the ecr:DescribeImages action"):
        own.describe_images(registryId="210987654321", repositoryName="shared")
    assert registry.ask("POST", "/v2/shared/blobs/uploads/").status == 403
    text = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecr:*",'
        ' "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}]}'
    )
    theirs.set_repository_policy(repositoryName="shared", policyText=text)
    registry.push_image("shared", "v1", "hello")
    assert own.describe_images(registryId="210987654321", repositoryName="shared")["imageDetails"]


def test_a_roles_secret_from_secrets_manager(lab: Lab, session: Any) -> None:
    """Other services that a job reads from are behind the same policies."""
    lab.admin("secretsmanager").create_secret(Name="gitops", SecretString="value")
    _, keys = session(
        {"Action": "secretsmanager:GetSecretValue", "Resource": "arn:aws:secretsmanager:*:*:secret:gitops*"}
    )
    assert lab.client("secretsmanager", keys).get_secret_value(SecretId="gitops")["SecretString"] == "value"
    _, keys = session()
    with pytest.raises(ClientError, match="AccessDeniedException"):
        lab.client("secretsmanager", keys).get_secret_value(SecretId="gitops")


def test_a_roles_parameter_from_systems_manager(lab: Lab, session: Any) -> None:
    """A parameter's ARN has its name after ``parameter/``, with or without the slash of its path."""
    arn = "arn:aws:ssm:*:*:parameter/ci/token"
    lab.admin("ssm").put_parameter(Name="/ci/token", Value="value", Type="SecureString")
    _, keys = session({"Action": "ssm:GetParameter", "Resource": arn})
    own = lab.client("ssm", keys)
    assert own.get_parameter(Name="/ci/token", WithDecryption=True)["Parameter"]["Value"] == "value"
    with pytest.raises(ClientError, match="AccessDeniedException"):
        own.get_parameter(Name="/ci/other")


def test_a_repositorys_policy_admits_a_role_but_not_by_its_account(lab: Lab, ecr: Any, session: Any) -> None:
    """In one account the role's ARN in the repository's policy is enough; the account's is not."""
    ecr.create_repository(repositoryName="by-policy")
    role, keys = session()
    arns = {"refused": "arn:aws:iam::123456789012:root", "admitted": f"arn:aws:iam::123456789012:role/{role}"}
    own = lab.client("ecr", keys)
    for outcome, arn in arns.items():
        statement = {"Effect": "Allow", "Action": "ecr:*", "Principal": {"AWS": arn}}
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        ecr.set_repository_policy(repositoryName="by-policy", policyText=text)
        if outcome == "admitted":
            assert own.describe_images(repositoryName="by-policy")["imageDetails"] == []
        else:
            with pytest.raises(ClientError, match="because no identity-based policy allows"):
                own.describe_images(repositoryName="by-policy")
