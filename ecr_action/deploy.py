"""The run of `mode: deploy`: an image that is there, or in another repository, is rolled out. Nothing is built."""

from __future__ import annotations

from dataclasses import replace

from ecr_action import deployment, promoting
from ecr_action.aws.findings import Gate
from ecr_action.deployment import PREVIOUS, Named
from ecr_action.ensure import ensure_repository
from ecr_action.errors import Failure, NotDeployed, RepositoryMissing
from ecr_action.gate import scan_gate
from ecr_action.image import promotion
from ecr_action.plan import Plan
from ecr_action.proposed import mark_proposed
from ecr_action.protocols import Image, Images, RepositoryState
from ecr_action.report import Outcome, Scanned
from ecr_action.rollout import roll_out
from ecr_action.services import Cloud, Services, tell
from ecr_action.standing import look
from ecr_action.tagging import is_older, mark_deployed, mark_rejected
from ecr_action.timeline import Timeline
from ecr_action.wanted import Wanted


def deploy(wanted: Wanted, services: Services) -> Outcome:
    """Take the image that *wanted* names to its environment. Raises errors.Failure, also where a newer one stays."""
    plan, console, timeline = wanted.plan, services.console, Timeline(services.clock, services.console)
    tell(plan, console)
    if plan.nothing:
        return Outcome(plan=plan, repository=plan.repository, dry_run=services.dry_run)
    with timeline.phase("Credentials"):
        cloud = services.cloud()
    with timeline.phase("Image"):
        outcome, state, image = _obtain(wanted, cloud, services)
    wanted, plan = _with(wanted, outcome.plan), outcome.plan
    built = plan.commit or "an unknown commit"
    console.info(f"Deploying {state.uri}:{outcome.primary} ({image.digest}), built from {built}.")
    there = cloud.images.find(plan.repository, wanted.marks)
    left = there.get(plan.mark)
    back = plan.deploy == PREVIOUS or is_older(plan, plan.mark, left, image, cloud.images, services)
    if wanted.gate and not outcome.scanned:
        with timeline.phase("Scan"):
            outcome = replace(outcome, scanned=_scanned(wanted, wanted.gate, back, state, image, cloud, services))
    with timeline.phase("GitOps"):
        try:
            rolled_out = roll_out(wanted, [outcome], cloud.images, services)
            outcome = replace(outcome, rolled_out=rolled_out)
            if not rolled_out.deployed and not rolled_out.proposed:
                raise _not_deployed(outcome)
            now = look(wanted, [outcome], rolled_out, cloud.images, services)
            mark_proposed(plan, rolled_out, image, state, there, cloud.images, services, now)
            if back and left is not None and left.digest != image.digest:
                mark_rejected(plan, left, state, cloud.images, services)
            if rolled_out.deployed:
                wrote = rolled_out.wrote
                mark_deployed(plan, image, state, there, cloud.images, services, look=now, changed=wrote, back=back)
        except Failure as failure:
            failure.so_far = replace(outcome, seconds=timeline.seconds)
            raise
    return replace(outcome, seconds=timeline.seconds)


def _scanned(
    wanted: Wanted, gate: Gate, back: bool, state: RepositoryState, image: Image, cloud: Cloud, services: Services
) -> Scanned | None:
    """What the scans of our own image found. Raises VulnerableImage, unless it is a way *back*: then it is told.

    What runs is broken where somebody goes back: neither a finding that came since nor a slow scan is to keep it there.
    """
    if not back:
        return scan_gate(wanted, gate, state, image, cloud, services)
    try:
        return scan_gate(wanted, replace(gate, timeout=0), state, image, cloud, services)
    except Failure as failure:
        services.console.warning(f"It goes back all the same: {failure.what}", title="Scan")
        return failure.so_far.scanned if isinstance(failure.so_far, Outcome) else None


