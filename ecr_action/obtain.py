"""The image step: the image of the commit, found in the registry or built and pushed under one tag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from ecr_action import deployment, promoting
from ecr_action.cached import cached
from ecr_action.errors import OtherCommit, PushFailed, TagTaken
from ecr_action.image import failures, key, reuse
from ecr_action.image.reuse import Choice
from ecr_action.merging import merge
from ecr_action.plan import Plan
from ecr_action.protocols import Built, Clock, Image, Images, RepositoryState, Step
from ecr_action.services import Cloud, Services
from ecr_action.waiting import wait_for_build
from ecr_action.wanted import Wanted


@dataclass(frozen=True, kw_only=True)
class Obtained:
    """The *image* and why (*choice*); *there*: the tags as they are now; the *steps* of the build."""

    choice: Choice
    image: Image
    there: Mapping[str, Image]
    steps: tuple[Step, ...] = ()


def obtain_image(
    wanted: Wanted, state: RepositoryState, there: Mapping[str, Image], cloud: Cloud, services: Services
) -> Obtained:
    """The image of this commit: found, or built and pushed under one tag. Raises errors.Failure."""
    plan, console = wanted.plan, services.console
    choice = choose(wanted, state, there, cloud, services)
    for notice in choice.notices:
        console.notice(notice)
    if choice.image is not None:
        console.info(f"Reusing {choice.image.digest}: {choice.because}.")
        if wanted.source is not None:
            promoting.take_over(choice.image, wanted.source, there, state, cloud, services)
        if wanted.build.files and not wanted.parts.given:
            console.info("Building once more, for the files of `outputs` alone: nothing of it is pushed.")
            services.engine().build(wanted.build, None, None)
        return Obtained(choice=choice, image=choice.image, there=there)
    if plan.commit != plan.head:
        raise _other_commit(plan)
    content = choice.tags.content or ""
    if content == plan.commit and content not in there:
        found = wait_for_build(plan, content, wanted.run_id, cloud.images, services)
        if found is not None:
            return obtain_image(wanted, state, _fresh(wanted, choice, there, cloud.images), cloud, services)
    names = (content, *choice.tags.versions)
    if plan.version and (kept := cloud.images.archived(state.name, names)) is not None:
        raise deployment.archived(kept, state.name)
    console.info(f"{'Merging' if wanted.parts.given else 'Building'}: {choice.because}.")
    made = built(wanted, state, content, cloud, services, anew=choice.anew)
    # A build takes long: what others have published meanwhile decides about the tags, not what was there before.
    fresh = _fresh(wanted, choice, there, cloud.images)
    image = Image(digest=made.digest or "", media_type="", manifest="", tags=(content,))
    # Another run may have pushed under the same tag since: that image is not ours.
    standing = fresh.setdefault(content, image)
    image = standing if standing.digest == image.digest or not made.digest else image
    return _decided(wanted, Obtained(choice=choice, image=image, there=fresh, steps=made.steps), cloud, services)


def confirmed(wanted: Wanted, obtained: Obtained, cloud: Cloud, services: Services) -> Obtained:
    """*obtained*, by the tags as they are after a long wait. Raises TagTaken."""
    if services.dry_run:
        return obtained
    there = _fresh(wanted, obtained.choice, obtained.there, cloud.images)
    return _decided(wanted, replace(obtained, there=there), cloud, services)


def _decided(wanted: Wanted, obtained: Obtained, cloud: Cloud, services: Services) -> Obtained:
    """What has become of it where another run published the same commit, or took its version, meanwhile."""
    plan, choice, image, there = wanted.plan, obtained.choice, obtained.image, dict(obtained.there)
    if choice.image is None and choice.keyed and (winner := _winner(plan, choice, image, there, cloud.images)):
        choice, image, there = _settled(wanted, choice, image, winner, there, cloud, services)
    _, taken = _versions(plan, choice, image, there, cloud.images)
    if taken:
        raise taken
    return replace(obtained, choice=choice, image=image, there=there)


def built(
    wanted: Wanted, state: RepositoryState, tag: str, cloud: Cloud, services: Services, *, anew: bool
) -> Built:
    """Build and push, or merge what other jobs built; *anew*: without what a cache has.

    Raises errors.Failure: the API's reason where the registry refused the push without one.
    """
    if wanted.parts.given:
        return merge(wanted, state, tag, cloud, services)
    request = cached(wanted, state, services.console, anew=anew)
    try:
        return services.engine().build(request, f"{state.uri}:{tag}", cloud.logins.login())
    except PushFailed as failure:
        if failures.is_bare(failure.what) and (reason := cloud.refusal(state.name)) is not None:
            raise reason from failure
        raise


def _fresh(wanted: Wanted, choice: Choice, there: Mapping[str, Image], images: Images) -> dict[str, Image]:
    """The tags that decide, as they are now."""
    tags = (*choice.tags.fixed, *choice.tags.versions, *choice.tags.moving, wanted.key.tag, *wanted.marks)
    return dict(images.find(wanted.plan.repository, [*there, *tags]))


def _settled(
    wanted: Wanted,
    choice: Choice,
    ours: Image,
    theirs: Image,
    there: dict[str, Image],
    cloud: Cloud,
    services: Services,
) -> tuple[Choice, Image, dict[str, Image]]:
    """What becomes of two images of one commit: theirs is taken, unless it was built with other inputs."""
    inputs = key.listed(cloud.images.labels(wanted.plan.repository, theirs).get(key.LABEL))
    content = choice.tags.content or ""
    released = any(tag in there and there[tag].digest == theirs.digest for tag in choice.tags.versions)
    if released or content != wanted.plan.commit or not inputs or not key.differing(wanted.key.inputs, inputs):
        text = f"Another run has published this commit meanwhile: {theirs.digest} is taken, ours is left."
        services.console.info(text)
        return choice, theirs, there
    others = ", ".join(key.differing(wanted.key.inputs, inputs))
    said = f"Another run has published this commit meanwhile, built with another {others}."
    services.console.notice(f"{said} This image gets tags that end in -r{wanted.run_id}.")
    cloud.images.put_tag(wanted.plan.repository, theirs, content)
    tags = reuse.second(choice.tags, wanted.run_id)
    return replace(choice, tags=tags), ours, {**there, content: theirs}


def _winner(plan: Plan, choice: Choice, image: Image, there: Mapping[str, Image], images: Images) -> Image | None:
    """The image that another run made of the same commit and inputs and gave its tags while ours was built."""
    for tag in (*choice.tags.fixed, *choice.tags.versions):
        other = there.get(tag)
        if other and other.digest != image.digest and plan.commit in images.commits(plan.repository, other):
            return other
    return None


def _versions(
    plan: Plan, choice: Choice, image: Image | None, there: Mapping[str, Image], images: Images
) -> tuple[Image | None, TagTaken | None]:
    """The image that has the versions already, or the error where it is another commit's."""
    foreign = {
        tag: there[tag]
        for tag in choice.tags.versions
        if tag in there and (image is None or there[tag].digest != image.digest)
    }
    if not foreign:
        return None, None
    commits = {found.digest: images.commits(plan.repository, found) for found in foreign.values()}
    return reuse.taken(foreign, commits, plan.commit, plan.repository)


