"""A run loads no SDK that it does not need."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .source import ROOT

SDKS = {"boto3", "botocore", "docker", "github", "requests", "urllib3", "cryptography"}
PUSH = {"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"}
PULL = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"}


def loaded(folder: Path, variables: dict[str, str], *arguments: str) -> set[str]:
    """The packages of SDKS that the process has loaded when it has done what it was asked."""
    (folder / "svc").mkdir()
    (folder / "svc/Dockerfile").write_text("FROM scratch\n")
    (folder / "event.json").write_text(json.dumps({"repository": {"default_branch": "main"}}))
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for command in (["init", "-q"], ["add", "svc"], [*identity, "commit", "-qm", "One"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    environment = {"PATH": os.environ["PATH"], "GITHUB_WORKSPACE": str(folder), "GITHUB_REPOSITORY": "o/app"}
    environment |= {"GITHUB_EVENT_PATH": str(folder / "event.json"), "TMPDIR": str(folder), **variables}
    argv = [sys.executable, "-I", "-X", "importtime", str(ROOT / "entrypoint.py"), *arguments]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    names = re.findall(r"^import time:.*\| *(\S+)$", done.stderr, re.M)
    assert "ecr_action.run" in names
    return {name.partition(".")[0] for name in names} & SDKS


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [
        (PUSH, ["plan", "--format", "json"]),
        (PUSH, ["lifecycle", "default"]),
        (PUSH, ["iam", "--format", "json"]),
        (PULL, ["publish", "--mode", "matrix", "--services", "svc"]),
        ({**PULL, "GITHUB_EVENT_NAME": "delete"}, ["publish"]),
    ],
    ids=["plan", "lifecycle", "iam", "matrix", "nothing to do"],
)
def test_what_asks_nobody_loads_no_sdk(tmp_path: Path, variables: dict[str, str], arguments: list[str]) -> None:
    """Neither AWS's, nor GitHub's, nor Docker's."""
    assert loaded(tmp_path, variables, *arguments) == set()
