"""The archive of a commit, and git's own bytes of the files in it."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zlib

from ecr_action.github.answers import ApiError

# A file that is larger is no manifest; one that fits is still held in memory as a whole.
LARGEST = 10 * 1024 * 1024


def oid_of(content: bytes) -> str:
    """git's id of a blob (``git hash-object``)."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def original(content: bytes, oid: str) -> bytes | None:
    """The blob *oid* that the archive has as *content*; None where it can't be had from it.

    ``eol=crlf`` in .gitattributes is undone here, so that such a repository costs no call for each of its files.
    """
    return next((each for each in (content, content.replace(b"\r\n", b"\n")) if oid_of(each) == oid), None)


def unpacked(archive: bytes) -> list[tuple[str, bytes]]:
    """The regular files of a gzipped tar, their paths without the folder that GitHub puts around all of them."""
    found = []
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            for member in tar:
                if member.isfile() and member.size <= LARGEST and (file := tar.extractfile(member)):
                    found.append((member.name.partition("/")[2], file.read()))
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise ApiError(0, "an archive that is cut or is none") from error
    return found
