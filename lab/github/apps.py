"""GitHub Apps: the signed JWT, the installation of a repository, tokens narrowed to repositories and permissions.

Source: GitHub, "Generating a JSON Web Token (JWT) for a GitHub App" and "Create an installation access token for an
app" (OpenAPI); texts of the refusals as they are in public threads.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timezone
from typing import Any

import jwt

from lab.github import shapes
from lab.github.access import Refused, authenticate, not_found, token_of
from lab.github.call import Answer, Call
from lab.github.state import now

# "no more than 10 minutes into the future"; iat may not be in the future at all.
LONGEST_JWT_SECONDS = 600
TOKEN_SECONDS = 3600
UNDECODABLE = "A JSON web token could not be decoded"
_EXPIRED = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"  # noqa: E501
_TOO_FAR = "'Expiration time' claim ('exp') is too far in the future"
_ISSUED = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
_LEVELS = {"read": 1, "write": 2, "admin": 3}


def app_of(call: Call) -> dict[str, Any]:
    """Return the App that signed the call's JWT. Raises Refused 401 or 404."""
    token = token_of(call.headers.get("authorization", ""))
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise Refused(401, UNDECODABLE) from None
    app = _issuer(call, claims.get("iss"))
    try:
        jwt.decode(token, app["public_key"], ["RS256"], options={"verify_exp": False, "verify_iat": False})
    except jwt.PyJWTError:
        raise Refused(401, UNDECODABLE) from None
    _check_times(claims, call.world.clock.now())
    return app


def _issuer(call: Call, issuer: Any) -> dict[str, Any]:
    if issuer is None:
        raise Refused(401, "'Issuer' claim ('iss') must be an Integer")
    for app in call.world.state.apps:
        if str(issuer) in (str(app["id"]), app["client_id"]):
            return app
    raise Refused(404, "Integration not found")


def _check_times(claims: dict[str, Any], at: float) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or issued > at:
        raise Refused(401, _ISSUED)
    if not isinstance(expires, int) or expires <= at:
        raise Refused(401, _EXPIRED)
    if expires > at + LONGEST_JWT_SECONDS:
        raise Refused(401, _TOO_FAR)


def about(call: Call) -> Answer:
    """GET /app"""
    app = app_of(call)
    owner = shapes.user(call.base, app["owner"], call.world.state.account_id(app["owner"]), "Organization")
    return Answer(200, {
        "id": app["id"], "slug": app["slug"], "node_id": shapes.node_id("A", app["id"]), "client_id": app["client_id"],
        "owner": owner, "name": app["slug"], "description": None, "external_url": call.base,
        "html_url": f"{call.base}/apps/{app['slug']}", "created_at": app["created_at"],
        "updated_at": app["created_at"], "permissions": _all_permissions(app), "events": [],
    })  # fmt: skip


