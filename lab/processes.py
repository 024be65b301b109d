"""Processes that outlive the call that starts them, and are found again after a crash.

Each one leads a session of its own, so that its children can be told from all others. Its record holds the
start time and the boot, so that a process id in use again is never signalled.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

PROC = Path("/proc")
POLL_SECONDS = 0.05
LOG_LINES = 12


class ProcessError(Exception):
    """A process ended before it was ready, or did not become ready; the text ends with its log."""


@dataclass(frozen=True)
class Identity:
    """One process of one boot: ``started`` is field 22 of /proc/<pid>/stat, in clock ticks since boot."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """Return who *pid* is now, None when nobody or only a zombie."""
        stat = _stat(pid)
        if stat is None or stat[0] in "ZX":
            return None
        return cls(pid, int(stat[19]), _boot())

    def is_alive(self) -> bool:
        """Tell whether this very process still runs."""
        return Identity.of(self.pid) == self

    def session(self) -> list[int]:
        """Return the live processes of the session it led, whether it still lives or not.

        Linux gives no id to a new process while a session has it, so an id with another start time means that
        the session is over.
        """
        stat = _stat(self.pid)
        if self.boot != _boot() or (stat is not None and int(stat[19]) != self.started):
            return []
        found = ((pid, _stat(pid)) for pid in pids())
        return [pid for pid, one in found if one and int(one[3]) == self.pid and one[0] not in "ZX"]


class Processes:
    """The background processes recorded in the folder *run*: ``<name>.json`` and ``<name>.log``."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        ready: Callable[[], bool],
        timeout: float = 30.0,
    ) -> int:
        """Start *argv* as *name* and return its process id once *ready* holds.

        env: its whole environment; None inherits ours.
        timeout: seconds. Raises ProcessError when it ends or passes before; nothing is left running then.
        """
        self.stop(name)
        self._run.mkdir(parents=True, exist_ok=True)
        with (self._run / f"{name}.log").open("wb") as log:
            child = subprocess.Popen(
                argv, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._children[name] = child
        try:
            if identity := Identity.of(child.pid):
                self._file(name).write_text(json.dumps(asdict(identity)))
            self._await(name, child, ready, timeout)
        except BaseException:
            self.stop(name)
            raise
        return child.pid

    def stop(self, name: str, timeout: float = 10.0) -> bool:
        """End *name* and all of its session; tell whether anything ran.

        timeout: seconds between TERM and KILL.
        """
        identity = self._identity(name)
        ran = bool(identity and identity.session())
        if identity and ran:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(identity.pid, signal.SIGTERM)
            if not _wait(lambda: not identity.session(), timeout, self._reap):
                kill(identity.session())
        self._reap()
        self._file(name).unlink(missing_ok=True)
        return ran

    def alive(self, name: str) -> bool:
        """Tell whether the process started as *name*, by whichever lab, still runs."""
        self._reap()
        identity = self._identity(name)
        return identity is not None and identity.is_alive()

    def names(self) -> list[str]:
        """Return the recorded names, running or not."""
        return sorted(file.stem for file in self._run.glob("*.json"))

    def sweep(self) -> list[str]:
        """End what an earlier lab left running; return what was done, in words."""
        ended = [name for name in self.names() if self.stop(name, timeout=3.0)]
        return [f"ended {name}, left by an earlier lab" for name in ended]

    def log(self, name: str) -> str:
        """Return the last lines of *name*'s log."""
        try:
            lines = (self._run / f"{name}.log").read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[-LOG_LINES:])

    def _await(self, name: str, child: subprocess.Popen[bytes], ready: Callable[[], bool], timeout: float) -> None:
        if _wait(lambda: child.poll() is not None or ready(), timeout) and child.poll() is None:
            return
        code = child.poll()
        late = f"was not ready after {timeout:g} s"
        what = late if code is None else f"ended with {code} before it was ready"
        raise ProcessError(f"{name} {what}; its log ends:\n{self.log(name)}")

    def _identity(self, name: str) -> Identity | None:
        try:
            return Identity(**json.loads(self._file(name).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _file(self, name: str) -> Path:
        return self._run / f"{name}.json"

    def _reap(self) -> None:
        for child in self._children.values():
            child.poll()


def pids() -> list[int]:
    """Return the ids of all processes."""
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def kill(victims: Iterable[int], timeout: float = 5.0) -> None:
    """Send KILL to *victims* and wait until they are gone, *timeout* seconds at most."""
    found = [identity for pid in victims if (identity := Identity.of(pid))]
    for identity in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(identity.pid, signal.SIGKILL)
    _wait(lambda: not any(identity.is_alive() for identity in found), timeout)


def _wait(condition: Callable[[], bool], timeout: float, between: Callable[[], None] = lambda: None) -> bool:
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
        between()
    return True


def _stat(pid: int) -> list[str] | None:
    # The second field is the command in parentheses and may hold anything, so fields count from the last one.
    try:
        return (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _boot() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()
