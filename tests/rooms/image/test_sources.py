"""A context or a Dockerfile that is not there is told before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ecr_action.image.arguments import BuildRequest
from ecr_action.image.sources import preflight


def told(workspace: Path, **changes: Any) -> str:
    return "\n".join(str(problem) for problem in preflight(BuildRequest(workspace=str(workspace), **changes), {}))


def make(workspace: Path, *paths: str) -> None:
    for path in paths:
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).write_text("FROM scratch\n")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"context": "app"},
        {"context": "app", "file": "Dockerfile"},
        {"file": "app/Dockerfile"},
        {"context": "./app/"},
    ],
)
def test_what_is_there(tmp_path: Path, changes: dict[str, str]) -> None:
    """Nothing is wrong with a context and a Dockerfile that exist."""
    make(tmp_path, "Dockerfile", "app/Dockerfile")
    assert told(tmp_path, **changes) == ""


def test_no_dockerfile(tmp_path: Path) -> None:
    """The path looked at, and those that are near, the nearest first."""
    make(tmp_path, "app/deep/Dockerfile", "docker/Dockerfile.prod", "dockerfile", "node_modules/x/Dockerfile")
    make(tmp_path, "a.dockerignore", "Dockerfile.prod.dockerignore")
    assert told(tmp_path) == (
        f"context leads to the Dockerfile 'Dockerfile', which is not there (looked for {tmp_path}/Dockerfile). "
        "Did you mean one of these?\n"
        "file: dockerfile\nfile: docker/Dockerfile.prod\nfile: app/deep/Dockerfile"
    )


def test_a_file_that_belongs_to_the_context(tmp_path: Path) -> None:
    """``file`` begins at the workspace, which is said by the path to write."""
    make(tmp_path, "app/prod.Dockerfile")
    said = told(tmp_path, context="app", file="prod.Dockerfile")
    assert said.startswith("file names the Dockerfile 'prod.Dockerfile', which is not there")
    assert said.endswith("Did you mean 'file: app/prod.Dockerfile'?")


def test_no_context(tmp_path: Path) -> None:
    """The folder looked at, and folders with a Dockerfile."""
    make(tmp_path, "services/api/Dockerfile", "README")
    said = told(tmp_path, context="service/api")
    assert said.startswith("context names a folder that is not there: 'service/api'")
    assert f"(looked for {tmp_path}/service/api)" in said
    assert said.endswith("Did you mean 'context: services/api'?")


def test_a_file_for_a_context_and_a_folder_for_a_file(tmp_path: Path) -> None:
    """Each is told as what it is."""
    make(tmp_path, "Dockerfile", "folder/x")
    assert "is a file, not a folder" in told(tmp_path, context="Dockerfile")
    assert "the Dockerfile 'folder', which is a folder" in told(tmp_path, file="folder")


def test_nothing_to_suggest(tmp_path: Path) -> None:
    """A checkout without any Dockerfile is told as that."""
    make(tmp_path, "main.py")
    assert told(tmp_path).endswith("There is no Dockerfile in the checkout.")


def test_no_checkout(tmp_path: Path) -> None:
    """An empty workspace is a missing checkout step, whatever the inputs say."""
    assert "- uses: actions/checkout@v5" in told(tmp_path)
    assert "- uses: actions/checkout@v5" in told(tmp_path / "missing", context="app")
