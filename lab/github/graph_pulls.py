"""GraphQL: pull requests and auto-merge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lab.github import graph_objects, merging, shapes
from lab.github.access import can_write, denial
from lab.github.state import Repository
from lab.github.writing import Failed

if TYPE_CHECKING:
    from lab.github.graph_objects import Object, Reader


def numbered(reader: Reader, repo: Repository, number: int) -> Object:
    """Return a pull request by its number. Raises Failed NOT_FOUND."""
    reader.seen(repo, "pull_requests=read")
    for pull in repo.pulls:
        if pull["number"] == number:
            return _object(reader, repo, pull)
    raise Failed("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")


def connection(
    reader: Reader, repo: Repository, states: Sequence[str] | None = None, headRefName: str | None = None,
    baseRefName: str | None = None, **given: Any,
) -> Object:  # fmt: skip
    """Return the repository's pull requests that the filters leave, oldest first."""
    reader.seen(repo, "pull_requests=read")
    rows = [_object(reader, repo, pull) for pull in repo.pulls]
    found = [
        row for row in rows
        if (states is None or row["state"] in states)
        and headRefName in (None, row["headRefName"]) and baseRefName in (None, row["baseRefName"])
    ]  # fmt: skip
    return _connection(found, "pullRequests", **given)


def of_commit(reader: Reader, repo: Repository, oid: str, **given: Any) -> Object:
    """Return the pull requests that a commit belongs to."""
    reader.seen(repo, "pull_requests=read")
    found = [_object(reader, repo, pull) for pull in repo.pulls if merging.holds(repo, pull, oid)]
    return _connection(found, "associatedPullRequests", **given)


def _connection(found: list[Object], name: str, **given: Any) -> Object:
    part, page = graph_objects.window(found, name, **given)
    return {"nodes": part, "totalCount": len(found), "pageInfo": page}


def _object(reader: Reader, repo: Repository, pull: dict[str, Any]) -> Object:
    merged, is_open = pull["merged_at"] is not None, pull["state"] == "open"
    automatic, made = pull.get("auto_merge"), pull["merge_commit_sha"]
    method = "merge" if repo.allow_merge_commit else "squash"
    may = is_open and can_write(reader.viewer, repo)
    return {
        "__typename": "PullRequest", "id": shapes.node_id("PR", repo.id, pull["number"]),
        "number": pull["number"], "title": pull["title"], "body": pull["body"] or "",
        "isDraft": pull["draft"], "merged": merged, "state": "MERGED" if merged else pull["state"].upper(),
        "headRefName": pull["head"], "baseRefName": pull["base"], "headRefOid": pull["head_sha"],
        "baseRefOid": lambda _info: repo.bare.reference(f"refs/heads/{pull['base']}") or made or pull["head_sha"],
        "isCrossRepository": False, "author": _actor(reader, pull["login"]),
        "mergeCommit": lambda _info: reader.commit(repo, made) if merged else None,
        "mergeStateStatus": lambda _info: merging.status(repo, pull) if is_open else "UNKNOWN",
        "mergeable": lambda _info: _mergeable(repo, pull) if is_open else "UNKNOWN",
        "autoMergeRequest": automatic and {
            "enabledBy": _actor(reader, automatic["login"]), "mergeMethod": automatic["method"].upper()},
        "viewerCanEnableAutoMerge": lambda _info: (
            may and not automatic and merging.automatic_refusal(repo, pull, method) is None),
        "viewerCanDisableAutoMerge": bool(may and automatic),
        "url": f"{reader.base}/{repo.full_name}/pull/{pull['number']}",
    }  # fmt: skip


def _mergeable(repo: Repository, pull: dict[str, Any]) -> str:
    return "MERGEABLE" if merging.tree_of_merge(repo, pull) else "CONFLICTING"


def _actor(reader: Reader, login: str) -> Object:
    return {"__typename": "User", "id": shapes.node_id("U", reader.world.state.account_id(login)), "login": login}


def enable_auto_merge(reader: Reader, repo: Repository, number: int, given: dict[str, Any]) -> Object:
    """Resolve enablePullRequestAutoMerge. Raises Failed FORBIDDEN or UNPROCESSABLE."""
    pull = _writable(reader, repo, number)
    method = str(given.get("mergeMethod") or "MERGE").lower()
    expected = given.get("expectedHeadOid")
    why = merging.automatic_refusal(repo, pull, method)
    if why is None and expected and expected != pull["head_sha"]:
        why = f"Expected head to be at {expected} but it was at {pull['head_sha']}"
    if why:
        raise Failed("UNPROCESSABLE", why)
    message = "\n\n".join(part for part in (given.get("commitHeadline"), given.get("commitBody")) if part)
    pull["auto_merge"] = {"login": reader.viewer.login, "method": method, "message": message or None}
    reader.world.state.save()
    return _payload(reader, repo, pull, given)


def disable_auto_merge(reader: Reader, repo: Repository, number: int, given: dict[str, Any]) -> Object:
    """Resolve disablePullRequestAutoMerge. Raises Failed FORBIDDEN or UNPROCESSABLE."""
    pull = _writable(reader, repo, number)
    if not pull.get("auto_merge"):
        raise Failed("UNPROCESSABLE", "Can't disable auto-merge for this pull request.")
    pull["auto_merge"] = None
    reader.world.state.save()
    return _payload(reader, repo, pull, given)


def _writable(reader: Reader, repo: Repository, number: int) -> dict[str, Any]:
    if not can_write(reader.viewer, repo):
        raise Failed("FORBIDDEN", denial(reader.viewer).message)
    return next(pull for pull in repo.pulls if pull["number"] == number)


def _payload(reader: Reader, repo: Repository, pull: dict[str, Any], given: dict[str, Any]) -> Object:
    return {
        "clientMutationId": given.get("clientMutationId"), "actor": _actor(reader, reader.viewer.login),
        "pullRequest": _object(reader, repo, pull),
    }  # fmt: skip
