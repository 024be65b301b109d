"""Writes .github/workflows/publish.yml, the action as a reusable workflow, from action.yml, with the same names."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

# What the job itself needs to know; the names must not be the action's.
OWN = {
    "runs-on": ("Label of the runner, or several as a JSON list.", "string", "ubuntu-latest"),
    "github-environment": ("GitHub environment of the job: its approvals, and the `sub` of its identity token.",
                           "string", '""'),
    "timeout-minutes": ("How long the job may take.", "number", "60"),
}  # fmt: skip
# The job's own token is the only one that fits here.
LEFT_OUT = ("github-token",)
# Inputs that may hold a secret, and therefore can be given as one as well: GitHub has no `secrets` in a call's `with:`.
SECRET = ("role-to-assume", "gitops-token", "gitops-app-private-key", "image-role-to-assume", "secrets")

_HEAD = """\
# Written by `make docs` from action.yml (tools/reusable.py).
name: Publish

on:
  workflow_call:
"""
# How each job that publishes ends, whatever it is called and wherever it runs.
PUBLISHES = """\
    permissions:
      contents: read # checkout
      id-token: write # AWS through OIDC
      actions: read # waits for the run that is still building this commit
    outputs:
{outputs}
    steps:
      - uses: {checkout}
        with:
          persist-credentials: false
      # The release that this file belongs to: `./` would be the caller's checkout.
      - id: publish
        uses: darede-labs/ecr-publish@v{version} # zizmor: ignore[unpinned-uses] a release's tag never moves
        with:
{given}
"""
_JOB = """
permissions: {{}}

jobs:
  publish:
    name: Publish
    runs-on: ${{{{ startsWith(inputs.runs-on, '[') && fromJSON(inputs.runs-on) || inputs.runs-on }}}}
    timeout-minutes: ${{{{ inputs.timeout-minutes }}}}
    environment: ${{{{ inputs.github-environment }}}}
"""


def workflow(action: Mapping[str, Any], version: str, checkout: str) -> str:
    """The text of the workflow.

    *action* is action.yml as it is parsed, *version* that of the release the file belongs to, *checkout* what CI's
    steps use.
    """
    names = [name for name in action["inputs"] if name not in LEFT_OUT]
    lines = [*inputs(action["inputs"], names, OWN), *secrets(SECRET), *outputs(action["outputs"])]
    told, handed = handed_on(action["outputs"]), given(names)
    job = (_JOB + PUBLISHES).format(outputs=told, checkout=checkout, version=version, given=handed)
    return _HEAD + "\n".join(lines) + "\n" + job


def handed_on(names: Iterable[str]) -> str:
    """The lines of a job's outputs: those of its step ``publish``."""
    return "\n".join(f"      {name}: ${{{{ steps.publish.outputs.{name} }}}}" for name in names)


def given(names: Iterable[str]) -> str:
    """The lines of the inputs *names*, handed on to the action as the workflow has them."""
    return "\n".join(f"          {name}: ${{{{ {value(name)} }}}}" for name in names)


def value(name: str) -> str:
    """The expression of the input *name* in a job."""
    return f"secrets.{name} || inputs.{name}" if name in SECRET else f"inputs.{name}"


def inputs(declared: Mapping[str, Any], names: list[str], own: Mapping[str, tuple[str, str, str]]) -> Iterator[str]:
    """The lines of the workflow's inputs: those of the action, and its *own*."""
    yield "    inputs:"
    for name in names:
        default = declared[name]["default"]
        yield from _entry(name, declared[name]["description"], "string", f'"{default}"')
    for name, (description, kind, default) in own.items():
        yield from _entry(name, description, kind, default)


def _entry(name: str, description: str, kind: str, default: str) -> Iterator[str]:
    yield from (f"      {name}:", *_described(description), f"        type: {kind}", f"        default: {default}")


def secrets(names: Sequence[str]) -> Iterator[str]:
    """The lines of the workflow's secrets."""
    yield "    secrets:"
    for name in names:
        yield from (f"      {name}:", *_described(f"The input `{name}` as a secret."), "        required: false")


def outputs(declared: Mapping[str, Any]) -> Iterator[str]:
    """The lines of the workflow's outputs, each that of the job ``publish``."""
    yield "    outputs:"
    for name, spec in declared.items():
        yield from (f"      {name}:", *_described(spec["description"]))
        yield f"        value: ${{{{ jobs.publish.outputs.{name} }}}}"


def _described(text: str) -> Iterator[str]:
    yield "        description: >-"
    yield from textwrap.wrap(text, 110, initial_indent=" " * 10, subsequent_indent=" " * 10, break_long_words=False,
                             break_on_hyphens=False)  # fmt: skip
