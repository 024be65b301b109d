"""A blob that is pushed through the lab's registry, and to docker-registry by itself: both over TLS, in turns.

The lab checks who pushes and what is pushed, and keeps its content in such a docker-registry; what that costs is the
ratio. Two ways of a push are measured: of a length that is known beforehand, as BuildKit does, and in chunks, as the
engine's own push does.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.results import Row
from lab import certificates
from lab.aws import server, setup

ADDRESS = "127.83.67.1"
NAME = "bench"
PIECE = 1 << 20
SECONDS = 300.0
CONFIGURATION = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: "{root}", maxthreads: 100}}}}
http: {{addr: "{address}:{port}", secret: x, tls: {{certificate: "{certificate}", key: "{key}"}}}}
"""


@dataclass(frozen=True)
class Registry:
    """Where a registry is reached, whom its clients trust, what they send to be let in, where its blobs lie."""

    host: str
    port: int
    authority: Path
    authorization: str
    blobs: Path

    def push(self, size: int, seed: bytes, digest: str, *, chunked: bool) -> float:
        """Push the blob of *seed* (*size* bytes) and return the seconds from the first request to the last answer."""
        connection = _Connection(self.host, self.port, ssl.create_default_context(cafile=str(self.authority)))
        connection.connect()
        begun = time.monotonic()
        place = self._ask(connection, "POST", f"/v2/{NAME}/blobs/uploads/")
        if chunked:
            place = self._ask(connection, "PATCH", place, body(size, seed))
            self._ask(connection, "PUT", f"{place}&digest={digest}")
        else:
            self._ask(connection, "PUT", f"{place}&digest={digest}", body(size, seed), size)
        took = time.monotonic() - begun
        connection.close()
        return took

    def _ask(
        self, connection: _Connection, method: str, path: str, sent: Iterator[bytes] | None = None, size: int = 0
    ) -> str:
        headers = {"Authorization": self.authorization} if self.authorization else {}
        headers |= {"Transfer-Encoding": "chunked"} if sent and not size else {"Content-Length": str(size)}
        connection.request(method, path, sent, headers, encode_chunked=bool(sent and not size))
        answer = connection.getresponse()
        text = answer.read()
        if answer.status not in (201, 202):
            raise RuntimeError(f"{method} {path}: {answer.status} {text!r}")
        return "/" + answer.headers["Location"].split("/", 3)[3]


class _Connection(http.client.HTTPSConnection):
    """A connection to ADDRESS, whatever the host's name resolves to."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(host, port, context=context, timeout=SECONDS)
        self._tls = context

    def connect(self) -> None:
        """Connect, without waiting to fill packets."""
        raw = socket.create_connection((ADDRESS, self.port), SECONDS)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._tls.wrap_socket(raw, server_hostname=self.host)


def body(size: int, seed: bytes) -> Iterator[bytes]:
    """Yield *size* bytes that no other seed begins with."""
    piece, left = hashlib.sha256(seed).digest() * (PIECE // 32), size
    while left > 0:
        yield piece[:left]
        left -= len(piece)


def digest_of(size: int, seed: bytes) -> str:
    """Return the digest of the blob of *seed*."""
    found = hashlib.sha256()
    for piece in body(size, seed):
        found.update(piece)
    return f"sha256:{found.hexdigest()}"


@contextmanager
def lab(folder: Path) -> Iterator[Registry]:
    """The lab's registry, with a repository in it."""
    state, authority = folder / "lab", folder / "ca"
    argv = [sys.executable, "-m", "lab.aws", "--state", str(state), "--ca-dir", str(authority), "--registry-port", "0"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        endpoint, host = process.stdout.readline().split()
        ecr = setup.admin_client("ecr", endpoint)
        ecr.create_repository(repositoryName=NAME)
        token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        assert base64.b64decode(token).startswith(b"AWS:")
        name, _, port = host.partition(":")
        blobs = state / "registry/data/docker/registry/v2/blobs"
        yield Registry(name, int(port), authority / "ca.pem", f"Basic {token}", blobs)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def bare(folder: Path) -> Iterator[Registry]:
    """docker-registry by itself, with a certificate of the lab's authority."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port = int(probe.getsockname()[1])
    made = certificates.leaf(folder / "ca", "bare", ["bare.test"])
    file, root = folder / "bare.yml", folder / "bare"
    values = {"root": root, "address": ADDRESS, "port": port, "certificate": made.certificate, "key": made.key}
    file.write_text(CONFIGURATION.format(**values))
    program = server.registry_program(folder / "lab")
    process = subprocess.Popen([program, "serve", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(port)
        yield Registry("bare.test", port, folder / "ca/ca.pem", "", root / "docker/registry/v2/blobs")
    finally:
        process.terminate()
        process.wait()


def _await(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex((ADDRESS, port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("docker-registry does not start")


def measure(size: int = 300_000_000, pairs: int = 5) -> list[Row]:
    """Push *pairs* blobs of *size* bytes to both registries, after one that does not count.

    Whose turn is first alternates, so that what changes with time weighs on both.
    """
    with tempfile.TemporaryDirectory(prefix="registry-push-") as name, ExitStack() as stack:
        folder = Path(name)
        ours, raw = stack.enter_context(lab(folder)), stack.enter_context(bare(folder))
        return [
            _row("registry push, length known", ours, raw, size, pairs, chunked=False),
            _row("registry push, chunked", ours, raw, size, pairs, chunked=True),
        ]


def _row(name: str, ours: Registry, raw: Registry, size: int, pairs: int, *, chunked: bool) -> Row:
    took: dict[Registry, list[float]] = {ours: [], raw: []}
    for number in range(pairs + 1):
        seed = os.urandom(32)
        digest = digest_of(size, seed)
        for registry in (ours, raw) if number % 2 else (raw, ours):
            took[registry].append(round(registry.push(size, seed, digest, chunked=chunked), 3))
            shutil.rmtree(registry.blobs, ignore_errors=True)
    name = f"{name}, {size // 1_000_000} MB"
    return Row(name, "docker-registry over TLS", tuple(took[ours][1:]), tuple(took[raw][1:]))
