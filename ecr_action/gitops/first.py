"""The first commit of an empty repository: what GitHub's API can't do with several files, it can with one."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

from ecr_action.github.answers import ApiError
from ecr_action.gitops_protocols import Stale

# What GitHub itself begins a repository with ("Initialize this repository with a README").
README = "README.md"


class Api(Protocol):
    """The call that is made here; it raises ApiError."""

    def put(self, path: str, body: Mapping[str, Any]) -> Any: ...


def begin(api: Api, repository: str, branch: str, changes: Mapping[str, bytes]) -> None:
    """Give *repository* (``owner/name``) its first commit, on *branch* (empty: the default one): a README.

    The files of *changes* then follow in one commit of their own, all or none of them; a README that is one of them is
    the first commit's. createCommitOnBranch needs a branch with a commit, and so does the API of git's objects, which
    answers 409 (REST reference, "Create or update file contents", "Git trees"). Raises Stale where somebody else has
    begun the repository meanwhile, else ApiError.
    """
    content = changes.get(README, f"# {repository.rpartition('/')[2]}\n".encode())
    body = {"message": "Initial commit", "content": base64.b64encode(content).decode()}
    try:
        api.put(f"/repos/{repository}/contents/{quote(README)}", {**body, **({"branch": branch} if branch else {})})
    except ApiError as error:
        # 409: the branch moved at this moment. 422: the file is there, and its id would have to be given.
        if error.status == 409 or (error.status == 422 and "sha" in error.message):
            raise Stale("it has its first commit now") from error
        raise
