"""The run, step by step: each observes, decides, applies. Read this page first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ecr_action.aws.findings import Gate
from ecr_action.cached import build_alone
from ecr_action.ensure import ensure_repository
from ecr_action.errors import Failure
from ecr_action.expiry import foresee
from ecr_action.gate import scan_gate
from ecr_action.obtain import Obtained, confirmed, obtain_image
from ecr_action.preview import preview
from ecr_action.proposed import mark_proposed
from ecr_action.protocols import Image, Images, RepositoryState
from ecr_action.rehearsal import look_ahead, rehearse
from ecr_action.report import Outcome, RolledOut, Scanned
from ecr_action.rollout import Rehearsed, roll_out
from ecr_action.services import Cloud, Services, tell
from ecr_action.standing import look
from ecr_action.tagging import complete_tags, mark_deployed, rejected
from ecr_action.timeline import Timeline
from ecr_action.wanted import Wanted


def publish(wanted: Wanted, services: Services) -> Outcome:
    """Bring the registry and the GitOps repository to what *wanted* says. Raises errors.Failure."""
    plan, timeline = wanted.plan, Timeline(services.clock, services.console)
    tell(plan, services.console)
    outcome = Outcome(plan=plan, repository=plan.repository, primary="", dry_run=services.dry_run)
    if plan.nothing:
        return outcome
    outcome = replace(outcome, previewed=preview(wanted, services))
    if not plan.push:
        with timeline.phase("Build"):
            built = build_alone(wanted, services)
        return replace(outcome, steps=built.steps, seconds=timeline.seconds)
    with timeline.phase("Credentials"):
        looked, cloud = look_ahead(wanted, services), services.cloud()
    with timeline.phase("Repository"):
        state, there, created = ensure_repository(wanted, cloud, services)
    with timeline.phase("GitOps, tried"):
        rehearsed = rehearse(wanted, looked, state.uri, there, cloud.images, services)
    with timeline.phase("Image"):
        obtained = obtain_image(wanted, state, there, cloud, services)
        _load(wanted, state.uri, obtained, cloud, services)
    scanned = None
    if wanted.gate is not None:
        with timeline.phase("Scan"):
            obtained, scanned = _scanned(wanted, wanted.gate, state, obtained, cloud, services)
    choice, image = obtained.choice, obtained.image
    with timeline.phase("Tags"):
        foresee(wanted, state, choice, image, cloud, services)
        tags, superseded = complete_tags(plan, wanted.key.tag, choice, image, obtained.there, cloud, services)
    outcome = replace(
        outcome,
        uri=state.uri,
        mutability=state.mutability,
        digest=image.digest,
        tags=tags,
        primary=choice.tags.primary or "",
        pushed=True,
        reused=choice.image is not None,
        because=choice.because,
        created=created,
        superseded=superseded,
        steps=obtained.steps,
        notices=choice.notices,
        scanned=scanned,
    )
    with timeline.phase("GitOps"):
        try:
            out = _roll_out(wanted, outcome, rehearsed, obtained.there, cloud.images, services)
            outcome = replace(outcome, rolled_out=out)
            now = look(wanted, [outcome], out, cloud.images, services)
            mark_proposed(plan, out, image, state, obtained.there, cloud.images, services, now)
            if out.deployed:
                mark_deployed(plan, image, state, obtained.there, cloud.images, services, look=now, changed=out.wrote)
        except Failure as failure:
            failure.so_far = replace(outcome, seconds=timeline.seconds)
            raise
    return replace(outcome, seconds=timeline.seconds)


def _scanned(
    wanted: Wanted, gate: Gate, state: RepositoryState, obtained: Obtained, cloud: Cloud, services: Services
) -> tuple[Obtained, Scanned | None]:
    """What passed the gate. A scan takes long: what others have published meanwhile decides which image that is."""
    scanned = scan_gate(wanted, gate, state, obtained.image, cloud, services)
    now = confirmed(wanted, obtained, cloud, services)
    if now.image.digest != obtained.image.digest:
        scanned = scan_gate(wanted, gate, state, now.image, cloud, services)
    return now, scanned


def _load(wanted: Wanted, uri: str, obtained: Obtained, cloud: Cloud, services: Services) -> None:
    if wanted.load:
        name = f"{uri}:{obtained.choice.tags.primary}"
        services.engine().load(f"{uri}@{obtained.image.digest}", name, cloud.logins.login())


def _roll_out(
    wanted: Wanted,
    outcome: Outcome,
    rehearsed: Rehearsed,
    there: Mapping[str, Image],
    images: Images,
    services: Services,
) -> RolledOut:
    held = rejected(wanted.plan, there, images, services) if wanted.gitops else ""
    if not held:
        return roll_out(wanted, [outcome], images, services, rehearsed)
    services.console.warning(held, title="NOT DEPLOYED")
    return RolledOut(repository=wanted.gitops.repository if wanted.gitops else "", held=held, superseded=True)
