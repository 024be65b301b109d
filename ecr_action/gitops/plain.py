"""Plain data in YAML, for documents that are not edited. Pure."""

from __future__ import annotations

import json

import yaml

# libyaml's composer recurses in C; a document of plain data has no such depth, nor this length.
_LONGEST = 60_000


def as_json(text: str) -> str | None:
    """*text*, one YAML document, as JSON; None where it is none."""
    if len(text) > _LONGEST:
        return None
    try:
        return json.dumps(yaml.load(text, yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, TypeError, ValueError):
        return None
