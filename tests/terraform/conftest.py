"""Terraform's own program on the lab's AWS side."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from lab.aws import setup
from lab.terraform import Terraform

REGION = "us-east-1"


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The lab's AWS, by itself."""
    folder = tmp_path_factory.mktemp("aws")
    command = [sys.executable, "-m", "lab.aws", "--state", str(folder / "state"), "--ca-dir", str(folder / "ca")]
    child = subprocess.Popen([*command, "--registry-port", "0"], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        yield child.stdout.readline().split()[0]
    finally:
        child.terminate()
        child.wait(timeout=30)


@pytest.fixture(scope="session")
def terraform(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """The module with its provider, as an administrator of the account."""
    aws = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION, **setup.admin_credentials(endpoint)}
    return Terraform.begin(tmp_path_factory.mktemp("terraform"), aws)


Configure = Callable[[object], str]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Writes a config.yaml and gives the flag that names it."""

    def write(content: object) -> str:
        file = tmp_path / "config.yaml"
        file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return f"-var=config_file={file}"

    return write


@pytest.fixture
def applied(
    endpoint: str, terraform: Terraform, configure: Configure
) -> Iterator[Callable[[Mapping[str, object] | str], str]]:
    """Applies a configuration and gives what Terraform said; in the end nothing of it is left in AWS."""
    flags: list[str] = []

    def apply(content: Mapping[str, object] | str) -> str:
        flags[:] = [configure(content)]
        done = terraform.run("apply", "-auto-approve", *flags)
        assert done.returncode == 0, done.stdout + done.stderr
        second = terraform.run("plan", "-detailed-exitcode", *flags)
        assert second.returncode == 0, second.stdout + second.stderr
        return done.stdout

    yield apply
    if flags:
        done = terraform.run("destroy", "-auto-approve", *flags)
        assert done.returncode == 0, done.stdout + done.stderr
        assert setup.admin_client("ecr", endpoint).describe_repositories()["repositories"] == []
        iam = setup.admin_client("iam", endpoint)
        assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
        assert iam.list_policies(Scope="Local")["Policies"] == []
