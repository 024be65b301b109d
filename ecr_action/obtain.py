"""The image step: the image of the commit, found in the registry or built and pushed under one tag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ecr_action.errors import OtherCommit
from ecr_action.image import reuse
from ecr_action.image.reuse import Choice
from ecr_action.plan import Plan
from ecr_action.protocols import Image, Images, RepositoryState, Step
from ecr_action.services import Cloud, Services
from ecr_action.wanted import Wanted


def obtain_image(
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
