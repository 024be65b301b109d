"""What the builder's checks of the Dockerfile found, out of the metadata that buildx writes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any


def warnings(metadata: Mapping[str, Any]) -> tuple[tuple[int | None, str], ...]:
    """Line (1-based, None where there is none) and text of each warning, in order, none twice.

    Parameters: *metadata* is the content of ``--metadata-file`` with BUILDX_METADATA_WARNINGS=true: texts in base64.
    """
    found = metadata.get("buildx.build.warnings") or ()
    return tuple(dict.fromkeys((_line(one), _text(one)) for one in found if isinstance(one, Mapping)))


def checks(metadata: Mapping[str, Any]) -> tuple[tuple[int | None, str], ...]:
    """Line and text of what ``--call=check`` found, out of the same file: texts as they are."""
    found = (metadata.get("result.json") or {}).get("warnings") or ()
    return tuple((_line({"range": (one.get("location") or {}).get("ranges")}), _rule(one)) for one in found)


def _rule(found: Mapping[str, Any]) -> str:
    words = (f"{found.get('ruleName', '')}: {found.get('detail') or found.get('description', '')}", found.get("url"))
    return "\n".join(str(word) for word in words if word)


def _line(warning: Mapping[str, Any]) -> int | None:
    for place in warning.get("range") or ():
        line = (place.get("start") or {}).get("line")
        return line if isinstance(line, int) and line > 0 else None
    return None


def _text(warning: Mapping[str, Any]) -> str:
    parts = [warning.get("short") or "", *(warning.get("detail") or ())]
    words = [base64.b64decode(part).decode(errors="replace").strip() for part in parts if isinstance(part, str)]
    url = warning.get("url")
    return "\n".join([*(word for word in words if word), *([str(url)] if url else [])])
