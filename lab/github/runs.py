"""REST: workflow runs of a commit, and its check runs, as a test has set them."""

from __future__ import annotations

from typing import Any

from lab.github import shapes
from lab.github.access import not_found
from lab.github.call import Answer, Call
from lab.github.state import now

STATUSES = ("queued", "in_progress", "completed", "requested", "waiting", "pending")


def listing(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/actions/runs: newest first; `head_sha`, `status` (or conclusion), `branch`, `event`."""
    query = call.query
    found = [
        run for run in reversed(call.repository.runs)
        if query.get("head_sha") in (None, run["head_sha"]) and query.get("event") in (None, run.get("event", "push"))
        and query.get("branch") in (None, run.get("head_branch", "main"))
        and query.get("status") in (None, run.get("status", "completed"), run.get("conclusion"))
    ]  # fmt: skip
    page, size = call.page()
    shown = found[(page - 1) * size : page * size]
    return Answer(200, {"total_count": len(found), "workflow_runs": [_run(call, run) for run in shown]})


def one(call: Call) -> Answer:
    """GET /repos/{owner}/{repo}/actions/runs/{run_id}"""
    for run in call.repository.runs:
        if str(run["id"]) == call.parts["run"]:
            return Answer(200, _run(call, run))
    raise not_found()


def _run(call: Call, run: dict[str, Any]) -> dict[str, Any]:
    repo = call.repository
    api, html = f"{call.base}/repos/{repo.full_name}", f"{call.base}/{repo.full_name}/actions/runs/{run['id']}"
    url, workflow = f"{api}/actions/runs/{run['id']}", f"{api}/actions/workflows/1"
    found = repo.bare.commit(run["head_sha"]) if repo.bare.kind(run["head_sha"]) == "commit" else None
    actor = shapes.user(call.base, run.get("actor", "ada"), call.world.state.account_id(run.get("actor", "ada")))
    minimal = shapes.repository(call.base, repo, call.viewer)
    links = ("jobs", "logs", "artifacts", "cancel", "rerun")
    head = found and {
        "id": found.oid, "tree_id": found.tree, "message": found.message, "timestamp": shapes.iso(found.author.date),
        "author": {"name": found.author.name, "email": found.author.email},
        "committer": {"name": found.committer.name, "email": found.committer.email},
    }  # fmt: skip
    began = run.get("created_at", repo.created_at)
    return {
        "id": run["id"], "name": run.get("name", "CI"), "node_id": shapes.node_id("WFR", run["id"]),
        "head_branch": run.get("head_branch", "main"), "head_sha": run["head_sha"],
        "path": run.get("path", ".github/workflows/ci.yml"), "display_title": run.get("name", "CI"),
        "run_number": run.get("run_number", 1), "run_attempt": run.get("run_attempt", 1),
        "event": run.get("event", "push"), "status": run.get("status", "completed"),
        "conclusion": run.get("conclusion"), "workflow_id": run.get("workflow_id", 1),
        "check_suite_id": run["id"], "check_suite_node_id": shapes.node_id("CS", run["id"]), "url": url,
        "html_url": html, "pull_requests": [], "created_at": began, "updated_at": run.get("updated_at", now()),
        "run_started_at": began, "actor": actor, "triggering_actor": actor,
        **{f"{name}_url": f"{url}/{name}" for name in links}, "previous_attempt_url": None,
        "check_suite_url": f"{api}/check-suites/{run['id']}", "workflow_url": workflow, "head_commit": head,
        "repository": minimal, "head_repository": minimal, "referenced_workflows": [],
    }  # fmt: skip
