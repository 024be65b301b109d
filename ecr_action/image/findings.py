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
