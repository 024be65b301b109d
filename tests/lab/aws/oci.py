"""A small client of the OCI distribution protocol that verifies TLS and needs no entry in the hosts file."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class Reply:
    """Status, headers and body of an answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def error(self) -> tuple[str, str]:
        """Code and text of the first error."""
        first = json.loads(self.body)["errors"][0]
        return first["code"], first["message"]


class _Connection(http.client.HTTPSConnection):
    """A connection to *address* under the name and port of a registry."""

    def __init__(self, registry: str, address: str, context: ssl.SSLContext) -> None:
        super().__init__(registry, context=context, timeout=60)
        self._address = address
        self._tls = context

    def connect(self) -> None:
        raw = socket.create_connection((self._address, self.port), 60)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._tls.wrap_socket(raw, server_hostname=self.host)


class Registry:
    """One registry, one password ("" sends none)."""

    def __init__(self, registry: str, address: str, ca: Path | None, password: str = "", user: str = "AWS") -> None:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
        self._connection = _Connection(registry, address, context)
        self._authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode() if password else ""

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Send one request; *target* may be a whole address, of which the path is taken."""
        if target.startswith("https://"):
            target = "/" + target.split("/", 3)[3]
        sent = dict(headers or {})
        if self._authorization:
            sent["Authorization"] = self._authorization
        chunked = body is not None and not isinstance(body, bytes)
        if chunked:
            sent["Transfer-Encoding"] = "chunked"
        self._connection.request(method, target, body, sent, encode_chunked=chunked)
        answer = self._connection.getresponse()
        return Reply(answer.status, answer.headers, answer.read())

    def push_blob(self, name: str, content: bytes) -> str:
        """Upload *content* as docker does (POST, PATCH, PUT); return its digest."""
        digest = digest_of(content)
        begun = self.ask("POST", f"/v2/{name}/blobs/uploads/")
        assert begun.status == 202, begun.body
        sent = self.ask("PATCH", begun.headers["Location"], content)
        assert sent.status == 201, sent.body
        done = self.ask("PUT", f"{sent.headers['Location']}&digest={digest}")
        assert done.status == 201, done.body
        return digest

    def push(self, name: str, reference: str, manifest: bytes, media_type: str = MANIFEST) -> Reply:
        """Put *manifest* under a tag or digest."""
        return self.ask("PUT", f"/v2/{name}/manifests/{reference}", manifest, {"Content-Type": media_type})

    def push_image(self, name: str, reference: str, text: str) -> tuple[bytes, str]:
        """Push an image whose one layer is *text*; return its manifest and digest."""
        manifest = self.push_content(name, text)
        reply = self.push(name, reference, manifest)
        assert reply.status == 201, reply.body
        return manifest, digest_of(manifest)

    def push_content(self, name: str, text: str) -> bytes:
        """Push the blobs of an image whose one layer is *text*; return the manifest that names them."""
        layer, config = text.encode(), json.dumps({"architecture": "amd64", "os": "linux", "of": text}).encode()
        for blob in (layer, config):
            self.push_blob(name, blob)
        return image_manifest(config, layer)


def image_manifest(config: bytes, layer: bytes) -> bytes:
    """Return an OCI manifest of one configuration and one layer."""
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)},
            "layers": [{"mediaType": LAYER, "digest": digest_of(layer), "size": len(layer)}],
        }
    ).encode()


def index_manifest(*children: bytes) -> bytes:
    """Return an OCI index of image manifests."""
    rows = [{"mediaType": MANIFEST, "digest": digest_of(c), "size": len(c)} for c in children]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": rows}).encode()


def digest_of(content: bytes) -> str:
    """Return the digest of *content*."""
    return "sha256:" + hashlib.sha256(content).hexdigest()
