"""The run of `mode: matrix`: which services have a job, by what the registry has of each. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ecr_action import monorepo
from ecr_action.errors import Failure
from ecr_action.monorepo import Candidate, Decided
from ecr_action.report import Outcome
from ecr_action.services import Services, tell
from ecr_action.timeline import Timeline
from ecr_action.wanted import Wanted

# ECR takes 2,000 BatchGetImage a second of an account; these many are asked side by side.
_SIDE_BY_SIDE = 8


def changed(wanted: Wanted, candidates: Sequence[Candidate], services: Services, *, region: bool) -> Outcome:
    """Decide which of *candidates* have a job. Raises errors.Failure, but not in a run that pushes nothing.

    Parameters: *region*: there is one whose registry can be asked.
    """
    plan, console, timeline = wanted.plan, services.console, Timeline(services.clock, services.console)
    tell(plan, console)
    if plan.nothing:
        return Outcome(plan=plan, services=())
    with timeline.phase("Services"):
        found = _decided(wanted, candidates, services, region)
        for one in found:
            console.info(f"{one.candidate.service.name}: {'a job' if one.do else 'none'} ({one.because})")
    return Outcome(plan=plan, services=found, seconds=timeline.seconds, dry_run=services.dry_run)


def _decided(
    wanted: Wanted, candidates: Sequence[Candidate], services: Services, region: bool
) -> tuple[Decided, ...]:
    plan = wanted.plan
    if plan.dirty or not plan.reuse:
        because = "uncommitted changes" if plan.dirty else "this run builds everything anew"
        return monorepo.every(candidates, because)
    if not plan.push and not region:
        return monorepo.every(candidates, "without aws-region there is no registry to ask")
    try:
        images = services.cloud().images
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            there = list(
                pool.map(lambda one: images.find(one.service.repository, monorepo.asked(plan, one.key)), candidates)
            )
    except Failure as failure:
        if plan.push:
            raise
        services.console.notice(f"The registry can't be asked, so that every service has a job: {failure.what}")
        return monorepo.every(candidates, "the registry can't be asked")
    decisions = monorepo.decided(candidates, there, plan)
    return tuple(_aged(one, wanted, services) for one in decisions)


def _aged(one: Decided, wanted: Wanted, services: Services) -> Decided:
    """*one*, with a job where its image is older than ``reuse-max-age``."""
    if one.do or wanted.reuse_days is None:
        return one
    repository, images = one.candidate.service.repository, services.cloud().images
    image = images.find(repository, [one.candidate.key.tag]).get(one.candidate.key.tag)
    pushed = images.pushed(repository, image) if image else None
    if pushed is None or (services.clock.now() - pushed).days < wanted.reuse_days:
        return one
    return replace(one, do=True, because=f"its image is older than {wanted.reuse_days} days")
