"""Where the engine is, as docker's own programs find it: DOCKER_HOST, DOCKER_CONTEXT, current context, socket."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecr_action.errors import EngineUnreachable
from ecr_action.image.login import user_folder

SOCKET = "unix:///var/run/docker.sock"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The engine's *address*, where that comes from (*how*), and the folder of its certificates (None: no TLS)."""

    address: str
    how: str
    certificates: Path | None = None
    verify: bool = True

    def __str__(self) -> str:
        return f"{self.address} ({self.how})"


def endpoint(environment: Mapping[str, str], config: Mapping[str, Any]) -> Endpoint:
    """The engine that *environment* and the user's *config* (``config.json``) name.

    Raises EngineUnreachable where they name a context that is not there.
    """
    folder = user_folder(environment)
    if address := environment.get("DOCKER_HOST"):
        tls = bool(environment.get("DOCKER_TLS_VERIFY")) or bool(environment.get("DOCKER_TLS"))
        certificates = Path(environment.get("DOCKER_CERT_PATH") or folder) if tls else None
        verify = bool(environment.get("DOCKER_TLS_VERIFY"))
        return Endpoint(address=address, how="DOCKER_HOST", certificates=certificates, verify=verify)
    chosen = environment.get("DOCKER_CONTEXT")
    name = chosen or config.get("currentContext") or "default"
    if name == "default":
        return Endpoint(address=SOCKET, how="the default socket")
    how = f"context {name}, from {'DOCKER_CONTEXT' if chosen else 'currentContext'}"
    return _context(folder / "contexts", str(name), how)


def _context(contexts: Path, name: str, how: str) -> Endpoint:
    # The folder's name is the sha256 of the context's (docker/cli, package "store").
    identity = hashlib.sha256(name.encode()).hexdigest()
    file = contexts / "meta" / identity / "meta.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))["Endpoints"]["docker"]
        address, lax = found["Host"], bool(found.get("SkipTLSVerify"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineUnreachable(
            f"The Docker context {name!r} can't be read.",
            why=f"It is the {how}; looked for {file}.",
            fix=f"docker context create {name} --docker host=...\nor: unset DOCKER_CONTEXT",
        ) from error
    tls = contexts / "tls" / identity / "docker"
    return Endpoint(address=address or SOCKET, how=how, certificates=tls if tls.is_dir() else None, verify=not lax)
