"""What `mode: bump` asks for: images that other jobs published, rolled out by one GitOps commit. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ecr_action import plan
from ecr_action.errors import Problem
from ecr_action.github.context import Context
from ecr_action.image.tags import Tags
from ecr_action.inputs import Inputs
from ecr_action.plan import Decision, Plan


def make(
    inputs: Inputs, context: Context, *, commit_of_tag: Callable[[str], str | None]
) -> tuple[Plan, tuple[Problem, ...]]:
    """The plan of a bump, and what is wrong with inputs for this event.

    Environment, commit and version are those of a push of the same event, unless the images' jobs say which one.
    """
    images, problems = inputs.images.images, _problems(inputs)
    asked = replace(inputs, push=True, tags=(), environment=inputs.environment or _published_for(inputs))
    made, found = plan.make(asked, context, commit_of_tag=commit_of_tag)
    problems += [problem for problem in found if problem.name not in ("repository", "tag")]
    made = replace(made, push=False, latest=False, tags=Tags(), images=images, gitops=True, preview=None)
    if made.nothing or problems:
        return made, tuple(problems)
    if made.environment is None:
        made = replace(made, nothing=_why(made, "environment", "push"))
    elif not images:
        without = ", ".join(inputs.images.without)
        made = replace(made, nothing=f"no job published an image ({without or 'none is named'})")
    names = ", ".join(image.repository for image in images)
    reason = Decision("bump", f"{names or 'nothing'} in {made.environment}", "mode: bump is given")
    kept = [reason for reason in made.reasons if reason.name in ("commit", "environment", "event")]
    return replace(made, reasons=(*kept, reason)), ()


def _why(made: Plan, *names: str) -> str:
    """The reason of the first decision of these *names*."""
    return next((reason.because for name in names for reason in made.reasons if reason.name == name), "")


def _published_for(inputs: Inputs) -> str | None:
    """The environment that the images' jobs published for, where they agree."""
    names = {image.environment for image in inputs.images.images if image.environment}
    return names.pop() if len(names) == 1 else None


def _problems(inputs: Inputs) -> list[Problem]:
    problems = []
    if not inputs.images.given:
        what = "is empty: 'mode: bump' takes the images that other jobs published."
        fix = (
            "Write a line like 'images: ${{ toJSON(needs) }}'. An output that holds a masked value does not reach "
            "another job: then hand on 'repository', 'tag' and 'digest' instead of 'metadata'."
        )
        problems.append(Problem("images", what, fix))
    for image in inputs.images.images:
        if inputs.environment and image.environment not in ("", inputs.environment):
            what = f"has {image.repository}, published for {image.environment}; this run is for {inputs.environment}."
            problems.append(Problem("images", what, f"Write 'environment: {image.environment}', or leave it out."))
    if not inputs.environment:
        names = sorted({image.environment for image in inputs.images.images if image.environment})
        if len(names) > 1:
            what = f"has images for several environments ({', '.join(names)})."
            problems.append(Problem("images", what, "Make one step for each, with 'environment:'."))
    return problems
