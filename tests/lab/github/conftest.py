"""One server for all tests of the lab's GitHub; each test has a repository and tokens of its own."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.github import client, setup
from tests.lab.github.checked import Checked

MUTATION = """
mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid author { name email } committer { name } } ref { name } }
}
"""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """A repository of one test, and the server that has it."""

    github: client.GitHub
    full_name: str
    bare: Path
    token: str

    @property
    def api(self) -> str:
        return f"/repos/{self.full_name}"

    def get(self, path: str, **headers: str) -> client.Reply:
        """GET below the repository's API path with the writer's token."""
        return self.github.request("GET", self.api + path, self.token, headers=headers)

    def send(self, method: str, path: str, body: Any) -> client.Reply:
        """Write below the repository's API path with the writer's token."""
        return self.github.request(method, self.api + path, self.token, body)

    def head(self) -> str:
        """The commit of main, read from disk."""
        return setup.head(self.bare)

    def commit(
        self, files: dict[str, str] | None = None, delete: tuple[str, ...] = (), token: str | None = None,
        expected: str | None = None, **changes: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """Call createCommitOnBranch on main (at its present head) and return the whole answer."""
        additions = [
            {"path": path, "contents": base64.b64encode(text.encode()).decode()} for path, text in (files or {}).items()
        ]
        given = {
            "branch": {"repositoryNameWithOwner": self.full_name, "branchName": "main"},
            "expectedHeadOid": expected or self.head(), "message": {"headline": "bump"},
            "fileChanges": {"additions": additions, "deletions": [{"path": path} for path in delete]},
        }  # fmt: skip
        return self.github.graphql(token or self.token, MUTATION, input=given | changes)


@pytest.fixture(scope="session")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[client.GitHub]:
    """The lab's GitHub as a process of its own; every answer is compared with GitHub's documents."""
    with client.running(tmp_path_factory.mktemp("github")) as running:
        yield Checked(running.url, running.state)


@pytest.fixture
def place(github: client.GitHub) -> Iterator[Place]:
    """A private repository with two files, and a token that may write to it."""
    name = f"acme/shop{next(_numbers)}"
    bare = github.repository(name, {"app/deploy.yaml": "image: x\n", "README.md": "hello\n"})
    github.token(f"write-{name}", "ada", {name: "write"})
    yield Place(github, name, bare, f"write-{name}")
    github.clear_faults()


@pytest.fixture
def empty(github: client.GitHub) -> Place:
    """A repository without a commit."""
    name = f"acme/empty{next(_numbers)}"
    bare = github.repository(name)
    github.token(f"write-{name}", "ada", {name: "write"})
    return Place(github, name, bare, f"write-{name}")
