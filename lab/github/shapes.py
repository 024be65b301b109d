"""JSON objects of GitHub's REST answers, with the fields that its OpenAPI document requires."""

from __future__ import annotations

import base64
from datetime import datetime, timezone
from typing import Any

from lab.github import git
from lab.github.access import level
from lab.github.state import Repository, Viewer

_REPOSITORY_LINKS = (
    "archive assignees blobs branches collaborators comments commits compare contents contributors deployments "
    "downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels "
    "languages merges milestones notifications pulls releases stargazers statuses subscribers subscription tags "
    "teams trees"
).split()
_USER_LINKS = "events followers following gists organizations received_events repos starred subscriptions".split()


def node_id(kind: str, *parts: object) -> str:
    """Return an opaque id from which `parts_of` reads the parts back."""
    return f"{kind}_" + base64.urlsafe_b64encode(":".join(map(str, parts)).encode()).decode().rstrip("=")


def parts_of(identifier: str) -> list[str]:
    """Return the parts of a `node_id`. Raises ValueError."""
    _, _, encoded = identifier.partition("_")
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode().split(":")


def iso(date: str) -> str:
    """Return git's date (seconds and offset) as GitHub's REST writes it: UTC, ending in Z."""
    seconds = int(date.split()[0])
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def user(base: str, login: str, number: int, kind: str = "User") -> dict[str, Any]:
    """Return a simple-user."""
    url = f"{base}/users/{login}"
    return {
        "login": login, "id": number, "node_id": node_id("U", number), "avatar_url": f"{base}/avatars/{number}",
        "gravatar_id": "", "url": url, "html_url": f"{base}/{login}", "type": kind, "site_admin": False,
        **{f"{link}_url": f"{url}/{link}" for link in _USER_LINKS},
    }  # fmt: skip


def repository(base: str, repo: Repository, viewer: Viewer | None) -> dict[str, Any]:
    """Return a full-repository as *viewer* sees it."""
    url, html = f"{base}/repos/{repo.full_name}", f"{base}/{repo.full_name}"
    may = level(viewer, repo)
    count = dict.fromkeys(
        ("forks", "forks_count", "open_issues", "open_issues_count", "stargazers_count", "watchers",
         "watchers_count", "network_count", "subscribers_count", "size"), 0
    )  # fmt: skip
    nothing = dict.fromkeys(("homepage", "language", "mirror_url", "license"))
    has = dict.fromkeys(("has_issues", "has_projects", "has_wiki", "has_downloads"), True)
    return {
        "id": repo.id, "node_id": node_id("R", repo.id), "name": repo.name, "full_name": repo.full_name,
        "private": repo.private, "visibility": "private" if repo.private else "public",
        "owner": user(base, repo.owner, repo.owner_id, repo.owner_type), "html_url": html,
        "description": repo.description, "fork": False, "url": url,
        **{f"{link}_url": f"{url}/{link}" for link in _REPOSITORY_LINKS},
        "git_url": f"git:{html.partition(':')[2]}.git", "ssh_url": f"git@lab:{repo.full_name}.git",
        "clone_url": f"{html}.git", "svn_url": html, **count, **nothing, **has,
        "has_pages": False, "has_discussions": False, "archived": repo.archived, "disabled": False,
        "created_at": repo.created_at, "updated_at": repo.created_at, "pushed_at": repo.created_at,
        "default_branch": repo.bare.default_branch(), "allow_auto_merge": repo.allow_auto_merge,
        "permissions": {
            "admin": may == "admin", "maintain": may == "admin", "push": may in ("write", "admin"),
            "triage": may in ("write", "admin"), "pull": may is not None,
        },
    }  # fmt: skip


def _git_user(person: git.Person) -> dict[str, str]:
    return {"name": person.name, "email": person.email, "date": iso(person.date)}


def commit(base: str, repo: Repository, found: git.Commit) -> dict[str, Any]:
    """Return a commit; `author` and `committer` are null, as for addresses that belong to no account."""
    url = f"{base}/repos/{repo.full_name}"
    return {
        "sha": found.oid, "node_id": node_id("C", repo.id, found.oid), "url": f"{url}/commits/{found.oid}",
        "html_url": f"{base}/{repo.full_name}/commit/{found.oid}",
        "comments_url": f"{url}/commits/{found.oid}/comments", "author": None, "committer": None,
        "commit": {
            "author": _git_user(found.author), "committer": _git_user(found.committer),
            "message": found.message.rstrip("\n"), "tree": {"sha": found.tree, "url": f"{url}/git/trees/{found.tree}"},
            "url": f"{url}/git/commits/{found.oid}", "comment_count": 0,
            "verification": {
                "verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None,
            },
        },
        "parents": [
            {"sha": oid, "url": f"{url}/commits/{oid}", "html_url": f"{base}/{repo.full_name}/commit/{oid}"}
            for oid in found.parents
        ],
    }  # fmt: skip


def reference(base: str, repo: Repository, name: str, oid: str) -> dict[str, Any]:
    """Return a git-ref; *name* in full (`refs/heads/main`)."""
    url, kind = f"{base}/repos/{repo.full_name}", repo.bare.kind(oid) or "commit"
    return {
        "ref": name, "node_id": node_id("REF", repo.id, name), "url": f"{url}/git/{name}",
        "object": {"sha": oid, "type": kind, "url": f"{url}/git/{kind}s/{oid}"},
    }  # fmt: skip


def tree_entry(base: str, repo: Repository, entry: git.Entry) -> dict[str, Any]:
    """Return one row of a git-tree; a submodule has no url and no size."""
    row: dict[str, Any] = {"path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.oid}
    if entry.size is not None:
        row["size"] = entry.size
    if entry.kind != "commit":
        row["url"] = f"{base}/repos/{repo.full_name}/git/{entry.kind}s/{entry.oid}"
    return row


def content(base: str, repo: Repository, ref: str, entry: git.Entry, path: str) -> dict[str, Any]:
    """Return what the contents API says of one entry of a folder."""
    url = f"{base}/repos/{repo.full_name}/contents/{path}?ref={ref}"
    blob = f"{base}/repos/{repo.full_name}/git/{'trees' if entry.kind == 'tree' else 'blobs'}/{entry.oid}"
    html = f"{base}/{repo.full_name}/{'tree' if entry.kind == 'tree' else 'blob'}/{ref}/{path}"
    raw = f"{base}/{repo.full_name}/raw/{ref}/{path}"
    kinds = {"120000": "symlink", "160000": "submodule", "040000": "dir"}
    return {
        "type": kinds.get(entry.mode, "file"), "size": entry.size or 0, "name": path.rsplit("/", 1)[-1],
        "path": path, "sha": entry.oid, "url": url, "git_url": blob, "html_url": html,
        "download_url": raw if entry.kind == "blob" else None,
        "_links": {"self": url, "git": blob, "html": html},
    }  # fmt: skip
