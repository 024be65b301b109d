"""Writes .github/workflows/multi-arch.yml: a job for each platform and one that merges, from action.yml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools import reusable

PLATFORMS = {"amd64": "ubuntu-24.04", "arm64": "ubuntu-24.04-arm"}
# What a job of this workflow says itself, and what is about images that are not built here.
SET = ("platforms", "part", "parts", "mode", "image", "image-role-to-assume", "images", "services", *reusable.LEFT_OUT)
OWN = {
    **{f"runs-on-{name}": (f"Label of the {name} machine, or several as a JSON list.", "string", label)
       for name, label in PLATFORMS.items()},
    "runs-on": ("Label of the runner that merges, which needs no engine, or several as a JSON list.", "string",
                "ubuntu-latest"),
    "github-environment": ("GitHub environment of the job that merges and rolls out.", "string", '""'),
    "timeout-minutes": ("How long each job may take.", "number", "60"),
}  # fmt: skip
SECRET = tuple(name for name in reusable.SECRET if name not in SET)
# A part may be what creates the repository, so that all about that stays.
_LATER = ("gitops-", "scan-fail-on", "scan-timeout", "scan-ignore", "node-architectures")

_HEAD = """\
# Written by `make docs` from action.yml (tools/multi_architecture.py).
name: Publish for amd64 and arm64

on:
  workflow_call:
"""
_JOB = """\
  {job}:
    name: {title}
    runs-on: ${{{{ startsWith(inputs.{label}, '[') && fromJSON(inputs.{label}) || inputs.{label} }}}}
    timeout-minutes: ${{{{ inputs.timeout-minutes }}}}{head}
"""
_JOB += reusable.PUBLISHES


def workflow(action: Mapping[str, Any], version: str, checkout: str) -> str:
    """The text of the workflow; parameters as for :func:`tools.reusable.workflow`."""
    names = [name for name in action["inputs"] if name not in SET]
    both = ",".join(f"linux/{name}" for name in PLATFORMS)
    release = {"version": version, "checkout": checkout}

    def part(name: str) -> str:
        own = {"platforms": both, "part": f"linux/{name}"}
        given = [one for one in names if not one.startswith(_LATER)]
        return _JOB.format(job=name, title=f"Build linux/{name}", label=f"runs-on-{name}", head="",
                           outputs=reusable.handed_on(["digest"]), given=_given(own, given), **release)  # fmt: skip

    own = {"platforms": both, "parts": "${{ toJSON(needs) }}"}
    needs = f"\n    needs: [{', '.join(PLATFORMS)}]\n    environment: ${{{{ inputs.github-environment }}}}"
    merge = _JOB.format(job="publish", title="Publish", label="runs-on", head=needs,
                        outputs=reusable.handed_on(action["outputs"]), given=_given(own, names), **release)  # fmt: skip
    called = [*_called(action["inputs"], names), *reusable.outputs(action["outputs"])]
    jobs = "\n".join([*(part(name) for name in PLATFORMS), merge])
    return _HEAD + "\n".join(called) + "\n\npermissions: {}\n\njobs:\n" + jobs


def _called(declared: Mapping[str, Any], names: list[str]) -> Iterator[str]:
    yield from reusable.inputs(declared, names, OWN)
    yield from reusable.secrets(SECRET)


def _given(own: Mapping[str, str], names: list[str]) -> str:
    lines = [f"          {name}: {value}" for name, value in own.items()]
    return "\n".join([*lines, reusable.given(names)])
