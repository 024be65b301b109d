"""The platform's module: planned, applied, planned again, destroyed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from ecr_action import granting, prompt
from ecr_action.aws import lifecycle
from lab.aws import policy as evaluator
from lab.aws import setup
from lab.aws.oidc import claims
from lab.aws.policy import Question, Verdict
from lab.terraform import MODULE, Terraform
from tests.terraform.conftest import REGION, Configure

ACCOUNT = "123456789012"
SEED = """\
github:
  # Enable GitHub OIDC provider for CI/CD pipelines
  enable_oidc: true
  # GitHub organization that can assume the ECR push role
  org: "darede-labs"
ecr:
  # List of ECR repository names to pre-create during bootstrap
  # Leave empty [] for dynamic creation (recommended)
  repositories:
    - "platform-backend"
    - "platform-frontend"
"""
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:gitops-AbCdEf"
EVERYTHING: dict[str, Any] = {
    "ecr": {
        "repositories": ["team/api"],
        "prefixes": ["team/"],
        "regions": [REGION, "eu-west-1"],
        "encryption": "KMS",
        "kms_key": KEY,
        "tag_mutability": "IMMUTABLE",
        "pull_roles": ["nodes"],
        "cross_account_pull": ["210987654321"],
        "cross_account_push": ["arn:aws:iam::210987654321:role/publisher"],
        "registry": {
            "enhanced_scanning": True,
            "blob_mounting": True,
            "create_on_push": True,
            "templates": ["team/"],
            "replicate_to": ["eu-west-1"],
        },
    },
    "github": {
        "enable_oidc": True,
        "org": "darede-labs",
        "org_id": 600000001,
        "repositories": ["api", "web-*"],
        "branches": ["main"],
        "permissions": ["scan-gate", "drift-fix", "creation-templates"],
        "secrets": [SECRET],
        "release": {
            "repositories": ["api"],
            "tags": ["v*"],
            "environments": ["prod:eu"],
            "job_workflow_refs": ["darede-labs/pipelines/.github/workflows/release.yml@refs/*"],
        },
    },
}
PUSH, RELEASE = "idp-poc-darede-cluster-github-ecr-push", "idp-poc-darede-cluster-github-ecr-release"
Apply = Callable[[object], str]


def iam(endpoint: str) -> Any:
    """An administrator's client."""
    return setup.admin_client("iam", endpoint)


def trust_of(endpoint: str, role: str) -> dict[str, Any]:
    """The trust policy as IAM has it."""
    found: dict[str, Any] = iam(endpoint).get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    return found


def subjects(trust: dict[str, Any]) -> list[str]:
    """The patterns of ``sub`` that a trust policy admits.

    IAM takes no policy for GitHub's provider that tests neither ``sub`` nor ``job_workflow_ref``, or whose test admits
    everything (IAM user guide, "Controls for OIDC identity providers", GitHub).
    """
    (statement,) = trust["Statement"]
    issuer = "token.actions.githubusercontent.com"
    assert statement["Condition"]["StringEquals"] == {f"{issuer}:aud": "sts.amazonaws.com"}
    found = statement["Condition"]["StringLike"][f"{issuer}:sub"]
    patterns = [found] if isinstance(found, str) else found
    assert [one for one in patterns if not re.fullmatch(r"repo:darede-labs(@[0-9]+)?/.+:.+", one)] == []
    return list(patterns)


def policies_of(endpoint: str, role: str) -> list[dict[str, Any]]:
    """The policies that are attached to a role."""
    client = iam(endpoint)
    attached = client.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    versions = [(one["PolicyArn"], client.get_policy(PolicyArn=one["PolicyArn"])["Policy"]) for one in attached]
    return [
        client.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]["Document"]
        for arn, policy in versions
    ]


def test_the_module_is_formatted_and_valid(terraform: Terraform) -> None:
    """As Terraform's own tools say."""
    formatted = terraform.run("fmt", "-check", "-diff", "-recursive")
    assert (formatted.returncode, formatted.stdout) == (0, "")
    valid = terraform.run("validate")
    assert valid.returncode == 0, valid.stdout + valid.stderr


