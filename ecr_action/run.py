"""Each command, from the environment to its result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from ecr_action import bumping, deployment, inputs, loop, plan, prompt, survey
from ecr_action.aws import secret_arn
from ecr_action.checkout import WorkTree
from ecr_action.environment import Environment
from ecr_action.errors import InputProblems, Problem
from ecr_action.github import context
from ecr_action.github.commands import Runner
from ecr_action.github.context import Context
from ecr_action.inputs import Inputs
from ecr_action.plan import Plan
from ecr_action.prompt import Command


def run(environment: Environment, console: Runner) -> int:
    """Carry out what *environment* asks for; the exit status. Raises errors.Failure."""
    if any(word in ("-h", "--help") for word in environment.arguments):
        console.result(prompt.USAGE)
        return 0
    command = prompt.parse(environment.arguments)
    if command.name == "bump":
        from ecr_action.local import bump

        return bump(command, console)
    if command.name == "lifecycle":
        from ecr_action import policies

        return policies.run(command, console)
    if command.name == "iam":
        from ecr_action import granting

        console.result(granting.policy(command))
        return 0
    parsed, problems = inputs.parse(_given(environment, command), environment=environment.fallbacks())
    given = (parsed.gitops_token, parsed.gitops_app_private_key, parsed.github_token)
    for secret in (*given, *(secret.value for secret in parsed.secrets)):
        # The ARN of a secret is none.
        if secret_arn.parse(secret.reveal()) is None:
            console.mask(secret)
    found = _context(environment, parsed)
    tree = WorkTree(_folder(environment, parsed), environment.child())
    if command.name == "plan":
        from ecr_action import wanted

        made, more = _planned(parsed, found, tree.commit_of_tag)
        policy = wanted.policy_problems(parsed, lambda path: _text(environment, path))
        _refuse((*problems, *_beyond(problems, (*more, *policy))))
        console.result(prompt.plan_json(made) if command.one("format") == "json" else "\n".join(made.explain()))
        return 0
    return _publish(environment, console, parsed, found, tree, problems)


def _planned(
    parsed: Inputs, found: Context, commit_of_tag: Callable[[str], str | None]
) -> tuple[Plan, tuple[Problem, ...]]:
    if parsed.mode == "deploy":
        return deployment.make(parsed, found)
    if parsed.mode == "bump":
        return bumping.make(parsed, found, commit_of_tag=commit_of_tag)
    return plan.make(parsed, found, commit_of_tag=commit_of_tag)


def _given(environment: Environment, command: Command) -> dict[str, str]:
    """The inputs as written: by the step, then by flags, which win. A flag given several times is a list."""
    flags = {name: "\n".join(values) for name, values in command.flags.items() if name != "format"}
    mode = {"mode": "deploy"} if command.name == "deploy" else {}
    return {**environment.inputs, **flags, **mode}


def _folder(environment: Environment, parsed: Inputs) -> Path:
    folder = environment.workspace / parsed.context
    return folder if folder.is_dir() else environment.workspace


def _context(environment: Environment, parsed: Inputs) -> Context:
    tree = WorkTree(_folder(environment, parsed), environment.child())
    now = datetime.now(timezone.utc)
    return loop.guarded(context.read(environment.variables, environment.payload, tree.read(), now))


def _refuse(problems: Iterable[Problem]) -> None:
    found = tuple(dict.fromkeys(problems))
    if found:
        raise InputProblems(found)


def _beyond(first: Sequence[Problem], further: Iterable[Problem]) -> Iterator[Problem]:
    """Those of *further* that are no consequence of *first*: a wrong input has had its default meanwhile."""
    wrong = {problem.name for problem in first}
    return (problem for problem in further if problem.name not in wrong)


def _text(environment: Environment, path: str) -> str | None:
    """A file of the checkout, None where there is none."""
    file = environment.workspace / path
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else None


def _content(environment: Environment, console: Runner, parsed: Inputs) -> str | None:
    if parsed.reuse != "content" or parsed.mode == "matrix":
        return None
    content = survey.content(environment, parsed)
    if content is None:
        text = "The context, a context beside it or the Dockerfile is not in git as it is here"
        console.notice(f"{text}: images are reused by commit, not by content.")
    return content


def _publish(
    environment: Environment,
    console: Runner,
    parsed: Inputs,
    found: Context,
    tree: WorkTree,
    problems: tuple[Problem, ...],
) -> int:
    from ecr_action import assemble, report, wanted
    from ecr_action.bump import bump
    from ecr_action.changed import changed
    from ecr_action.deploy import deploy
    from ecr_action.part import publish_part
    from ecr_action.publish import publish

    history = assemble.history(parsed, found, environment, console)
    # A shallow checkout has no tags: then GitHub is asked.
    made, more = _planned(parsed, found, lambda tag: tree.commit_of_tag(tag) or history.commit_of_tag(tag))
    asked, further = wanted.wanted(
        made,
        parsed,
        found,
        workspace=str(environment.workspace),
        read_file=lambda path: _text(environment, path),
        content=_content(environment, console, parsed),
    )
    several = parsed.mode == "matrix"
    found_services, unfit = survey.candidates(environment, parsed, found, made) if several else ((), ())
    later = (*more, *further, *unfit, *(() if several else assemble.missing_files(made, asked, environment)))
    _refuse((*problems, *_beyond(problems, later)))
    for notice in found.notices:
        console.notice(notice)
    services = assemble.services(asked, parsed, found, environment, console)
    if several:
        outcome = changed(asked, found_services, services, region=bool(parsed.aws_region))
    else:
        steps = {"deploy": deploy, "bump": bump, "publish": publish_part if parsed.part else publish}
        outcome = steps[parsed.mode](asked, services)
    outcome = replace(outcome, notices=(*found.notices, *outcome.notices))
    console.outputs(report.outputs(outcome))
    console.summary(report.summary(outcome))
    return 0
