"""Whole runs with every way to the GitOps repository: an App, secrets that AWS keeps, GitHub Enterprise Server."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lab.aws import setup
from lab.stage import Stage
from tests.job.seen import gitops_file
from tests.job.test_publish import ok

FILE = "manifests/deployment.yaml"
REGION = "eu-west-1"


def admin(stage: Stage, service: str) -> Any:
    """An administrator's client in another Region than the registry's."""
    return setup.admin_client(service, stage.endpoint, region=REGION)


def allowed(stage: Stage) -> str:
    """A role that may read secrets too."""
    iam = setup.admin_client("iam", stage.endpoint)
    more = ("secretsmanager:GetSecretValue", "ssm:GetParameter")
    statements = [{"Action": ["ecr:*", *more], "Resource": "*"}]
    return setup.role(iam, "with-secrets", setup.trust(["repo:darede-labs/*:*"]), statements)


def app_of(stage: Stage, **permissions: str) -> tuple[str, str]:
    """The id and the private key of an App that is installed on the GitOps repository."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, public = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    pem = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    may = permissions or {"contents": "write"}
    row = {"account": "darede-labs", "repositories": [stage.gitops], "permissions": may}
    slug = f"bumper-of-{stage.name.rpartition('/')[2]}"
    told = stage.github.app(slug, key.public_key().public_bytes(encoding, public).decode(), [row])
    return str(told["id"]), pem


def test_a_github_app_whose_key_aws_keeps(stage: Stage) -> None:
    """The default GitOps repository, a commit by the App, and no line of the key in the log."""
    app, pem = app_of(stage)
    given = {"gitops_repository": "-", "gitops_token": "-", "gitops_app_id": app}
    told = stage.publish(stage.push_payload(), **given)
    assert (told.exit_code, "gitops-app-private-key is empty" in told.log) == (2, True)
    arn = admin(stage, "secretsmanager").create_secret(Name=f"key-{app}", SecretString=json.dumps({"pem": pem}))["ARN"]
    denied = stage.publish(stage.push_payload(), gitops_app_private_key=f"{arn}:pem::", **given)
    assert (denied.exit_code, "E-AWS-DENIED" in denied.log) == (1, True)
    assert '"secretsmanager:GetSecretValue"' in denied.log
    result = ok(
        stage.publish(
            stage.push_payload(), role_to_assume=allowed(stage), gitops_app_private_key=f"{arn}:pem::", **given
        )
    )
    assert result.outputs["gitops-commit"] == stage.gitops_head()
    assert result.outputs["image"] in gitops_file(stage, FILE)
    assert [line for line in pem.splitlines()[1:-1] if line in result.log.replace("::add-mask::" + line, "")] == []


def test_a_token_that_a_parameter_holds(stage: Stage) -> None:
    """In another Region than the registry; masked, and never in the log otherwise."""
    ssm = admin(stage, "ssm")
    ssm.put_parameter(Name=f"/gitops{stage.name}", Value=stage.gitops_token, Type="SecureString")
    arn = ssm.get_parameter(Name=f"/gitops{stage.name}")["Parameter"]["ARN"]
    result = ok(stage.publish(stage.push_payload(), role_to_assume=allowed(stage), gitops_token=arn))
    assert result.outputs["gitops-commit"] == stage.gitops_head()


def test_github_enterprise_server(stage: Stage) -> None:
    """REST below /api/v3, GraphQL at /api/graphql: the addresses that the runner sets there."""
    base = stage.github.url
    variables = {"GITHUB_API_URL": f"{base}/api/v3", "GITHUB_GRAPHQL_URL": f"{base}/api/graphql",
                 "GITHUB_SERVER_URL": base}  # fmt: skip
    stage.github.clear_calls()
    result = ok(stage.publish(stage.push_payload(), variables=variables))
    assert result.outputs["gitops-commit"] == stage.gitops_head()
    stage.commit("Second", {"index.html": "revision 2\n"})
    app, pem = app_of(stage)
    given = {"gitops_token": "-", "gitops_app_id": app, "gitops_app_private_key": pem}
    again = ok(stage.publish(stage.push_payload(), variables=variables, **given))
    assert again.outputs["gitops-commit"] == stage.gitops_head()
    assert "could not be checked" not in again.log
    assert {row["path"] for row in stage.github.calls() if row["operation"]} == {"/api/graphql"}
