"""What a private engine leaves on the machine: processes, mounts, control groups, a bridge, sockets."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from lab import bridge, processes

MNT_DETACH = 2
REAP_SECONDS = 3.0
PROGRAMS = frozenset({"dockerd", "containerd", "containerd-shim-runc-v2", "runc"})
CGROUPS = Path("/sys/fs/cgroup")


def clean(sockets: Path, folders: Sequence[Path], cgroup: str, link: bridge.Bridge = bridge.LAB) -> list[str]:
    """End and undo everything an engine left; return what was found, in words.

    sockets: its folder of sockets, which its shims carry in their arguments. folders: where it mounts.
    cgroup: the name of the control group above all of its containers. link: its bridge.
    """
    found = []
    if victims := running(sockets, cgroup):
        processes.kill(victims)
        found.append(f"ended {len(victims)} processes of the engine")
    if count := sum(_unmount(point) for point in _mounts([sockets, *folders])):
        found.append(f"unmounted {count} file systems")
    _remove_groups(cgroup)
    if bridge.remove(link.name):
        found.append(f"removed the bridge {link.name}")
    if sockets.exists():
        _remove_shim_sockets(sockets)
        shutil.rmtree(sockets)
        found.append(f"removed {sockets}")
    return found


def running(sockets: Path, cgroup: str) -> list[int]:
    """Return the engine's processes: its programs with a socket below *sockets*, and those in its containers."""
    return [pid for pid in processes.pids() if _is_of(pid, sockets, cgroup)]


def await_reaping(pids: Sequence[int]) -> None:
    """Wait a moment until *pids*, which have ended, are gone from the process table: orphans are init's to reap."""
    end = time.monotonic() + REAP_SECONDS
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < end:
        time.sleep(processes.POLL_SECONDS)


def containers(cgroup: str) -> list[int]:
    """Return the live processes in containers below the control group named *cgroup*."""
    inside = [pid for pid in processes.pids() if f":/{cgroup}/" in _read(pid, "cgroup")]
    return [pid for pid in inside if processes.Identity.of(pid)]


def _is_of(pid: int, sockets: Path, cgroup: str) -> bool:
    program = _read(pid, "exe")
    arguments = _read(pid, "cmdline").split("\0")
    ours = program in PROGRAMS and any(str(sockets) in argument for argument in arguments)
    return ours or f":/{cgroup}/" in _read(pid, "cgroup")


def _read(pid: int, what: str) -> str:
    try:
        if what == "exe":
            return Path(os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")).name
        return Path(f"/proc/{pid}/{what}").read_text(errors="replace")
    except OSError:
        return ""


def _mounts(folders: Sequence[Path]) -> list[Path]:
    points = []
    for line in Path("/proc/self/mountinfo").read_text(errors="replace").splitlines():
        escaped = line.split()[4]
        point = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), escaped))
        if any(point.is_relative_to(folder) for folder in folders):
            points.append(point)
    # The last one mounted is the first one out.
    return points[::-1]


def _unmount(point: Path) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.umount2(os.fsencode(point), MNT_DETACH) == 0)


def _remove_groups(cgroup: str) -> None:
    # One folder under cgroups v2, one per controller under v1. A group stays busy until its dead are reaped.
    tops = [top for hierarchy in (CGROUPS, *CGROUPS.glob("*/")) if (top := hierarchy / cgroup).is_dir()]
    end = time.monotonic() + REAP_SECONDS
    while any(top.is_dir() for top in tops) and time.monotonic() < end:
        for folder in [path for top in tops for path in (*sorted(top.rglob("*/"), reverse=True), top)]:
            with contextlib.suppress(OSError):
                folder.rmdir()
        time.sleep(processes.POLL_SECONDS)


def _remove_shim_sockets(sockets: Path) -> None:
    # containerd puts them in one folder for all engines of a machine, and notes each beside its container.
    for note in sockets.glob("containerd/io.containerd.runtime.v2.task/*/*/*"):
        if note.name in {"address", "bootstrap.json"}:
            for address in re.findall(r"unix://(/run/containerd/s/\w+)", note.read_text()):
                Path(address).unlink(missing_ok=True)
    for folder in (Path("/run/containerd/s"), Path("/run/containerd")):
        with contextlib.suppress(OSError):
            folder.rmdir()
