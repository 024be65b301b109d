"""The engine of the lab: a reachable one, else a private dockerd of Debian's packages.

The private one touches nothing of the machine but a bridge of its own: no packet filter rules (published ports
go through docker-proxy; containers reach no network), own data, own containerd, own control group.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lab import bridge, busybox, client, debian, processes, remains
from lab.paths import Paths

FULL = ("docker.io", "docker-cli", "docker-buildx", "containerd")
SHUTDOWN_SECONDS = 15.0
LOOPBACK_NAMES = "localhost,127.0.0.0/8,.amazonaws.com,.on.aws"


class EngineError(Exception):
    """There is no engine and none could be started; the text says what was tried."""


@dataclass(frozen=True)
class Candidate:
    """A set of packages to try: *suite* None is the machine's own."""

    suite: str | None
    packages: Sequence[str]

    @property
    def label(self) -> str:
        """Return a folder's name for it."""
        return f"{self.suite or 'own'}-{len(self.packages)}"


# The newest first. In older suites docker.io holds the client and there is no buildx package.
CANDIDATES = (
    Candidate("unstable", FULL),
    Candidate("trixie", FULL),
    Candidate(None, FULL),
    Candidate(None, ("docker.io", "containerd", "libdevmapper1.02.1")),
)


@dataclass(frozen=True)
class Engine:
    """An engine that runs. *host* is its DOCKER_HOST; *buildx* is None where its client has no buildx."""

    host: str
    version: str
    buildx: str | None
    private: bool
    origin: str

    def __str__(self) -> str:
        """Say which engine it is in one line."""
        return f"engine {self.version}, buildx {self.buildx or 'none'} ({self.origin})"


@dataclass(frozen=True)
class Settings:
    """How a private engine is started: its *link* to the network, *containerd_store* or the classic one.

    *flags* are dockerd's own, such as a further ``--host``.
    """

    link: bridge.Bridge = bridge.LAB
    containerd_store: bool = True
    flags: Sequence[str] = ()


class Host:
    """Finds or starts the engine of one lab, and stops what it started."""

    def __init__(
        self,
        paths: Paths,
        started: processes.Processes,
        say: Callable[[str], None] = print,
        settings: Settings = Settings(),
    ) -> None:
        self._paths = paths
        self._processes = started
        self._say = say
        self._settings = settings
        self._cgroup = f"ecrlab-{paths.mark}"

    def up(self, candidates: Sequence[Candidate] = CANDIDATES, *, reachable: bool = True) -> Engine:
        """Return a running engine that has ``busybox:stable``.

        reachable: False passes over an engine that is there already.
        Raises EngineError when none is reachable and none can be started.
        """
        engine = (self._reachable() if reachable else None) or self._private(candidates)
        (self._paths.run / "engine").write_text(json.dumps(asdict(engine)))
        self._say(str(engine))
        return engine

    def down(self) -> None:
        """Stop the private engine, if there is one, with everything it started."""
        ours = remains.running(self._paths.sockets, self._cgroup)
        if self._processes.alive("dockerd"):
            processes.kill(remains.containers(self._cgroup))
        self._processes.stop("dockerd", SHUTDOWN_SECONDS)
        self._processes.stop("containerd")
        self.sweep()
        remains.await_reaping(ours)

    def sweep(self) -> list[str]:
        """Undo what a killed engine left; return it in words."""
        (self._paths.run / "engine").unlink(missing_ok=True)
        folders = [self._paths.engine]
        return remains.clean(self._paths.sockets, folders, self._cgroup, self._settings.link)

    def _reachable(self) -> Engine | None:
        theirs = client.installed() or self._unpacked_client()
        if theirs is None:
            return None
        try:
            version, host, plugins = theirs.server_version(), theirs.host(), theirs.plugins()
        except client.ClientError:
            return None
        plugin = plugins.get("buildx") or _try_unpacked(self._paths)
        ours = client.of_lab(self._paths, Path(theirs.program).resolve(), plugin, host)
        _base_image(ours, self._paths, pull=True)
        return Engine(host, version, ours.buildx_version(), False, f"already running at {host}")

    def _unpacked_client(self) -> client.Client | None:
        if not (os.environ.get("DOCKER_HOST") or Path("/var/run/docker.sock").exists()):
            return None
        _try_unpacked(self._paths)
        program = _clients(self._paths) / "usr/bin/docker"
        return client.Client(str(program), os.environ) if program.exists() else None

    def _private(self, candidates: Sequence[Candidate]) -> Engine:
        _require_root()
        tried = []
        for candidate in candidates:
            try:
                return self._start(candidate)
            except (debian.DebianError, processes.ProcessError, client.ClientError, OSError) as error:
                tried.append(f"{candidate.suite or 'this suite'} ({', '.join(candidate.packages)}): {error}")
                self._say(f"engine of {tried[-1]}")
                self.down()
        raise EngineError("no engine is reachable and none could be started:\n" + "\n".join(tried))

    def _start(self, candidate: Candidate) -> Engine:
        folder = self._paths.cache / "engine" / candidate.label
        helpers = self._paths.cache / "engine" / "runc"
        versions = debian.unpack(candidate.packages, folder, suite=candidate.suite, cache=self._paths.cache)
        # A newer suite's runc needs a newer C library than this machine's.
        versions |= debian.unpack(["runc", "libseccomp2"], helpers, cache=self._paths.cache)
        data = self._paths.engine / candidate.label
        environment = self._environment([folder, helpers])
        data.mkdir(parents=True, exist_ok=True)
        self._paths.sockets.mkdir(mode=0o700, exist_ok=True)
        self._start_containerd(folder, data, environment)
        bridge.add(self._settings.link)
        self._start_dockerd(folder, data, environment)
        found = folder / "usr/libexec/docker/cli-plugins/docker-buildx"
        plugin = found if found.exists() else None
        ours = client.of_lab(self._paths, folder / "usr/bin/docker", plugin, self._host)
        _base_image(ours, self._paths, pull=False)
        _prove(ours)
        origin = f"private, of Debian's {candidate.suite or 'own suite'}, {_words(versions)}"
        return Engine(self._host, ours.server_version(), ours.buildx_version(), True, origin)

    @property
    def _host(self) -> str:
        return f"unix://{self._paths.sockets}/docker.sock"

    def _start_containerd(self, folder: Path, data: Path, environment: dict[str, str]) -> None:
        address = self._paths.sockets / "containerd.sock"
        config = self._paths.sockets / "containerd.toml"
        config.write_text(
            "version = 2\n"
            f"root = {json.dumps(str(data / 'containerd'))}\n"
            f"state = {json.dumps(str(self._paths.sockets / 'containerd'))}\n"
            'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
            f"[grpc]\naddress = {json.dumps(str(address))}\n"
        )
        argv = [str(folder / "usr/bin/containerd"), "--config", str(config)]
        self._processes.start("containerd", argv, env=environment, ready=lambda: _answers(address))

    def _start_dockerd(self, folder: Path, data: Path, environment: dict[str, str]) -> None:
        sockets = self._paths.sockets
        config = sockets / "daemon.json"
        config.write_text(json.dumps({"features": {"containerd-snapshotter": self._settings.containerd_store}}))
        argv = [
            str(folder / "usr/sbin/dockerd"),
            f"--config-file={config}",
            f"--data-root={data / 'docker'}",
            f"--exec-root={sockets / 'exec'}",
            f"--pidfile={sockets / 'docker.pid'}",
            f"--host={self._host}",
            f"--containerd={sockets / 'containerd.sock'}",
            f"--bridge={self._settings.link.name}",
            f"--cgroup-parent=/{self._cgroup}",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-masq=false",
            "--ip-forward=false",
            *self._settings.flags,
        ]
        ready = lambda: _pings(sockets / "docker.sock")  # noqa: E731
        self._processes.start("dockerd", argv, env=environment, ready=ready)

    def _environment(self, folders: Sequence[Path]) -> dict[str, str]:
        programs = [str(folder / part) for folder in folders for part in ("usr/bin", "usr/sbin")]
        libraries = [str(path) for folder in folders for path in folder.glob("usr/lib/*-linux-gnu*")]
        excluded = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
        return os.environ | {
            "PATH": os.pathsep.join([*programs, os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]),
            "LD_LIBRARY_PATH": os.pathsep.join(libraries),
            "SSL_CERT_DIR": client.trusted(self._paths),
            "NO_PROXY": f"{excluded},{LOOPBACK_NAMES}" if excluded else LOOPBACK_NAMES,
        }