def _obtain(wanted: Wanted, cloud: Cloud, services: Services) -> tuple[Outcome, RepositoryState, Image]:
    """The image in our repository, brought there where another one has it; what is told of it."""
    plan = wanted.plan
    named = deployment.named(plan.deploy, plan.environment or "") or Named()
    state = cloud.repository.read(plan.repository)
    outcome = Outcome(plan=plan, reused=True, because=f"mode: deploy of {plan.deploy}", dry_run=services.dry_run)
    if promoting.is_elsewhere(named, plan.repository, state):
        return _promoted(wanted, named, outcome, cloud, services)
    if state is None:
        raise _no_repository(plan.repository)
    image = promoting.find(named, plan.deploy, state.name, cloud.images)
    plan, tag = _known(plan, image, named.tags, cloud.images, state.name)
    return _told(outcome, plan, state, image, (tag,)), state, image


def _promoted(
    wanted: Wanted, named: Named, outcome: Outcome, cloud: Cloud, services: Services
) -> tuple[Outcome, RepositoryState, Image]:
    """The image of another repository, once ours has it with its tags."""
    elsewhere = cloud.elsewhere(named.host)
    image = promoting.find(named, wanted.plan.deploy, named.repository, elsewhere.images)
    plan, tag = _known(wanted.plan, image, named.tags, elsewhere.images, named.repository)
    names = elsewhere.images.tags(named.repository, image)
    version = plan.version.tag if plan.version else ""
    tags = promotion.carried(tag, version, plan.commit, names, plan.environment or "")
    state, _, created = ensure_repository(wanted, cloud, services)
    there = cloud.images.find(state.name, tags)
    promoting.refuse_taken(tags, there, image, state, cloud.images)
    promoting.take_over(image, named, there, state, cloud, services)
    scanned = scan_gate(wanted, wanted.gate, state, image, cloud, services) if wanted.gate else None
    # To copy and to scan takes long: what others have tagged meanwhile stays theirs.
    there = cloud.images.find(state.name, tags)
    promoting.refuse_taken(tags, there, image, state, cloud.images)
    for one in tags:
        if one not in there and cloud.images.put_tag(state.name, image, one):
            services.console.info(f"Tagged {one}")
    outcome = replace(outcome, created=created, scanned=scanned)
    return _told(outcome, plan, state, image, (tag, *(one for one in tags if one != tag))), state, image


def _told(outcome: Outcome, plan: Plan, state: RepositoryState, image: Image, tags: tuple[str, ...]) -> Outcome:
    return replace(
        outcome,
        plan=plan,
        repository=state.name,
        uri=state.uri,
        mutability=state.mutability,
        digest=image.digest,
        primary=tags[0],
        tags=tags,
    )


def _known(plan: Plan, image: Image, asked: tuple[str, ...], images: Images, name: str) -> tuple[Plan, str]:
    """*plan* with the image's commit and version, and the tag that is rolled out. Raises ImageMissing."""
    commits, names = images.commits(name, image), images.tags(name, image)
    tag = deployment.tag_to_roll_out(asked, names)
    if tag is None and commits:
        # The role may not list an image's tags: those that its commit has as a rule are asked for.
        usual = [commits[0][:7], commits[0]]
        there = images.find(name, usual)
        tag = next((one for one in usual if one in there and there[one].digest == image.digest), None)
    if tag is None:
        raise deployment.missing(plan.deploy, name)
    found, commit = deployment.newest_version(names), commits[0] if commits else ""
    return replace(plan, commit=commit, version=found, prerelease=bool(found and found.prerelease)), tag


def _with(wanted: Wanted, plan: Plan) -> Wanted:
    """*wanted* of the image that was found."""
    origin = replace(wanted.origin, sha=plan.commit, version=plan.version.tag if plan.version else "")
    return replace(wanted, plan=plan, origin=origin)


def _no_repository(name: str) -> RepositoryMissing:
    return RepositoryMissing(
        f"There is no repository {name}, so that there is no image to deploy.",
        fix="Check 'repository:', 'aws-region:' and 'registry-id:'.",
    )


def _not_deployed(outcome: Outcome) -> NotDeployed:
    held = outcome.rolled_out.held or "every reference is held by '# ecr-publish: hold'"
    return NotDeployed(
        f"{outcome.repository}:{outcome.primary} was not deployed to {outcome.plan.environment}: {held}",
        why="A deploy that changes nothing because something newer stands would look like one that worked.",
        fix="To go back on purpose start the workflow by hand (workflow_dispatch).",
    )
