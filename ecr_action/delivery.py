"""The input that says how changes get into the GitOps repository, of one line or a line for each environment. Pure."""

from __future__ import annotations

from difflib import get_close_matches

from ecr_action.converters import Wrong, entries_of, environment_name
from ecr_action.gitops.modes import COMMIT, MODES, Modes


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
