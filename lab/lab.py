"""The whole lab: the engine, the AWS side, the GitHub side, and the names by which they are found."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType

from lab import client, engine, hosts
from lab.claim import Claim
from lab.paths import Paths
from lab.processes import Processes

ADDRESS = "127.83.67.1"
PARTS = ("engine", "aws", "github")
# What a surrounding job or shell says about its own AWS and GitHub is nothing to the stand-ins.
FOREIGN = ("AWS_", "GITHUB_", "ACTIONS_", "RUNNER_", "INPUT_")


class Lab:
    """One lab: ``with Lab(Paths(name="test")) as environment: ...``."""

    def __init__(
        self,
        paths: Paths,
        parts: Sequence[str] = PARTS,
        *,
        names: Sequence[str] = (),
        say: Callable[[str], None] = print,
    ) -> None:
        """Compose the lab of *paths* from *parts*, a selection of PARTS.

        names: further host names of the registry; its own is always there.
        say: takes each line for a reader.
        """
        self.paths = paths
        self._parts = tuple(parts)
        self._names = tuple(names)
        self._say = say
        self._processes = Processes(paths.run)
        self._engine = engine.Host(paths, self._processes, say)
        self._claim = Claim(paths)

    def up(self, *, detached: bool = False) -> dict[str, str]:
        """Start everything and return the environment a job needs; interrupted, it stops all again.

        detached: the lab outlives this process.
        Raises claim.ClaimError, processes.ProcessError, engine.EngineError, debian.DebianError, OSError.
        """
        self.paths.run.mkdir(parents=True, exist_ok=True)
        self._claim.take(self._take_over, detached=detached)
        try:
            self.clean()
            environment = self._start()
            self._file.touch(mode=0o600)
            self._file.write_text(json.dumps(environment))
        except BaseException:
            self.down()
            raise
        return environment

    def down(self) -> None:
        """Stop everything; each part is stopped even if stopping another one fails. The state stays.

        Raises claim.ClaimError when the lab is another live process's.
        """
        self._claim.check()
        with contextlib.ExitStack() as steps:
            steps.callback(self._claim.release)
            steps.callback(self._file.unlink, missing_ok=True)
            steps.callback(self._engine.down)
            steps.callback(self._processes.stop, "aws")
            steps.callback(self._processes.stop, "github")
            steps.callback(hosts.remove)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the lab that is up, empty when it is down."""
        try:
            return dict(json.loads(self._file.read_text()))
        except (FileNotFoundError, ValueError):
            return {}

    def is_up(self) -> bool:
        """Tell whether every part that was started still runs."""
        found = engine.recorded(self.paths)
        wanted = ["aws", "github", *(["dockerd"] if found is None or found.private else [])]
        started = [name for name in wanted if name in self._processes.names()]
        return bool(self.environment) and all(self._processes.alive(name) for name in started)

    def status(self) -> list[str]:
        """Return a line per part that says whether it runs, and which engine it is."""
        found = engine.recorded(self.paths)
        servers = [f"{part}: {'up' if self._processes.alive(part) else 'down'}" for part in ("aws", "github")]
        return [str(found) if found else "engine: down", *servers]

    def __enter__(self) -> dict[str, str]:
        return self.up()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    @property
    def _file(self) -> Path:
        return self.paths.run / "environment"

    def _start(self) -> dict[str, str]:
        environment: dict[str, str] = {}
        if "aws" in self._parts:
            address = ["--address", ADDRESS, "--ca-dir", str(self.paths.tls)]
            environment |= self._serve("aws", "--api-port", address)
            hosts.add(ADDRESS, dict.fromkeys((environment["LAB_REGISTRY"].partition(":")[0], *self._names)))
        if "github" in self._parts:
            environment |= self._serve("github", "--port", [])
        if "engine" in self._parts:
            environment |= client.environment(self.paths, self._engine.up().host)
        return environment

    def _serve(self, part: str, flag: str, further: list[str]) -> dict[str, str]:
        port = self._port(part)
        argv = [sys.executable, "-m", f"lab.{part}", "--state", str(self.paths.state / part), flag, str(port)]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        checkout = str(Path(__file__).resolve().parents[1])
        self._processes.start(
            part,
            argv + further,
            env=inherited | {"PYTHONPATH": checkout},
            ready=lambda: _get(port, "health") is not None,
            timeout=120.0,
        )
        return dict(_get(port, "environment") or {})

    def _port(self, part: str) -> int:
        """Return the port *part* had before, so that addresses kept in the state hold; else a free one."""
        file = self.paths.state / f"{part}.port"
        kept = int(file.read_text()) if file.exists() else 0
        port = _free_port(kept) or _free_port(0)
        file.write_text(str(port))
        return port

    def _take_over(self, paths: Paths) -> None:
        self._say(f"taking over from the lab {paths.name!r} of {paths.root}, whose owner is gone")
        Lab(paths, say=self._say).clean()

    def clean(self) -> None:
        """Undo what an earlier lab of these folders left, and say it."""
        done = self._processes.sweep() + self._engine.sweep()
        if hosts.remove():
            done.append(f"removed the names from {hosts.HOSTS}")
        for line in done:
            self._say(f"cleaned: {line}")


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Turn the signals that end a program into SystemExit inside, so that what is started is also stopped.

    SIGINT is one of them: a process that a script starts in the background has it ignored.
    """

    def end(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _get(port: int, what: str) -> dict[str, str] | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", f"/_lab/{what}")
        answer = connection.getresponse()
        return dict(json.load(answer)) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def _free_port(wanted: int) -> int:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
        return int(sock.getsockname()[1])
