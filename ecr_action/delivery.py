"""The inputs that say how changes get into the GitOps repository, and what must pass before. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from ecr_action.converters import Wrong, entries_of, environment_name
from ecr_action.errors import Problem
from ecr_action.gitops.modes import COMMIT, MODES, Modes

# git-check-ref-format: what no branch's name has.
_NO_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|^[-/.]|[/.]$|^@$")


def branch(value: str) -> str | None:
    """The name of a branch; None for the default one. Raises Wrong."""
    text = value.strip()
    if text.startswith("refs/heads/"):
        raise Wrong(f"is {text!r}, a full ref.", f"Write the branch's name alone: {text.removeprefix('refs/heads/')}")
    if found := _NO_BRANCH.search(text):
        raise Wrong(f"is {text!r}, which is no name of a branch: git allows no {found[0]!r} there.")
    return text or None


def contradictions(values: Mapping[str, Any]) -> Iterator[Problem]:
    """What is written for a pull request or a gate where there is none."""
    modes: Modes = values["gitops_mode"]
    if values["gitops_auto_merge"] and {modes.default, *(mode for _, mode in modes.own)} == {COMMIT}:
        fix = "Add a line like 'gitops-mode: pull-request'."
        yield Problem("gitops-auto-merge", "is true, and 'gitops-mode' is commit: there is no pull request.", fix)
    if values["scan_ignore"] and not values["scan_fail_on"]:
        fix = "Add a line like 'scan-fail-on: high'."
        yield Problem("scan-ignore", "has lines, and 'scan-fail-on' is not given: nothing is judged.", fix)


def gitops_mode(value: str) -> Modes:
    """``auto``, or lines such as ``prod: pull-request``; one without a name is for all others. Raises Wrong."""
    own: dict[str, str] = {}
    default = ""
    for entry in entries_of(value):
        name, colon, text = entry.rpartition(":")
        mode = _mode(text.strip(), entry)
        environment = environment_name(name) if colon else None
        if colon and not environment:
            raise Wrong(f"has {entry!r}; a line is ENVIRONMENT: MODE.", "Write a line like 'prod: pull-request'.")
        if environment in own or (environment is None and default):
            raise Wrong(f"has {entry!r}, and another mode for the same.", "Leave one of them out.")
        if environment is None:
            default = mode
        else:
            own[environment] = mode
    return Modes(default or COMMIT, tuple(own.items()))


def _mode(text: str, entry: str) -> str:
    if text in MODES:
        return text
    near = get_close_matches(text, MODES, 1)
    hint = f"Did you mean {near[0]!r}?" if near else ""
    raise Wrong(f"has {entry!r}; it takes {', '.join(MODES[:-1])} or {MODES[-1]}.", hint)
