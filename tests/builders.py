"""Values for tests: inputs, checkouts and contexts with all but the named fields at their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecr_action import inputs, plan
from ecr_action.errors import Problem
from ecr_action.github import context
from ecr_action.inputs import Inputs
from ecr_action.plan import Plan

SHA = "3f2c1ab0d4e5f60718293a4b5c6d7e8f90a1b2c3"
REPOSITORY = "darede-labs/hello-node"


def make_inputs(**given: str) -> Inputs:
    """Inputs from their texts, names with underscores; the tests of wrong ones use ``inputs.parse`` itself."""
    parsed, problems = inputs.parse({name.replace("_", "-"): text for name, text in given.items()})
    assert problems == ()
    return parsed


def variables(event: str, ref: str, **more: str) -> dict[str, str]:
    """The GITHUB_* variables of a job of *event* on *ref*."""
    return {
        "GITHUB_EVENT_NAME": event,
        "GITHUB_REF": ref,
        "GITHUB_SHA": SHA,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_RUN_ID": "8123456789",
        "GITHUB_RUN_NUMBER": "42",
        **more,
    }


def make_checkout(**changes: Any) -> context.Checkout:
    """A clean checkout at SHA."""
    return context.Checkout(**{"head": SHA, "dirty": False, "date": "2026-11-03T23:30:00Z", **changes})


def make_plan(
    event: str,
    ref: str,
    payload: Mapping[str, Any],
    *,
    checkout: context.Checkout | None = None,
    git_tags: Mapping[str, str] | None = None,
    **given: str,
) -> Plan:
    """The plan of one event, with the inputs *given*; *git_tags* are the checkout's git tags and their commits."""
    made, problems = try_plan(event, ref, payload, checkout=checkout, git_tags=git_tags, **given)
    assert problems == ()
    return made


def try_plan(
    event: str,
    ref: str,
    payload: Mapping[str, Any],
    *,
    checkout: context.Checkout | None = None,
    git_tags: Mapping[str, str] | None = None,
    **given: str,
) -> tuple[Plan, tuple[Problem, ...]]:
    """As :func:`make_plan`, with the problems."""
    found = context.read(variables(event, ref), payload, checkout or make_checkout())
    return plan.make(make_inputs(**given), found, commit_of_tag=(git_tags or {}).get)
