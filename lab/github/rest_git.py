"""REST: trees, blobs, commits and references of the git database."""

from __future__ import annotations

import base64
import time
from typing import Any

from lab.github import git, shapes
from lab.github.access import Refused, not_found
from lab.github.call import Answer, Call
from lab.github.merging import missing_checks
from lab.github.writing import GITHUB, PROTECTION

# https://docs.github.com/rest/git/trees: a recursive tree holds at most 100,000 entries or 7 MB.
TREE_ENTRIES, TREE_BYTES = 100_000, 7 * 1000 * 1000


def tree(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/git/trees/{tree_sha}: any value of `recursive` means recursive."""
    repo, name = call.repository, call.parts["sha"]
    refuse_empty(call)
    oid = name if git.OID.fullmatch(name) and repo.bare.kind(name) == "tree" else call.commit(name)
    if oid is None:
        raise not_found()
    recursive = "recursive" in call.query
    rows: list[dict[str, Any]] = []
    truncated, size = False, 0
    for entry in repo.bare.entries(oid, recursive=recursive):
        row = shapes.tree_entry(call.base, repo, entry)
        size += len(entry.path) + 200
        if recursive and (len(rows) >= TREE_ENTRIES or size > TREE_BYTES):
            truncated = True
            break
        rows.append(row)
    sha = repo.bare.ask("rev-parse", f"{oid}^{{tree}}")
    url = f"{call.base}/repos/{repo.full_name}/git/trees/{sha}"
    return Answer(200, {"sha": sha, "url": url, "tree": rows, "truncated": truncated})


def blob(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/git/blobs/{sha}: base64 in JSON, or the bytes for the raw media type."""
    repo, oid = call.repository, call.parts["sha"]
    refuse_empty(call)
    if not git.OID.fullmatch(oid):
        raise Refused(422, "The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
    if repo.bare.kind(oid) != "blob":
        raise not_found()
    content = repo.bare.blob(oid)
    if call.wants("raw"):
        return Answer(200, content, {"content-type": "application/vnd.github.raw+json; charset=utf-8"})
    return Answer(200, {
        "sha": oid, "node_id": shapes.node_id("B", repo.id, oid), "size": len(content),
        "url": f"{call.base}/repos/{repo.full_name}/git/blobs/{oid}",
        "content": base64.encodebytes(content).decode(), "encoding": "base64",
    })  # fmt: skip


def create_blob(call: Call) -> Answer:
    """POST /repos/{owner}/{repo}/git/blobs"""
    refuse_empty(call)
    (content,) = call.fields("content")
    encoded = call.json().get("encoding") == "base64"
    oid = call.repository.bare.write_blob(base64.b64decode(content) if encoded else content.encode())
    return Answer(201, {"sha": oid, "url": f"{call.base}/repos/{call.repository.full_name}/git/blobs/{oid}"})


def create_tree(call: Call) -> Answer:
    """POST /repos/{owner}/{repo}/git/trees: a row has `content`, `sha`, or `sha: null` to delete."""
    refuse_empty(call)
    bare = call.repository.bare
    (rows,) = call.fields("tree")
    changes: dict[str, tuple[str, str] | None] = {}
    for row in rows:
        if "content" in row:
            changes[row["path"]] = (row["mode"], bare.write_blob(row["content"].encode()))
        else:
            changes[row["path"]] = (row["mode"], row["sha"]) if row["sha"] else None
    try:
        sha = bare.write_tree(call.json().get("base_tree"), changes)
    except git.GitError:
        raise Refused(422, "GitRPC::BadObjectState") from None
    made = [shapes.tree_entry(call.base, call.repository, entry) for entry in bare.entries(sha)]
    url = f"{call.base}/repos/{call.repository.full_name}/git/trees/{sha}"
    return Answer(201, {"sha": sha, "url": url, "tree": made, "truncated": False})


def create_commit(call: Call) -> Answer:
    """POST /repos/{owner}/{repo}/git/commits: without author it is the token's owner, committed by GitHub."""
    refuse_empty(call)
    bare, viewer, body = call.repository.bare, call.viewer, call.json()
    message, tree_oid = call.fields("message", "tree")
    parents = body.get("parents", [])
    if any(bare.kind(oid) != "commit" for oid in parents) or bare.kind(tree_oid) != "tree" or viewer is None:
        raise Refused(422, "Tree SHA or a parent SHA does not exist")
    date = f"{int(time.time())} +0000"
    owner = git.Person(viewer.login, viewer.email, date)
    given = body.get("author")
    author = git.Person(given["name"], given["email"], date) if given else owner
    committer = author if given or viewer.kind in ("pat", "fine-grained") else git.Person(*GITHUB, date)
    made = bare.commit(bare.write_commit(tree_oid, parents, message, author, committer))
    shape = shapes.commit(call.base, call.repository, made)
    inner = {key: shape["commit"][key] for key in ("author", "committer", "message", "tree", "verification", "url")}
    return Answer(201, {key: shape[key] for key in ("sha", "node_id", "html_url", "parents")} | inner)


def reference(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/git/ref/{ref}: exactly this reference."""
    refuse_empty(call)
    name = f"refs/{call.parts['ref']}"
    oid = call.world.faults.seen(call.repository.id, name, call.repository.bare.reference(name))
    if oid is None:
        raise not_found()
    return Answer(200, shapes.reference(call.base, call.repository, name, oid))


def matching(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/git/matching-refs/{ref}: every reference whose name begins so."""
    refuse_empty(call)
    found = call.repository.bare.references("refs/")
    wanted = f"refs/{call.parts['ref']}"
    return Answer(200, [shapes.reference(call.base, call.repository, name, oid)
                        for name, oid in found.items() if name.startswith(wanted)])  # fmt: skip


def create_reference(call: Call) -> Answer:
    """POST /repos/{owner}/{repo}/git/refs"""
    refuse_empty(call)
    name, oid = call.fields("ref", "sha")
    bare = call.repository.bare
    if not name.startswith("refs/") or name.count("/") < 2 or bare.ask("check-ref-format", name) is None:
        raise Refused(422, "Reference name must start with 'refs/' and have at least two slashes")
    if not git.OID.fullmatch(oid) or bare.kind(oid) is None:
        raise Refused(422, "Object does not exist")
    try:
        call.world.move(call.repository, name, oid, git.ZERO)
    except git.HeadMoved:
        raise Refused(422, "Reference already exists") from None
    return Answer(201, shapes.reference(call.base, call.repository, name, oid))


def update_reference(call: Call) -> Answer:
    """PATCH /repos/{owner}/{repo}/git/refs/{ref}: a fast-forward unless `force`."""
    name, (oid,) = f"refs/{call.parts['ref']}", call.fields("sha")
    bare, body = call.repository.bare, call.json()
    old = bare.reference(name)
    if old is None:
        raise Refused(422, "Reference does not exist")
    if not git.OID.fullmatch(oid) or bare.kind(oid) is None:
        raise Refused(422, "Object does not exist")
    _refuse_protected(call, name)
    if not body.get("force") and not bare.is_ancestor(old, oid):
        raise Refused(422, "Update is not a fast forward")
    _refuse_checks(call, name, oid)
    call.world.move(call.repository, name, oid, old)
    return Answer(200, shapes.reference(call.base, call.repository, name, oid))


def delete_reference(call: Call) -> Answer:
    """DELETE /repos/{owner}/{repo}/git/refs/{ref}"""
    name = f"refs/{call.parts['ref']}"
    if call.repository.bare.reference(name) is None:
        raise Refused(422, "Reference does not exist")
    _refuse_protected(call, name)
    if name == f"refs/heads/{call.repository.bare.default_branch()}":
        raise Refused(422, "Cannot delete the default branch")
    call.repository.bare.delete(name)
    return Answer(204)


def _refuse_protected(call: Call, name: str) -> None:
    kind: Any = call.repository.protected.get(name.removeprefix("refs/heads/"))
    if call.viewer and call.viewer.login in call.repository.bypass:
        return
    if kind == "branch-protection":
        raise Refused(422, "Reference update failed")
    if kind:
        raise Refused(422, PROTECTION[kind][1].rstrip())


def _refuse_checks(call: Call, name: str, oid: str) -> None:
    """Required checks stand in the way of a direct move too, unless the commit has passed them."""
    missing = missing_checks(call.repository, name.removeprefix("refs/heads/"), oid)
    if missing and not (call.viewer and call.viewer.login in call.repository.bypass):
        raise Refused(422, f'Required status check "{missing[0]}" is expected.')


def refuse_empty(call: Call) -> None:
    """Raise Refused 409 for a repository without any commit."""
    if not call.repository.bare.references():
        raise Refused(409, "Git Repository is empty.")