def of_repository(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/installation"""
    app = app_of(call)
    full_name = f"{call.parts['owner']}/{call.parts['repo']}".lower()
    for row in app["installations"]:
        if full_name in map(str.lower, row["repositories"]) and call.world.state.repository(full_name):
            return Answer(200, _installation(call, app, row))
    raise not_found()


def access_tokens(call: Call) -> Answer:
    """POST /app/installations/{installation_id}/access_tokens"""
    app = app_of(call)
    row = next((r for r in app["installations"] if str(r["id"]) == call.parts["installation"]), None)
    if row is None:
        raise not_found()
    if row.get("suspended"):
        raise Refused(403, "This installation has been suspended")
    body = call.json()
    names, permissions = _repositories(call, row, body), _permissions(row, body)
    token, login = f"ghs_{secrets.token_hex(18)}", f"{app['slug']}[bot]"
    expires = call.world.clock.now() + TOKEN_SECONDS
    access = {name: "write" if permissions.get("contents") == "write" else "read" for name in names}
    call.world.state.add_token(token, login, "app", access, permissions=permissions, expires=expires)
    until = datetime.fromtimestamp(expires, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    told: dict[str, Any] = {"token": token, "expires_at": until, "permissions": permissions}
    narrowed = "repositories" in body or "repository_ids" in body
    told["repository_selection"] = "selected" if narrowed else row.get("selection", "selected")
    if narrowed:
        found = [call.world.state.repository(name) for name in names]
        told["repositories"] = [shapes.repository(call.base, repo, None) for repo in found if repo]
    return Answer(201, told)


def revoke(call: Call) -> Answer:
    """DELETE /installation/token"""
    viewer = authenticate(call.world.state, call.headers.get("authorization"), call.world.clock.now())
    if viewer is None or viewer.kind != "app":
        raise Refused(403, "Resource not accessible by personal access token")
    call.world.state.forget_token(viewer.key)
    return Answer(204)


def _repositories(call: Call, row: dict[str, Any], body: dict[str, Any]) -> list[str]:
    granted = {name.lower(): name for name in row["repositories"]}
    wanted = [f"{row['account']}/{name}".lower() for name in body.get("repositories", ())]
    for number in body.get("repository_ids", ()):
        repo = call.world.state.by_id(number)
        wanted.append(repo.full_name.lower() if repo else "")
    if any(name not in granted or call.world.state.repository(name) is None for name in wanted):
        raise Refused(422, "There is at least one repository that does not exist or is not accessible to the "
                           "parent installation.")  # fmt: skip
    return [granted[name] for name in wanted] or list(granted.values())


def _permissions(row: dict[str, Any], body: dict[str, Any]) -> dict[str, str]:
    granted: dict[str, str] = {"metadata": "read"} | row["permissions"]
    wanted: dict[str, str] | None = body.get("permissions")
    for name, level in (wanted or {}).items():
        if _LEVELS.get(level, 9) > _LEVELS.get(granted.get(name, ""), 0):
            raise Refused(422, "The permissions requested are not granted to this installation.")
    return {"metadata": "read"} | wanted if wanted else granted


def _all_permissions(app: dict[str, Any]) -> dict[str, str]:
    found = {"metadata": "read"}
    for row in app["installations"]:
        found |= row["permissions"]
    return found


def _installation(call: Call, app: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    account, number = row["account"], row["id"]
    url = f"{call.base}/app/installations/{number}"
    return {
        "id": number, "client_id": app["client_id"],
        "account": shapes.user(call.base, account, call.world.state.account_id(account), "Organization"),
        "access_tokens_url": f"{url}/access_tokens", "repositories_url": f"{call.base}/installation/repositories",
        "html_url": f"{call.base}/organizations/{account}/settings/installations/{number}", "app_id": app["id"],
        "app_slug": app["slug"], "target_id": call.world.state.account_id(account), "target_type": "Organization",
        "permissions": {"metadata": "read"} | row["permissions"], "events": [], "created_at": app["created_at"],
        "updated_at": app["created_at"], "single_file_name": None, "has_multiple_single_files": False,
        "single_file_paths": [], "repository_selection": row.get("selection", "selected"), "suspended_by": None,
        "suspended_at": now() if row.get("suspended") else None,
    }  # fmt: skip


def register(call: Call) -> Answer:
    """Register an App (`/_lab/apps`): slug, owner, public_key (PEM), installations; replaces one of the same slug."""
    state, body = call.world.state, call.json()
    rows = [
        {"id": state.take_id(), "account": row["account"], "repositories": list(row["repositories"]),
         "permissions": dict(row["permissions"]), "suspended": bool(row.get("suspended"))}
        for row in body.get("installations", ())
    ]  # fmt: skip
    slug = body["slug"]
    state.apps = [app for app in state.apps if app["slug"] != slug]
    number = state.take_id()
    state.apps.append({
        "id": number, "client_id": f"Iv23{number}", "slug": slug, "owner": body.get("owner", "acme"),
        "public_key": body["public_key"], "installations": rows, "created_at": now(),
    })  # fmt: skip
    state.save()
    told = {"id": number, "client_id": f"Iv23{number}", "installations": [row["id"] for row in rows]}
    return Answer(201, told)
