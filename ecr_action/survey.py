"""What the checkout has of each service that a run is told of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ecr_action import converters, service_list, wanted
from ecr_action.checkout import WorkTree
from ecr_action.environment import Environment
from ecr_action.errors import Problem
from ecr_action.github.context import Context
from ecr_action.inputs import Inputs
from ecr_action.monorepo import Candidate
from ecr_action.plan import Plan
from ecr_action.service_list import READERS, Service


def content(environment: Environment, inputs: Inputs) -> str | None:
    """What git has of all that an image is built from, as one text; None where git does not have all of it."""
    root = environment.workspace
    file = inputs.file or str(Path(inputs.context) / "Dockerfile")
    folders = (entry.partition("=")[2] for entry in inputs.build_contexts)
    beside = [root / folder for folder in folders if "://" not in folder and not folder.startswith("git@")]
    return WorkTree(root / inputs.context, environment.child()).content(root / file, beside)


def candidates(
    environment: Environment, inputs: Inputs, context: Context, plan: Plan
) -> tuple[tuple[Candidate, ...], tuple[Problem, ...]]:
    """The services that *inputs* declare, each with the key that its job's image has, and what is wrong with them."""
    if plan.nothing or not inputs.services:
        return (), ()
    root = environment.workspace / inputs.context
    paths = WorkTree(root, environment.child()).paths()
    if paths is None:
        fix = "Check out first: - uses: actions/checkout@v5"
        return (), (Problem("services", "needs a commit to look at, and there is no git work tree.", fix),)
    found, problems = service_list.services(
        inputs.services, paths, base=plan.repository, context=inputs.context, dockerfiles=inputs.file is None
    )
    if problems:
        return (), problems
    made, missing = [], []
    for service in found:
        own = of_service(inputs, service)
        text = content(environment, own)
        request = wanted.build(own, context, plan, str(environment.workspace))
        made.append(Candidate(service=service, key=wanted.key_of(request, own, plan, text)))
        if text is None:
            what = f"has {service.name!r}, and the commit lacks its Dockerfile ({request.dockerfile}) or a context."
            missing.append(Problem("services", what))
    return tuple(made), tuple(missing)


def of_service(inputs: Inputs, service: Service) -> Inputs:
    """The inputs that the service's own job has."""
    readers: dict[str, Callable[[str], object]] = {**READERS, "context": converters.folder}
    own = {name.replace("-", "_"): readers[name](text) for name, text in service.own}
    return replace(
        inputs,
        **{"reuse": "content", "context": service.context, "repository": service.repository, **own},  # type: ignore[arg-type]
    )
