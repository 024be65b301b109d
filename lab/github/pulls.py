"""Pull requests: made, listed, changed, and closed by GitHub when their head no longer differs from the base."""

from __future__ import annotations

from typing import Any

from lab.github import shapes
from lab.github.access import Refused, not_found
from lab.github.call import Answer, Call
from lab.github.state import Repository, now
from lab.github.world import World


def settle(world: World, repo: Repository) -> None:
    """Close or merge what the latest move of a branch decides.

    A head that was forced back into its base is closed for good; a base that took the head in is a merge.
    """
    for pull in repo.pulls:
        if pull["state"] != "open":
            continue
        head = repo.bare.reference(f"refs/heads/{pull['head']}")
        base = repo.bare.reference(f"refs/heads/{pull['base']}")
        inside = head is not None and base is not None and repo.bare.is_ancestor(head, base)
        if inside and head == pull["head_sha"]:
            pull.update(state="closed", merged_at=now(), closed_at=now(), merge_commit_sha=base)
        elif head is None or inside:
            pull.update(state="closed", closed_at=now(), closed_for_good=True)
        else:
            pull["head_sha"] = head
    if repo.pulls:
        world.state.save()


def create(call: Call) -> Answer:
    """POST /repos/{owner}/{repo}/pulls"""
    repo, body, viewer = call.repository, call.json(), call.viewer
    title, head, base = call.fields("title", "head", "base")
    head = head.removeprefix(f"{repo.owner}:")
    head_sha, base_sha = (repo.bare.reference(f"refs/heads/{name}") for name in (head, base))
    for name, sha in (("head", head_sha), ("base", base_sha)):
        if sha is None:
            raise _invalid({"resource": "PullRequest", "field": name, "code": "invalid"})
    if any(p["state"] == "open" and (p["head"], p["base"]) == (head, base) for p in repo.pulls):
        raise _invalid(_custom(f"A pull request already exists for {repo.owner}:{head}."))
    if repo.bare.is_ancestor(str(head_sha), str(base_sha)):
        raise _invalid(_custom(f"No commits between {base} and {head}"))
    pull = {
        "id": call.world.state.take_id(), "number": len(repo.pulls) + 1, "title": title, "body": body.get("body"),
        "head": head, "base": base, "head_sha": head_sha, "state": "open", "draft": bool(body.get("draft")),
        "login": viewer.login if viewer else "ghost", "created_at": now(), "updated_at": now(),
        "closed_at": None, "merged_at": None, "merge_commit_sha": None,
    }  # fmt: skip
    repo.pulls.append(pull)
    call.world.state.save()
    return Answer(201, shape(call, pull))


def listing(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/pulls: newest first; `state`, `head` (`owner:branch`), `base`."""
    query, repo = call.query, call.repository
    state, head = query.get("state", "open"), query.get("head", "")
    # A head without its owner is no filter: GitHub then answers with all of them.
    wanted = head.removeprefix(f"{repo.owner}:") if ":" in head else None
    found = [
        pull for pull in reversed(repo.pulls)
        if state in ("all", pull["state"])
        and wanted in (None, pull["head"])
        and query.get("base") in (None, pull["base"])
    ]  # fmt: skip
    page, size = call.page()
    return Answer(200, [shape(call, pull) for pull in found[(page - 1) * size : page * size]])


def one(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/pulls/{number}"""
    return Answer(200, shape(call, _find(call)))


def update(call: Call) -> Answer:
    """PATCH /repos/{owner}/{repo}/pulls/{number}: title, body, state, base."""
    pull, body = _find(call), call.json()
    if body.get("state") == "open" and pull["state"] == "closed" and pull.get("closed_for_good"):
        raise _invalid(_custom("state cannot be changed. There are no new commits on the branch."))
    for key in ("title", "body", "state", "base"):
        if key in body:
            pull[key] = body[key]
    pull.update(updated_at=now(), closed_at=None if pull["state"] == "open" else pull["closed_at"] or now())
    call.world.state.save()
    return Answer(200, shape(call, pull))


def shape(call: Call, pull: dict[str, Any]) -> dict[str, Any]:
    """Return a pull request with the fields that lists have."""
    repo, base, number = call.repository, call.base, pull["number"]
    api, html = f"{base}/repos/{repo.full_name}", f"{base}/{repo.full_name}/pull/{number}"
    url, issue = f"{api}/pulls/{number}", f"{api}/issues/{number}"
    links = {
        "self": url, "html": html, "issue": issue, "comments": f"{issue}/comments",
        "review_comments": f"{url}/comments", "review_comment": f"{url}/comments{{/number}}",
        "commits": f"{url}/commits", "statuses": f"{api}/statuses/{pull['head_sha']}",
    }  # fmt: skip
    urls = {f"{name}_url": link for name, link in links.items() if name not in ("self",)}
    number_of = call.world.state.account_id(pull["login"])
    nothing = dict.fromkeys(("assignee", "milestone", "active_lock_reason", "auto_merge"))
    kept = {key: pull[key] for key in (
        "id", "number", "title", "body", "state", "draft", "created_at", "updated_at", "closed_at", "merged_at",
        "merge_commit_sha")}  # fmt: skip
    return {
        "url": url, "node_id": shapes.node_id("PR", repo.id, number), **urls, **kept, **nothing,
        "diff_url": f"{html}.diff", "patch_url": f"{html}.patch", "locked": False,
        "user": shapes.user(base, pull["login"], number_of), "labels": [], "assignees": [],
        "requested_reviewers": [], "requested_teams": [], "author_association": "MEMBER",
        "head": _end(call, pull["head"], pull["head_sha"]), "base": _end(call, pull["base"], None),
        "_links": {name: {"href": link} for name, link in links.items()},
    }  # fmt: skip


def _end(call: Call, branch: str, sha: str | None) -> dict[str, Any]:
    repo = call.repository
    return {
        "label": f"{repo.owner}:{branch}", "ref": branch,
        "sha": sha or repo.bare.reference(f"refs/heads/{branch}") or "",
        "user": shapes.user(call.base, repo.owner, repo.owner_id, repo.owner_type),
        "repo": shapes.repository(call.base, repo, call.viewer),
    }  # fmt: skip


def _find(call: Call) -> dict[str, Any]:
    for pull in call.repository.pulls:
        if str(pull["number"]) == call.parts["number"]:
            return pull
    raise not_found()


def _invalid(error: dict[str, str]) -> Refused:
    return Refused(422, "Validation Failed", [error])


def _custom(message: str) -> dict[str, str]:
    return {"resource": "PullRequest", "code": "custom", "message": message}
