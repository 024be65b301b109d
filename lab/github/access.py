"""Who asks, and what they may: tokens, permissions, and GitHub's refusals by status and text."""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any

from lab.github.state import Repository, State, Viewer

DOCUMENTATION = "https://docs.github.com/rest"

# https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api: GITHUB_TOKEN has 1,000 an hour
# for a repository, the other kinds 5,000.
HOURLY = {"pat": 5000, "fine-grained": 5000, "app": 5000, "actions": 1000}


class Refused(Exception):
    """An answer other than success: HTTP *status*, GitHub's *message*, and its `errors` list where it has one."""

    def __init__(self, status: int, message: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors

    def body(self) -> dict[str, Any]:
        """Return the JSON object of GitHub's error answers."""
        body: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            body["errors"] = self.errors
        return body | {"documentation_url": DOCUMENTATION, "status": str(self.status)}


class Denied(Refused):
    """The token is good and sees the repository, but lacks the permission."""


def not_found() -> Refused:
    """Return the answer to what is not there or must not be seen: the two cannot be told apart."""
    return Refused(404, "Not Found")


def authenticate(state: State, header: str | None) -> Viewer | None:
    """Return the token's owner, None without a header. Raises Refused 401 for a token nobody registered."""
    if not header:
        return None
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() == "basic":
        token = _password(token)
    elif scheme.lower() not in ("token", "bearer"):
        token = ""
    viewer = state.viewer(token.strip())
    if viewer is None:
        raise Refused(401, "Bad credentials")
    return viewer


def level(viewer: Viewer | None, repository: Repository) -> str | None:
    """Return `read`, `write`, `admin`, or None where the viewer must not even learn that it exists."""
    granted = viewer.repositories.get(repository.full_name.lower()) if viewer else None
    return granted or (None if repository.private else "read")


def can_write(viewer: Viewer | None, repository: Repository) -> bool:
    """Tell whether the viewer may push."""
    return level(viewer, repository) in ("write", "admin")


def denial(viewer: Viewer | None) -> Denied:
    """Return the 403 for a viewer who can read only, in the words that GitHub has for the kind of token."""
    by = "integration" if viewer and viewer.kind in ("app", "actions") else "personal access token"
    return Denied(403, f"Resource not accessible by {by}")


class Meter:
    """Counts calls for the rate limit headers; refuses nothing by itself."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, str], int] = {}
        self.reset = int(time.time()) + 3600

    def used(self, viewer: Viewer | None, resource: str) -> int:
        """Return how many calls were made since the last reset."""
        return self._used.get((viewer.key if viewer else "", resource), 0)

    def headers(self, viewer: Viewer | None, resource: str) -> dict[str, str]:
        """Return `x-ratelimit-*` after one more call of *viewer* to *resource* (`core` or `graphql`)."""
        if time.time() >= self.reset:
            self._used, self.reset = {}, int(time.time()) + 3600
        used = self.used(viewer, resource) + 1
        self._used[(viewer.key if viewer else "", resource)] = used
        limit = HOURLY[viewer.kind] if viewer else 60
        return {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": str(max(limit - used, 0)),
            "x-ratelimit-used": str(used),
            "x-ratelimit-reset": str(self.reset),
            "x-ratelimit-resource": resource,
        }


def permission_headers(viewer: Viewer | None, accepted: str) -> dict[str, str]:
    """Return what GitHub says of permissions: scopes for classic tokens, *accepted* (`contents=read`) for others."""
    if viewer is None:
        return {}
    if viewer.kind == "pat":
        return {"x-oauth-scopes": "repo", "x-accepted-oauth-scopes": "repo"}
    return {"x-accepted-github-permissions": accepted}


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
