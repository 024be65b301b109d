"""Signature Version 4, as far as JSON and query calls need it (IAM user guide, "Create a signed AWS API request")."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote

from .web import Request

FORM = "%Y%m%dT%H%M%SZ"
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/\s]+/(?P<scope>[^,\s]+),\s*SignedHeaders=(?P<names>[^,\s]+),\s*"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


def is_signed(request: Request, body: bytes, secret: str) -> bool:
    """Tell whether *request*, with *body*, is signed with *secret*."""
    match = AUTHORIZATION.fullmatch(request.headers.get("Authorization", "").strip())
    if match is None:
        return False
    scope = match["scope"].split("/")
    canonical = _canonical(request, body, match["names"])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    date = request.headers.get("X-Amz-Date", "")
    text = "\n".join(("AWS4-HMAC-SHA256", date, match["scope"], digest))
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), match["signature"])


def untimely(date: str, now: float, minutes: int) -> str:
    """Return how AWS says that a call signed at *date* (``20260101T000000Z``) comes too late or too early, "" if not.

    now: seconds since the epoch; minutes: how far apart the clocks may be. The texts are those of public reports.
    """
    signed = datetime.strptime(date, FORM).replace(tzinfo=timezone.utc).timestamp()
    earliest, latest = (_written(now + sign * minutes * 60) for sign in (-1, 1))
    if signed < now - minutes * 60:
        return f"Signature expired: {date} is now earlier than {earliest} ({_written(now)} - {minutes} min.)"
    if signed > now + minutes * 60:
        return f"Signature not yet current: {date} is still later than {latest} ({_written(now)} + {minutes} min.)"
    return ""


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime(FORM)


def _canonical(request: Request, body: bytes, names: str) -> str:
    pairs = sorted(parse_qsl(request.target.partition("?")[2], keep_blank_values=True))
    query = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in pairs)
    headers = [f"{name}:{' '.join(str(request.headers.get(name, '')).split())}" for name in names.split(";")]
    payload = hashlib.sha256(body).hexdigest()
    return "\n".join((request.method, request.path or "/", query, *headers, "", names, payload))