def _other_commit(plan: Plan) -> OtherCommit:
    tag = plan.version.tag if plan.version else plan.commit
    return OtherCommit(
        f"The tag of {tag} stands on {plan.commit}, which has no image yet; checked out is {plan.head}.",
        why="What is checked out is not what the version names, so that it can't be built from here.",
        fix=f"- uses: actions/checkout@v5\n  with:\n    ref: {plan.commit}   # the tag's commit\n"
        "or run the workflow on the tag: Actions > Run workflow > Use workflow from > Tags",
    )


def _too_old(wanted: Wanted, image: Image, images: Images, clock: Clock) -> bool:
    """Whether a branch's image is older than ``reuse-max-age``; a release keeps what was tested."""
    if wanted.reuse_days is None or wanted.plan.version is not None:
        return False
    pushed = images.pushed(wanted.plan.repository, image)
    return pushed is not None and clock.now() - pushed > timedelta(days=wanted.reuse_days)


def choose(
    wanted: Wanted, state: RepositoryState, there: Mapping[str, Image], cloud: Cloud, services: Services
) -> Choice:
    """What is published, decided before anything is built or copied. Raises errors.Failure."""
    plan, images = wanted.plan, cloud.images
    if wanted.source is not None:
        choice = promoting.choose(wanted, wanted.source, there, state, cloud, services)
    else:
        choice = _own(wanted, state, there, images, services.clock)
    image, taken = _versions(plan, choice, choice.image, there, images)
    if taken:
        raise taken
    if image is not None:
        choice = replace(choice, image=image, because="its version is in the repository: same commit")
    tags, notices = reuse.fitted(choice.tags, state)
    tags, said = reuse.lengthened(tags, plan.commit, there, choice.image, lambda i: images.commits(state.name, i))
    return replace(choice, tags=tags, notices=(*choice.notices, *notices, *said))


def _own(wanted: Wanted, state: RepositoryState, there: Mapping[str, Image], images: Images, clock: Clock) -> Choice:
    """The image of our repository that this run publishes, or one to build. Raises errors.TagTaken."""
    plan = wanted.plan
    first = there.get(plan.tags.content or "")
    # A pull request's tag names its head; what is built is the merge, which changes with the base.
    same = first is None or plan.tags.content == plan.commit or plan.commit in images.commits(state.name, first)
    known = reuse.Known(
        inputs=lambda image: key.listed(images.labels(state.name, image).get(key.LABEL)),
        names=lambda image: images.tags(state.name, image),
    )
    reusing = plan.reuse and same
    choose = partial(reuse.choose, plan.tags, there, wanted.run_id, key=wanted.key, known=known, dirty=plan.dirty)
    choice = choose(reusing=reusing)
    if reusing and choice.image is not None and _too_old(wanted, choice.image, images, clock):
        choice = replace(choose(reusing=False), anew=True)
    return choice
