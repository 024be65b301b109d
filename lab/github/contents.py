"""REST: writing one file, which is the one way to give an empty repository its first commit."""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any

from lab.github import git, shapes
from lab.github.access import Refused, not_found
from lab.github.call import Answer, Call
from lab.github.writing import GITHUB, PROTECTION


def put(call: Call) -> Answer:
    """PUT /repos/{owner}/{repo}/contents/{path}: one commit; an existing file is replaced only with its `sha`."""
    repo, path, viewer = call.repository, call.parts["path"].strip("/"), call.viewer
    message, encoded = call.fields("message", "content")
    body = call.json()
    branch = str(body.get("branch") or repo.bare.default_branch())
    head = repo.bare.reference(f"refs/heads/{branch}")
    if viewer is None or (head is None and repo.bare.references()):
        raise not_found() if viewer is None else Refused(404, f"Branch {branch} not found")
    there = repo.bare.entry(head, path) if head else None
    _refuse(call, branch, there, body.get("sha"))
    tree = repo.bare.write_tree(
        head, {path: (there.mode if there else "100644", repo.bare.write_blob(_bytes(encoded)))}
    )
    date = f"{int(time.time())} +0000"
    author, committer = git.Person(viewer.login, viewer.email, date), git.Person(*GITHUB, date)
    new = repo.bare.write_commit(tree, [head] if head else [], message, author, committer)
    call.world.move(repo, f"refs/heads/{branch}", new, head or git.ZERO)
    return Answer(200 if there else 201, _told(call, branch, path, new))


def _bytes(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(422, "content is not valid Base64") from None


def _refuse(call: Call, branch: str, there: git.Entry | None, sha: Any) -> None:
    kind = call.repository.protected.get(branch)
    if kind and call.viewer and call.viewer.login not in call.repository.bypass:
        raise Refused(409, PROTECTION[kind][1].rstrip())
    if there and not sha:
        raise Refused(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if there and sha != there.oid:
        raise Refused(409, f"{call.parts['path']} does not match {sha}")


def _told(call: Call, branch: str, path: str, new: str) -> dict[str, Any]:
    repo = call.repository
    entry = repo.bare.entry(new, path)
    made = shapes.commit(call.base, repo, repo.bare.commit(new))
    inner = {key: made["commit"][key] for key in ("author", "committer", "message", "tree", "verification", "url")}
    return {
        "content": shapes.content(call.base, repo, branch, entry, path) if entry else None,
        "commit": {key: made[key] for key in ("sha", "node_id", "html_url", "parents")} | inner,
    }
