"""The docker client of the lab: its programs, its environment, and calls of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.paths import Paths

TIMEOUT_SECONDS = 60.0


class ClientError(Exception):
    """A docker command failed; the text holds its last lines."""


@dataclass(frozen=True)
class Client:
    """The ``docker`` program with the environment it is run in."""

    program: str
    environment: Mapping[str, str]

    def run(self, *arguments: str, data: bytes = b"", timeout: float = TIMEOUT_SECONDS) -> str:
        """Run ``docker`` with *arguments* and *data* on its input, and return its output.

        timeout: seconds. Raises ClientError when it fails, does not end in time or is not there.
        """
        command, environment = [self.program, *arguments], dict(self.environment)
        try:
            done = subprocess.run(
                command, input=data, capture_output=True, check=False, timeout=timeout, env=environment
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ClientError(f"docker {arguments[0]}: {error}") from error
        if done.returncode:
            last = "\n".join(done.stderr.decode(errors="replace").strip().splitlines()[-8:])
            raise ClientError(f"docker {arguments[0]} ended with {done.returncode}: {last}")
        return done.stdout.decode(errors="replace").strip()

    def server_version(self) -> str:
        """Return the engine's version. Raises ClientError when none answers."""
        return self.run("version", "--format", "{{.Server.Version}}", timeout=10)

    def buildx_version(self) -> str | None:
        """Return the version of the buildx plugin the client finds, None when it finds none."""
        try:
            words = self.run("buildx", "version").split()
        except ClientError:
            return None
        return words[1] if len(words) > 1 else None

    def host(self) -> str:
        """Return the address of the engine that the client's context or environment names."""
        return self.environment.get("DOCKER_HOST") or self.run(
            "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"
        )

    def plugins(self) -> dict[str, Path]:
        """Return the client's plugins by name, as it finds them."""
        found = json.loads(self.run("info", "--format", "{{json .ClientInfo.Plugins}}")) or []
        return {plugin["Name"]: Path(plugin["Path"]) for plugin in found if plugin.get("Path")}


def installed(environ: Mapping[str, str] = os.environ) -> Client | None:
    """Return the client on PATH with the user's own configuration, None when there is none."""
    program = shutil.which("docker", path=environ.get("PATH"))
    return Client(program, environ) if program else None


def of_lab(paths: Paths, program: Path, plugin: Path | None, host: str) -> Client:
    """Return a client of *program* for the engine at *host*, with the lab's own configuration folder.

    plugin: the buildx program; it is linked where the client looks first.
    """
    plugins = paths.docker_config / "cli-plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    (paths.state / "bin").mkdir(exist_ok=True)
    _link(paths.state / "bin/docker", program)
    (plugins / "docker-buildx").unlink(missing_ok=True)
    if plugin:
        _link(plugins / "docker-buildx", plugin)
    return Client(str(paths.state / "bin/docker"), os.environ | environment(paths, host))


def environment(paths: Paths, host: str) -> dict[str, str]:
    """Return the variables by which any program finds the engine at *host* through the lab's client."""
    search = os.environ.get("PATH", os.defpath).split(os.pathsep)
    bin_folder = str(paths.state / "bin")
    return {
        "DOCKER_HOST": host,
        "DOCKER_CONFIG": str(paths.docker_config),
        "SSL_CERT_DIR": trusted(paths),
        "PATH": os.pathsep.join([bin_folder, *(part for part in search if part != bin_folder)]),
    }


def trusted(paths: Paths) -> str:
    """Return SSL_CERT_DIR for Go programs: the lab's authority beside the system's own bundle.

    It is read at the first TLS connection (Go's crypto/x509), so the authority may be made later.
    """
    return os.pathsep.join(["/etc/ssl/certs", str(paths.tls)])


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)
