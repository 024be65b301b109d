"""``lifecycle default|lint|simulate`` at the prompt: lifecycle policies looked at, nothing changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ecr_action.aws import lifecycle, lint, simulate
from ecr_action.errors import InputProblems, Problem
from ecr_action.github.commands import Runner
from ecr_action.prompt import Command

_COMMANDS = ("default", "lint", "simulate")


def run(command: Command, console: Runner) -> int:
    """Carry out *command*; 1 where ECR would refuse the policy. Raises InputProblems."""
    name = command.paths[0] if len(command.paths) == 1 else ""
    if name not in _COMMANDS:
        raise InputProblems([Problem("lifecycle", f"takes one of {', '.join(_COMMANDS)}.")])
    if name == "default":
        console.result(lifecycle.text(lifecycle.default_policy()))
        return 0
    text = _file(command, "policy")
    policy, _ = lifecycle.parse(text)
    if name == "lint" or policy is None:
        rows: Sequence[Any] = [asdict(finding) for finding in lint.lint(text)]
        status = 0 if policy else 1
    else:
        images = simulate.images(_file(command, "images"))
        at = _moment(command.one("at"))
        rows, status = [asdict(fate) for fate in simulate.simulate(policy, images, at)], 0
    console.result(json.dumps(rows, indent=2) if command.one("format", "json") == "json" else _table(rows))
    return status


def _file(command: Command, flag: str) -> str:
    path = command.one(flag)
    if not path:
        raise InputProblems([Problem(f"--{flag}", "is missing: it names a file.")])
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputProblems([Problem(f"--{flag}", f"names {path!r}, which can't be read: {error}.")]) from error


def _moment(text: str) -> Any:
    try:
        found = simulate.moment(text)
    except ValueError:
        found = None
    if found is None:
        raise InputProblems(
            [Problem("--at", f"is {text!r}, which is no time.", "Write one like 2026-11-24T12:00:00Z.")]
        )
    return found


def _table(rows: Sequence[Any]) -> str:
    """A line for each row, for people."""
    return "\n".join("  ".join(str(value) for value in row.values() if value not in (None, "")) for row in rows)
