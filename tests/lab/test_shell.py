"""docs/lab.md is true: its commands are run in their order, and the shell has what it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
OPTIONS = "--parts aws,github"


@pytest.fixture
def command(tmp_path: Path) -> str:
    """`python -m lab` with a state of the test's own, and without an engine."""
    return f"{sys.executable} -m lab --root {tmp_path} --name doc {OPTIONS}"


def documented() -> list[str]:
    """Return the commands of the document's blocks, in order."""
    blocks = re.findall(r"```sh\n(.*?)```", (CHECKOUT / "docs/lab.md").read_text(), re.S)
    return [line for block in blocks for line in block.splitlines()]


def test_commands_of_the_document_work_in_their_order(command: str) -> None:
    """Each ends with 0; the shell names the registry, and its token is known to GitHub."""
    lines = documented()
    named = [re.findall(r"-m lab (\w+)", line)[0] for line in lines]
    assert named == ["up", "status", *["shell"] * 4, "env", "down"]
    said = []
    environment = os.environ | {"AWS_ACCESS_KEY_ID": "caller", "GITHUB_TOKEN": "caller", "SHELL": "/bin/sh"}
    try:
        for line in lines:
            text = line.replace("python -m lab", command)
            done = subprocess.run(["sh", "-c", text], cwd=CHECKOUT, env=environment, capture_output=True, text=True,
                                  check=False)  # fmt: skip
            assert (line, done.returncode, done.stderr) == (line, 0, "")
            said.append(done.stdout)
    finally:
        subprocess.run(["sh", "-c", f"{command} down"], cwd=CHECKOUT, capture_output=True, check=False)
    assert re.fullmatch(r"123456789012\.dkr\.ecr\.us-east-1\.amazonaws\.com(:\d+)? in us-east-1\n", said[2])
    assert '"limit": 5000' in said[3]
    assert (json.loads(said[4])["offset"], json.loads(said[5])) == (86400, [])


def test_shell_without_a_lab_says_how_to_start_one(command: str) -> None:
    """Status 1 and the command."""
    done = subprocess.run([*command.split(), "shell", "-c", "true"], cwd=CHECKOUT, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "lab: it is not up: python -m lab up\n")


def test_shell_ends_with_its_commands_status(command: str) -> None:
    """What the command returns is returned, and the caller's own keys are not seen."""
    environment = os.environ | {"AWS_SECRET_ACCESS_KEY": "caller", "SHELL": "/bin/sh"}
    try:
        for text in ("up", "shell -c 'test \"$AWS_SECRET_ACCESS_KEY\" != caller && exit 7'"):
            done = subprocess.run(["sh", "-c", f"{command} {text}"], cwd=CHECKOUT, env=environment, check=False,
                                  capture_output=True, text=True)  # fmt: skip
    finally:
        subprocess.run(["sh", "-c", f"{command} down"], cwd=CHECKOUT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (7, "")
