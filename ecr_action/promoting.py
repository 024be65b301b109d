"""An image that another repository has, of whatever account and Region: looked for there, taken over here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ecr_action import deployment
from ecr_action.deployment import Named
from ecr_action.errors import OtherCommit, TagTaken
from ecr_action.image.reference import registry_of
from ecr_action.image.reuse import Choice
from ecr_action.protocols import Image, Images, RepositoryState
from ecr_action.services import Cloud, Services
from ecr_action.waiting import wait_for_build
from ecr_action.wanted import Wanted


def is_elsewhere(named: Named, repository: str, state: RepositoryState | None) -> bool:
    """Whether *named* is an image of another repository than ours, which *state* describes where it is there."""
    if not named.repository:
        return False
    if named.repository != repository:
        return True
    host = state.uri.partition("/")[0] if state else ""
    return bool(named.host) and named.host != host and (registry_of(named.host) or 0) != registry_of(host)


def find(named: Named, text: str, repository: str, images: Images) -> Image:
    """The image that *named* (as the user wrote it: *text*) is in *repository*. Raises ImageMissing, ImageArchived."""
    if named.digest:
        found = images.by_digest(repository, named.digest)
    else:
        there = images.find(repository, named.tags)
        found = next((there[tag] for tag in named.tags if tag in there), None)
    if found is not None:
        return found
    if kept := images.archived(repository, (named.digest,) if named.digest else named.tags):
        raise deployment.archived(kept, repository, options(named))
    raise deployment.missing(text, repository, options(named))


def choose(
    wanted: Wanted, source: Named, there: Mapping[str, Image], state: RepositoryState, cloud: Cloud, services: Services
) -> Choice:
    """This commit's image in *source*, which is published here instead of one that is built.

    Raises ImageMissing, ImageArchived, OtherCommit, and TagTaken where the commit has another image here.
    """
    plan, images = wanted.plan, cloud.elsewhere(source.host).images
    standing = there.get(plan.commit)
    tags, place = plan.tags, f"{source.host}/{source.repository}" if source.host else source.repository
    if source.tags == (plan.commit,) and not images.find(source.repository, source.tags):
        if standing is not None:
            because = f"{plan.commit} is in the repository, and no longer in {place}"
            return Choice(image=standing, tags=tags, because=because, keyed=False)
        wait_for_build(replace(plan, repository=source.repository), plan.commit, wanted.run_id, images, services)
    written = f"{place}:{plan.commit}" if source.tags == (plan.commit,) else wanted.image
    image = find(source, written, source.repository, images)
    commits = images.commits(source.repository, image)
    if plan.commit not in commits:
        raise OtherCommit(
            f"{written} is of commit {', '.join(commits) or 'unknown'}; this run is of {plan.commit}.",
            why="What is published under a commit's tags has to be built from it.",
            fix=f"image: {place}   # without a tag: this commit's image",
        )
    refuse_taken([plan.commit], there, image, state, cloud.images)
    return Choice(image=image, tags=tags, because=f"this commit's image in {place}", keyed=False)


def options(named: Named) -> str:
    """The options of an ``aws ecr`` command that name the registry of *named*; empty for our own."""
    registry = registry_of(named.host) if named.host else None
    return f" --registry-id {registry.account} --region {registry.region}" if registry else ""


def refuse_taken(
    tags: Iterable[str], there: Mapping[str, Image], image: Image, state: RepositoryState, images: Images
) -> None:
    """Each of *tags* names one image for good. Raises TagTaken where one names another than *image*."""
    for tag in tags:
        standing = there.get(tag)
        if standing is not None and standing.digest != image.digest:
            commits = ", ".join(images.commits(state.name, standing)) or "unknown"
            raise TagTaken(
                f"{tag} of {state.uri} is another image ({standing.digest}, of commit {commits}) "
                f"than the one to take over ({image.digest}).",
                why="A tag that names an image must not change what it names. Nothing was copied.",
                fix=f"To roll out the one that is there: image: {tag}\nOr, if nothing runs it, delete its tag:\n"
                f"aws ecr batch-delete-image --repository-name {state.name} --image-ids imageTag={tag}",
            )


def take_over(
    image: Image, named: Named, there: Mapping[str, Image], state: RepositoryState, cloud: Cloud, services: Services
) -> None:
    """Let our repository have *image* and what refers to it, under no tag yet. Raises errors.Failure.

    Tags come after all of it: where one of *there* stands on the image nothing is missing, and where none does an
    earlier run may have been cut before the signatures.
    """
    place = f"{named.host}/{named.repository}" if named.host else named.repository
    if any(found.digest == image.digest for found in there.values()):
        services.console.info(f"{image.digest} of {place} is in {state.uri} already.")
        return
    services.console.info(f"Copying {image.digest} from {place} to {state.uri}.")
    copied = cloud.elsewhere(named.host).copies.copy(image, named.repository, state.name)
    if not services.dry_run:
        services.console.info(f"Copied: {copied.words()}.")
