"""Content by digest: a docker-registry process on loopback, and the way to it.

The registry checks digests while it stores. It knows nothing of tags: those are the lab's own.
"""

from __future__ import annotations

import ctypes
import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from .web import Source

# Bytes handed on at once; the longest line before a chunk of so many; the line end after it.
PIECE = 256 << 10
HEAD, END = 16, b"\r\n"

CONFIGURATION = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {root}, maxthreads: 100}}
  delete: {{enabled: true}}
  maintenance: {{uploadpurging: {{enabled: false}}}}
http: {{addr: "{address}", secret: {secret}}}
"""


@dataclass
class Upstream:
    """An answer of docker-registry; its body is a source of bytes."""

    status: int
    headers: Message
    _response: http.client.HTTPResponse

    @property
    def length(self) -> int | None:
        """Bytes of the body that are still to come."""
        return self._response.length

    def readinto1(self, buffer: memoryview) -> int:
        """Read a piece of the body."""
        return self._response.readinto(buffer)

    def read(self) -> bytes:
        """Return the rest of the body."""
        return self._response.read()


class Content:
    """A docker-registry that runs as long as this process does."""

    def __init__(self, program: Path, folder: Path) -> None:
        """Start *program* with its files under *folder*; RuntimeError when it does not answer in 10 s."""
        self._folder = folder
        self._port = _free_port()
        self._connections = threading.local()
        folder.mkdir(parents=True, exist_ok=True)
        configuration = folder / "registry.yml"
        address = f"127.0.0.1:{self._port}"
        text = CONFIGURATION.format(root=folder / "data", address=address, secret=secrets.token_hex(16))
        configuration.write_text(text)
        configuration.chmod(0o600)
        with (folder / "registry.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(program), "serve", str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "OTEL_TRACES_EXPORTER": "none"},
                preexec_fn=_die_with_parent,
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.ask("GET", "/v2/").read()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError(f"docker-registry did not start: see {self._folder / 'registry.log'}")

    def ask(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes | Source | None = None
    ) -> Upstream:
        """Send one request and return the answer as soon as its headers are there.

        The caller reads the body to its end. Each thread has one connection, kept open.
        """
        kept: http.client.HTTPConnection | None = getattr(self._connections, "kept", None)
        if kept is not None and (body is None or isinstance(body, bytes)):
            try:
                return self._exchange(kept, method, target, headers or {}, body)
            except (http.client.HTTPException, OSError):
                kept.close()
        if kept is not None:
            kept.close()
        fresh = http.client.HTTPConnection("127.0.0.1", self._port)
        fresh.connect()
        assert fresh.sock is not None
        fresh.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections.kept = fresh
        return self._exchange(fresh, method, target, headers or {}, body)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | Source | None,
    ) -> Upstream:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if isinstance(body, bytes):
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
        elif body is None:
            connection.putheader("Content-Length", "0")
            connection.endheaders()
        else:
            _send(connection, body)
        response = connection.getresponse()
        return Upstream(response.status, response.headers, response)

    def blob_size(self, repository: int, digest: str) -> int | None:
        """Return the bytes of blob *digest* in content repository *repository*, None when it is not there."""
        answer = self.ask("HEAD", f"/v2/r{repository}/blobs/{digest}")
        answer.read()
        return int(answer.headers["Content-Length"]) if answer.status == 200 else None

    def put_manifest(self, repository: int, digest: str, media_type: str, content: bytes) -> tuple[int, bytes]:
        """Store a manifest by its digest; return the registry's status (201 when stored) and its text."""
        target = f"/v2/r{repository}/manifests/{digest}"
        answer = self.ask("PUT", target, {"Content-Type": media_type}, content)
        return answer.status, answer.read()

    def add_blob(self, repository: int, digest: str, source: Source) -> None:
        """Store a blob; RuntimeError when docker-registry refuses it."""
        begun = self.ask("POST", f"/v2/r{repository}/blobs/uploads/")
        begun.read()
        target = "/" + begun.headers["Location"].split("/", 3)[3]
        done = self.ask("PUT", f"{target}&digest={digest}", {"Content-Type": "application/octet-stream"}, source)
        text = done.read()
        if done.status != 201:
            raise RuntimeError(f"docker-registry answers {done.status} {text!r}")

    def mount(self, repository: int, digest: str, source: int) -> bool:
        """Link a blob of content repository *source* into *repository*; tell whether it was there."""
        answer = self.ask("POST", f"/v2/r{repository}/blobs/uploads/?mount={digest}&from=r{source}")
        answer.read()
        return answer.status == 201

    def manifest(self, repository: int, digest: str, media_type: str) -> bytes:
        """Return the bytes of a stored manifest; LookupError when they are not there."""
        answer = self.ask("GET", f"/v2/r{repository}/manifests/{digest}", {"Accept": media_type})
        content = answer.read()
        if answer.status != 200:
            raise LookupError(f"{digest} is recorded, but docker-registry answers {answer.status}")
        return content

    def forget(self, repository: int) -> None:
        """Remove the links of content repository *repository*."""
        shutil.rmtree(self._folder / "data/docker/registry/v2/repositories" / f"r{repository}", ignore_errors=True)

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _send(connection: http.client.HTTPConnection, body: Source) -> None:
    chunked = body.length is None
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
    else:
        connection.putheader("Content-Length", str(body.length))
    connection.endheaders()
    # Room for the length before and the line end after: a chunk is one write.
    room = memoryview(bytearray(PIECE))
    piece = room[HEAD : -len(END)] if chunked else room
    while count := _fill(body, piece):
        if not chunked:
            connection.send(piece[:count])
            continue
        length = b"%x\r\n" % count
        room[HEAD - len(length) : HEAD] = length
        room[HEAD + count : HEAD + count + len(END)] = END
        connection.send(room[HEAD - len(length) : HEAD + count + len(END)])
    if chunked:
        connection.send(b"0\r\n\r\n")


def _fill(body: Source, piece: memoryview) -> int:
    """Fill *piece* from *body*, which gives no more than a TLS record at a time; return the count, less at the end."""
    done = 0
    while done < len(piece) and (count := body.readinto1(piece[done:])):
        done += count
    return done


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    # PR_SET_PDEATHSIG = 1: a lab that is killed leaves no registry behind.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
