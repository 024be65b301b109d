"""action.yml of a composite action, as far as the shim reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SHELLS = {
    "sh": ["sh", "-e", "{0}"],
    "bash": ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "{0}"],
    "python": ["python", "{0}"],
}


class ActionError(Exception):
    """An action.yml that the runner, or this shim, cannot run."""


@dataclass(frozen=True)
class Step:
    """A `run` step; *env* and *run* still hold their expressions."""

    id: str
    name: str | None
    run: str
    shell: str
    condition: str | None
    env: Mapping[str, str]
    working_directory: str | None
    continue_on_error: bool

    def command(self, script: Path) -> list[str]:
        """Return the argument list that runs *script*. Raises ActionError for an unknown shell."""
        form = SHELLS.get(self.shell) or (self.shell.split() if "{0}" in self.shell else None)
        if form is None:
            raise ActionError(f"shell: {self.shell} is none of {sorted(SHELLS)} and holds no {{0}}")
        return [part.replace("{0}", str(script)) for part in form]


@dataclass(frozen=True)
class Action:
    """A composite action in *path*: default by input name, expression by output name, steps."""

    path: Path
    inputs: Mapping[str, str | None]
    outputs: Mapping[str, str]
    steps: tuple[Step, ...]


def read(folder: Path) -> Action:
    """Read `action.yml` (or `action.yaml`) of *folder*. Raises ActionError naming what is missing or unknown."""
    for name in ("action.yml", "action.yaml"):
        if (folder / name).is_file():
            document = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
            break
    else:
        raise ActionError(f"Can't find 'action.yml' or 'action.yaml' under '{folder}'")
    runs = document.get("runs") or {}
    if runs.get("using") != "composite":
        raise ActionError(f"using: {runs.get('using')} is no composite action")
    inputs = {name: _default(body) for name, body in (document.get("inputs") or {}).items()}
    outputs = {name: str(body["value"]) for name, body in (document.get("outputs") or {}).items()}
    steps = tuple(_step(number, row) for number, row in enumerate(runs.get("steps") or []))
    return Action(folder, inputs, outputs, steps)


def _default(body: Mapping[str, Any] | None) -> str | None:
    value = (body or {}).get("default")
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


_KNOWN = {"id", "name", "run", "shell", "if", "env", "working-directory", "continue-on-error"}


def _step(number: int, row: Mapping[str, Any]) -> Step:
    if set(row) - _KNOWN or "run" not in row:
        raise ActionError(f"step {number + 1} holds {sorted(set(row) - _KNOWN) or 'no run'}, unknown to this runner")
    if "shell" not in row:
        raise ActionError(f"step {number + 1}: Required property is missing: shell")
    condition = row.get("if")
    return Step(
        id=str(row.get("id") or f"__run_{number}"), name=row.get("name"), run=str(row["run"]), shell=str(row["shell"]),
        condition=None if condition is None else str(condition),
        env={str(key): "" if value is None else str(value) for key, value in (row.get("env") or {}).items()},
        working_directory=row.get("working-directory"), continue_on_error=bool(row.get("continue-on-error", False)),
    )  # fmt: skip
