"""Stand-ins for the official images of Python, Node.js and Go, made from Debian's packages.

They have what a plain service needs to be built and to run: an interpreter with its installer, or a compiler.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from lab import debian
from lab.client import Client, ClientError

# One suite whatever the machine has, since the packages' names carry their versions.
SUITE = "bookworm"
_SECONDS = 900.0
_LABEL = "ecr-publish.lab.base"
_COMMON = ("busybox-static", "libc6", "zlib1g", "libssl3")
_HEAD = """\
FROM scratch
COPY bin /bin
COPY lib /lib
COPY lib64* /lib64/
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin && mkdir -p /usr/bin /root /etc && mkdir -m 1777 /tmp"]
RUN echo root:x:0:0:root:/root:/bin/sh > /etc/passwd
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
"""


@dataclass(frozen=True)
class Base:
    """An image: the *packages* it is made of, and what its Dockerfile *says* after its first line."""

    packages: tuple[str, ...]
    says: str


_ROOT = "COPY usr /usr\n"
# It installs nothing: a lock file without packages is all that it is for.
_NPM = '#!/bin/sh\\n[ "$1" = ci ] && ! grep -q node_modules/ package-lock.json\\n'
_PIP = '#!/bin/sh\\nexec python /usr/share/python-wheels/pip-23.0.1-py3-none-any.whl/pip "$@"\\n'
BASES = {
    "python:3.14-slim": Base(
        (*_COMMON, "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "python3-pip-whl",
         "libexpat1", "libffi8"),
        f"{_ROOT}RUN rm /usr/lib/python3.11/EXTERNALLY-MANAGED && ln -s python3.11 /usr/bin/python && "
        f"printf '{_PIP}' > /usr/bin/pip && chmod +x /usr/bin/pip\n",
    ),
    "node:24-slim": Base(
        (*_COMMON, "nodejs", "libnode108", "libuv1", "libicu72", "libc-ares2", "libnghttp2-14", "libbrotli1",
         "libstdc++6", "libgcc-s1", "node-acorn", "node-busboy", "node-cjs-module-lexer", "node-undici", "node-xtend"),
        f"{_ROOT}RUN printf '{_NPM}' > /usr/bin/npm && chmod +x /usr/bin/npm\n",
    ),
    "golang:1.25": Base(
        ("busybox-static", "libc6", "golang-1.19-go", "golang-1.19-src"),
        "COPY usr/lib/go-1.19/bin /usr/lib/go-1.19/bin\n"
        "COPY usr/lib/go-1.19/pkg/tool /usr/lib/go-1.19/pkg/tool\n"
        "COPY usr/share/go-1.19/src /usr/share/go-1.19/src\n"
        "COPY usr/share/go-1.19/pkg /usr/share/go-1.19/pkg\n"
        "RUN cd /usr/lib/go-1.19 && ln -s ../../share/go-1.19/src src && cd pkg && "
        "ln -s ../../../share/go-1.19/pkg/include include && ln -s /usr/lib/go-1.19/bin/go /usr/bin/go\n",
    ),
}  # fmt: skip


def provide(image: str, ours: Client, cache: Path, *, pull: bool, architecture: str) -> None:
    """Let the engine of *ours* have *image*, one of BASES, for *architecture* as dpkg says it.

    *pull*: the real one is asked for first, as a user's own engine should have it; *cache* is the folder for packages.
    Raises debian.DebianError where they can't be had, ClientError where the engine refuses.
    """
    base = BASES[image]
    mark = hashlib.sha256(f"{architecture} {_HEAD} {base}".encode()).hexdigest()[:16]
    if _made_of(image, ours) in (mark, "another") or (pull and _pulled(image, ours)):
        return
    folder = cache / "bases" / f"{image.partition(':')[0]}-{architecture}"
    debian.unpack(base.packages, folder, suite=SUITE, cache=cache, architecture=architecture)
    dockerfile = f"{_HEAD}{base.says}LABEL {_LABEL}={mark}\n"
    command = ("build", "--quiet", "--platform", f"linux/{architecture}", "--tag", image, "--file", "-", str(folder))
    ours.run(*command, data=dockerfile.encode(), timeout=_SECONDS)


def _made_of(image: str, ours: Client) -> str:
    """The mark of a stand-in that is there, `another` for an image of another make, empty where there is none."""
    try:
        return ours.run("image", "inspect", "--format", f'{{{{index .Config.Labels "{_LABEL}"}}}}', image) or "another"
    except ClientError:
        return ""


def _pulled(image: str, ours: Client) -> bool:
    try:
        ours.run("pull", "--quiet", image, timeout=_SECONDS)
    except ClientError:
        return False
    return True
