"""Who asks, and what they may: tokens, permissions, and GitHub's refusals by status and text."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from lab.github.state import LEVELS, Repository, State, Viewer

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


def authenticate(state: State, header: str | None, now: float) -> Viewer | None:
    """Return the token's owner, None without a header. Raises Refused 401 for an unknown or ended token.

    *now*: the lab's time, in seconds since 1970.
    """
    if not header:
        return None
    viewer = state.viewer(token_of(header))
    if viewer is None or (viewer.expires is not None and now >= viewer.expires):
        raise Refused(401, "Bad credentials")
    return viewer


def token_of(header: str) -> str:
    """Return the token of an Authorization header, empty for a scheme that GitHub does not know."""
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() == "basic":
        return _password(token).strip()
    return token.strip() if scheme.lower() in ("token", "bearer") else ""


def level(viewer: Viewer | None, repository: Repository) -> str | None:
    """Return `read`, `write`, `admin`, or None where the viewer must not even learn that it exists.

    A classic token sees private repositories only with the scope `repo` (GitHub, "Scopes for OAuth apps").
    """
    known = viewer.repositories if viewer else {}
    granted = known.get(repository.full_name.lower()) or known.get("*")
    if viewer and viewer.kind == "pat" and repository.private and "repo" not in viewer.scopes:
        granted = None
    return granted or (None if repository.private else "read")


def lacks(viewer: Viewer | None, repository: Repository, accepted: str) -> bool:
    """Tell whether *viewer* may not do what takes the permission *accepted* (`contents=write`).

    Permissions of several lines are alternatives (`issues=write; pull_requests=write`). Tokens other than classic ones
    have a level for each permission; one that was registered without any has what its access to the repository says.
    """
    return not any(_holds(viewer, repository, *one.split("=")) for one in accepted.split("; "))


def _holds(viewer: Viewer | None, repository: Repository, permission: str, wanted: str) -> bool:
    may = level(viewer, repository)
    if may is None or viewer is None:
        return may is not None and wanted == "read"
    if viewer.kind != "pat" and viewer.permissions is not None:
        if wanted == "read" and (permission == "metadata" or not repository.private):
            return True
        held = viewer.permissions.get(permission) if repository.full_name.lower() in viewer.repositories else None
        return held in ({"write", "admin"} if wanted == "write" else set(LEVELS))
    if wanted == "read":
        return True
    return may in ("write", "admin") and (viewer.kind != "pat" or bool({"repo", "public_repo"} & set(viewer.scopes)))


def refuse_saml(viewer: Viewer | None, repository: Repository) -> None:
    """Raise Refused 403 for a token that its owner has not authorized for the organisation's single sign-on."""
    if viewer and repository.owner.lower() in viewer.unauthorized:
        raise SamlRequired(repository.owner)


class SamlRequired(Refused):
    """The organisation enforces SAML (GitHub, "About authentication with SAML single sign-on")."""

    def __init__(self, owner: str) -> None:
        super().__init__(
            403,
            "Resource protected by organization SAML enforcement. "
            "You must grant your Personal Access token access to this organization.",
        )
        self.headers = {"x-github-sso": f"required; url=https://github.com/orgs/{owner}/sso?authorization_request=A"}


def can_write(viewer: Viewer | None, repository: Repository) -> bool:
    """Tell whether the viewer may push."""
    return not lacks(viewer, repository, "contents=write")


def denial(viewer: Viewer | None) -> Denied:
    """Return the 403 for a viewer who can read only, in the words that GitHub has for the kind of token."""
    by = "integration" if viewer and viewer.kind in ("app", "actions") else "personal access token"
    return Denied(403, f"Resource not accessible by {by}")


def permission_headers(viewer: Viewer | None, accepted: str) -> dict[str, str]:
    """Return what GitHub says of permissions: scopes for classic tokens, *accepted* (`contents=read`) for others."""
    if viewer is None:
        return {}
    if viewer.kind == "pat":
        return {"x-oauth-scopes": ", ".join(viewer.scopes), "x-accepted-oauth-scopes": "repo"}
    return {"x-accepted-github-permissions": accepted}


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
