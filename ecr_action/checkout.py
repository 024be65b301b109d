"""Reads the git work tree that is built: its HEAD, whether it is clean, its tags."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from ecr_action.github.context import Checkout

# In a container the workspace belongs to another user, which git refuses unless told otherwise. What is checked out may
# be a stranger's: no setting of a repository within it may start a program.
_SETTINGS = (
    *("-c", "safe.directory=*", "-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null", "-c", "log.showSignature=false"),
)


class WorkTree:
    """The git work tree around *folder*. *environment* is what git is started with."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**environment, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}

    def _git(self, *arguments: str) -> str | None:
        command = ["git", *_SETTINGS, "-C", str(self._folder), *arguments]
        try:
            done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        except (OSError, ValueError):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    def read(self) -> Checkout | None:
        """The checkout, or None where the folder is in no git work tree (or git is not installed)."""
        shown = self._git("show", "--no-patch", "--format=%H %ct", "HEAD", "--")
        if not shown:
            return None
        head, _, seconds = shown.partition(" ")
        date = datetime.fromtimestamp(int(seconds), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        status = self._git("status", "--porcelain", "--no-renames", "--", ".")
        return Checkout(head=head, dirty=bool(status), date=date)

    def content(self, dockerfile: Path) -> str | None:
        """What git has in the folder and as *dockerfile* (their ids); None where one of them is not in HEAD."""
        folder = self._git("rev-parse", "--verify", "--quiet", "HEAD:./")
        file = WorkTree(dockerfile.parent, self._environment)._git(
            "rev-parse", "--verify", "--quiet", f"HEAD:./{dockerfile.name}"
        )
        return f"content {folder} {file}" if folder and file else None

    def commit_of_tag(self, name: str) -> str | None:
        """The commit (40 hex) that the git tag *name* stands on, or None where the checkout has no such tag."""
        return self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"refs/tags/{name}^{{commit}}")
