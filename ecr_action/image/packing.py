"""A context as a stream of tar, as docker sends it: without what is ignored, owned by root, never whole in memory."""

from __future__ import annotations

import os
import shlex
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

from ecr_action.errors import BuildFailed
from ecr_action.image.dockerignore import BadPattern, Ignore, parse

_CHUNK = 1024 * 1024
_Entry = tuple[str, "os.DirEntry[str]"]


def ignore_file(context: Path, dockerfile: Path) -> Path | None:
    """``<Dockerfile>.dockerignore`` beside the Dockerfile, else the context's ``.dockerignore``, else None."""
    candidates = (dockerfile.with_name(dockerfile.name + ".dockerignore"), context / ".dockerignore")
    return next((file for file in candidates if file.is_file()), None)


def read_ignore(file: Path | None, name: str) -> Ignore:
    """The patterns of *file*, called *name* in messages. Raises BuildFailed where docker would refuse them."""
    if file is None:
        return Ignore()
    try:
        return parse(file.read_text(encoding="utf-8", errors="surrogateescape"))
    except BadPattern as error:
        raise BuildFailed(f"{name}: {error}.", file=name) from error


def packed(context: Path, ignore: Ignore, dockerfile: str, text: bytes) -> Iterator[bytes]:
    """*context* as tar, in pieces. The Dockerfile is sent as *text* under the path *dockerfile*, ignored or not."""
    for path, entry in _walk(context, ignore):
        if path != dockerfile:
            yield from _member(path, entry)
    info = tarfile.TarInfo(dockerfile)
    info.size, info.mode = len(text), 0o644
    yield info.tobuf(tarfile.PAX_FORMAT)
    yield text + _padding(len(text))
    yield b"\0" * 2 * tarfile.BLOCKSIZE


def _walk(context: Path, ignore: Ignore) -> Iterator[_Entry]:
    """What is sent, parents first. An ignored folder is there where an exception keeps something in it."""
    stack: list[tuple[str, tuple[_Entry, ...]]] = [("", ())]
    sent: set[str] = set()
    while stack:
        folder, above = stack.pop()
        below = []
        for entry in _sorted(context / folder):
            path = f"{folder}/{entry.name}" if folder else entry.name
            excluded = bool(ignore.patterns) and ignore.excludes(path)
            if not excluded:
                yield from (parent for parent in above if parent[0] not in sent)
                sent.update(parent for parent, _ in above)
                yield path, entry
            if entry.is_dir(follow_symlinks=False) and (not excluded or ignore.may_include_below(path)):
                below.append((path, (*above, (path, entry)) if excluded else ()))
        stack += reversed(below)


def _sorted(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise _unreadable(str(folder), error) from error


def _unreadable(path: str, error: OSError) -> BuildFailed:
    fix = f"Leave it out in .dockerignore, or correct its permissions: chmod -R u+r {shlex.quote(path)}"
    return BuildFailed(f"{path} of the context can't be read: {error.strerror}.", fix=fix)


def _member(path: str, entry: os.DirEntry[str]) -> Iterator[bytes]:
    try:
        status = entry.stat(follow_symlinks=False)
        target = os.readlink(entry.path) if stat.S_ISLNK(status.st_mode) else ""
    except OSError as error:
        raise _unreadable(entry.path, error) from error
    info = tarfile.TarInfo(path)
    info.mode, info.mtime = stat.S_IMODE(status.st_mode), int(status.st_mtime)
    if stat.S_ISREG(status.st_mode):
        yield from _file(info, entry.path)
        return
    if stat.S_ISLNK(status.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, target
    elif stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISFIFO(status.st_mode):
        info.type = tarfile.FIFOTYPE
    else:
        # Sockets and devices have no content that could be sent.
        return
    yield info.tobuf(tarfile.PAX_FORMAT, errors="surrogateescape")


def _file(info: tarfile.TarInfo, path: str) -> Iterator[bytes]:
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below; only the opening is to be translated
    except OSError as error:
        raise _unreadable(path, error) from error
    with file:
        info.size = left = os.fstat(file.fileno()).st_size
        yield info.tobuf(tarfile.PAX_FORMAT, errors="surrogateescape")
        while left:
            # Where the file became shorter while it was read, zeros fill what the header has promised.
            piece = file.read(min(_CHUNK, left)) or b"\0" * min(_CHUNK, left)
            left -= len(piece)
            yield piece
        yield _padding(info.size)


def _padding(size: int) -> bytes:
    return b"\0" * (-size % tarfile.BLOCKSIZE)
