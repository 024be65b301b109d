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
from ecr_action.gitops import plain
from ecr_action.prompt import Command

_COMMANDS = ("default", "lint", "simulate")


def run(command: Command, console: Runner) -> int:
    """Carry out *command*; 1 where ECR would refuse the policy. Raises InputProblems."""
    name = command.paths[0] if command.paths else ""
    if name not in _COMMANDS:
        raise InputProblems([Problem("lifecycle", f"takes one of {', '.join(_COMMANDS)}.")])
    if len(command.paths) > 1:
        fix = "" if name == "default" else f"Write '--policy {command.paths[1]}'."
        raise InputProblems([Problem(command.paths[1], f"is too much: lifecycle {name} takes flags only.", fix)])
    if name == "default":
        console.result(lifecycle.text(lifecycle.default_policy()))
        return 0
    problems: list[Problem] = []
    text = _file(command, "policy", problems)
    if not text.lstrip().startswith("{"):
        text = plain.as_json(text) or text
    policy, _ = lifecycle.parse(text)
    if name == "lint" or (policy is None and not problems):
        _refuse(problems)
        rows: Sequence[Any] = [asdict(finding) for finding in lint.lint(text)]
        status = 0 if policy else 1
    else:
        images, at = _images(_file(command, "images", problems), problems), _moment(command.one("at"), problems)
        _refuse(problems)
        assert policy is not None
        rows, status = [asdict(fate) for fate in simulate.simulate(policy, images, at)], 0
    console.result(json.dumps(rows, indent=2) if command.one("format", "json") == "json" else _table(rows))
    return status


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise InputProblems(problems)


def _file(command: Command, flag: str, problems: list[Problem]) -> str:
    """The text of the file that *flag* names, empty where there is none to be read."""
    path = command.one(flag)
    if not path:
        problems.append(Problem(f"--{flag}", "is missing: it names a file."))
        return ""
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        problems.append(Problem(f"--{flag}", f"names {path!r}, which is no text in UTF-8."))
    except OSError as error:
        problems.append(Problem(f"--{flag}", f"names {path!r}, which can't be read: {error.strerror}."))
    return ""


def _images(text: str, problems: list[Problem]) -> tuple[simulate.Stored, ...]:
    try:
        return simulate.images(text) if text else ()
    except InputProblems as wrong:
        problems += wrong.problems
        return ()


def _moment(text: str, problems: list[Problem]) -> Any:
    try:
        found = simulate.moment(text)
    except ValueError:
        found = None
    if found is None:
        what = f"is {text!r}, which is no time." if text else "is missing: the time at which the policy acts."
        problems.append(Problem("--at", what, "Write one like 2026-11-24T12:00:00Z."))
    return found


def _table(rows: Sequence[Any]) -> str:
    """A line for each row, for people."""
    return "\n".join("  ".join(str(value) for value in row.values() if value not in (None, "")) for row in rows)
