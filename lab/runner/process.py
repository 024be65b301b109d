"""The process of a step: started, listened to, cancelled, and what it left running ended, as ProcessInvoker.cs does."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import processes

TRACKING = "RUNNER_TRACKING_ID"
_POLL_SECONDS = 0.05
# A shell starts what it puts into the background with SIGINT ignored, and that is handed on.
_HEARING = ("/usr/bin/env", "--default-signal=INT")


@dataclass(frozen=True)
class Patience:
    """Seconds that a cancelled process has after SIGINT, then after SIGTERM, before SIGKILL; and how long the output of
    one that has ended may stay open."""

    interrupt: float = 7.5
    terminate: float = 2.5
    drain: float = 5.0


@dataclass(frozen=True)
class Ended:
    """How a step's process ended; *code* as a shell gives it, 128 and the signal's number where one ended it."""

    code: int
    cancelled: bool = False
    late: bool = False


class Output:
    """What the processes of a step write, line by line; nobody listens after *stop*."""

    def __init__(self, raw: Callable[[bytes], None], line: Callable[[bytes], None]) -> None:
        self._raw, self._line = raw, line
        self._lock = threading.Lock()
        self._stopped = False

    def listen(self, descriptor: int) -> None:
        """Read *descriptor* to its end and close it."""
        for line in self._lines(descriptor):
            with self._lock:
                if not self._stopped:
                    self._line(line)
        os.close(descriptor)

    def stop(self) -> None:
        """Let what comes from now on go unheard: it is written by a process that outlived its step."""
        with self._lock:
            self._stopped = True

    def _lines(self, descriptor: int) -> Iterator[bytes]:
        """Yield lines; a lone carriage return ends one too, as in .NET's reader."""
        rest = b""
        while chunk := os.read(descriptor, 65536):
            if not self._stopped:
                self._raw(chunk)
            *lines, rest = re.split(rb"\r\n|\n|\r(?!\n)(?!$)", rest + chunk)
            yield from lines
        yield from re.split(rb"\r\n|\n|\r", rest.rstrip(b"\r\n")) if rest.strip(b"\r\n") else ()


def run(
    argv: Sequence[str], folder: Path, variables: Mapping[str, str], output: Output, *,
    timeout: float, cancelled: threading.Event, patience: Patience,
) -> Ended:  # fmt: skip
    """Run *argv* in *folder* until it ends, *cancelled* is set or *timeout* seconds are over.

    A signal goes to this one process and not to its children: a shell that does not hand itself over by ``exec`` keeps
    it from the program. Raises OSError when it can't be started.
    """
    reader, writer = os.pipe()
    deaf = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    try:
        process = subprocess.Popen(
            [*_HEARING, *argv] if deaf else argv, cwd=folder, env=dict(variables), stdin=subprocess.DEVNULL,
            stdout=writer, stderr=writer, start_new_session=True,
        )  # fmt: skip
    except OSError:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    listener = threading.Thread(target=output.listen, args=(reader,), daemon=True)
    listener.start()
    ended = _awaited(process, timeout, cancelled, patience)
    listener.join(patience.drain)
    output.stop()
    return ended


def _awaited(
    process: subprocess.Popen[bytes], timeout: float, cancelled: threading.Event, patience: Patience
) -> Ended:  # fmt: skip
    end = time.monotonic() + timeout
    while not _has_ended(process, _POLL_SECONDS):
        if cancelled.is_set():
            return Ended(_cancel(process, patience), cancelled=True)
        if time.monotonic() > end:
            process.kill()
            return Ended(_code(process), late=True)
    return Ended(_code(process))


def _cancel(process: subprocess.Popen[bytes], patience: Patience) -> int:
    process.send_signal(signal.SIGINT)
    if not _has_ended(process, patience.interrupt):
        process.send_signal(signal.SIGTERM)
        if not _has_ended(process, patience.terminate):
            process.kill()
    return _code(process)


def _has_ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.poll() is not None


def _code(process: subprocess.Popen[bytes]) -> int:
    code = process.wait()
    return code if code >= 0 else 128 - code


def orphans(tracking: str) -> dict[int, str]:
    """Return the processes of a job that still run, by id with their names: *tracking* is in their environment."""
    wanted = f"{TRACKING}={tracking}".encode()
    found = {}
    for pid in processes.pids():
        with contextlib.suppress(OSError):
            if wanted in (processes.PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                found[pid] = (processes.PROC / str(pid) / "comm").read_text(errors="replace").strip()
    return found
