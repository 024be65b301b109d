"""An engine beside the lab's: reached over TCP with TLS, on the classic image store, with a disk that is soon full."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess

from lab import bridge, certificates
from lab.engine import Host, Settings
from lab.paths import Paths
from lab.processes import Processes

ADDRESS = "127.0.0.1"
# Enough for the base image and small builds.
DISK_MEGABYTES = 160


class SecondEngine:
    """A private dockerd of its own, for tests beside the lab's.

    *certificates* is what DOCKER_CERT_PATH takes. It keeps nothing from one start to the next.
    """

    def __init__(self) -> None:
        self._paths = Paths(name="second")
        self._processes = Processes(self._paths.run)
        self.certificates = self._paths.state / "certificates"
        self.port = _free_port()
        self._host = Host(self._paths, self._processes, lambda _: None, self._settings())

    @property
    def address(self) -> str:
        """Its DOCKER_HOST."""
        return f"tcp://{ADDRESS}:{self.port}"

    @property
    def variables(self) -> dict[str, str]:
        """What a job sets to use it."""
        return {"DOCKER_HOST": self.address, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(self.certificates)}

    def _settings(self) -> Settings:
        flags = [
            f"--host={self.address}",
            "--tlsverify",
            f"--tlscacert={self.certificates / 'ca.pem'}",
            f"--tlscert={self.certificates / 'server.pem'}",
            f"--tlskey={self.certificates / 'server.key'}",
        ]
        return Settings(link=bridge.SECOND, containerd_store=False, flags=flags)

    def up(self) -> None:
        """Start it, on a disk of its own. Raises EngineError, CalledProcessError."""
        # One that was killed with its test has left its processes and its disk.
        self._processes.sweep()
        self._host.sweep()
        shutil.rmtree(self._paths.state, ignore_errors=True)
        self._paths.run.mkdir(parents=True)
        self._paths.engine.mkdir()
        # Named as docker's own programs look for them: ca.pem, cert.pem, key.pem.
        certificates.leaf(self.certificates, "server", [ADDRESS])
        certificates.leaf(self.certificates, "cert", ["client"], client=True).key.rename(self.certificates / "key.pem")
        size = f"size={DISK_MEGABYTES}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(self._paths.engine)], check=True)
        self._host.up(reachable=False)

    def kill(self) -> None:
        """Let it go away at once, as a machine that is switched off."""
        record = json.loads((self._paths.run / "dockerd.json").read_text())
        os.kill(record["pid"], signal.SIGKILL)

    def down(self) -> None:
        """Stop it, and leave nothing running."""
        self._host.down()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((ADDRESS, 0))
        return int(sock.getsockname()[1])
