"""Dates in the words of moment.js, as docker/metadata-action writes them: ``YYYYMMDD-HHmmss``. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timezone, tzinfo
from zoneinfo import ZoneInfo

# moment.js, "Display > Format": the tokens that make a number, and text in brackets.
_TOKEN = re.compile(r"\[([^\]]*)\]|YYYY|YY|MM|M|DDDD|DD|D|HH|H|hh|h|mm|m|ss|s|X|A|a|[A-Za-z]")
_EXPRESSION = re.compile(r"(?P<name>date|commit_date)\s+'(?P<format>[^']+)'(?:\s+tz='(?P<zone>[^']+)')?")


def written(moment: datetime, form: str, zone: str = "UTC") -> str:
    """*moment* in the moment.js format *form* and the time *zone* (``Europe/Berlin``).

    Raises ValueError for a zone or a token that is not known.
    """
    local = moment.astimezone(_zone(zone))
    return _TOKEN.sub(lambda match: _part(match, local), form)


def expression(text: str) -> tuple[str, str, str] | None:
    """``date 'FORMAT' tz='ZONE'`` as (``date`` or ``commit_date``, format, zone); None where *text* is none."""
    match = _EXPRESSION.fullmatch(text)
    return (match["name"], match["format"], match["zone"] or "UTC") if match else None


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(f"has the time zone {name!r}, which is not known") from error


def _part(match: re.Match[str], local: datetime) -> str:
    if match[1] is not None:
        return match[1]
    parts = {
        "YYYY": f"{local:%Y}", "YY": f"{local:%y}", "MM": f"{local:%m}", "M": str(local.month),
        "DDDD": f"{local:%j}", "DD": f"{local:%d}", "D": str(local.day), "HH": f"{local:%H}", "H": str(local.hour),
        "hh": f"{local:%I}", "h": str(local.hour % 12 or 12), "mm": f"{local:%M}", "m": str(local.minute),
        "ss": f"{local:%S}", "s": str(local.second), "X": str(int(local.timestamp())),
        "A": f"{local:%p}", "a": f"{local:%p}".lower(),
    }  # fmt: skip
    if match[0] not in parts:
        raise ValueError(f"has {match[0]!r} in a date; write text in brackets, like [{match[0]}]")
    return parts[match[0]]
