"""JSON objects of pull requests, with the fields that GitHub's OpenAPI document requires."""

from __future__ import annotations

from typing import Any

from lab.github import merging, shapes
from lab.github.call import Call


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
    nothing = dict.fromkeys(("assignee", "milestone", "active_lock_reason"))
    kept = {key: pull[key] for key in (
        "id", "number", "title", "body", "state", "draft", "created_at", "updated_at", "closed_at", "merged_at",
        "merge_commit_sha")}  # fmt: skip
    return {
        "url": url, "node_id": shapes.node_id("PR", repo.id, number), **urls, **kept, **nothing,
        "diff_url": f"{html}.diff", "patch_url": f"{html}.patch", "locked": False,
        "user": _user(call, pull["login"]), "labels": [label(call, name) for name in pull.get("labels", ())],
        "assignees": [], "requested_reviewers": [], "requested_teams": [], "author_association": "MEMBER",
        "head": _end(call, pull["head"], pull["head_sha"]), "base": _end(call, pull["base"], None),
        "auto_merge": _automatic(call, pull), "_links": {name: {"href": link} for name, link in links.items()},
    }  # fmt: skip


def whole(call: Call, pull: dict[str, Any]) -> dict[str, Any]:
    """Return a pull request with the fields that only a single one has."""
    repo, bare = call.repository, call.repository.bare
    head, base = merging.ends(repo, pull)
    range_ = [f"{base}..{head}"] if head and base and bare.merge_base(base, head) else []
    numbers = bare.run("diff", "--shortstat", f"{base}...{head}").decode().split() if range_ else []
    counts = {word[:4]: int(numbers[place - 1]) for place, word in enumerate(numbers) if word[0] in "fid"}
    closed = pull["state"] == "closed"
    return shape(call, pull) | {
        "merged": pull["merged_at"] is not None,
        "mergeable": None if closed else merging.tree_of_merge(repo, pull) is not None, "rebaseable": None,
        "mergeable_state": "unknown" if closed else merging.status(repo, pull).lower(),
        "merged_by": _user(call, pull["merged_by"]) if pull.get("merged_by") else None,
        "comments": 0, "review_comments": 0, "maintainer_can_modify": False,
        "commits": len(bare.history(*range_)) if range_ else 0, "additions": counts.get("inse", 0),
        "deletions": counts.get("dele", 0), "changed_files": counts.get("file", 0),
    }  # fmt: skip


def label(call: Call, name: str) -> dict[str, Any]:
    """Return a label; its id is of the repository and the name."""
    number = call.world.state.account_id(f"label:{call.repository.id}:{name}")
    url = f"{call.base}/repos/{call.repository.full_name}/labels/{name}"
    return {"id": number, "node_id": shapes.node_id("LA", number), "url": url, "name": name, "description": None,
            "color": "ededed", "default": False}  # fmt: skip


def _user(call: Call, login: str) -> dict[str, Any]:
    return shapes.user(call.base, login, call.world.state.account_id(login))


def _automatic(call: Call, pull: dict[str, Any]) -> dict[str, Any] | None:
    found = pull.get("auto_merge")
    if not found:
        return None
    title, _, text = (found.get("message") or f"{pull['title']} (#{pull['number']})").partition("\n\n")
    return {"enabled_by": _user(call, found["login"]), "merge_method": found["method"], "commit_title": title,
            "commit_message": text}  # fmt: skip


def _end(call: Call, branch: str, sha: str | None) -> dict[str, Any]:
    repo = call.repository
    return {
        "label": f"{repo.owner}:{branch}", "ref": branch,
        "sha": sha or repo.bare.reference(f"refs/heads/{branch}") or "",
        "user": shapes.user(call.base, repo.owner, repo.owner_id, repo.owner_type),
        "repo": shapes.repository(call.base, repo, call.viewer),
    }  # fmt: skip
