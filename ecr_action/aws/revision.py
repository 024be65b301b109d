"""Where a manifest says which commit it was built from: digests to follow, and the label at the end. Pure.

Sources: OCI image specification (image index, manifest, configuration; pre-defined annotation keys); BuildKit's
attestation storage (``vnd.docker.reference.type``, platform ``unknown/unknown``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

REVISION = "org.opencontainers.image.revision"
_COMMIT = re.compile(r"([0-9a-f]{40})(?:-dirty)?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def first_child(manifest: str) -> str | None:
    """The digest of an index's first image that can run (attestations can't); None where it is no index."""
    for row in _list(_object(manifest), "manifests"):
        platform, notes = _dict(row, "platform"), _dict(row, "annotations")
        if "vnd.docker.reference.type" not in notes and platform.get("os") != "unknown":
            return _digest(row)
    return None


def platforms(manifest: str) -> dict[str, str]:
    """Platform (``linux/arm64``) -> digest of an index's images, no attestations; empty where it is no index.

    Further images of one platform (Windows has them by version) are ``linux/arm64 (2)`` and so on.
    """
    found: dict[str, str] = {}
    for row in _list(_object(manifest), "manifests"):
        platform, notes = _dict(row, "platform"), _dict(row, "annotations")
        digest = _digest(row)
        if digest in found.values():
            continue
        if digest and "vnd.docker.reference.type" not in notes and platform.get("os") != "unknown":
            parts = [str(platform[key]) for key in ("os", "architecture", "variant") if platform.get(key)]
            name = "/".join(parts) or digest
            same = sum(1 for other in found if other.partition(" ")[0] == name)
            found[f"{name} ({same + 1})" if same else name] = digest
    return found


def config(manifest: str) -> str | None:
    """The digest of an image's configuration; None where the manifest has none."""
    return _digest(_dict(_object(manifest), "config"))


def labels(configuration: str) -> dict[str, str]:
    """The labels in an image's configuration."""
    found = _dict(_dict(_object(configuration), "config"), "Labels")
    return {name: text for name, text in found.items() if isinstance(text, str)}


def platform(configuration: str) -> tuple[str, ...]:
    """The one platform in an image's configuration; none where it does not say."""
    found = _object(configuration)
    parts = [str(found[key]) for key in ("os", "architecture", "variant") if found.get(key)]
    return ("/".join(parts),) if len(parts) > 1 else ()


def commit(labels: Mapping[str, str]) -> str | None:
    """The commit (40 hex) in the revision label."""
    match = _COMMIT.fullmatch(labels.get(REVISION, ""))
    return match[1] if match else None


def is_commit(tag: str) -> bool:
    """Whether *tag* is a whole commit id."""
    return bool(re.fullmatch(r"[0-9a-f]{40}", tag))


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _dict(row: Any, key: str) -> dict[str, Any]:
    value = row.get(key) if isinstance(row, dict) else None
    return value if isinstance(value, dict) else {}


def _list(row: dict[str, Any], key: str) -> list[Any]:
    value = row.get(key)
    return value if isinstance(value, list) else []


def _digest(row: Any) -> str | None:
    digest = row.get("digest") if isinstance(row, dict) else None
    return digest if isinstance(digest, str) and _DIGEST.fullmatch(digest) else None
