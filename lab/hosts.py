"""The lab's names in the hosts file: one marked block, every other byte untouched."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterable
from pathlib import Path

HOSTS = Path("/etc/hosts")
BEGIN = b"# ecr-publish lab: begin"
# Written where the last line had no end, so that taking the block out gives the same bytes back.
JOINED = b"\n" + BEGIN + b" (and the line end before it)"
END = b"# ecr-publish lab: end\n"


def add(address: str, names: Iterable[str], *, file: Path = HOSTS) -> None:
    """Make *names* resolve to *address*, in place of an earlier block of ours.

    Raises PermissionError when *file* cannot be written.
    """
    lines = b"".join(f"{address} {name}\n".encode() for name in names)
    _rewrite(file, lambda text: _with(_without(text), lines))


def remove(*, file: Path = HOSTS) -> bool:
    """Take our block out; tell whether there was one."""
    found = BEGIN in file.read_bytes()
    if found:
        _rewrite(file, _without)
    return found


def _with(text: bytes, lines: bytes) -> bytes:
    begin = BEGIN if not text or text.endswith(b"\n") else JOINED
    return text + begin + b"\n" + lines + END


def _without(text: bytes) -> bytes:
    if BEGIN not in text:
        return text
    before, begin, rest = text.partition(JOINED)
    if not begin:
        before, begin, rest = text.partition(BEGIN)
    # A block is written at the end in one go: without its last line it was cut off, and nothing follows.
    return _without(before + rest.partition(END)[2])


def _rewrite(file: Path, change: Callable[[bytes], bytes]) -> None:
    # In place: in a container the hosts file is a bind mount, which no rename can replace.
    with file.open("r+b", buffering=0) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        text = handle.read()
        changed = change(text)
        kept = _common(text, changed)
        handle.seek(kept)
        handle.write(changed[kept:])
        handle.truncate(len(changed))


def _common(one: bytes, other: bytes) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (left, right) in pairs if left != right), min(len(one), len(other)))
