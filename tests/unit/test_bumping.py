"""What `mode: bump` asks for, event by event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_action import bumping
from ecr_action.errors import Problem
from ecr_action.github import context
from ecr_action.plan import Plan
from tests.builders import REPOSITORY, make_checkout, make_inputs, variables

HOME = {"full_name": REPOSITORY, "default_branch": "main"}
MAIN, TAG = "refs/heads/main", "refs/tags/v1.2.3"


def image(name: str = "api", environment: str = "") -> dict[str, str]:
    """An image that another job published."""
    return {"repository": name, "tag": "3f2c1ab", "environment": environment}


def made(
    *images: Any, event: str = "push", ref: str = MAIN, payload: dict[str, Any] | None = None, **given: str
) -> tuple[Plan, tuple[Problem, ...]]:
    """The plan of a bump of these *images*, and what is wrong."""
    inputs = make_inputs(mode="bump", images=json.dumps(images), **given)
    found = context.read(variables(event, ref), {"repository": HOME, **(payload or {})}, make_checkout())
    return bumping.make(inputs, found, commit_of_tag=lambda _: None)


PULL_REQUEST = {"number": 7, "pull_request": {"number": 7, "head": {"sha": "a" * 40, "repo": HOME}}}


@pytest.mark.parametrize(
    ("event", "ref", "given", "environment"),
    [
        ("push", MAIN, {}, "dev"),
        ("push", TAG, {}, "prod"),
        ("push", "refs/tags/v1.2.3-rc.1", {}, "staging"),
        ("push", "refs/heads/feature", {}, None),
        ("push", "refs/heads/feature", {"environment": "qa"}, "qa"),
        ("schedule", MAIN, {}, "dev"),
        ("push", MAIN, {"push": "false"}, "dev"),
        ("workflow_dispatch", MAIN, {}, "dev"),
        ("workflow_run", MAIN, {}, None),
        ("pull_request", "refs/pull/7/merge", {"environment": "qa"}, None),
    ],
)
def test_the_environment_is_that_of_a_push_of_the_event(
    event: str, ref: str, given: dict[str, str], environment: str | None
) -> None:
    """Where there is none nothing is done, and it is said why; nothing is ever built or pushed."""
    plan, problems = made(image(), event=event, ref=ref, payload=PULL_REQUEST if "pull" in ref else {}, **given)
    assert problems == ()
    assert (plan.environment, bool(plan.nothing)) == (environment, not environment)
    assert not plan.push
    assert not plan.builds
    assert [listed.repository for listed in plan.images or ()] == ["api"]


def test_the_jobs_know_the_environment_that_they_published_for() -> None:
    """It holds where the run says nothing else; two of them are a mistake, and so is another one than the run's."""
    assert made(image(environment="qa"), image("web"))[0].environment == "qa"
    assert "several environments (dev, qa)" in str(made(image(environment="qa"), image("web", "dev"))[1][0])
    assert "published for qa; this run is for dev" in str(made(image(environment="qa"), environment="dev")[1][0])


def test_no_images_and_no_input() -> None:
    """A matrix without a changed service is no mistake."""
    plan, problems = made("", None)
    assert (problems, plan.nothing) == ((), "no job published an image ([0], [1])")
    plan, problems = bumping.make(
        make_inputs(mode="bump"), context.read(variables("push", MAIN), {}, None), commit_of_tag=lambda _: None
    )
    assert [problem.name for problem in problems] == ["images"]
    assert "masked" in problems[0].fix
    assert not plan.builds


def test_only_a_person_who_named_the_version_goes_back() -> None:
    """The images are named by jobs, whoever started them."""
    assert not made(image(), event="workflow_dispatch")[0].consent
    assert made(image(), event="workflow_dispatch", version="v1.2.3")[0].consent
    assert not made(image(), ref=TAG)[0].consent
