"""A platform that had a module of its own takes this one, by the blocks that docs/platform.md prints."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ecr_action.aws import lifecycle
from lab.aws import setup
from lab.terraform import MODULE, Terraform

PAGE = MODULE.parent / "docs/platform.md"
BEFORE = Path(__file__).parent / "before"
CONFIG: dict[str, dict[str, Any]] = {
    "github": {"enable_oidc": True, "org": "darede-labs"},
    "ecr": {"repositories": ["platform-backend", "platform-frontend"]},
}
# By pipelines: the name, and how it is encrypted.
MADE = {"hello-node": "AES256", "payments": "KMS"}
KINDS = ("aws_ecr_repository", "aws_ecr_lifecycle_policy")
PUSH = "idp-poc-darede-cluster-github-ecr-push"


@pytest.fixture
def root(terraform: Terraform, endpoint: str, tmp_path: Path) -> Iterator[Terraform]:
    """The platform's own root module, applied; in the end nothing of it is left in AWS."""
    made = Terraform(tmp_path, terraform.environment)
    shutil.copytree(BEFORE, tmp_path, dirs_exist_ok=True)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    done(made, "init")
    done(made, "apply", "-auto-approve")
    yield made
    done(made, "destroy", "-auto-approve")
    ecr = setup.admin_client("ecr", endpoint)
    assert ecr.describe_repositories()["repositories"] == []


def done(terraform: Terraform, *arguments: str) -> str:
    """What a command said that succeeded."""
    made = terraform.run(*arguments)
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout


def by_pipelines(endpoint: str) -> None:
    """Repositories as the action makes them."""
    ecr = setup.admin_client("ecr", endpoint)
    for name, encryption in MADE.items():
        ecr.create_repository(
            repositoryName=name,
            imageScanningConfiguration={"scanOnPush": True},
            encryptionConfiguration={"encryptionType": encryption},
        )
        ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=lifecycle.text(lifecycle.default_policy()))


def documented() -> str:
    """The page's blocks of HCL, each import once for each repository, with the module as it is here."""
    blocks = re.findall(r"```hcl\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    text = "".join(block for block in blocks if "import {" not in block)
    imports = next(block for block in blocks if "import {" in block)
    text += "".join(imports.replace("hello-node", name) for name in MADE)
    text = re.sub(r"source +=.*", f'source = "{MODULE}"', text)
    return re.sub(r"module\.eks\.eks_managed_node_groups\S+\.iam_role_name", "aws_iam_role.nodes.name", text)


def test_the_state_moves_and_nothing_is_made_anew(root: Terraform, endpoint: str) -> None:
    """No destroy; what pipelines made is taken over without a change, and a second plan is empty."""
    by_pipelines(endpoint)
    (root.folder / "ecr.tf").write_text(documented())
    everything = [*CONFIG["ecr"]["repositories"], *MADE]
    (root.folder / "config.yaml").write_text(yaml.safe_dump({**CONFIG, "ecr": {"repositories": everything}}))
    done(root, "init")
    done(root, "plan", "-out=plan")
    plan: dict[str, Any] = json.loads(done(root, "show", "-json", "plan"))
    changes = [(one["address"].removeprefix("module.ecr_publish."), one["change"]) for one in plan["resource_changes"]]
    assert [address for address, change in changes if "delete" in change["actions"]] == []
    assert {address for address, change in changes if change["actions"] == ["create"]} == {
        *(f'aws_ecr_lifecycle_policy.platform_apps["{name}"]' for name in CONFIG["ecr"]["repositories"]),
        'aws_iam_policy.github["github"]',
        'aws_iam_role_policy_attachment.github["github"]',
    }
    taken = {address for address, change in changes if "importing" in change and change["actions"] == ["no-op"]}
    assert taken == {f'{kind}.platform_apps["{name}"]' for kind in KINDS for name in MADE}
    arn = role(endpoint)
    done(root, "apply", "plan")
    done(root, "plan", "-detailed-exitcode")
    assert role(endpoint) == arn
    ecr = setup.admin_client("ecr", endpoint)
    found = {one["repositoryName"]: one for one in ecr.describe_repositories()["repositories"]}
    assert {name: found[name]["encryptionConfiguration"]["encryptionType"] for name in MADE} == MADE
    for name in everything:
        text = ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"]
        assert json.loads(text) == json.loads(lifecycle.text(lifecycle.default_policy()))
    # As the page says, in the end.
    setup.admin_client("iam", endpoint).delete_role_policy(RoleName=PUSH, PolicyName="ecr-push")


def role(endpoint: str) -> tuple[str, str]:
    """The push role, which stays the same one."""
    found = setup.admin_client("iam", endpoint).get_role(RoleName=PUSH)["Role"]
    return found["Arn"], found["RoleId"]
