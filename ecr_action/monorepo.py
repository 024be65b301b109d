"""Which services of a commit a run has to publish, by what the registry knows of each. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ecr_action.image.key import Key
from ecr_action.plan import Plan
from ecr_action.protocols import Image
from ecr_action.service_list import Service


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A *service* as the commit has it, under the *key* of what it is built from."""

    service: Service
    key: Key


@dataclass(frozen=True, kw_only=True)
class Decided:
    """Whether the candidate's job has something to *do*, and why."""

    candidate: Candidate
    do: bool
    because: str


def asked(plan: Plan, key: Key) -> tuple[str, ...]:
    """The tags of a service's repository that :func:`decided` looks at."""
    marks = (plan.mark, plan.proposed, plan.rejected) if plan.environment else ()
    return (key.tag, *marks, *(("latest",) if plan.latest else ()))


def decided(
    candidates: Sequence[Candidate], there: Sequence[Mapping[str, Image]], plan: Plan
) -> tuple[Decided, ...]:
    """What each candidate's job has to do.

    Parameters: *there* has the tags of :func:`asked` that exist in each one's repository. What is published under its
    key, and is what runs, is left alone; what is published and does not run (after a revert, or a roll-out that
    failed) has a job, which builds nothing.
    """
    marked = any(plan.mark in tags for tags in there)
    return tuple(_decided(one, tags, plan, marked) for one, tags in zip(candidates, there, strict=True))


def _decided(one: Candidate, there: Mapping[str, Image], plan: Plan, marked: bool) -> Decided:
    image = there.get(one.key.tag)
    if image is None:
        return Decided(candidate=one, do=True, because="no image has its content")
    if plan.named:
        return Decided(candidate=one, do=True, because=f"{plan.tags.primary} is one of all services")
    on = {tag for tag, other in there.items() if other.digest == image.digest}
    if plan.environment and plan.rejected in on:
        return Decided(candidate=one, do=False, because=f"its content was rolled back in {plan.environment}")
    marks = [tag for tag in asked(plan, one.key) if tag in there and tag != plan.rejected]
    others = [tag for tag in marks if tag not in on]
    if others:
        return Decided(candidate=one, do=True, because=f"its content is there, and {others[0]} is on another image")
    if marked and plan.mark not in there:
        return Decided(candidate=one, do=True, because=f"its content is there, and was never {plan.mark}")
    return Decided(candidate=one, do=False, because=f"{one.key.tag} is in the repository")


def every(candidates: Sequence[Candidate], because: str) -> tuple[Decided, ...]:
    """A job for each of them."""
    return tuple(Decided(candidate=one, do=True, because=because) for one in candidates)


def matrix(decisions: Sequence[Decided], plan: Plan) -> str:
    """JSON for ``strategy.matrix.include``: an object for each job; a later ``mode: bump`` reads it as its images."""
    rows = []
    for decision in decisions:
        service, key = decision.candidate.service, decision.candidate.key
        told = {"service": service.name, "context": service.context, "repository": service.repository}
        tag = {"tag": plan.tags.primary or "", "key": key.tag, "environment": plan.environment or ""}
        rows += [{**told, **dict(service.own), **tag}] if decision.do else []
    return json.dumps(rows)
