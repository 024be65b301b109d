"""Whole processes, timed: from the start of the first to the end of the last, with what the largest of them held."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from benchmarks.results import Row

SHOWN_LINES = 40


class BenchmarkError(Exception):
    """A run that is measured failed; the text holds its last lines."""


@dataclass(frozen=True)
class Ran:
    """One run: its *seconds*, what it *wrote*, and the *peak* memory (MB) of its largest process if it was weighed."""

    seconds: float
    wrote: str
    peak: float = 0.0


@dataclass(frozen=True)
class Command:
    """A run that is prepared: nothing of the preparation is in its time."""

    argv: Sequence[str]
    folder: Path
    environment: Mapping[str, str]

    def run(self) -> Ran:
        """Run it to its end. Raises BenchmarkError where it fails."""
        reader, writer = os.pipe()
        with os.fdopen(reader, "rb") as output:
            began = time.monotonic()
            child = subprocess.Popen(
                self.argv,
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
            )
            os.close(writer)
            wrote = output.read().decode(errors="replace")
            child.wait()
            seconds = time.monotonic() - began
        if child.returncode:
            last = "\n".join(wrote.splitlines()[-SHOWN_LINES:])
            raise BenchmarkError(f"{self.argv[0]} ended with {child.returncode}:\n{last}")
        return Ran(round(seconds, 3), wrote)


# A child begins as a copy of its parent, whose memory would count as its own: a small process stands between.
_SCALES = """\
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print("\\npeak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


@dataclass(frozen=True)
class Weighed:
    """*command*, with the memory of its largest process alone as the peak."""

    command: Command

    def run(self) -> Ran:
        """Run it to its end. Raises BenchmarkError where it fails."""
        argv = [sys.executable, "-I", "-S", "-c", _SCALES, *self.command.argv]
        ran = replace(self.command, argv=argv).run()
        return replace(ran, peak=round(int(ran.wrote.rsplit("peak", 1)[1]) / 1024, 1))


class Runnable(Protocol):
    """What has a turn."""

    def run(self) -> Ran: ...


@dataclass(frozen=True)
class Together:
    """Several *commands*, *at_once* of them side by side, as one run."""

    commands: Sequence[Command]
    at_once: int

    def run(self) -> Ran:
        """Run all of them to their end. Raises BenchmarkError where one fails."""
        began = time.monotonic()
        with ThreadPoolExecutor(self.at_once) as pool:
            found = list(pool.map(Command.run, self.commands))
        seconds = round(time.monotonic() - began, 3)
        return Ran(seconds, "".join(ran.wrote for ran in found))


@dataclass(frozen=True)
class Sides:
    """What is run in turns, by name: each prepares its next run when its turn comes; *after* sees each that counts."""

    prepare: Mapping[str, Callable[[], Runnable]]
    after: Callable[[str, Ran], None] = lambda _name, _ran: None

    def run(self, rounds: int) -> dict[str, list[Ran]]:
        """*rounds* of every side, after one that does not count; who begins changes from round to round.

        What changes with time, such as the machine's other work, weighs on all sides of a round.
        """
        found: dict[str, list[Ran]] = {name: [] for name in self.prepare}
        for number in range(rounds + 1):
            names = list(self.prepare)
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                ran = self.prepare[name]().run()
                if number:
                    found[name].append(ran)
                    self.after(name, ran)
        return found


def rows(name: str, found: Mapping[str, Sequence[Ran]], ours: str = "ours") -> tuple[Row, ...]:
    """A row of *name* for each raw side of *found* against *ours*."""
    times = {side: tuple(ran.seconds for ran in runs) for side, runs in found.items()}
    raw = [side for side in times if not side.startswith("ours")]
    return tuple(Row(name, side, times[ours], times[side]) for side in raw)
