"""The run of `mode: bump`: images that other jobs published are rolled out by one commit. Nothing is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ecr_action import deployment
from ecr_action.errors import Failure, InputProblems, Problem
from ecr_action.image import version
from ecr_action.image.reference import registry_of
from ecr_action.job_outputs import Listed
from ecr_action.proposed import mark_proposed
from ecr_action.protocols import Image, Images, RepositoryState
from ecr_action.report import Outcome, RolledOut
from ecr_action.rollout import roll_out
from ecr_action.services import Cloud, Services, tell
from ecr_action.standing import look
from ecr_action.tagging import mark_deployed, rejected
from ecr_action.timeline import Timeline
from ecr_action.wanted import Wanted


@dataclass(frozen=True)
class _Found:
    """One image as the registry has it: *there* are the tags that mark what runs, *held* why it is not rolled out."""

    outcome: Outcome
    image: Image
    state: RepositoryState
    there: Mapping[str, Image]
    held: str = ""


def bump(wanted: Wanted, services: Services) -> Outcome:
    """Roll out the images that *wanted* names. Raises errors.Failure, and then none of them is rolled out."""
    plan, timeline = wanted.plan, Timeline(services.clock, services.console)
    tell(plan, services.console)
    if plan.nothing:
        return Outcome(plan=plan, dry_run=services.dry_run)
    with timeline.phase("Credentials"):
        cloud = services.cloud()
    with timeline.phase("Images"):
        found = _all(wanted, cloud, services)
    outcome = _outcome(wanted, found, services)
    with timeline.phase("GitOps"):
        try:
            rolled_out = _roll_out(wanted, found, cloud, services)
            outcome = replace(outcome, rolled_out=rolled_out)
            now = look(wanted, [one.outcome for one in found if not one.held], rolled_out, cloud.images, services)
            for one in found:
                plan, image, state, there = one.outcome.plan, one.image, one.state, one.there
                mark_proposed(plan, rolled_out, image, state, there, cloud.images, services, now)
                if state.name in rolled_out.deployed:
                    mark_deployed(plan, image, state, there, cloud.images, services, look=now, changed=rolled_out.wrote)
        except Failure as failure:
            failure.so_far = replace(outcome, seconds=timeline.seconds)
            raise
    return replace(outcome, seconds=timeline.seconds)


def _all(wanted: Wanted, cloud: Cloud, services: Services) -> list[_Found]:
    """Every image, looked up in the registry. Raises InputProblems with all that are not there as they are named."""
    found, problems = [], []
    for listed in wanted.plan.images or ():
        one = _found(wanted, listed, cloud, services)
        if isinstance(one, str):
            problems.append(Problem("images", f"has {_name(listed)}: {one}"))
        else:
            found.append(one)
    if problems:
        raise InputProblems(problems)
    return found


def _name(listed: Listed) -> str:
    return f"{listed.repository}:{listed.tag}" if listed.tag else f"{listed.repository}@{listed.digest}"


def _found(wanted: Wanted, listed: Listed, cloud: Cloud, services: Services) -> _Found | str:
    """The image that *listed* names; what is wrong with it where it is not there."""
    state, plan, images = cloud.repository.read(listed.repository), wanted.plan, cloud.images
    if state is None:
        return "there is no such repository in this run's registry. Check 'aws-region:' and 'registry-id:'."
    host = state.uri.partition("/")[0]
    if listed.host and listed.host != host and registry_of(listed.host) != registry_of(host):
        return f"that is an image of {listed.host}, and this run is of {host}. Make a step for each registry."
    there = images.find(listed.repository, [*filter(None, (listed.tag, listed.key)), *wanted.marks])
    image = there.get(listed.key or listed.tag) or None
    if not listed.tag and not listed.key:
        image = images.by_digest(listed.repository, listed.digest)
    if image is None:
        return "the registry has no such image; it was not pushed, or it expired."
    if listed.digest and image.digest != listed.digest:
        return f"the tag stands on {image.digest}, and its job published {listed.digest}."
    tag = _tag(listed, image, there, images)
    if not tag:
        return "the image has no tag that could be rolled out."
    commits = images.commits(listed.repository, image)
    own = plan.commit if plan.commit in commits or not commits else commits[0]
    of_tag = version.of_tag(tag)
    plan = replace(
        plan,
        repository=listed.repository,
        commit=own,
        version=of_tag,
        prerelease=bool(of_tag and (plan.prerelease or of_tag.prerelease)),
    )
    outcome = Outcome(
        plan=plan, repository=listed.repository, uri=state.uri, digest=image.digest, primary=tag, tags=(tag,)
    )
    return _Found(outcome, image, state, there, rejected(plan, there, images, services) if wanted.gitops else "")


def _tag(listed: Listed, image: Image, there: Mapping[str, Image], images: Images) -> str | None:
    """The tag that is rolled out. Where *listed* tells a key, its tag is the one that was foreseen: a second image of
    the commit has another one, which begins with it."""
    foreseen = there.get(listed.tag)
    if listed.tag and (not listed.key or (foreseen and foreseen.digest == image.digest)):
        return listed.tag
    names = images.tags(listed.repository, image)
    own = [name for name in names if listed.tag and name.startswith(f"{listed.tag}-r")]
    return deployment.tag_to_roll_out(own, names)


def _outcome(wanted: Wanted, found: list[_Found], services: Services) -> Outcome:
    """What the run is told of: the image where there is one, else each of them."""
    if len(found) == 1:
        one = replace(found[0].outcome, mutability=found[0].state.mutability)
    else:
        one = Outcome(plan=wanted.plan, images=tuple(each.outcome for each in found))
    return replace(one, reused=True, because="mode: bump", dry_run=services.dry_run)


def _roll_out(wanted: Wanted, found: list[_Found], cloud: Cloud, services: Services) -> RolledOut:
    """The commit of those that were not rolled back before."""
    held = {one.state.name: one.held for one in found if one.held}
    for name, text in held.items():
        services.console.warning(f"{name}: {text}", title="NOT DEPLOYED")
    going = [one.outcome for one in found if not one.held]
    done = roll_out(wanted, going, cloud.images, services) if going else RolledOut()
    if not held:
        return done
    kept, several = {**done.kept, **held}, len(found) > 1
    told = "\n".join(f"{name}: {text}" if several else text for name, text in kept.items())
    repository = wanted.gitops.repository if wanted.gitops else ""
    return replace(done, repository=repository, held=told, kept=kept, superseded=True)
