"""What an image is made of, and in which order its parts go into another repository. Pure.

Sources: OCI image specification (image index, manifest: ``manifests``, ``config``, ``layers``, ``blobs``, ``subject``);
Docker's image manifest 2.2 (``urls`` of foreign layers, which no registry holds).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecr_action.image.reference import DIGEST


@dataclass(frozen=True, order=True)
class Blob:
    """A configuration or layer: its *digest* and *size* in bytes."""

    digest: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a manifest names: *children* (digests of manifests, of an index) and *blobs*."""

    children: tuple[str, ...] = ()
    blobs: tuple[Blob, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What a copy took: how many *manifests* were new, the bytes *streamed*, *mounted* and *there* already."""

    manifests: int = 0
    streamed: int = 0
    mounted: int = 0
    there: int = 0

    def words(self) -> str:
        """``3 manifests; 84.2 MB streamed, 12.0 MB there already``."""
        told = {"streamed": self.streamed, "mounted": self.mounted, "there already": self.there}
        moved = ", ".join(f"{megabytes(count)} {how}" for how, count in told.items() if count)
        return f"{self.manifests} manifest{'s' if self.manifests != 1 else ''}; {moved or 'no bytes of layers'}"


def megabytes(count: int) -> str:
    """*count* bytes as people read them: ``84.2 MB``, in powers of ten as registries show sizes."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


def parts(manifest: str) -> Parts:
    """The parts that *manifest* names. Raises ValueError where it is no manifest of a kind that is known."""
    row = _object(manifest)
    if "manifests" in row:
        return Parts(children=tuple(dict.fromkeys(_digest(child) for child in _rows(row, "manifests"))))
    config = _rows({"config": [row["config"]]}, "config") if row.get("config") else []
    described = [*config, *_rows(row, "layers"), *_rows(row, "blobs")]
    if not described and "subject" not in row:
        raise ValueError("it names neither images nor layers")
    blobs = (Blob(_digest(one), _size(one)) for one in described if not one.get("urls"))
    return Parts(blobs=tuple(dict.fromkeys(blobs)))


def children_first(roots: Iterable[str], known: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The digests of *roots* and of all below them, each once and after everything that it names.

    Parameters: *known* has the digests that each manifest names; one that is not in it names nothing.
    """
    done: dict[str, None] = {}
    stack = [(digest, False) for digest in reversed(tuple(roots))]
    entered = set()
    while stack:
        digest, below = stack.pop()
        if below:
            done.setdefault(digest)
        elif digest not in entered:
            entered.add(digest)
            stack.append((digest, True))
            stack += [(child, False) for child in reversed(known.get(digest, ()))]
    return tuple(done)


def signatures(digest: str) -> tuple[str, ...]:
    """The tags under which clients of older schemes keep what refers to the image *digest*.

    Sources: OCI distribution specification, "Referrers Tag Schema"; cosign's signature specification.
    """
    base = digest.replace(":", "-")
    return (base, *(f"{base}.{kind}" for kind in ("sig", "att", "sbom")))


def carried(primary: str, version: str, commit: str, names: Sequence[str], environment: str) -> tuple[str, ...]:
    """The tags that an image gets where it is taken to *environment*, those that name it first.

    Parameters: *primary* is the tag that is rolled out, *version* and *commit* (40 hex) may be empty, *names* are the
    tags that it has where it comes from: what moves there (``latest``, marks), and other environments', stays there.
    """
    own = [name for name in names if commit and (name == commit or (len(name) >= 7 and commit.startswith(name)))]
    stage = primary if primary.startswith(f"{environment}-") else f"{environment}-{primary}"[:128]
    return tuple(dict.fromkeys((*sorted(own, key=len, reverse=True), *([version] if version else []), primary, stage)))


def pieces(size: int, most: int) -> tuple[tuple[int, int], ...]:
    """First and last byte of each piece of *size* bytes, none of which is above *most* bytes."""
    return tuple((first, min(first + most, size) - 1) for first in range(0, size, most))


def _object(manifest: str) -> dict[str, Any]:
    try:
        row = json.loads(manifest)
    except RecursionError:
        row = None
    if not isinstance(row, dict):
        raise ValueError("it is no JSON object")
    return row


def _rows(row: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = row.get(key)
    found = [] if found is None else found
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError(f"{key} is no list of descriptors")
    return found


def _digest(row: Any) -> str:
    digest = row.get("digest") if isinstance(row, dict) else None
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise ValueError("a descriptor has no digest")
    return digest


def _size(row: Mapping[str, Any]) -> int:
    size = row.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError("a descriptor has no size")
    return size
