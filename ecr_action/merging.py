"""The image of several platforms, out of parts that other jobs pushed: an index, put by the API, no engine used."""

from __future__ import annotations

from ecr_action.errors import ImageMissing, OtherCommit
from ecr_action.image import index
from ecr_action.image.index import Member
from ecr_action.protocols import Built, Image, Images, RepositoryState
from ecr_action.services import Cloud, Services
from ecr_action.wanted import Wanted

_RERUN = "Run the jobs that build the parts again, with the same 'platforms'."


def merge(wanted: Wanted, state: RepositoryState, tag: str, cloud: Cloud, services: Services) -> Built:
    """Put the index of ``parts`` under *tag*. Raises ImageMissing, OtherCommit, and what PutImage raises."""
    if services.dry_run and not wanted.parts.digests:
        services.console.info("Dry run: would put an index of the parts; the jobs before have built none.")
        return Built(digest=None, engine="none")
    members = [_member(wanted, digest, state, cloud.images) for digest in wanted.parts.digests]
    _, annotations = index.split_annotations(wanted.build.annotations)
    text, digest = index.merged(_in_order(wanted, members), annotations)
    image = Image(digest=digest, media_type=index.OCI, manifest=text)
    cloud.images.put_tag(state.name, image, tag)
    services.console.info(f"Merged {', '.join(one.platform for one in members)} into {digest}.")
    return Built(digest=digest, engine="none")


def _member(wanted: Wanted, digest: str, state: RepositoryState, images: Images) -> Member:
    plan = wanted.plan
    image = images.by_digest(state.name, digest)
    if image is None:
        what = f"The part {digest} is not in the repository {state.name}."
        raise ImageMissing(what, why="It was deleted, or pushed to another repository.", fix=_RERUN)
    commits = images.commits(state.name, image)
    # A pull request's image is of the merge that is built, as the plan's commit is.
    if commits and plan.commit not in commits:
        what = f"The part {digest} is of commit {commits[0]}, and this run is of {plan.commit}."
        raise OtherCommit(what, why="An index of both would be an image of neither.", fix=_RERUN)
    platforms = images.platforms(state.name, image)
    if len(platforms) != 1:
        told = ", ".join(platforms) or "none that can be told"
        what = f"The part {digest} should be of one platform, and is of {told}."
        raise ImageMissing(what, fix=f"Build it with 'part:', one of 'platforms'.\n{_RERUN}")
    return index.member(image.manifest, image.media_type, digest, platforms[0])


def _in_order(wanted: Wanted, members: list[Member]) -> list[Member]:
    """*members* in the order of ``platforms``, each of which must be there once, and nothing else."""
    asked = [index.normal(name) for name in wanted.build.platforms]
    have = [one.name for one in members]
    wrong = [f"{name} is missing" for name in asked if name not in have]
    wrong += [f"{name} is there {have.count(name)} times" for name in dict.fromkeys(have) if have.count(name) > 1]
    wrong += [f"{name} is not asked for" for name in dict.fromkeys(have) if name not in asked]
    if wrong:
        what = f"The parts are not those of 'platforms' ({', '.join(asked)}): {'; '.join(wrong)}."
        raise ImageMissing(what, why="Nothing was tagged.", fix=_RERUN)
    return sorted(members, key=lambda one: asked.index(one.name))
