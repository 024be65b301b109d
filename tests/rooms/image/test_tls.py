"""TLS is verified: by buildx and Python, that is, for the engine itself does not look at certificates on loopback."""

from __future__ import annotations

import http.client
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lab import certificates

from .conftest import Room

SYSTEM = "/etc/ssl/certs"


class _Nothing(BaseHTTPRequestHandler):
    """A registry in which nothing is."""

    def do_GET(self) -> None:
        self.send_error(404)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Impostor:
    """Another server under the registry's name, and the folder of the authority that signed its certificate."""

    host: str
    trust: str


@pytest.fixture
def impostor(room: Room, tmp_path: Path) -> Iterator[Impostor]:
    """A server whose certificate is for the registry's name, by an authority that nobody trusts."""
    name = room.host.partition(":")[0]
    made = certificates.leaf(tmp_path / "other", "registry", [name])
    server = ThreadingHTTPServer(("127.83.67.1", 0), _Nothing)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    yield Impostor(f"{name}:{server.server_port}", str(tmp_path / "other"))
    server.shutdown()
    server.server_close()


def inspect(room: Room, reference: str, trust: str = "") -> str:
    """Return what buildx says of *reference*; *trust*: what it trusts instead of what a job of the lab does."""
    environment = room.environment | ({"SSL_CERT_DIR": trust} if trust else {})
    command = ["docker", "buildx", "imagetools", "inspect", reference]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout if done.returncode == 0 else f"{done.returncode}: {done.stderr}"


def test_buildx_verifies_the_registrys_certificate(room: Room, impostor: Impostor) -> None:
    """With the lab's authority it finds the image, without it and against another server it finds no trust."""
    repository = room.repository()
    login = room.login()
    room.docker("login", "--username", login.user, "--password", login.password.reveal(), login.host)
    room.write({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
    reference = f"{room.host}/{repository}:v1"
    room.docker("buildx", "build", "--provenance=false", "--push", "--tag", reference, str(room.workspace))
    digest, _ = room.manifest(repository, "v1")
    assert f"Digest:    {digest}" in inspect(room, reference)
    assert "certificate signed by unknown authority" in inspect(room, reference, SYSTEM)
    there = f"{impostor.host}/{repository}:v1"
    assert "certificate signed by unknown authority" in inspect(room, there)
    assert "not found" in inspect(room, there, os.pathsep.join([SYSTEM, impostor.trust]))


def status(host: str, authority: str) -> int:
    """Return how ``GET /v2/`` of *host* is answered to a client that trusts *authority* (a file) alone."""
    connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=authority), timeout=60)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status
    finally:
        connection.close()


def test_python_verifies_the_registrys_certificate(room: Room, impostor: Impostor) -> None:
    """By name, address and authority, as any client on another machine would."""
    own, other = room.environment["AWS_CA_BUNDLE"], f"{impostor.trust}/ca.pem"
    assert (status(room.host, own), status(impostor.host, other)) == (401, 404)
    for host, authority in ((room.host, other), (impostor.host, own)):
        with pytest.raises(ssl.SSLCertVerificationError):
            status(host, authority)
