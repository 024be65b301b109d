"""The labels of an image: the standard ``org.opencontainers.image.*`` set, and the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

PREFIX = "org.opencontainers.image."


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of the source; empty where it is not.

    *created* is the commit's date (ISO 8601), *revision* the 40 hex digits, *source* defaults to *url*.
    """

    title: str = ""
    description: str = ""
    url: str = ""
    source: str = ""
    version: str = ""
    created: str = ""
    revision: str = ""
    licenses: str = ""
    dirty: bool = False


def standard(facts: Facts, own: Mapping[str, str]) -> dict[str, str]:
    """Label -> value: *facts* under their standard keys, empty ones left out, then *own*, which wins.

    The keys are those of the OCI image specification, "Pre-Defined Annotation Keys".
    """
    values = {
        "title": facts.title,
        "description": facts.description,
        "url": facts.url,
        "source": facts.source or facts.url,
        "version": facts.version,
        "created": utc(facts.created),
        "revision": f"{facts.revision}-dirty" if facts.revision and facts.dirty else facts.revision,
        "licenses": facts.licenses,
    }
    labels = {PREFIX + name: value for name, value in values.items() if value}
    return {**labels, **own}


def utc(date: str) -> str:
    """*date* (ISO 8601 with an offset) as RFC 3339 in UTC; empty where it is no such date."""
    try:
        parsed = datetime.fromisoformat(date[:-1] + "+00:00" if date.endswith(("Z", "z")) else date)
    except ValueError:
        return ""
    if parsed.tzinfo is None:
        return ""
    return parsed.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
