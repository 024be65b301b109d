"""A running lab for the whole session, and what tests ask of it."""

from __future__ import annotations

import base64
import itertools
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lab.aws import setup

from .oci import Registry

ROOT = Path(__file__).resolve().parents[3]
SESSION = boto3.session.Session()
COUNTER = itertools.count(1)


@dataclass
class Lab:
    """A lab's process, where it is reached, and shortcuts."""

    process: subprocess.Popen[str]
    endpoint: str
    host: str
    ca: Path
    folder: Path
    address: str = "127.83.67.1"
    admins: dict[tuple[str, str], Any] = field(default_factory=dict)

    def control(self, method: str, name: str, body: object = None) -> Any:
        """Ask the lab's own address ``/_lab/<name>``."""
        data = json.dumps(body).encode() if body is not None else None
        asked = urllib.request.Request(f"{self.endpoint}/_lab/{name}", data, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)

    def admin(self, service: str, account: str = "123456789012") -> Any:
        """Return an administrator's client."""
        key = (service, account)
        if key not in self.admins:
            self.admins[key] = setup.admin_client(service, self.endpoint, account)
        return self.admins[key]

    def client(self, service: str, keys: dict[str, Any] | None = None) -> Any:
        """Return a client with the credentials of an STS answer, that does not retry; unsigned without."""
        keys = keys or {"AccessKeyId": "AKIAUNKNOWN", "SecretAccessKey": "x"}
        return SESSION.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken"),
            config=Config(retries={"total_max_attempts": 1}),
        )

    def token(self, audience: str | None = "sts.amazonaws.com", **job: Any) -> str:
        """Return a token for *job*, asked for as a runner's job does."""
        return self.issued(self.control("POST", "oidc", job), audience)

    def issued(self, given: dict[str, str], audience: str | None = "sts.amazonaws.com") -> str:
        """Return the token that a job gets at the address it was *given*."""
        url = given["url"] + (f"&audience={audience}" if audience else "")
        asked = urllib.request.Request(url, headers={"Authorization": f"bearer {given['token']}"})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return str(json.load(answer)["value"])

    def assume(self, role: str, token: str, **more: Any) -> dict[str, Any]:
        """Return the answer of AssumeRoleWithWebIdentity."""
        parameters = {"RoleSessionName": "GitHubActions", **more}
        answer: dict[str, Any] = self.client("sts").assume_role_with_web_identity(
            RoleArn=role, WebIdentityToken=token, **parameters
        )
        return answer

    def password(self, ecr: Any) -> str:
        """Return the registry password of an ECR client's caller."""
        row = ecr.get_authorization_token()["authorizationData"][0]
        return base64.b64decode(row["authorizationToken"]).decode().removeprefix("AWS:")

    def registry(self, password: str = "", host: str = "", user: str = "AWS") -> Registry:
        """Return a client of the registry."""
        return Registry(host or self.host, self.address, self.ca, password, user)

    def calls(self) -> list[tuple[str, str]]:
        """Return service and operation of the calls since the last clearing."""
        return [(row["service"], row["operation"]) for row in self.control("GET", "calls")]

    def stop(self) -> None:
        """End the lab by SIGTERM, in order."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0


def start(folder: Path) -> Lab:
    """Start a lab with its state in *folder*, on free ports."""
    command = [sys.executable, "-m", "lab.aws", "--state", str(folder / "state"), "--ca-dir", str(folder / "ca")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*command, "--registry-port", "0"], stdout=subprocess.PIPE, text=True, cwd=folder, env=environment
    )
    assert process.stdout is not None
    endpoint, host = process.stdout.readline().split()
    return Lab(process, endpoint, host, folder / "ca" / "ca.pem", folder)


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str, int]:
    """Return code, text and HTTP status of what boto3 raised."""
    answer = error.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab that all tests share: each uses repositories and roles of its own."""
    made = start(tmp_path_factory.mktemp("lab-aws"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def platform_keys(lab: Lab) -> dict[str, Any]:
    """Credentials of the platform's role, got by a token."""
    role = setup.platform_role(lab.admin("iam"), "darede-labs")
    keys: dict[str, Any] = lab.assume(role, lab.token(repository="darede-labs/hello-web"))["Credentials"]
    return keys


@pytest.fixture
def ecr(lab: Lab) -> Any:
    """The administrator's ECR client."""
    return lab.admin("ecr")


@pytest.fixture
def repository(ecr: Any) -> str:
    """The name of a new repository."""
    name = f"app-{next(COUNTER)}"
    ecr.create_repository(repositoryName=name)
    return name


@pytest.fixture
def registry(lab: Lab, ecr: Any) -> Registry:
    """The registry, as the administrator."""
    return lab.registry(lab.password(ecr))
