"""Commits made by GitHub itself: what createCommitOnBranch does to a branch."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.github import git
from lab.github.access import can_write, denial
from lab.github.state import Repository, Viewer
from lab.github.world import World

GITHUB = ("GitHub", "noreply@github.com")

_PULL_REQUEST = "Changes must be made through a pull request."
_VIOLATION = "Repository rule violations found\n\n"
# Kind of protection -> (GraphQL error type, text). The type of a ruleset's refusal is not documented.
PROTECTION = {
    "branch-protection": ("BRANCH_PROTECTION_RULE_VIOLATION", _PULL_REQUEST),
    "ruleset": ("UNPROCESSABLE", f"{_VIOLATION}{_PULL_REQUEST}\n\n"),
    "merge-queue": ("UNPROCESSABLE", f"{_VIOLATION}Changes must be made through the merge queue\n\n"),
}


class Failed(Exception):
    """A GraphQL error: *type* as GitHub names it (None where it gives none) and its message."""

    def __init__(self, type: str | None, message: str) -> None:
        super().__init__(message)
        self.type, self.message = type, message


@dataclass(frozen=True)
class Request:
    """The input of createCommitOnBranch after its branch was found; contents are decoded."""

    branch: str
    expected: str
    message: str
    additions: Mapping[str, bytes]
    deletions: Sequence[str]


def request(given: Mapping[str, Any], branch: str) -> Request:
    """Read the mutation's input. Raises Failed."""
    changes = given.get("fileChanges") or {}
    # An explicit null passes the schema's validation and then breaks GitHub's own code.
    if any(changes.get(key, ()) is None for key in ("additions", "deletions")):
        raise Failed(None, "Something went wrong while executing your query. Please include `LAB` when reporting.")
    additions, deletions = changes.get("additions", ()), [row["path"] for row in changes.get("deletions", ())]
    paths = [row["path"] for row in additions] + deletions
    for path in paths:
        _check_path(path, paths)
    message = given["message"]
    text = message["headline"] + (f"\n\n{message['body']}" if message.get("body") else "")
    contents = {row["path"]: _decode(row["path"], row["contents"]) for row in additions}
    return Request(branch, given["expectedHeadOid"], text, contents, deletions)


def _check_path(path: str, paths: Sequence[str]) -> None:
    parts = path.split("/")
    if not path or any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise Failed("UNPROCESSABLE", f"The path {path!r} is malformed")
    if paths.count(path) > 1:
        raise Failed("UNPROCESSABLE", f"The path {path!r} is given more than once")


def _decode(path: str, contents: str) -> bytes:
    try:
        return base64.b64decode(contents, validate=True)
    except (binascii.Error, ValueError):
        raise Failed("UNPROCESSABLE", f"The contents of {path!r} are not valid base64") from None


def check_writable(repository: Repository, viewer: Viewer | None) -> None:
    """Raise Failed FORBIDDEN or UNPROCESSABLE where the viewer may not write or the repository is archived."""
    if not can_write(viewer, repository):
        raise Failed("FORBIDDEN", denial(viewer).message)
    if repository.archived:
        raise Failed("UNPROCESSABLE", "Repository was archived so is read-only.")


def commit_on_branch(world: World, repository: Repository, viewer: Viewer, asked: Request) -> str:
    """Append one commit to a branch and return its id; author is the token's owner, committer GitHub.

    Only a branch that is at `expectedHeadOid` is changed. Raises Failed with GitHub's types and texts.
    """
    bare, reference = repository.bare, f"refs/heads/{asked.branch}"
    head = bare.reference(reference)
    if head is None:
        raise Failed("NOT_FOUND", f"Could not resolve to a branch with the name '{asked.branch}'.")
    if head != asked.expected:
        # Two blanks, as GitHub writes it.
        text = f'Expected branch to point to "{asked.expected}" but it did not.  Pull and try again.'
        raise Failed("STALE_DATA", text)
    _refuse_protected(repository, viewer, asked.branch)
    _refuse_workflows(viewer, [*asked.additions, *asked.deletions])
    tree = _tree(bare, head, asked)
    date = f"{int(time.time())} +0000"
    author = git.Person(viewer.login, viewer.email, date)
    new = bare.write_commit(tree, [head], asked.message, author, git.Person(*GITHUB, date))
    try:
        world.move(repository, reference, new, head)
    except git.HeadMoved as moved:
        raise Failed(None, str(moved)) from None
    return new


def _refuse_protected(repository: Repository, viewer: Viewer, branch: str) -> None:
    if viewer.login in repository.bypass:
        return
    if branch in repository.protected:
        raise Failed(*PROTECTION[repository.protected[branch]])
    # A commit that does not exist yet can have passed no check.
    if repository.required.get(branch):
        text = f'Required status check "{repository.required[branch][0]}" is expected.'
        raise Failed("BRANCH_PROTECTION_RULE_VIOLATION", text)


def _refuse_workflows(viewer: Viewer, paths: Sequence[str]) -> None:
    """Workflow files take a right of their own (GitHub, "Permissions required for fine-grained tokens")."""
    touched = [path for path in paths if path.startswith(".github/workflows/")]
    held = "workflow" in viewer.scopes if viewer.kind == "pat" else (viewer.permissions or {}).get("workflows")
    if touched and not held:
        right = "scope" if viewer.kind == "pat" else "permission"
        name = "workflow" if viewer.kind == "pat" else "workflows"
        raise Failed("FORBIDDEN", f"refusing to allow this token to create or update workflow `{touched[0]}` "
                                  f"without `{name}` {right}")  # fmt: skip


def _tree(bare: git.Bare, head: str, asked: Request) -> str:
    changes: dict[str, tuple[str, str] | None] = {}
    for path in asked.deletions:
        there = bare.entry(head, path)
        if there is None or there.kind == "tree":
            raise Failed("UNPROCESSABLE", f"The path {path!r} to delete does not exist")
        changes[path] = None
    for path, contents in asked.additions.items():
        there = bare.entry(head, path)
        if there and there.kind != "blob":
            raise Failed("UNPROCESSABLE", f"The path {path!r} is not a file")
        if any(_is_file(bare, head, folder) and folder not in changes for folder in _folders(path)):
            raise Failed("UNPROCESSABLE", f"The path {path!r} lies below a file")
        changes[path] = (there.mode if there else "100644", bare.write_blob(contents))
    try:
        return bare.write_tree(head, changes)
    except git.GitError as error:
        raise Failed("UNPROCESSABLE", f"The changes make no tree: {error}") from None


def _folders(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _is_file(bare: git.Bare, head: str, path: str) -> bool:
    entry = bare.entry(head, path)
    return entry is not None and entry.kind != "tree"
