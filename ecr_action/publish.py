"""The run, step by step: observe, decide, apply. Read this page first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from ecr_action.aws import lifecycle
from ecr_action.errors import OtherCommit, RepositoryMissing
from ecr_action.image import reuse
from ecr_action.image.reuse import Choice
from ecr_action.moving import move_tags
from ecr_action.plan import Plan
from ecr_action.protocols import (
    Clock,
    Console,
    Engine,
    GitOps,
    History,
    Image,
    Images,
    Lifecycle,
    Logins,
    Repository,
    RepositoryState,
    Step,
)
from ecr_action.report import Outcome
from ecr_action.rollout import roll_out
from ecr_action.timeline import Timeline
from ecr_action.wanted import Wanted

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """ECR, once there are credentials."""

    repository: Repository
    images: Images
    logins: Logins


@dataclass(frozen=True, kw_only=True)
class Services:
    """The world, each part made when it is first needed."""

    console: Console
    clock: Clock
    cloud: Callable[[], Cloud]
    engine: Callable[[], Engine]
    gitops: Callable[[], GitOps]
    history: History
    chance: Callable[[], float]
    dry_run: bool = False


def publish(wanted: Wanted, services: Services) -> Outcome:
    """Bring the registry and the GitOps repository to what *wanted* says. Raises errors.Failure."""
    plan, console, timeline = wanted.plan, services.console, Timeline(services.clock, services.console)
    with console.group("Plan"):
        for line in plan.explain():
            console.info(line)
    outcome = Outcome(plan=plan, repository=plan.repository, primary="", dry_run=services.dry_run)
    if plan.nothing:
        console.notice(f"Nothing is done: {plan.nothing}.")
        return outcome
    if not plan.push:
        with timeline.phase("Build"):
            built = services.engine().build(wanted.build, None, None)
        return replace(outcome, steps=built.steps, seconds=timeline.seconds)
    with timeline.phase("Credentials"):
        cloud = services.cloud()
    with timeline.phase("Repository"):
        state, there, created = _repository(wanted, cloud, services)
    with timeline.phase("Image"):
        choice, steps, image = _image(wanted, state, there, cloud, services)
    with timeline.phase("Tags"):
        tags, superseded = _tags(plan, choice, image, there, cloud, services)
    outcome = replace(
        outcome,
        uri=state.uri,
        digest=image.digest,
        tags=tags,
        primary=choice.tags.primary or "",
        pushed=True,
        reused=choice.image is not None,
        because=choice.because,
        created=created,
        superseded=superseded,
        steps=steps,
        notices=choice.notices,
    )
    with timeline.phase("GitOps"):
        rolled_out = roll_out(wanted, outcome, cloud.images, services)
    return replace(outcome, rolled_out=rolled_out, seconds=timeline.seconds)


def _together(*reads: Callable[[], T]) -> list[T]:
    """Independent reads side by side; the first failure of them is raised."""
    with ThreadPoolExecutor(len(reads)) as pool:
        return [future.result() for future in [pool.submit(read) for read in reads]]


def _repository(wanted: Wanted, cloud: Cloud, services: Services) -> tuple[RepositoryState, Mapping[str, Image], bool]:
    """The repository, as it is wanted; the images that are there; whether it was created now."""
    spec = wanted.repository
    asked = reuse.asked(wanted.plan.tags, wanted.run_id, reusing=wanted.plan.reuse)
    state: RepositoryState | None
    state, policy, there = _together(  # type: ignore[assignment]
        lambda: cloud.repository.read(spec.name),
        lambda: cloud.repository.read_lifecycle(spec.name) if spec.lifecycle_policy else None,
        lambda: cloud.images.find(spec.name, asked),
    )
    created = False
    if state is None:
        if not spec.create:
            raise _missing(spec.name)
        state, created = cloud.repository.create(spec)
        services.console.info(f"The repository {spec.name} was {'created' if created else 'created by another job'}.")
        policy = Lifecycle(readable=True)
    if spec.lifecycle_policy and isinstance(policy, Lifecycle):
        _lifecycle(wanted, state, policy, created, cloud, services)
    return state, there, created  # type: ignore[return-value]


def _missing(name: str) -> RepositoryMissing:
    return RepositoryMissing(
        f"There is no repository {name}, and 'create-repository' is false.",
        fix=f"create-repository: 'true'\nor: aws ecr create-repository --repository-name {name}",
    )


def _lifecycle(
    wanted: Wanted, state: RepositoryState, policy: Lifecycle, created: bool, cloud: Cloud, services: Services
) -> None:
    spec = wanted.repository
    decision = lifecycle.decide(
        policy,
        wanted=spec.lifecycle_policy or "",
        is_default=spec.lifecycle_is_default,
        created_now=created,
        created_at=state.created_at,
        now=services.clock.now(),
        consent=spec.lifecycle_asked_for,
        repository=spec.name,
    )
    if decision.level == "warning":
        services.console.warning(decision.because, title="Lifecycle policy")
    elif decision.level == "notice":
        services.console.notice(decision.because, title="Lifecycle policy")
    else:
        services.console.info(decision.because)
    if decision.write:
        cloud.repository.write_lifecycle(spec.name, spec.lifecycle_policy or "")


def _image(
    wanted: Wanted, state: RepositoryState, there: Mapping[str, Image], cloud: Cloud, services: Services
) -> tuple[Choice, tuple[Step, ...], Image]:
    """The image of this commit: found, or built and pushed under one tag."""
    plan, console = wanted.plan, services.console
    choice = _choice(plan, wanted.run_id, state, there, cloud.images)
    for notice in choice.notices:
        console.notice(notice)
    if choice.image is not None:
        console.info(f"Reusing {choice.image.digest}: {choice.because}.")
        return choice, (), choice.image
    if plan.commit != plan.head:
        raise _other_commit(plan)
    console.info(f"Building: {choice.because}.")
    content = choice.tags.content or ""
    build = wanted.build
    built = services.engine().build(build, f"{state.uri}:{content}", cloud.logins.login())
    image = cloud.images.find(state.name, [content]).get(content) or Image(
        digest=built.digest or "", media_type="", manifest="", tags=(content,)
    )
    return choice, built.steps, image


def _other_commit(plan: Plan) -> OtherCommit:
    tag = plan.version.tag if plan.version else plan.commit
    return OtherCommit(
        f"The tag of {tag} stands on {plan.commit}, which has no image yet; checked out is {plan.head}.",
        why="What is checked out is not what the version names, so that it can't be built from here.",
        fix=f"- uses: actions/checkout@v5\n  with:\n    ref: {plan.commit}   # the tag's commit\n"
        "or run the workflow on the tag: Actions > Run workflow > Use workflow from > Tags",
    )


def _choice(plan: Plan, run_id: str, state: RepositoryState, there: Mapping[str, Image], images: Images) -> Choice:
    """What is published, decided before anything is built. Raises errors.TagTaken."""
    choice = reuse.choose(plan.tags, there, run_id, reusing=plan.reuse)
    versions = {tag: there[tag] for tag in choice.tags.versions if tag in there}
    foreign = {tag: image for tag, image in versions.items() if not choice.image or image.digest != choice.image.digest}
    if foreign:
        commits = {image.digest: images.commits(state.name, image) for image in foreign.values()}
        image, taken = reuse.taken(foreign, commits, plan.commit)
        if taken:
            raise taken
        choice = replace(choice, image=image, because=f"{next(iter(foreign))} is in the repository: same commit")
    tags, notices = reuse.fitted(choice.tags, state)
    tags, said = reuse.lengthened(tags, plan.commit, there, choice.image, lambda i: images.commits(state.name, i))
    return replace(choice, tags=tags, notices=(*choice.notices, *notices, *said))


def _tags(
    plan: Plan, choice: Choice, image: Image, there: Mapping[str, Image], cloud: Cloud, services: Services
) -> tuple[tuple[str, ...], bool]:
    """Complete the tags: those that name the image, then those that move. The flag: one was held back."""
    tags, images, name = choice.tags, cloud.images, plan.repository
    there = {**there, **({tags.content: image} if tags.content else {})}
    for tag in (*tags.fixed, *tags.versions):
        if tag not in there or there[tag].digest != image.digest:
            images.put_tag(name, image, tag)
            services.console.info(f"Tagged {tag}")
    held = move_tags(plan, tags.moving, there, image, images, services)
    return tuple(tag for tag in tags.order if tag not in held), bool(held)
