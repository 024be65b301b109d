"""A workflow run by act, offline."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab.github import git
from lab.github.events import example
from lab.runner import act
from tests.lab.runner.actions import action

WORKFLOW = """
on: push
permissions: {id-token: write, contents: read}
jobs:
  publish:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - id: ours
        uses: ./
        with: {name: "${{ secrets.NAME }}"}
      - id: later
        run: |
          echo "$EXTRA" > extra.txt
          echo "said=later ${{ steps.ours.outputs.said }}" >> "$GITHUB_OUTPUT"
          echo "head=$(git rev-parse HEAD)" >> "$GITHUB_OUTPUT"
          echo "extra=$(base64 -w0 extra.txt)" >> "$GITHUB_OUTPUT"
          echo "repository=${{ github.repository }} $GITHUB_API_URL ${{ github.event.ref }}" >> "$GITHUB_OUTPUT"
      - id: foreign
        uses: acme/other@v1
      - id: last
        run: exit ${{ vars.NOTHING || '3' }}
"""
STEP = {
    "env": {"INPUTS": "${{ toJSON(inputs) }}"},
    "run": 'echo "$INPUTS"; echo said=hello >> "$GITHUB_OUTPUT"; echo "# Done" >> "$GITHUB_STEP_SUMMARY"',
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A work tree with the workflow and a composite action at its root."""
    root = action(tmp_path / "repository", STEP)
    (root / ".github" / "workflows").mkdir(parents=True)
    (root / ".github" / "workflows" / "ci.yml").write_text(WORKFLOW)
    for argv in (["init", "-q", "-b", "main"], ["add", "."],
                 ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "first"]):  # fmt: skip
        subprocess.run(["git", "-C", str(root), *argv], check=True, env=git.environment())
    return root


def test_workflow_uses_the_action_and_a_later_step_reads_its_outputs(repository: Path, tmp_path: Path) -> None:
    """`uses: ./` after a checkout works offline; variables and secrets arrive whole, and by file."""
    hostile = "two\nlines 'and' \"quotes\" $HOME `x`"
    other = action(tmp_path / "other", {"run": "echo said=other >> $GITHUB_OUTPUT"})
    result = act.run(
        repository, event="push", payload=example("push", ref="refs/heads/main"), secrets={"NAME": "s3cr3t"},
        environment={"GITHUB_REPOSITORY": "acme/shop", "GITHUB_API_URL": "http://127.0.0.1:1", "EXTRA": hostile},
        actions={"acme/other@v1": other}, cache=tmp_path / "cache",
    )  # fmt: skip
    assert result.results == {"0": "success", "ours": "success", "later": "success", "foreign": "success",
                              "last": "failure"}, result.log  # fmt: skip
    assert result.exit_code == 1
    assert result.outputs["ours"] == {"said": "hello"}
    later: dict[str, Any] = result.outputs["later"]
    head = git.Bare(repository / ".git").run("rev-parse", "HEAD").decode().strip()
    assert (later["said"], later["head"]) == ("later hello", head)
    assert later["repository"] == "acme/shop http://127.0.0.1:1 refs/heads/main"
    extra = subprocess.run(["base64", "-d"], input=later["extra"].encode(), capture_output=True, check=True)
    assert extra.stdout.decode() == hostile + "\n"
    assert result.outputs["foreign"] == {"said": "other"}
    assert result.summaries == {"ours": "# Done\n"}
    assert "s3cr3t" not in result.log
    assert '"name": "***"' in result.log
    assert os.listdir(tmp_path / "cache") in ([], ["tool_cache"])


def test_expression_in_a_variable_is_refused(repository: Path) -> None:
    """act would evaluate it, GitHub would not."""
    with pytest.raises(ValueError, match="EXTRA"):
        act.run(repository, event="push", payload={}, environment={"EXTRA": "${{ x }}"})
