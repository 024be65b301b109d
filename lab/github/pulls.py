"""REST: pull requests made, listed, changed, merged, and their labels."""

from __future__ import annotations

from typing import Any

from lab.github import merging
from lab.github.access import Refused, not_found
from lab.github.call import Answer, Call
from lab.github.pull_shapes import label, whole
from lab.github.pull_shapes import shape as shape
from lab.github.state import Repository, now


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
    if repo.bare.merge_base(str(head_sha), str(base_sha)) is None:
        raise _invalid(_custom(f"The {head} branch has no history in common with {base}"))
    pull = {
        "id": call.world.state.take_id(), "number": len(repo.pulls) + 1, "title": title, "body": body.get("body"),
        "head": head, "base": base, "head_sha": head_sha, "state": "open", "draft": bool(body.get("draft")),
        "login": viewer.login if viewer else "ghost", "created_at": now(), "updated_at": now(),
        "closed_at": None, "merged_at": None, "merge_commit_sha": None, "labels": [], "auto_merge": None,
    }  # fmt: skip
    repo.pulls.append(pull)
    call.world.state.save()
    return Answer(201, whole(call, pull))


def listing(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/pulls: newest first; `state`, `head` (`owner:branch`), `base`."""
    query, repo = call.query, call.repository
    state, head = query.get("state", "open"), query.get("head", "")
    # A head without its owner is no filter: GitHub then answers with all of them.
    wanted = head.partition(":")[2] if ":" in head else None
    foreign = ":" in head and head.partition(":")[0].lower() != repo.owner.lower()
    found = [
        pull for pull in reversed(repo.pulls)
        if state in ("all", pull["state"])
        and wanted in (None, pull["head"]) and not foreign
        and query.get("base") in (None, pull["base"])
    ]  # fmt: skip
    if query.get("sort", "created") == "created" and query.get("direction") == "asc":
        found.reverse()
    page, size = call.page()
    return Answer(200, [shape(call, pull) for pull in found[(page - 1) * size : page * size]])


def one(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/pulls/{number}"""
    return Answer(200, whole(call, find(call)))


def of_commit(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls: open or merged ones whose commits hold this one."""
    oid = call.commit(call.parts["ref"])
    if oid is None:
        raise Refused(422, f"No commit found for SHA: {call.parts['ref']}")
    found = [pull for pull in call.repository.pulls if merging.holds(call.repository, pull, oid)]
    return Answer(200, [shape(call, pull) for pull in reversed(found)])


def update(call: Call) -> Answer:
    """PATCH /repos/{owner}/{repo}/pulls/{number}: title, body, state, base."""
    repo, pull, body = call.repository, find(call), call.json()
    if body.get("state") == "open" and pull["state"] == "closed":
        refuse_reopening(repo, pull)
    if "base" in body and repo.bare.reference(f"refs/heads/{body['base']}") is None:
        raise _invalid({"resource": "PullRequest", "field": "base", "code": "invalid"})
    for key in ("title", "body", "state", "base"):
        if key in body:
            pull[key] = body[key]
    pull.update(updated_at=now(), closed_at=None if pull["state"] == "open" else pull["closed_at"] or now())
    if pull["state"] == "closed":
        pull["auto_merge"] = None
    call.world.state.save()
    return Answer(200, whole(call, pull))


def refuse_reopening(repo: Repository, pull: dict[str, Any]) -> None:
    """Raise Refused 422 where a closed pull request has to stay closed."""
    head, base = merging.ends(repo, pull)
    if pull["merged_at"] is not None:
        raise _invalid(_custom("state cannot be changed. The pull request is merged."))
    if head is None:
        raise _invalid(_custom(f"state cannot be changed. The {pull['head']} branch has been deleted."))
    if pull.get("closed_for_good") or base is None or repo.bare.is_ancestor(head, base):
        raise _invalid(_custom(f"state cannot be changed. There are no new commits on the {pull['head']} branch."))
    if not repo.bare.is_ancestor(pull["head_sha"], head):
        raise _invalid(
            _custom(f"state cannot be changed. The {pull['head']} branch was force-pushed or recreated."))  # fmt: skip
    if any(p["state"] == "open" and (p["head"], p["base"]) == (pull["head"], pull["base"]) for p in repo.pulls):
        raise _invalid(_custom(f"A pull request already exists for {repo.owner}:{pull['head']}."))


def merge(call: Call) -> Answer:
    """PUT /repos/{owner}/{repo}/pulls/{number}/merge: `sha`, `merge_method`, `commit_title`, `commit_message`."""
    repo, pull, body = call.repository, find(call), call.json()
    method = body.get("merge_method", "merge")
    if body.get("sha") and body["sha"] != pull["head_sha"]:
        raise Refused(409, "Head branch was modified. Review and try the merge again.")
    if why := merging.refusal(repo, pull, method):
        raise Refused(405, why)
    title, text = body.get("commit_title"), body.get("commit_message")
    message = "\n\n".join(part for part in (title, text) if part) or None
    login = call.viewer.login if call.viewer else "ghost"
    made = merging.perform(call.world, repo, pull, login, method, message)
    return Answer(200, {"sha": made, "merged": True, "message": "Pull Request successfully merged"})


def is_merged(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/pulls/{number}/merge: 204, or 404."""
    if find(call)["merged_at"] is None:
        raise not_found()
    return Answer(204)


def labels(call: Call) -> Answer:
    """GET, POST, PUT /repos/{owner}/{repo}/issues/{number}/labels: a label that is not there yet is made."""
    pull = find(call)
    if call.method != "GET":
        body = call.list_or_object()
        names = [row if isinstance(row, str) else row["name"]
                 for row in (body if isinstance(body, list) else body.get("labels", []))]  # fmt: skip
        kept = pull["labels"] if call.method == "POST" else []
        pull["labels"] = list(dict.fromkeys([*kept, *names]))
        call.repository.labels = list(dict.fromkeys([*call.repository.labels, *names]))
        call.world.state.save()
    return Answer(200, [label(call, name) for name in pull["labels"]])


def find(call: Call) -> dict[str, Any]:
    """Return the pull request whose number the path has. Raises Refused 404."""
    for pull in call.repository.pulls:
        if str(pull["number"]) == call.parts["number"]:
            return pull
    raise not_found()


def _invalid(error: dict[str, str]) -> Refused:
    return Refused(422, "Validation Failed", [error])


def _custom(message: str) -> dict[str, str]:
    return {"resource": "PullRequest", "code": "custom", "message": message}
