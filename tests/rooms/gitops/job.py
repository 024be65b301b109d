"""Jobs from the moment their images are published: the roll-out, from a process's environment to its exit status.

Started with a file of environments, one for each job and each with its LOG, it becomes that many processes at once:
what all of them load is loaded once, or else two cores would do nothing but start Python.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ecr_action import assemble, environment, inputs, plan
from ecr_action import wanted as wanting
from ecr_action.environment import Environment
from ecr_action.github import context
from ecr_action.github.api import Api  # noqa: F401 (loaded before the processes part)
from ecr_action.github.commands import Runner
from ecr_action.gitops.commit import GitHubGitOps  # noqa: F401
from ecr_action.protocols import Console
from ecr_action.rehearsal import look_ahead, rehearse
from ecr_action.report import Outcome, RolledOut
from ecr_action.rollout import roll_out

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


class NoImages:
    """No call of the registry: what stands names its commit."""

    def find(self, *_: Any) -> Any:
        """Nobody asks."""
        raise AssertionError


def roll_out_of(
    started: Environment,
    console: Console,
    *,
    meanwhile: Callable[[], object] = lambda: None,
    **changes: Any,
) -> RolledOut:
    """Roll the image of GITHUB_SHA out, which is built while *meanwhile* happens; *changes* are services."""
    parsed, problems = inputs.parse(started.inputs)
    commit = started.get("GITHUB_SHA")
    found = context.read(started.variables, started.payload, context.Checkout(head=commit))
    made, more = plan.make(parsed, found, commit_of_tag=lambda _: None)
    asked, further = wanting.wanted(made, parsed, found, workspace=".", read_file=lambda _: None)
    assert not (*problems, *more, *further)
    services = replace(assemble.services(asked, parsed, found, started, console), **changes)
    looked, uri = look_ahead(asked, services), f"{HOST}/{made.repository}"
    rehearsed = rehearse(asked, looked, uri, {}, NoImages(), services)
    meanwhile()
    outcome = Outcome(plan=made, uri=uri, primary=commit[:7], digest=f"sha256:{'a' * 64}")
    return roll_out(asked, [outcome], NoImages(), services, rehearsed)


def part(variables: dict[str, str]) -> int:
    """A process for one job; its id."""
    child = os.fork()
    if child:
        return child
    status = 2
    try:
        with open(variables["LOG"], "w", encoding="utf-8") as sys.stdout:
            os.environ.update(variables)
            try:
                rolled_out = roll_out_of(environment.read(), Runner())
                status = 0 if rolled_out.deployed and rolled_out.commit else 1
            except BaseException:
                traceback.print_exc(file=sys.stdout)
    finally:
        os._exit(status)


def main(path: str) -> None:
    """One line for each job that ended well: its LOG."""
    with open(path, encoding="utf-8") as file:
        jobs = {part(variables): variables["LOG"] for variables in json.load(file)}
    for _ in range(len(jobs)):
        child, status = os.wait()
        if status == 0:
            print(jobs[child], flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
