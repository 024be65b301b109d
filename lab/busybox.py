"""The base image ``busybox:stable``, made from Debian's ``busybox-static`` where no registry gives it.

The archive is an OCI layout and a Docker archive in one, so that both of Docker's image stores load it. It has
the same bytes each time, so its digests stay.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

from lab import debian

IMAGE = "busybox:stable"
OCI = "application/vnd.oci.image"
ARCHITECTURES = {"amd64": ("amd64", ""), "arm64": ("arm64", "v8"), "armhf": ("arm", "v7")}
FOLDERS = ("bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "usr", "usr/bin", "var", "var/tmp")
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


def archive(cache: Path) -> bytes:
    """Return the image as a tar for ``docker load``.

    Raises debian.DebianError when the package cannot be had.
    """
    folder = cache / "busybox"
    debian.unpack(["busybox-static"], folder, cache=cache)
    program = folder / "bin/busybox"
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    plain = layer(program.read_bytes(), listed)
    machine = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True)
    return image(plain, machine.stdout.strip())


def layer(program: bytes, applets: Iterable[str]) -> bytes:
    """Return the root file system as a tar: *program* as /bin/busybox and a hard link per applet."""
    entries: list[tuple[tarfile.TarInfo, bytes]] = []
    for name in FOLDERS:
        entries.append((_entry(name, tarfile.DIRTYPE, 0o1777 if name.endswith("tmp") else 0o755), b""))
    entries.append((_entry("bin/busybox", tarfile.REGTYPE, 0o755), program))
    for applet in sorted(set(applets) - {"busybox"}):
        entries.append((_link(f"bin/{applet}"), b""))
    entries.append((_link("usr/bin/env"), b""))
    entries.extend((_entry(name, tarfile.REGTYPE, 0o644), text.encode()) for name, text in FILES.items())
    return _tar(entries)


def image(plain: bytes, architecture: str) -> bytes:
    """Return the loadable archive of an image with the one layer *plain*.

    architecture: as dpkg says it, for example ``arm64``.
    """
    packed = gzip.compress(plain, mtime=0)
    config = _json(_config(_digest(plain), architecture))
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": _descriptor(config, "config.v1+json"),
            "layers": [_descriptor(packed, "layer.v1.tar+gzip")],
        }
    )
    names = {
        "io.containerd.image.name": f"docker.io/library/{IMAGE}",
        "org.opencontainers.image.ref.name": "stable",
    }
    index = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.index.v1+json",
        "manifests": [_descriptor(manifest, "manifest.v1+json") | {"annotations": names}],
    }
    docker = [{"Config": _blob(config), "RepoTags": [IMAGE], "Layers": [_blob(packed)]}]
    files = {_blob(data): data for data in (config, manifest, packed)} | {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json(index),
        "manifest.json": _json(docker),
    }
    return _tar((_entry(name, tarfile.REGTYPE, 0o644), data) for name, data in files.items())


def _config(diff_id: str, architecture: str) -> dict[str, object]:
    name, variant = ARCHITECTURES.get(architecture, (architecture, ""))
    return {
        "architecture": name,
        **({"variant": variant} if variant else {}),
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Cmd": ["sh"],
        },
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "busybox-static, a Debian package"}],
    }


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = kind, mode
    return entry


def _link(name: str) -> tarfile.TarInfo:
    entry = _entry(name, tarfile.LNKTYPE, 0o755)
    entry.linkname = "bin/busybox"
    return entry


def _tar(entries: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for entry, data in entries:
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _descriptor(data: bytes, kind: str) -> dict[str, object]:
    return {"mediaType": f"{OCI}.{kind}", "digest": _digest(data), "size": len(data)}


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _blob(data: bytes) -> str:
    return _digest(data).replace("sha256:", "blobs/sha256/")


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
