"""One lab at a time: its address, its names and its bridge are the machine's."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from lab.paths import Paths
from lab.processes import Identity, Processes

FILE = Path("/run/ecrlab.json") if os.access("/run", os.W_OK) else Path(tempfile.gettempdir()) / "ecrlab.json"


class ClaimError(Exception):
    """Another lab is up; the text says whose and how to end it."""


class Claim:
    """The right to be the machine's lab: held by a process, or by the servers of a lab left running.

    Servers of which one died hold nothing: such a lab is of no use to anybody.
    """

    def __init__(self, paths: Paths, file: Path = FILE) -> None:
        self._paths = paths
        self._file = file

    def take(self, undo: Callable[[Paths], None], *, detached: bool = False) -> None:
        """Take it, calling *undo* with the folders of a lab whose owner is gone.

        detached: the lab lives as long as its servers, not as long as this process.
        Raises ClaimError when another lab is up.
        """
        with self._locked() as handle:
            kept = _read(handle)
            if kept and self._is_held(kept):
                raise ClaimError(
                    f"the lab {kept['name']!r} of {kept['root']} is up ({_owner(kept)}): end it first, "
                    f"with: python -m lab --name {kept['name']} down"
                )
            if kept:
                undo(Paths(Path(kept["root"]), kept["name"]))
            identity = Identity.of(os.getpid())
            assert identity is not None, "a running process has an entry in /proc"
            place = {"root": str(self._paths.root), "name": self._paths.name, "detached": detached}
            _write(handle, asdict(identity) | place)

    def check(self) -> None:
        """Raise ClaimError when a live process other than this one holds it: it ends its lab itself."""
        with self._locked() as handle:
            kept = _read(handle)
            theirs = kept and not kept["detached"] and kept["pid"] != os.getpid()
            if kept and theirs and self._is_held(kept):
                raise ClaimError(f"the lab {kept['name']!r} of {kept['root']} is in use: end {_owner(kept)}")

    def release(self) -> None:
        """Give it back, if it is this lab's."""
        with self._locked() as handle:
            kept = _read(handle)
            if kept and (kept["root"], kept["name"]) == (str(self._paths.root), self._paths.name):
                _write(handle, None)

    @staticmethod
    def _is_held(kept: Mapping[str, Any]) -> bool:
        paths = Paths(Path(kept["root"]), kept["name"])
        if Identity(kept["pid"], kept["started"], kept["boot"]).is_alive():
            return True
        running = Processes(paths.run)
        return bool(kept["detached"] and running.names() and all(map(running.alive, running.names())))

    @contextmanager
    def _locked(self) -> Iterator[IO[str]]:
        with self._file.open("a+") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle


def _owner(kept: Mapping[str, Any]) -> str:
    return "left running" if kept["detached"] else f"process {kept['pid']}"


def _read(handle: IO[str]) -> dict[str, Any] | None:
    handle.seek(0)
    try:
        return dict(json.load(handle))
    except (ValueError, TypeError):
        return None


def _write(handle: IO[str], value: object) -> None:
    handle.seek(0)
    handle.truncate()
    if value is not None:
        json.dump(value, handle)
    handle.flush()
