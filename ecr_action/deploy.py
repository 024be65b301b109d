"""The run of `mode: deploy`: an image that is there is rolled out. Nothing is built, no layer is moved."""

from __future__ import annotations

from dataclasses import replace

from ecr_action import deployment
from ecr_action.deployment import PREVIOUS, Named
from ecr_action.errors import Failure, InputProblems, NotDeployed, Problem, RepositoryMissing
from ecr_action.image.reference import registry_of
from ecr_action.proposed import mark_proposed
from ecr_action.protocols import Image, Images, RepositoryState
from ecr_action.report import Outcome
from ecr_action.rollout import roll_out
from ecr_action.services import Services
from ecr_action.tagging import is_older, mark_deployed, mark_rejected
from ecr_action.timeline import Timeline
from ecr_action.wanted import Wanted


def deploy(wanted: Wanted, services: Services) -> Outcome:
    """Take the image that *wanted* names to its environment. Raises errors.Failure, also where a newer one stays."""
    plan, console, timeline = wanted.plan, services.console, Timeline(services.clock, services.console)
    with console.group("Plan"):
        for line in plan.explain():
            console.info(line)
    if plan.nothing:
        console.notice(f"Nothing is done: {plan.nothing}.")
        return Outcome(plan=plan, repository=plan.repository, dry_run=services.dry_run)
    with timeline.phase("Credentials"):
        cloud = services.cloud()
    with timeline.phase("Image"):
        state = cloud.repository.read(plan.repository)
        if state is None:
            raise _no_repository(plan.repository)
        image, asked = _find(wanted, state, cloud.images)
        wanted, tag = _known(wanted, image, asked, cloud.images)
    plan = wanted.plan
    console.info(f"Deploying {state.uri}:{tag} ({image.digest}), built from {plan.commit or 'an unknown commit'}.")
    there = cloud.images.find(plan.repository, wanted.marks)
    left = there.get(plan.mark)
    back = plan.deploy == PREVIOUS or is_older(plan, plan.mark, left, image, cloud.images, services)
    outcome = Outcome(
        plan=plan,
        repository=plan.repository,
        uri=state.uri,
        mutability=state.mutability,
        digest=image.digest,
        primary=tag,
        tags=(tag,),
        reused=True,
        because=f"mode: deploy of {plan.deploy}",
        dry_run=services.dry_run,
    )
    with timeline.phase("GitOps"):
        try:
            rolled_out = roll_out(wanted, [outcome], cloud.images, services)
            outcome = replace(outcome, rolled_out=rolled_out)
            if not rolled_out.deployed and not rolled_out.proposed:
                raise _not_deployed(outcome)
            mark_proposed(plan, rolled_out, image, state, there, cloud.images, services)
            if back and left is not None and left.digest != image.digest:
                mark_rejected(plan, left, state, cloud.images, services)
            if rolled_out.deployed:
                mark_deployed(plan, image, state, there, cloud.images, services, back=back)
        except Failure as failure:
            failure.so_far = replace(outcome, seconds=timeline.seconds)
            raise
    return replace(outcome, seconds=timeline.seconds)


def _find(wanted: Wanted, state: RepositoryState, images: Images) -> tuple[Image, tuple[str, ...]]:
    """The image, and the tags that the user named. Raises ImageMissing, InputProblems."""
    plan = wanted.plan
    named = deployment.named(plan.deploy, plan.environment or "") or Named()
    _refuse_elsewhere(named, plan.deploy, state)
    if named.digest:
        found = images.by_digest(state.name, named.digest)
    else:
        there = images.find(state.name, named.tags)
        found = next((there[tag] for tag in named.tags if tag in there), None)
    if found is None:
        raise deployment.missing(plan.deploy, state.name)
    return found, named.tags


def _refuse_elsewhere(named: Named, text: str, state: RepositoryState) -> None:
    if not named.repository:
        return
    host, _, name = state.uri.partition("/")
    same = not named.host or named.host == host or (registry_of(named.host) or 0) == registry_of(host)
    if not same or named.repository != name:
        what = f"is {text}, and this run is of {state.uri}."
        raise InputProblems(
            [Problem("image", what, f"Add the line 'repository: {named.repository}', or name the tag.")]
        )


def _known(wanted: Wanted, image: Image, asked: tuple[str, ...], images: Images) -> tuple[Wanted, str]:
    """*wanted* with the image's commit and version, and the tag that is rolled out. Raises ImageMissing."""
    plan, name = wanted.plan, wanted.plan.repository
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
    plan = replace(plan, commit=commit, version=found, prerelease=bool(found and found.prerelease))
    origin = replace(wanted.origin, sha=commit, version=found.tag if found else "")
    return replace(wanted, plan=plan, origin=origin), tag


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
