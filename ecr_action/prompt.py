"""The subcommands and flags of ``python -m ecr_action``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from ecr_action.errors import InputProblems, Problem
from ecr_action.inputs import TABLE
from ecr_action.plan import Plan

COMMANDS = ("publish", "deploy", "plan", "bump", "lifecycle", "iam")
USAGE = """\
python -m ecr_action [publish] [--INPUT VALUE ...]
python -m ecr_action deploy --image IMAGE --environment E [--INPUT VALUE ...]
python -m ecr_action plan [--format text|json] [--INPUT VALUE ...]
python -m ecr_action bump --image REGISTRY/REPOSITORY[:TAG[@DIGEST]] [--tag T] [--digest D] [--pin tag|digest]
                          [--environment E] [--dry-run] PATH...
python -m ecr_action lifecycle default | lint --policy FILE | simulate --policy FILE --images FILE --at TIME
python -m ecr_action iam [--account A] [--region R] [--prefix NAMES...] [--set SET ...] [--key ARN] [--secret ARN]
                         [--profile ARN] [--format json]
Every input of the README is a flag of publish, deploy and plan: --environment staging."""
_SWITCHES = {name for name, spec in TABLE.items() if spec.default in ("true", "false")}


@dataclass(frozen=True, kw_only=True)
class Command:
    """One call: its *name*, *flags* by name (a flag may come several times), and the *paths* after them."""

    name: str
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    paths: tuple[str, ...] = ()

    def one(self, name: str, default: str = "") -> str:
        """The last value of the flag *name*."""
        return self.flags.get(name, (default,))[-1]


_FLAGS: Mapping[str, tuple[str, ...]] = {
    "publish": tuple(TABLE),
    "deploy": tuple(name for name in TABLE if name != "mode"),
    "plan": (*TABLE, "format"),
    "bump": ("image", "tag", "digest", "pin", "environment", "dry-run"),
    "lifecycle": ("policy", "images", "at", "format"),
    "iam": ("account", "region", "prefix", "set", "key", "secret", "profile", "format"),
}


def parse(arguments: Sequence[str]) -> Command:
    """The command that *arguments* ask for; ``publish`` where none is named. Raises InputProblems with all of them."""
    rest = list(arguments)
    name = rest.pop(0) if rest and not rest[0].startswith("-") else "publish"
    problems: list[Problem] = []
    if name not in COMMANDS:
        near = get_close_matches(name, COMMANDS, 1)
        problem = Problem(name, "is no command.", f"Did you mean {near[0]!r}?" if near else f"\n{USAGE}")
        raise InputProblems([problem])
    flags: dict[str, tuple[str, ...]] = {}
    paths: list[str] = []
    for flag, value in _pairs(rest, problems, name):
        if flag is None:
            paths.append(value)
        else:
            flags[flag] = (*flags.get(flag, ()), value)
    if paths and name in ("publish", "deploy", "plan"):
        problems.append(Problem(paths[0], f"is too much: {name} takes flags only."))
    if flags.get("format", ("json",))[-1] not in ("json", "text"):
        problems.append(Problem("--format", f"is {flags['format'][-1]!r}; it takes text or json."))
    if problems:
        raise InputProblems(problems)
    return Command(name=name, flags=flags, paths=tuple(paths))


def _pairs(rest: list[str], problems: list[Problem], command: str) -> Iterator[tuple[str | None, str]]:
    known = _FLAGS[command]
    while rest:
        word = rest.pop(0)
        if word == "--":
            yield from ((None, path) for path in rest)
            return
        if re.fullmatch("-[A-Za-z]", word):
            problems.append(Problem(word, f"is no flag of {command}: all begin with two dashes.", _hint(command, [])))
            del rest[: 1 if rest and not rest[0].startswith("-") else 0]
            continue
        if not word.startswith("--"):
            yield None, word
            continue
        flag, equals, value = word[2:].partition("=")
        if flag not in known:
            near = get_close_matches(flag, known, 1, 0.6)
            problems.append(Problem(word, f"is no flag of {command}.", _hint(command, near)))
            if not equals and rest and not rest[0].startswith("-"):
                rest.pop(0)
            continue
        if not equals and flag in _SWITCHES:
            value = rest.pop(0) if rest and rest[0].lower() in ("true", "false") else "true"
        elif not equals and not rest:
            problems.append(Problem(word, "lacks its value."))
            continue
        elif not equals:
            value = rest.pop(0)
        yield flag, value


def _hint(command: str, near: Sequence[str]) -> str:
    if near:
        return f"Did you mean --{near[0]}?"
    if _FLAGS[command][0] in TABLE and command != "bump":
        return "Each input of the README is one."
    return f"It takes {', '.join(f'--{flag}' for flag in _FLAGS[command])}."


def plan_json(plan: Plan) -> str:
    """The plan as ``plan --format json`` prints it; the keys are stable."""
    return json.dumps(
        {
            "event": plan.event,
            "commit": plan.commit,
            "push": plan.push,
            "environment": plan.environment,
            "primary": plan.tags.primary,
            "tags": list(plan.tags.order),
            "latest": plan.latest,
            "gitops": plan.gitops,
            "reasons": plan.explain(),
        },
        indent=2,
    )
