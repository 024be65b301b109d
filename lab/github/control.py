"""`/_lab/...`: how a test or the demo sets the scene and looks behind it. Nothing here exists on GitHub."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.github import apps, merging, setup
from lab.github.access import Refused
from lab.github.call import Answer, Call
from lab.github.faults import Faults
from lab.github.limits import Limits
from lab.github.state import SETTINGS


def answer(call: Call) -> Answer:
    """Answer a request below `/_lab/`. Raises Refused."""
    actions: dict[tuple[str, str], Callable[[], Answer]] = {
        ("GET", "health"): lambda: Answer(200, {"status": "ok"}),
        ("GET", "environment"): lambda: Answer(200, environment(call.base, call.query.get("server", ""))),
        ("POST", "apps"): lambda: apps.register(call),
        ("POST", "clock"): lambda: Answer(200, {"ahead": call.world.clock.advance(float(call.json()["advance"]))}),
        ("POST", "limits"): lambda: _enforce(call),
        ("POST", "tokens"): lambda: _add_token(call),
        ("POST", "repositories"): lambda: _put_repository(call),
        ("POST", "faults"): lambda: _add_faults(call),
        ("DELETE", "faults"): lambda: _clear(call.world.faults),
        ("GET", "calls"): lambda: Answer(200, list(call.world.calls)),
        ("DELETE", "calls"): lambda: Answer(200, _taken(call.world.calls)),
        ("GET", "operations"): lambda: Answer(200, sorted(call.world.operations)),
    }
    action = actions.get((call.method, call.path.removeprefix("/_lab/").strip("/")))
    if action is None:
        raise Refused(404, f"the lab has no {call.method} {call.path}")
    try:
        return action()
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(422, f"{type(error).__name__}: {error}") from None


def environment(base: str, server: str = "") -> dict[str, str]:
    """Return the variables that the runner would set, for a server at *base* (*server* `enterprise`: below /api)."""
    if server == "enterprise":
        return {"GITHUB_API_URL": f"{base}/api/v3", "GITHUB_GRAPHQL_URL": f"{base}/api/graphql",
                "GITHUB_SERVER_URL": base}  # fmt: skip
    return {"GITHUB_API_URL": base, "GITHUB_GRAPHQL_URL": f"{base}/graphql", "GITHUB_SERVER_URL": base}


def _add_token(call: Call) -> Answer:
    body = call.json()
    about = {key: value for key, value in body.items() if key not in ("token", "login", "kind", "repositories")}
    if about.pop("expires_in", None) is not None:
        about["expires"] = call.world.clock.now() + float(body["expires_in"])
    call.world.state.add_token(
        body["token"], body["login"], body.get("kind", "pat"), dict(body.get("repositories", {})), **about
    )
    return Answer(201, {"login": body["login"], "id": call.world.state.account_id(body["login"])})


def _enforce(call: Call) -> Answer:
    call.world.meter.enforce(Limits(**call.json()))
    return Answer(200, {})


def _put_repository(call: Call) -> Answer:
    """Make a repository, or change the settings of one that is there; new checks can merge what waits for them."""
    body, state = call.json(), call.world.state
    full_name = f"{body['owner']}/{body['name']}"
    unknown = set(body) - {"owner", "name", "files", "branch", "date", *SETTINGS}
    if unknown:
        raise ValueError(f"unknown: {sorted(unknown)}")
    files, branch, date = body.get("files"), body.get("branch", "main"), body.get("date")
    bare = setup.create(state.folder, full_name, files, branch=branch, date=date)
    repo = state.repository(full_name)
    if repo is None:
        raise ValueError(f"{bare} could not be adopted")
    for key in SETTINGS:
        if key in body:
            setattr(repo, key, body[key])
    state.save()
    with repo.lock:
        merging.settle(call.world, repo)
    head = repo.bare.reference(f"refs/heads/{repo.bare.default_branch()}")
    return Answer(201, {"full_name": repo.full_name, "id": repo.id, "owner_id": repo.owner_id, "head": head})


def _add_faults(call: Call) -> Answer:
    body = call.json()
    for fault in body.get("faults", [body]):
        call.world.faults.add(fault)
    return Answer(201, {})


def _taken(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Remove and return what is recorded; a call that comes in meanwhile stays for the next time."""
    taken = list(calls)
    del calls[: len(taken)]
    return taken


def _clear(faults: Faults) -> Answer:
    faults.clear()
    return Answer(204)
