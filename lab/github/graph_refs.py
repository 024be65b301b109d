"""GraphQL: several references moved at once, each from where it has to be.

Source: GraphQL schema, "updateRefs": all updates are made or none; forty zeros are a reference that is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.github import git, merging
from lab.github.graph_objects import Object
from lab.github.state import Repository, Viewer
from lab.github.world import World
from lab.github.writing import PROTECTION, Failed, check_writable


def update(world: World, viewer: Viewer, repo: Repository, given: Mapping[str, Any]) -> Object:
    """Resolve updateRefs. Raises Failed."""
    check_writable(repo, viewer)
    rows = given["refUpdates"]
    with repo.lock:
        before = {row["name"]: repo.bare.reference(row["name"]) or git.ZERO for row in rows}
        for row in rows:
            _check(repo, viewer, row, before[row["name"]])
        for row in rows:
            name, new, old = row["name"], row["afterOid"], before[row["name"]]
            if new == git.ZERO:
                repo.bare.delete(name)
            else:
                world.move(repo, name, new, old)
        merging.settle(world, repo)
    return {"clientMutationId": given.get("clientMutationId")}


def _check(repo: Repository, viewer: Viewer, row: Mapping[str, Any], old: str) -> None:
    """The texts are our own: GitHub documents none."""
    name, new, expected = row["name"], row["afterOid"], row.get("beforeOid")
    branch = name.removeprefix("refs/heads/")
    if not name.startswith("refs/") or repo.bare.ask("check-ref-format", name) is None:
        raise Failed("UNPROCESSABLE", f"{name} is not a valid ref name.")
    if expected is not None and expected != old:
        raise Failed("UNPROCESSABLE", f"Reference {name} is at {old}, not at {expected}.")
    if branch in repo.protected and viewer.login not in repo.bypass:
        raise Failed(*PROTECTION[repo.protected[branch]])
    if new == git.ZERO:
        if old == git.ZERO or branch == repo.bare.default_branch():
            raise Failed("UNPROCESSABLE", f"Reference {name} can't be deleted.")
        return
    if repo.bare.kind(new) is None:
        raise Failed("UNPROCESSABLE", f"{new} is no object of the repository.")
    if old != git.ZERO and not row.get("force") and not repo.bare.is_ancestor(old, new):
        raise Failed("UNPROCESSABLE", f"The update of {name} is not a fast forward.")
