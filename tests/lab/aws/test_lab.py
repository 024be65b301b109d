"""The lab itself: control, faults, time, restart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError

from lab.aws import setup

from .conftest import Lab, refusal, start

GONE = (EndpointConnectionError, HTTPClientError, OSError)


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab that this test has for itself."""
    made = start(tmp_path)
    yield made
    if made.process.poll() is None:
        made.stop()


def test_the_environment_names_everything_a_job_needs(lab: Lab) -> None:
    """It is the whole of what is to be set."""
    told = lab.control("GET", "environment")
    assert set(told) == {
        "AWS_ENDPOINT_URL",
        "AWS_CA_BUNDLE",
        "LAB_REGISTRY",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    }
    assert (told["AWS_ENDPOINT_URL"], told["LAB_REGISTRY"]) == (lab.endpoint, lab.host)
    assert "BEGIN CERTIFICATE" in Path(told["AWS_CA_BUNDLE"]).read_text()
    assert lab.control("GET", "health")["status"] == "ok"


def test_calls_are_told_in_order_with_caller_and_bytes(lab: Lab, ecr: Any, repository: str) -> None:
    """API calls and the registry's requests are in one list."""
    registry = lab.registry(lab.password(ecr))
    lab.control("DELETE", "calls")
    ecr.describe_repositories(repositoryNames=[repository])
    registry.push_blob(repository, b"12345")
    rows = lab.control("GET", "calls")
    assert [(r["service"], r["operation"], r["status"]) for r in rows] == [
        ("ecr", "DescribeRepositories", 200),
        ("registry", "POST uploads", 202),
        ("registry", "PATCH upload", 201),
        ("registry", "PUT upload", 201),
    ]
    assert {r["caller"] for r in rows} == {"arn:aws:iam::123456789012:root"}
    assert [r["received"] for r in rows[1:]] == [0, 5, 0]


def test_faults_hit_the_calls_they_name(lab: Lab, registry: Any, repository: str) -> None:
    """Code, text, status; so many times, after so many calls; with a delay, or after the effect."""
    told = lab.control("GET", "admin")
    keys = {"AccessKeyId": told["AWS_ACCESS_KEY_ID"], "SecretAccessKey": told["AWS_SECRET_ACCESS_KEY"]}
    ecr = lab.client("ecr", keys)
    error = {"code": "ThrottlingException", "message": "Rate exceeded", "status": 400}
    lab.control("POST", "faults", {"operation": "ecr:DescribeRepositories", "error": error, "times": 2, "skip": 1})
    ecr.describe_repositories()
    for _ in range(2):
        with pytest.raises(ClientError) as raised:
            ecr.describe_repositories()
        assert refusal(raised) == ("ThrottlingException", "Rate exceeded", 400)
    ecr.describe_repositories()
    error = {"code": "ServerException", "message": "after", "status": 500}
    lab.control("POST", "faults", {"operation": "ecr:CreateRepository", "error": error, "after": True})
    with pytest.raises(ClientError, match="ServerException"):
        ecr.create_repository(repositoryName=f"{repository}-made")
    assert ecr.describe_repositories(repositoryNames=[f"{repository}-made"])["repositories"]
    lab.control("POST", "faults", {"operation": "registry:PUT manifest", "error": {"code": "", "status": 403}})
    reply = registry.push(repository, "v1", b"{}")
    assert (reply.status, reply.body) == (403, b"")
    lab.control("POST", "faults", {"operation": "ecr:ListImages", "cut": True, "delay": 0.2})
    begun = time.monotonic()
    with pytest.raises(GONE):
        ecr.list_images(repositoryName=repository)
    assert time.monotonic() - begun >= 0.2


def test_sessions_and_passwords_end(lab: Lab) -> None:
    """After an hour the session is refused, after twelve the password, each in its own words."""
    role = setup.platform_role(lab.admin("iam"), "o")
    ecr = lab.client("ecr", lab.assume(role, lab.token(repository="o/r"))["Credentials"])
    registry = lab.registry(lab.password(ecr))
    try:
        lab.control("POST", "clock", {"advance": 3601})
        with pytest.raises(ClientError) as error:
            ecr.get_authorization_token()
        text = "The security token included in the request is expired"
        assert refusal(error) == ("ExpiredTokenException", text, 400)
        assert registry.ask("GET", "/v2/").status == 200
        lab.control("POST", "clock", {"offset": 12 * 3600 + 1})
        reply = registry.ask("GET", "/v2/")
        text = "Your authorization token has expired. Reauthenticate and try again."
        assert (reply.status, reply.error) == (403, ("DENIED", text))
    finally:
        lab.control("POST", "clock", {"offset": 0})


def test_everything_survives_a_restart(own_lab: Lab, tmp_path: Path) -> None:
    """Repositories, policies, roles, images, times, sessions and the authority are there again."""
    role = setup.full_role(own_lab.admin("iam"), "o")
    keys = own_lab.assume(role, own_lab.token(repository="o/r"))["Credentials"]
    ecr = own_lab.client("ecr", keys)
    ecr.create_repository(repositoryName="kept", imageTagMutability="IMMUTABLE", tags=[{"Key": "a", "Value": "b"}])
    manifest, _ = own_lab.registry(own_lab.password(ecr)).push_image("kept", "v1", "hello")
    before = snapshot(ecr, own_lab.admin("iam"))
    authority = own_lab.ca.read_bytes()
    time.sleep(0.1)
    own_lab.stop()
    again = start(tmp_path)
    try:
        ecr = again.client("ecr", keys)
        after = snapshot(ecr, again.admin("iam"))
        uri = "repositoryUri"
        assert after[0].pop(uri).endswith("/kept")
        before[0].pop(uri)
        assert after == before
        assert again.registry(again.password(ecr)).ask("GET", "/v2/kept/manifests/v1").body == manifest
        assert again.ca.read_bytes() == authority
    finally:
        again.stop()


def snapshot(ecr: Any, iam: Any) -> tuple[dict[str, Any], Any, Any, Any]:
    """Return what shall be the same after a restart."""
    repository = ecr.describe_repositories(repositoryNames=["kept"])["repositories"][0]
    images = ecr.describe_images(repositoryName="kept")["imageDetails"]
    tags = ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"]
    role = iam.get_role(RoleName="ecr-publish-full")["Role"]
    return repository, images, tags, role


def test_a_killed_lab_leaves_no_registry_behind_and_starts_again(own_lab: Lab, tmp_path: Path) -> None:
    """kill -9 ends docker-registry too, and the next start finds the state as it was."""
    own_lab.admin("ecr").create_repository(repositoryName="kept")
    children = Path(f"/proc/{own_lab.process.pid}/task/{own_lab.process.pid}/children").read_text().split()
    own_lab.process.kill()
    own_lab.process.wait()
    deadline = time.monotonic() + 60
    while any(_runs(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert children
    assert not any(_runs(child) for child in children)
    again = start(tmp_path)
    assert again.admin("ecr").describe_repositories(repositoryNames=["kept"])["repositories"]
    again.stop()


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_private_files_are_private(lab: Lab) -> None:
    """Keys and the record are readable by their owner alone."""
    files = [*(lab.folder / "ca").glob("*.key"), *(lab.folder / "state").glob("aws.sqlite*")]
    assert {f.stat().st_mode & 0o077 for f in files} == {0}
    assert len(files) >= 3
