"""What becomes of a pull request: whether it can be merged, the merge itself, auto-merge, and GitHub's closing.

Source: OpenAPI and GraphQL schema ("MergeStateStatus"); texts of the refusals as they are in public threads.
"""

from __future__ import annotations

import time
from typing import Any

from lab.github import git
from lab.github.access import Refused
from lab.github.state import Repository, now
from lab.github.world import World

METHODS = ("merge", "squash")


def settle(world: World, repo: Repository) -> None:
    """Close or merge what the latest move of a branch, or the latest check, decides.

    A head that was forced back into its base is closed for good; a base that took the head in is a merge.
    """
    for pull in repo.pulls:
        if pull["state"] != "open":
            continue
        head, base = ends(repo, pull)
        inside = head is not None and base is not None and repo.bare.is_ancestor(head, base)
        if inside and head == pull["head_sha"]:
            pull.update(state="closed", merged_at=now(), closed_at=now(), merge_commit_sha=base)
        elif head is None or base is None or inside:
            pull.update(state="closed", closed_at=now(), closed_for_good=True, auto_merge=None)
        else:
            pull["head_sha"] = head
    for pull in repo.pulls:
        automatic = pull.get("auto_merge")
        if pull["state"] == "open" and automatic and status(repo, pull) in ("CLEAN", "UNSTABLE"):
            perform(world, repo, pull, automatic["login"], automatic["method"], automatic.get("message"))
    if repo.pulls:
        world.state.save()


def ends(repo: Repository, pull: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the present commits of head and base, None for a branch that is gone."""
    return repo.bare.reference(f"refs/heads/{pull['head']}"), repo.bare.reference(f"refs/heads/{pull['base']}")


def tree_of_merge(repo: Repository, pull: dict[str, Any]) -> str | None:
    """Return the tree that a merge makes, None where it conflicts."""
    head, base = ends(repo, pull)
    if head is None or base is None:
        return None
    merged = repo.bare.ask("merge-tree", "--write-tree", base, head)
    return merged.splitlines()[0] if merged else None


def missing_checks(repo: Repository, branch: str, commit: str) -> list[str]:
    """Return the required checks of *branch* that *commit* has not passed."""
    passed = {name for name, result in repo.checks.get(commit, {}).items() if result in ("success", "skipped")}
    return [name for name in repo.required.get(branch, []) if name not in passed]


def status(repo: Repository, pull: dict[str, Any]) -> str:
    """Return the GraphQL MergeStateStatus of an open pull request."""
    if pull["draft"]:
        return "DRAFT"
    if tree_of_merge(repo, pull) is None:
        return "DIRTY"
    if missing_checks(repo, pull["base"], pull["head_sha"]):
        return "BLOCKED"
    results = repo.checks.get(pull["head_sha"], {}).values()
    return "CLEAN" if all(result in ("success", "skipped", "neutral") for result in results) else "UNSTABLE"


def refusal(repo: Repository, pull: dict[str, Any], method: str) -> str | None:
    """Return why the pull request cannot be merged now, None where it can."""
    if pull["state"] != "open" or pull["draft"] or tree_of_merge(repo, pull) is None:
        return "Pull Request is not mergeable"
    if not allows(repo, method):
        return f"{method.capitalize()} {_plural(method)} are not allowed on this repository."
    if repo.protected.get(pull["base"]) == "merge-queue":
        return "Changes must be made through the merge queue"
    missing = missing_checks(repo, pull["base"], pull["head_sha"])
    if len(missing) > 1:
        return f"{len(missing)} of {len(repo.required[pull['base']])} required status checks are expected."
    return f'Required status check "{missing[0]}" is expected.' if missing else None


def _plural(method: str) -> str:
    return "commits" if method == "merge" else "merges"


def allows(repo: Repository, method: str) -> bool:
    """Tell whether the repository's settings have this merge method (the lab does not rebase)."""
    return {"merge": repo.allow_merge_commit, "squash": repo.allow_squash_merge}.get(method, False)


def perform(
    world: World, repo: Repository, pull: dict[str, Any], login: str, method: str, message: str | None = None
) -> str:
    """Merge, and return the commit that the base is at then. Raises Refused 409 when the base moved meanwhile."""
    head, base = ends(repo, pull)
    tree = tree_of_merge(repo, pull)
    if head is None or base is None or tree is None:
        raise Refused(405, "Pull Request is not mergeable")
    date = f"{int(time.time())} +0000"
    person = git.Person(login, f"{world.state.account_id(login)}+{login}@users.noreply.github.com", date)
    default = f"Merge pull request #{pull['number']} from {repo.owner}/{pull['head']}\n\n{pull['title']}"
    parents = [base, head] if method == "merge" else [base]
    text = message or (default if method == "merge" else f"{pull['title']} (#{pull['number']})")
    made = repo.bare.write_commit(tree, parents, text, person, git.Person("GitHub", "noreply@github.com", date))
    try:
        world.move(repo, f"refs/heads/{pull['base']}", made, base)
    except git.HeadMoved:
        raise Refused(405, "Base branch was modified. Review and try the merge again.") from None
    pull.update(state="closed", merged_at=now(), closed_at=now(), merge_commit_sha=made, merged_by=login)
    if repo.delete_branch_on_merge:
        repo.bare.delete(f"refs/heads/{pull['head']}")
    return made


def automatic_refusal(repo: Repository, pull: dict[str, Any], method: str) -> str | None:
    """Return why auto-merge cannot be switched on, None where it can (GitHub, "Automatically merging")."""
    queue = repo.protected.get(pull["base"]) == "merge-queue"
    if not repo.allow_auto_merge:
        return "Auto merge is not allowed for this repository"
    if pull["state"] != "open":
        return "Pull request Pull request is closed"
    if not queue and not allows(repo, method):
        return f"Merge method {method} {_plural(method)} are not allowed on this repository"
    found = status(repo, pull)
    if found == "DRAFT":
        return "Pull request Pull request is in draft status"
    if found == "DIRTY":
        return "Can't enable auto-merge for this pull request"
    if not queue and not repo.protected.get(pull["base"]) and not repo.required.get(pull["base"]):
        return "Pull request Protected branch rules not configured for this branch"
    if not queue and found in ("CLEAN", "UNSTABLE"):
        return f"Pull request Pull request is in {found.lower()} status"
    return None


def holds(repo: Repository, pull: dict[str, Any], oid: str) -> bool:
    """Tell whether *oid* is one of the pull request's commits, or the commit that it was merged by."""
    if oid == pull["merge_commit_sha"]:
        return True
    base = pull["merge_commit_sha"] or ends(repo, pull)[1]
    if base is None or repo.bare.kind(pull["head_sha"]) is None or not repo.bare.is_ancestor(oid, pull["head_sha"]):
        return False
    before = f"{base}^1" if pull["merge_commit_sha"] and repo.bare.commit(base).parents else base
    return repo.bare.ask("merge-base", "--is-ancestor", oid, before) is None
