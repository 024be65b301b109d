"""One platform of an image, built by a job of its own and pushed without a tag that anybody follows."""

from __future__ import annotations

from dataclasses import replace

from ecr_action.aws import revision
from ecr_action.cached import build_alone
from ecr_action.ensure import ensure_repository
from ecr_action.image import index, reuse
from ecr_action.obtain import built, choose
from ecr_action.protocols import Clock, RepositoryState
from ecr_action.report import Outcome
from ecr_action.services import Services
from ecr_action.timeline import Timeline
from ecr_action.wanted import Wanted

# The tag of a part where the builder can't push without one. It moves on with the next build, and is one of those that
# an immutable repository of ours lets move; what it leaves is untagged. In any other immutable one each
# build has a tag of its own.
TAG = "buildcache-part-"


def publish_part(wanted: Wanted, services: Services) -> Outcome:
    """Build and push ``part``, unless the whole image is there. Raises errors.Failure."""
    plan, console, timeline = wanted.plan, services.console, Timeline(services.clock, services.console)
    with console.group("Plan"):
        for line in plan.explain():
            console.info(line)
        console.info(f"part: {wanted.part} alone is built; no tag moves, and nothing is rolled out")
    outcome = Outcome(plan=plan, repository=plan.repository, dry_run=services.dry_run, part=wanted.part)
    if plan.nothing:
        console.notice(f"Nothing is done: {plan.nothing}.")
        return outcome
    own, _ = index.split_annotations(wanted.build.annotations)
    request = replace(wanted.build, platforms=(wanted.part,), annotations=own, by_digest=True)
    alone = replace(wanted, build=request)
    if not plan.push:
        with timeline.phase("Build"):
            steps = build_alone(alone, services).steps
        return replace(outcome, steps=steps, seconds=timeline.seconds)
    with timeline.phase("Credentials"):
        cloud = services.cloud()
    with timeline.phase("Repository"):
        state, there, created = ensure_repository(wanted, cloud, services)
    outcome = replace(outcome, uri=state.uri, mutability=state.mutability, created=created)
    with timeline.phase("Image"):
        choice = choose(wanted, state, there, cloud, services)
        found = revision.platforms(choice.image.manifest) if choice.image else {}
        standing = {index.normal(name): digest for name, digest in found.items()}.get(index.normal(wanted.part))
        if standing:
            console.info(f"Reusing {standing}: {choice.because}.")
            return replace(outcome, digest=standing, reused=True, because=choice.because, seconds=timeline.seconds)
        console.info(f"Building {wanted.part}: {choice.because}.")
        tag = tag_of(wanted, state, services.clock)
        made = built(alone, state, tag, cloud, services, anew=choice.anew)
    return replace(outcome, digest=made.digest or "", steps=made.steps, seconds=timeline.seconds)


def tag_of(wanted: Wanted, state: RepositoryState, clock: Clock) -> str:
    """The tag of ``part`` where the builder can't push without one."""
    tag = f"{TAG}{wanted.part.replace('/', '-')}"
    # A re-run builds the same commit once more, into other bytes.
    return f"{tag}-{wanted.plan.commit}-{clock.now():%Y%m%d%H%M%S}" if reuse.immutable(tag, state) else tag