def recorded(paths: Paths) -> Engine | None:
    """Return the engine that the lab of *paths* runs with, None when it is down."""
    try:
        return Engine(**json.loads((paths.run / "engine").read_text()))
    except (FileNotFoundError, ValueError):
        return None


def _base_image(ours: client.Client, paths: Paths, *, pull: bool) -> None:
    # A user's own engine should rather have the real image: it keeps it after the lab is gone.
    try:
        ours.run("image", "inspect", busybox.IMAGE)
        return
    except client.ClientError:
        pass
    if pull:
        try:
            ours.run("pull", "--quiet", busybox.IMAGE)
            return
        except client.ClientError:
            pass
    ours.run("load", data=busybox.archive(paths.cache))


def _prove(ours: client.Client) -> None:
    built = ours.run("build", "--quiet", "-", data=f"FROM {busybox.IMAGE}\nRUN true\n".encode())
    ours.run("image", "rm", built)
    ours.run("run", "--rm", "--network=none", busybox.IMAGE, "true")


def _clients(paths: Paths) -> Path:
    return paths.cache / "engine" / "client"


def _try_unpacked(paths: Paths) -> Path | None:
    for suite in ("unstable", "trixie", None):
        try:
            debian.unpack(["docker-cli", "docker-buildx"], _clients(paths), suite=suite, cache=paths.cache)
        except debian.DebianError:
            continue
        return _clients(paths) / "usr/libexec/docker/cli-plugins/docker-buildx"
    return None


def _require_root() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        raise EngineError(
            "no engine is reachable (DOCKER_HOST, docker context, default socket), and a private one "
            "needs root on a Debian family machine: start Docker, or run this as root"
        )


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect_ex(str(path)) == 0


def _pings(path: Path) -> bool:
    connection = http.client.HTTPConnection("localhost", timeout=5)
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.connect(str(path))
        connection.request("GET", "/_ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _words(versions: dict[str, str]) -> str:
    programs = {name: version for name, version in versions.items() if not name.startswith("lib")}
    return ", ".join(f"{name} {version}" for name, version in sorted(programs.items()))
