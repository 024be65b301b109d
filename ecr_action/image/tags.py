"""Tag texts: what is a tag, and how branches, git tags and placeholders become one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# OCI distribution specification, "Pulling manifests".
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_OUTSIDE = re.compile(r"[^A-Za-z0-9._-]+")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
PLACEHOLDERS = ("sha", "sha7", "branch", "version", "run-number", "date")
SHA = re.compile(r"[0-9a-f]{40}")
# Tags that the action itself reads back; a user's own tag of that form would mislead it.
_OURS = re.compile(r"deployed-.*|key-[0-9a-f]{16}|sha256-.*|[0-9a-f]{40}(?:-r[0-9]+)?")


@dataclass(frozen=True, kw_only=True)
class Tags:
    """The tags of the image by how they may be written.

    *content*: the one the image is pushed under; *fixed*: name this image for good; *versions*: written once, another
    digest under one is an error; *moving*: may stand on another image and move forward only.
    """

    content: str | None = None
    fixed: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    moving: tuple[str, ...] = ()
    primary: str | None = None
    order: tuple[str, ...] = ()


def is_tag(text: str) -> bool:
    """Whether *text* is a tag that a registry takes."""
    return bool(_TAG.fullmatch(text))


def is_ours(text: str) -> bool:
    """Whether *text* has the form of a tag that only the action itself writes."""
    return bool(_OURS.fullmatch(text))


def slug(text: str) -> str:
    """*text* as a part of a tag: 40 characters at most, neither beginning nor ending with ``-`` or ``.``."""
    return _OUTSIDE.sub("-", text).strip("-.")[:40].rstrip("-.")


def sanitised(text: str) -> str:
    """*text* as a whole tag, 128 characters at most; empty where nothing is left of it."""
    return _OUTSIDE.sub("-", text).lstrip("-.")[:128].rstrip("-.")


def placeholders(template: str) -> tuple[str, ...]:
    """The names between braces in *template*, in order."""
    return tuple(name.strip() for name in _PLACEHOLDER.findall(template))


def expand(template: str, values: Mapping[str, str | None]) -> str:
    """*template* with each ``{name}`` replaced.

    Raises KeyError with the name where *values* has none (or None) for it.
    """

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1].strip())
        if found is None:
            raise KeyError(match[1])
        return found

    return _PLACEHOLDER.sub(value, template)
