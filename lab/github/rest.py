"""REST: repository, branches, commits, compare, contents, tarball, rules."""

from __future__ import annotations

import base64
import gzip
from typing import Any

from lab.github import git, shapes
from lab.github.access import Refused, not_found
from lab.github.call import Answer, Call
from lab.github.rest_git import refuse_empty

COMPARE_COMMITS, COMPARE_FILES = 250, 300
CONTENTS_JSON_BYTES, CONTENTS_FOLDER = 1024 * 1024, 1000


def repository(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}"""
    return Answer(200, shapes.repository(call.base, call.repository, call.viewer))


def branch(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/branches/{branch}"""
    repo, name = call.repository, call.parts["branch"]
    oid = call.world.head(repo, name)
    if oid is None:
        raise Refused(404, "Branch not found")
    url = f"{call.base}/repos/{repo.full_name}/branches/{name}"
    needed = repo.required.get(name, [])
    by_rule = repo.protected.get(name) == "branch-protection"
    return Answer(200, {
        "name": name, "commit": shapes.commit(call.base, repo, repo.bare.commit(oid)),
        "_links": {"self": url, "html": f"{call.base}/{repo.full_name}/tree/{name}"},
        "protected": name in repo.protected or bool(needed), "protection_url": f"{url}/protection",
        "protection": {
            "enabled": by_rule,
            "required_status_checks": {
                "enforcement_level": "everyone" if needed else "off", "contexts": needed,
                "checks": [{"context": name, "app_id": None} for name in needed],
            },
        },
    })  # fmt: skip