def test_terraforms_own_tests_pass(terraform: Terraform) -> None:
    """Those of the folder terraform/tests, against plans alone: problems of the configuration, trust, permissions."""
    done = terraform.run("test", "-json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    (summary,) = (row["test_summary"] for row in rows if row["type"] == "test_summary")
    runs = sum(len(re.findall(r'^run "', file.read_text(), re.M)) for file in (MODULE / "tests").glob("*.tftest.hcl"))
    told = [row["@message"] for row in rows if row["@level"] == "error"]
    assert (summary["status"], summary["passed"], summary.get("skipped", 0)) == ("pass", runs, 0), told
    assert runs > 10


def test_the_platforms_configuration_applies_as_it_is(endpoint: str, terraform: Terraform, applied: Apply) -> None:
    """Repositories, roles and outputs by the platform's names; the trust is its present one, with a warning."""
    said = applied(SEED)
    assert "github.org_id is missing" in " ".join(said.split())
    outputs = {name: one["value"] for name, one in json.loads(terraform.run("output", "-json").stdout).items()}
    assert outputs["ecr_account_url"] == f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
    assert outputs["github_ecr_push_role_arn"] == f"arn:aws:iam::{ACCOUNT}:role/{PUSH}"
    assert outputs["github_oidc_provider_arn"].endswith("oidc-provider/token.actions.githubusercontent.com")
    assert (
        set(outputs["ecr_repository_urls"])
        == set(outputs["ecr_repository_arns"])
        == {"platform-backend", "platform-frontend"}
    )
    assert subjects(trust_of(endpoint, PUSH)) == ["repo:darede-labs/*:*"]
    ecr = setup.admin_client("ecr", endpoint)
    for found in ecr.describe_repositories()["repositories"]:
        assert found["imageScanningConfiguration"] == {"scanOnPush": True}
        assert found["encryptionConfiguration"]["encryptionType"] == "AES256"
        text = ecr.get_lifecycle_policy(repositoryName=found["repositoryName"])["lifecyclePolicyText"]
        assert json.loads(text) == json.loads(lifecycle.text(lifecycle.default_policy()))


# A job of the reusable workflow that may release, and one of a copy of it elsewhere.
REUSED = {"job_workflow_ref": "darede-labs/pipelines/.github/workflows/release.yml@refs/tags/v3"}
COPIED = {"job_workflow_ref": "darede-labs/api/.github/workflows/release.yml@refs/tags/v3"}
# Role, what GitHub says of the job, whether it may assume the role.
JOBS = [
    (PUSH, {"repository": "darede-labs/api"}, True),
    (PUSH, {"repository": "darede-labs/api", "immutable_subject": True}, True),
    (PUSH, {"repository": "darede-labs/web-shop", "immutable_subject": True}, True),
    (PUSH, {"repository": "darede-labs/other"}, False),
    (PUSH, {"repository": "darede-labs-evil/api"}, False),
    (PUSH, {"repository": "darede-labs/api", "ref": "refs/heads/feature"}, False),
    (PUSH, {"repository": "darede-labs/api", "ref": "refs/tags/v1.0.0"}, False),
    (PUSH, {"repository": "darede-labs/api", "event": "pull_request"}, False),
    (RELEASE, {"repository": "darede-labs/api", "ref": "refs/tags/v1.0.0", "claims": REUSED}, True),
    (
        RELEASE,
        {"repository": "darede-labs/api", "environment": "prod:eu", "immutable_subject": True, "claims": REUSED},
        True,
    ),
    (RELEASE, {"repository": "darede-labs/api", "claims": REUSED}, False),
    (RELEASE, {"repository": "darede-labs/web-shop", "ref": "refs/tags/v1.0.0", "claims": REUSED}, False),
    (RELEASE, {"repository": "darede-labs/api", "ref": "refs/tags/v1.0.0"}, False),
    (RELEASE, {"repository": "darede-labs/api", "ref": "refs/tags/v1.0.0", "claims": COPIED}, False),
]
NAMED = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/api"
OTHER = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/other"
# Role, action, resource, whether its policies allow it.
CALLS = [
    (PUSH, "ecr:GetAuthorizationToken", "*", True),
    (PUSH, "ecr:PutImage", NAMED, True),
    (PUSH, "ecr:PutImage", OTHER, False),
    (PUSH, "ecr:PutImage", NAMED.replace(REGION, "eu-west-1"), True),
    (PUSH, "ecr:PutImage", NAMED.replace(REGION, "ap-south-1"), False),
    (PUSH, "ecr:PutImage", NAMED.replace(ACCOUNT, "210987654321"), False),
    (PUSH, "ecr:CreateRepository", NAMED, True),
    (PUSH, "ecr:CreateRepository", OTHER, False),
    (PUSH, "ecr:PutLifecyclePolicy", NAMED, True),
    (PUSH, "ecr:DescribeImageScanFindings", NAMED, True),
    (PUSH, "ecr:PutImageTagMutability", NAMED, True),
    (PUSH, "ecr:DescribeRepositoryCreationTemplates", "*", True),
    (PUSH, "ecr:DeleteRepository", NAMED, False),
    (PUSH, "ecr:BatchDeleteImage", NAMED, False),
    (PUSH, "ecr:SetRepositoryPolicy", NAMED, True),
    (PUSH, "secretsmanager:GetSecretValue", SECRET, True),
    (PUSH, "secretsmanager:GetSecretValue", SECRET.replace("gitops", "other"), False),
    (PUSH, "kms:CreateGrant", KEY, True),
    (PUSH, "kms:CreateGrant", KEY.replace("1111", "9999"), False),
    (PUSH, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{PUSH}", False),
    (RELEASE, "ecr:PutImage", NAMED, True),
    ("nodes", "ecr:BatchGetImage", OTHER, True),
    ("nodes", "ecr:PutImage", NAMED, False),
]


def test_everything_that_can_be_switched_on(endpoint: str, terraform: Terraform, applied: Apply) -> None:
    """Fourteen jobs are admitted or refused, twenty-three calls allowed or denied; what Terraform can't say is told."""
    nodes = {"Version": "2012-10-17", "Statement": []}
    iam(endpoint).create_role(RoleName="nodes", AssumeRolePolicyDocument=json.dumps(nodes))
    applied(EVERYTHING)
    assert [len(subjects(trust_of(endpoint, role))) for role in (PUSH, RELEASE)] == [4, 4]
    wrong = [row for row in JOBS if admitted(endpoint, *row[:2]) is not row[2]]
    wrong += [row for row in CALLS if allowed(endpoint, *row[:3]) is not row[3]]
    assert wrong == []
    commands = json.loads(terraform.run("output", "-json", "further_commands").stdout)
    assert [command.split()[2] for command in commands] == [
        "put-account-setting",
        "update-repository-creation-template",
    ]
    assert {who: reach(endpoint, who) for who in VISITORS} == VISITORS
    assert registry_of(endpoint) == REGISTRY


OWN_KEY = {"encryptionType": "KMS", "kmsKey": KEY}
REGISTRY = {
    "scanning": "ENHANCED",
    "replicated to": [("eu-west-1", ACCOUNT)],
    "templates": [("team/", "IMMUTABLE", OWN_KEY, ["PULL_THROUGH_CACHE", "REPLICATION"])],
    "repositories": [("team/api", "IMMUTABLE", OWN_KEY)],
}


def registry_of(endpoint: str) -> dict[str, Any]:
    """What ECR says of the registry's settings, and of what is in it."""
    ecr = setup.admin_client("ecr", endpoint)
    rules = ecr.describe_registry()["replicationConfiguration"]["rules"]
    templates = ecr.describe_repository_creation_templates()["repositoryCreationTemplates"]
    repositories = ecr.describe_repositories()["repositories"]
    return {
        "scanning": ecr.get_registry_scanning_configuration()["scanningConfiguration"]["scanType"],
        "replicated to": [(one["region"], one["registryId"]) for rule in rules for one in rule["destinations"]],
        "templates": [
            (one["prefix"], one["imageTagMutability"], one["encryptionConfiguration"], sorted(one["appliedFor"]))
            for one in templates
        ],
        "repositories": [
            (one["repositoryName"], one["imageTagMutability"], one["encryptionConfiguration"]) for one in repositories
        ],
    }


# Roles by account and name, and which of the calls of a pull and of a push ECR lets them make.
PULL, UPLOAD = "BatchGetImage", "InitiateLayerUpload"
VISITORS = {
    ("210987654321", "publisher"): (PULL, UPLOAD),
    ("210987654321", "reader"): (PULL,),
    ("321098765432", "publisher"): (),
}


def reach(endpoint: str, visitor: tuple[str, str]) -> tuple[str, ...]:
    """The calls that a role of another account, whose own policy allows everything, may make on ``team/api``."""
    account, name = visitor
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
    everything = [{"Action": "ecr:*", "Resource": "*"}]
    client = setup.admin_client("iam", endpoint, account)
    arn = setup.role(client, name, {"Version": "2012-10-17", "Statement": [trust]}, everything)
    sts = setup.admin_client("sts", endpoint, account)
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="visit")["Credentials"]
    own = boto3.client(
        "ecr",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    there = {"registryId": ACCOUNT, "repositoryName": "team/api"}
    calls: dict[str, Callable[[], object]] = {
        PULL: lambda: own.batch_get_image(**there, imageIds=[{"imageTag": "none"}]),
        UPLOAD: lambda: own.initiate_layer_upload(**there),
    }
    return tuple(name for name, call in calls.items() if lets(call))


def lets(call: Callable[[], object]) -> bool:
    """Whether ECR lets the caller."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return False
    return True


def admitted(endpoint: str, role: str, job: dict[str, Any]) -> bool:
    """Whether *role* may be assumed with GitHub's token of *job*."""
    content = {"ref": "refs/heads/main", **job}
    host = "token.actions.githubusercontent.com"
    presented = {f"{host}:{name}": str(value) for name, value in claims(content).items()}
    question = Question(
        action="sts:AssumeRoleWithWebIdentity",
        resource="",
        principals={"Federated": (f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}",)},
        context={**presented, f"{host}:aud": "sts.amazonaws.com"},
    )
    return evaluator.evaluate([trust_of(endpoint, role)], question) is Verdict.ALLOW


def allowed(endpoint: str, role: str, action: str, resource: str) -> bool:
    """Whether the policies of *role* allow *action*."""
    return evaluator.evaluate(policies_of(endpoint, role), Question(action=action, resource=resource)) is Verdict.ALLOW


def test_the_prompt_prints_the_policy_that_terraform_attaches(endpoint: str, applied: Apply) -> None:
    """Each set by its switch."""
    asked = ["iam", "--format", "json", "--account", ACCOUNT, "--region", REGION, "--prefix", "team/"]
    asked += ["--set", "scan-gate", "--secret", SECRET]
    github = {"enable_oidc": True, "org": "darede-labs", "org_id": "600000001"}
    applied({"ecr": {"prefixes": ["team/"]}, "github": {**github, "permissions": ["scan-gate"], "secrets": [SECRET]}})
    assert policies_of(endpoint, PUSH) == [json.loads(granting.policy(prompt.parse(asked)))]


def test_a_provider_that_is_there_is_reused(endpoint: str, terraform: Terraform, configure: Configure) -> None:
    """With the audience that it has to know."""
    arn = setup.open_id_provider(iam(endpoint), audiences=["https://github.com/darede-labs"])
    flag = configure({"github": {"enable_oidc": True, "org": "darede-labs", "org_id": 1, "oidc_provider": "reuse"}})
    refused = terraform.run("plan", flag)
    assert "add-client-id-to-open-id-connect-provider" in " ".join(refused.stderr.split())
    iam(endpoint).delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    setup.open_id_provider(iam(endpoint), audiences=["https://github.com/darede-labs", "sts.amazonaws.com"])
    planned = terraform.run("plan", flag)
    assert planned.returncode == 0, planned.stderr
    assert "aws_iam_openid_connect_provider" not in planned.stdout.replace("data.aws_iam_openid_connect_provider", "")
    iam(endpoint).delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


BAD: list[tuple[dict[str, Any], list[str]]] = [
    (
        {
            "ecr": {"repositories": ["Bad_Name", "ok"], "scan": 1, "scan_on_push": "yes", "kms_key": KEY},
            "github": {"enable_oidc": True, "org": "dare*", "repositories": "api", "permissions": ["everything"]},
        },
        [
            "ecr.scan is no key",
            'ecr.repositories has "Bad_Name"',
            "ecr.scan_on_push must be true or false",
            "ecr.kms_key is given, and ecr.encryption is AES256",
            'github.org is "dare*"',
            "github.repositories must be a list of texts",
            'github.permissions has "everything"',
        ],
    ),
    (
        {
            "github": {
                "enable_oidc": True,
                "org": "o",
                "org_id": 1,
                "repositories": [f"repository-{n:03}" for n in range(60)],
            }
        },
        ["IAM takes 2048", "one pattern with * stands for many names"],
    ),
]


@pytest.mark.parametrize(("content", "expected"), BAD, ids=["keys", "size"])
def test_what_is_wrong_with_the_configuration_is_told_by_the_plan(
    terraform: Terraform, configure: Configure, content: object, expected: list[str]
) -> None:
    """All of it at once, key and fix."""
    done = terraform.run("plan", configure(content))
    said = " ".join(done.stderr.replace("│", " ").split())
    assert done.returncode == 1
    assert [words for words in expected if words not in said] == []
    assert "Fix:" in said
