"""A shell in which programs meet the lab instead of AWS, GitHub and the machine's engine."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from collections.abc import Mapping

from lab.aws.setup import admin_credentials
from lab.github.client import GitHub
from lab.lab import FOREIGN
from lab.paths import Paths

REGION = "us-east-1"


def run(paths: Paths, environment: Mapping[str, str], command: str | None) -> int:
    """Run *command*, or an interactive shell without one, and return its exit status.

    It has the lab's *environment*, an administrator's AWS keys, and a GITHUB_TOKEN that may do everything; no variable
    of the caller's own AWS or GitHub.
    """
    program = os.environ.get("SHELL") or "/bin/sh"
    argv = [program, "-c", command] if command is not None else [program]
    # The keyboard's interrupt is the shell's, not ours.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if command is None else None
    try:
        return subprocess.run(argv, env=variables(paths, environment), check=False).returncode
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


def variables(paths: Paths, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of the shell; the GITHUB_TOKEN is new each time."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    found = kept | dict(environment)
    if endpoint := environment.get("AWS_ENDPOINT_URL"):
        found |= admin_credentials(endpoint) | {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
    if url := environment.get("GITHUB_API_URL"):
        found["GITHUB_TOKEN"] = f"ghp_{secrets.token_hex(18)}"
        GitHub(url, paths.state / "github").token(
            found["GITHUB_TOKEN"], "lab", {"*": "admin"}, scopes=["repo", "workflow"]
        )
    return found