def commit(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/commits/{ref}"""
    repo = call.repository
    refuse_empty(call)
    oid = call.commit(call.parts["ref"])
    if oid is None:
        raise Refused(422, f"No commit found for SHA: {call.parts['ref']}")
    if call.wants("sha"):
        return Answer(200, oid.encode(), {"content-type": "application/vnd.github.sha; charset=utf-8"})
    found = repo.bare.commit(oid)
    base = found.parents[0] if found.parents else repo.bare.write_tree(None, {})
    files = _files(call, base, oid)
    added, deleted = sum(file["additions"] for file in files), sum(file["deletions"] for file in files)
    stats = {"additions": added, "deletions": deleted, "total": added + deleted}
    return Answer(200, shapes.commit(call.base, repo, found) | {"stats": stats, "files": files[:COMPARE_FILES]})


def commits(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/commits: newest first; `sha`, `path`, `since`, `until`."""
    refuse_empty(call)
    repo, query = call.repository, call.query
    name = query.get("sha") or repo.bare.default_branch()
    oid = call.commit(name)
    if oid is None:
        raise not_found()
    times = [f"--{key}={query[key]}" for key in ("since", "until") if key in query]
    page, size = call.page()
    found = repo.bare.history(*times, oid, path=query.get("path"))[(page - 1) * size : page * size]
    return Answer(200, [shapes.commit(call.base, repo, one) for one in repo.bare.commits(found)])


def compare(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/compare/{base}...{head}: files on page 1 only, commits oldest first."""
    repo, bare = call.repository, call.repository.bare
    names = call.parts["basehead"].split("...")
    ends = [call.commit(name.removeprefix(f"{repo.owner}:")) for name in names]
    if len(ends) != 2 or ends[0] is None or ends[1] is None:
        raise not_found()
    base, head = ends[0], ends[1]
    merge_base = bare.merge_base(base, head)
    if merge_base is None:
        raise Refused(404, f"No common ancestor between {names[0]} and {names[1]}.")
    ahead, behind = bare.history(head, f"^{base}")[::-1], len(bare.history(base, f"^{head}"))
    shown, first_page = _compare_page(call, ahead)
    commits = bare.commits([base, merge_base, *shown])
    html = f"{call.base}/{repo.full_name}/compare/{names[0]}...{names[1]}"
    answer = {
        "url": f"{call.base}/repos/{repo.full_name}/compare/{names[0]}...{names[1]}", "html_url": html,
        "permalink_url": f"{call.base}/{repo.full_name}/compare/{repo.owner}:{base[:7]}...{repo.owner}:{head[:7]}",
        "diff_url": f"{html}.diff", "patch_url": f"{html}.patch",
        "base_commit": shapes.commit(call.base, repo, commits[0]),
        "merge_base_commit": shapes.commit(call.base, repo, commits[1]),
        "status": _status(len(ahead), behind), "ahead_by": len(ahead), "behind_by": behind,
        "total_commits": len(ahead), "commits": [shapes.commit(call.base, repo, c) for c in commits[2:]],
    }  # fmt: skip
    if first_page:
        answer["files"] = _files(call, merge_base, head)[:COMPARE_FILES]
    return Answer(200, answer)


def _compare_page(call: Call, commits: list[str]) -> tuple[list[str], bool]:
    if "page" not in call.query and "per_page" not in call.query:
        return commits[:COMPARE_COMMITS], True
    page, size = call.page()
    return commits[(page - 1) * size : page * size], page == 1


def _status(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    return "ahead" if ahead else "behind" if behind else "identical"


_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}


def _files(call: Call, old: str, new: str) -> list[dict[str, Any]]:
    repo, bare = call.repository, call.repository.bare
    raw = bare.run("diff-tree", "-r", "-z", "-M", "--raw", "--numstat", "--no-commit-id", old, new).decode(
        errors="surrogateescape"
    )
    fields, changes = raw.split("\0"), []
    while fields and fields[0].startswith(":"):
        row = fields.pop(0).split()
        names = [fields.pop(0) for _ in range(2 if row[4][0] in "RC" else 1)]
        changes.append((row, names))
    counts = {}
    while fields and fields[0]:
        added, deleted, name = fields.pop(0).split("\t")
        if not name:
            _, name = fields.pop(0), fields.pop(0)
        counts[name] = tuple(0 if part == "-" else int(part) for part in (added, deleted))
    return [_file(call.base, repo.full_name, new, row, names, counts[names[-1]]) for row, names in changes]


def _file(
    base: str, full_name: str, new: str, row: list[str], names: list[str], count: tuple[int, ...]
) -> dict[str, Any]:
    name, added, deleted = names[-1], *count
    file = {
        "sha": row[3] if row[3] != git.ZERO else row[2], "filename": name, "status": _STATUS[row[4][0]],
        "additions": added, "deletions": deleted, "changes": added + deleted,
        "blob_url": f"{base}/{full_name}/blob/{new}/{name}", "raw_url": f"{base}/{full_name}/raw/{new}/{name}",
        "contents_url": f"{base}/repos/{full_name}/contents/{name}?ref={new}",
    }  # fmt: skip
    return file | ({"previous_filename": names[0]} if len(names) == 2 else {})


def contents(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/contents/{path}: follows symbolic links, as GitHub does without a word."""
    repo, path = call.repository, call.parts.get("path", "").strip("/")
    ref = call.query.get("ref") or repo.bare.default_branch()
    oid = call.commit(ref)
    if oid is None:
        if not repo.bare.references():
            raise Refused(404, "This repository is empty.")
        raise Refused(404, f"No commit found for the ref {ref}")
    entry = _followed(repo.bare, oid, path)
    if path and entry is None:
        raise not_found()
    if entry is None or entry.kind == "tree":
        rows = repo.bare.entries(entry.oid if entry else oid)[:CONTENTS_FOLDER]
        prefix = f"{path}/" if path else ""
        return Answer(200, [shapes.content(call.base, repo, ref, row, prefix + row.path) for row in rows])
    if entry.kind == "commit":
        return Answer(200, shapes.content(call.base, repo, ref, entry, path) | {"submodule_git_url": None})
    data = repo.bare.blob(entry.oid)
    if call.wants("raw"):
        return Answer(200, data, {"content-type": "application/vnd.github.raw+json; charset=utf-8"})
    small = len(data) <= CONTENTS_JSON_BYTES
    text = {"content": base64.encodebytes(data).decode() if small else "", "encoding": "base64" if small else "none"}
    return Answer(200, shapes.content(call.base, repo, ref, entry, path) | text)


def _followed(bare: git.Bare, commit: str, path: str) -> git.Entry | None:
    entry = bare.entry(commit, path) if path else None
    if entry and entry.mode == "120000":
        folder = path.rsplit("/", 1)[0] + "/" if "/" in path else ""
        parts: list[str] = []
        for part in (folder + bare.blob(entry.oid).decode(errors="replace")).split("/"):
            if part == "..":
                parts = parts[:-1]
            elif part not in ("", "."):
                parts.append(part)
        return bare.entry(commit, "/".join(parts)) or entry
    return entry


def tarball(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/tarball/{ref}: a redirect to a link that is good for 5 minutes."""
    repo = call.repository
    oid = call.commit(call.parts.get("ref") or repo.bare.default_branch())
    if oid is None:
        raise not_found()
    ticket = call.world.ticket(repo, oid)
    link = f"{call.base}/_codeload/{repo.full_name}/legacy.tar.gz/{oid}?token={ticket}"
    return Answer(302, None, {"location": link})


def codeload(call: Call) -> Answer:
    """Answer a tarball link: `git archive`, attributes honoured, under the folder `owner-repo-<sha7>`."""
    full_name, oid, until = call.world.tickets.get(call.query.get("token", ""), ("", "", 0.0))
    repo = call.world.state.repository(full_name) if call.world.clock.now() < until else None
    if repo is None:
        return Answer(404, b"404: Not Found", {"content-type": "text/plain"})
    folder = f"{repo.owner}-{repo.name}-{oid[:7]}"
    archive = repo.bare.run("archive", "--format=tar", f"--prefix={folder}/", oid)
    return Answer(200, gzip.compress(archive, 1, mtime=0), {
        "content-type": "application/x-gzip",
        "content-disposition": f"attachment; filename={folder}.tar.gz",
    })  # fmt: skip


def branch_rules(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/rules/branches/{branch}: rules of rulesets only, not classic protection."""
    kind = call.repository.protected.get(call.parts["branch"])
    source = {
        "ruleset_source_type": "Repository", "ruleset_source": call.repository.full_name,
        "ruleset_id": call.repository.id,
    }  # fmt: skip
    review = {
        "allowed_merge_methods": ["merge", "squash", "rebase"], "dismiss_stale_reviews_on_push": False,
        "require_code_owner_review": False, "require_last_push_approval": False,
        "required_approving_review_count": 0, "required_review_thread_resolution": False,
    }  # fmt: skip
    queue = {
        "check_response_timeout_minutes": 60, "grouping_strategy": "ALLGREEN", "max_entries_to_build": 5,
        "max_entries_to_merge": 5, "merge_method": "MERGE", "min_entries_to_merge": 1,
        "min_entries_to_merge_wait_minutes": 5,
    }  # fmt: skip
    checks = [
        {"type": "required_status_checks", **source, "parameters": {
            "strict_required_status_checks_policy": False,
            "required_status_checks": [{"context": name} for name in call.repository.required[call.parts["branch"]]]}}
    ] if kind != "branch-protection" and call.repository.required.get(call.parts["branch"]) else []  # fmt: skip
    rules = {
        "ruleset": [{"type": "pull_request", "parameters": review, **source}],
        "merge-queue": [{"type": "merge_queue", "parameters": queue, **source}],
    }
    return Answer(200, [*rules.get(kind or "", []), *checks])
