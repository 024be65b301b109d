"""An index of images that were built apart, one for each platform. Pure.

Source: OCI image specification (image index, descriptor, ``platform``); containerd, package "platforms" (the variants
that go without saying).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OCI = "application/vnd.oci.image.index.v1+json"
_SILENT = {"linux/arm64/v8": "linux/arm64", "linux/amd64/v1": "linux/amd64", "linux/arm": "linux/arm/v7"}
_KINDS = ("manifest", "manifest-descriptor", "index", "index-descriptor")


@dataclass(frozen=True, kw_only=True)
class Member:
    """One image of an index: its *platform* as it is written, and the *rows* that stand for it, attestations too."""

    platform: str
    rows: tuple[Mapping[str, Any], ...]

    @property
    def name(self) -> str:
        """The platform as it is compared."""
        return normal(self.platform)


def normal(platform: str) -> str:
    """*platform* without a variant that goes without saying, with one that does not."""
    return _SILENT.get(platform, platform)


def member(manifest: str, media_type: str, digest: str, platform: str) -> Member:
    """An image's own *manifest*, or the index that a build with attestations made of it, as a member."""
    row = json.loads(manifest)
    if "manifests" in row:
        return Member(platform=platform, rows=tuple(row["manifests"]))
    parts = dict(zip(("os", "architecture", "variant"), normal(platform).split("/"), strict=False))
    size = len(manifest.encode())
    described = {"mediaType": media_type, "digest": digest, "size": size, "platform": parts}
    return Member(platform=platform, rows=(described,))


def merged(members: Sequence[Member], annotations: Mapping[str, str]) -> tuple[str, str]:
    """The text of the index of *members*, in their order, and its digest: of the same ones it is always the same."""
    row: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI,
        "manifests": [dict(row) for one in members for row in one.rows],
        **({"annotations": dict(sorted(annotations.items()))} if annotations else {}),
    }
    text = json.dumps(row, separators=(",", ":"))
    return text, f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def split_annotations(entries: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The entries of ``annotations`` that are the images' own, and those of their index by key.

    An entry is ``KEY=VALUE``, with kinds before it where it is not the manifest's: ``index,manifest:KEY=VALUE``.
    """
    images, index = [], {}
    for entry in entries:
        head, colon, rest = entry.partition(":")
        kinds = head.split(",") if colon else []
        known = bool(kinds) and all(kind.partition("[")[0] in _KINDS for kind in kinds)
        if not known or any(not kind.startswith("index") for kind in kinds):
            others = ",".join(kind for kind in kinds if not kind.startswith("index")) if known else ""
            images.append(f"{others}:{rest}" if known else entry)
        if known and "index" in kinds:
            key, _, value = rest.partition("=")
            index[key] = value
    return tuple(images), index
