"""Where the engine is looked for."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ecr_action.errors import EngineUnreachable
from ecr_action.image.endpoint import endpoint


def make_context(home: Path, name: str, host: str, *, tls: bool = False, lax: bool = False) -> None:
    identity = hashlib.sha256(name.encode()).hexdigest()
    meta = home / ".docker" / "contexts" / "meta" / identity
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(
        json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": lax}}})
    )
    if tls:
        (home / ".docker" / "contexts" / "tls" / identity / "docker").mkdir(parents=True)


def test_the_order_of_places(tmp_path: Path) -> None:
    """DOCKER_HOST, then DOCKER_CONTEXT, then the current context, then the socket; said with its origin."""
    make_context(tmp_path, "far", "tcp://far:2376", tls=True)
    make_context(tmp_path, "near", "unix:///near.sock", lax=True)
    home = {"HOME": str(tmp_path)}
    near = {"currentContext": "near"}
    found = [
        endpoint({**home, "DOCKER_HOST": "unix:///h.sock", "DOCKER_CONTEXT": "far"}, near),
        endpoint({**home, "DOCKER_CONTEXT": "far"}, near),
        endpoint(home, near),
        endpoint({**home, "DOCKER_CONTEXT": "default"}, near),
        endpoint(home, {}),
    ]
    assert [str(one) for one in found] == [
        "unix:///h.sock (DOCKER_HOST)",
        "tcp://far:2376 (context far, from DOCKER_CONTEXT)",
        "unix:///near.sock (context near, from currentContext)",
        "unix:///var/run/docker.sock (the default socket)",
        "unix:///var/run/docker.sock (the default socket)",
    ]
    assert [one.verify for one in found] == [False, True, False, True, True]
    assert [bool(one.certificates) for one in found] == [False, True, False, False, False]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"DOCKER_TLS_VERIFY": "1"}, "/home/u/.docker"),
        ({"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"}, "/certs"),
        ({"DOCKER_TLS": "1", "DOCKER_CONFIG": "/cfg"}, "/cfg"),
        ({"DOCKER_TLS_VERIFY": ""}, None),
    ],
)
def test_certificates_of_docker_host(variables: dict[str, str], expected: str | None) -> None:
    """TLS is what the variables of docker's own programs say."""
    found = endpoint({"HOME": "/home/u", "DOCKER_HOST": "tcp://h:2376", **variables}, {})
    assert found.certificates == (Path(expected) if expected else None)


def test_a_context_that_is_not_there(tmp_path: Path) -> None:
    """Its name, where that comes from, and the file looked for."""
    with pytest.raises(EngineUnreachable) as raised:
        endpoint({"HOME": str(tmp_path), "DOCKER_CONTEXT": "gone"}, {})
    assert "'gone'" in raised.value.what
    assert "DOCKER_CONTEXT" in raised.value.why
    assert "meta.json" in raised.value.why
