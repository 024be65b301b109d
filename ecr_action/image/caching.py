"""The build cache that the input ``cache`` asks for, by what the builder can do."""

from __future__ import annotations

import re
from dataclasses import dataclass

NONE, AUTO, REGISTRY, INLINE = "none", "auto", "registry", "inline"
TAG = "buildcache"
# ECR takes a cache as an image's manifest alone; what can't be written never fails a build (docker's reference,
# "Registry cache storage backend").
_FORM = "mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true"


@dataclass(frozen=True, kw_only=True)
class Cache:
    """What is wanted: *kind* is ``auto``, ``registry`` or ``inline``; *repository* has host and name.

    *reads*, *writes*: whether this run does, and may. *movable*: whether the repository lets its tag move.
    """

    kind: str
    repository: str
    tag: str = TAG
    reads: bool = True
    writes: bool = False
    movable: bool = True


def exported(inspected: str) -> str:
    """The best cache that a builder can export, by the text of ``docker buildx inspect``.

    Of docker's own driver it is the image store that decides: the classic one has no label of containerd's (docker's
    reference, "Docker driver"; every other driver is a BuildKit of its own). What can't be told can do the least.
    """
    driver = re.search(r"^Driver:\s*(\S+)", inspected, re.MULTILINE)
    if driver is None:
        return INLINE
    if driver[1] != "docker":
        return REGISTRY
    containerd = re.search(r"^\s*org\.mobyproject\.buildkit\.worker\.(?:containerd\.|snapshotter:)", inspected, re.M)
    return REGISTRY if containerd else INLINE


def pushes_by_digest(inspected: str) -> bool:
    """Whether a builder can push without a tag: docker's own driver can't."""
    driver = re.search(r"^Driver:\s*(\S+)", inspected, re.MULTILINE)
    return driver is not None and driver[1] != "docker"


def entries(cache: Cache, can: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The entries of ``cache-from`` and ``cache-to``; *can* is what :func:`exported` says of the builder."""
    kind = can if cache.kind == AUTO else cache.kind
    if kind == REGISTRY and not cache.movable and cache.kind == AUTO:
        kind = INLINE
    if kind == INLINE:
        place, written = f"type=registry,ref={cache.repository}:latest", "type=inline"
    else:
        place = f"type=registry,ref={cache.repository}:{cache.tag}"
        written = f"{place},{_FORM}" if cache.movable else ""
    return (place,) if cache.reads else (), (written,) if cache.writes and written else ()
