"""What `uses:` finds, and what GitHub says to a wrong spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.runner import uses
from lab.runner.action import ActionError
from tests.lab.runner.actions import action

FORMAT = "Expected format {org}/{repo}[/path]@ref. Actual "
NO_FILE = "Can't find 'action.yml', 'action.yaml' or 'Dockerfile' "


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout with an action in `tools/publish`; beside it acme/publish at v1, with another one in `sub`."""
    action(tmp_path / "workspace" / "tools" / "publish", {"run": "true"})
    action(tmp_path / "v1", {"run": "true"})
    action(tmp_path / "v1" / "sub", {"run": "true"})
    return tmp_path / "workspace"


def found(workspace: Path, spelling: str) -> str:
    """The folder that *spelling* names, from the folder of them all."""
    actions = {"acme/publish": {"v1": workspace.parent / "v1"}}
    return str(uses.find(spelling, workspace, actions).relative_to(workspace.parent))


@pytest.mark.parametrize(
    ("spelling", "folder"),
    [("./tools/publish", "workspace/tools/publish"), ("./tools/../tools/publish/", "workspace/tools/publish"),
     ("acme/publish@v1", "v1"), ("Acme/Publish@v1", "v1"), ("acme/publish/sub@v1", "v1/sub")],
)  # fmt: skip
def test_an_action_is_found(workspace: Path, spelling: str, folder: str) -> None:
    """By its path in the checkout, or by repository, folder and ref."""
    assert found(workspace, spelling) == folder


@pytest.mark.parametrize(
    ("spelling", "text"),
    [
        ("acme/publish", FORMAT + "'acme/publish'"),
        ("acme/publish@", FORMAT + "'acme/publish@'"),
        ("publish@v1", FORMAT + "'publish@v1'"),
        ("acme/publish@v1@v2", FORMAT + "'acme/publish@v1@v2'"),
        ("tools/publish", FORMAT + "'tools/publish'"),
        ("acme/publisher@v1", "Unable to resolve action. Repository not found: acme/publisher"),
        ("acme/publish@v9", "Unable to resolve action `acme/publish@v9`, unable to find version `v9`"),
        ("acme/publish@V1", "Unable to resolve action `acme/publish@V1`, unable to find version `V1`"),
        ("acme/publish/none@v1", NO_FILE + "for action 'acme/publish/none@v1'."),
        ("docker://acme/publish", "docker://acme/publish is an image, which this runner does not start"),
    ],
)  # fmt: skip
def test_a_wrong_spelling_is_refused_in_githubs_words(workspace: Path, spelling: str, text: str) -> None:
    """No ref, no owner, no such repository, ref or folder; a path that does not begin with `./` is no path."""
    with pytest.raises(ActionError) as caught:
        found(workspace, spelling)
    assert str(caught.value) == text


def test_a_wrong_path_asks_for_the_checkout(workspace: Path) -> None:
    """The usual reason is that the step before is missing."""
    with pytest.raises(ActionError) as caught:
        found(workspace, "./")
    hint = "Did you forget to run actions/checkout before running your local action?"
    assert str(caught.value) == f"{NO_FILE}under '{workspace}'. {hint}"
