"""The build with its cache: which one this run may read, and whether it may write it."""

from __future__ import annotations

from dataclasses import replace

from ecr_action.errors import Failure
from ecr_action.image import caching, reuse
from ecr_action.image.arguments import BuildRequest
from ecr_action.image.caching import Cache
from ecr_action.protocols import Built, Console, RepositoryState
from ecr_action.services import Services
from ecr_action.wanted import Wanted


def cached(wanted: Wanted, state: RepositoryState, console: Console, *, anew: bool = False) -> BuildRequest:
    """The build of a run that pushes. What a pull request's code leaves in a cache is in no other run's image.

    Parameters: *anew* is whether an image that is there is too old: a cache would make the same again.
    """
    if not _asked_for(wanted):
        return wanted.build
    # Only a pull request's image has another tag of its own.
    writes = wanted.plan.tags.content == wanted.plan.commit
    cache = _cache(wanted, state, writes=writes, anew=anew)
    if cache.writes and not cache.movable and cache.kind != caching.INLINE:
        text = f"The repository {state.name} is {state.mutability}, so that the tag {cache.tag} can't move"
        instead = "the cache goes into the image itself" if cache.kind == caching.AUTO else "no cache is written"
        console.notice(f"{text}: {instead}. A filter '{caching.TAG}*' would exclude it.")
    return replace(wanted.build, cache=cache)


def build_alone(wanted: Wanted, services: Services) -> Built:
    """Build without a push, with what the registry has of a cache where the job may read it. Raises errors.Failure."""
    if wanted.parts.given:
        services.console.info("Nothing is merged: the parts were not pushed either.")
        return Built(digest=None, engine="none")
    if not _asked_for(wanted):
        return services.engine().build(wanted.build, None, None)
    try:
        cloud = services.cloud()
        state = cloud.repository.read(wanted.plan.repository)
        login = cloud.logins.login()
    except Failure as failure:
        services.console.notice(f"No build cache is read: {failure.what}")
        return services.engine().build(wanted.build, None, None)
    request = replace(wanted.build, cache=_cache(wanted, state, writes=False)) if state else wanted.build
    return services.engine().build(request, None, login)


def _asked_for(wanted: Wanted) -> bool:
    return wanted.cache != caching.NONE and not wanted.build.call


def _cache(wanted: Wanted, state: RepositoryState, *, writes: bool, anew: bool = False) -> Cache:
    # Parts are built at the same time, each with other layers.
    tag = f"{caching.TAG}-{wanted.part.replace('/', '-')}" if wanted.part else caching.TAG
    return Cache(
        kind=wanted.cache,
        repository=state.uri,
        tag=tag,
        # A scheduled run is there for what the base image and the packages are today.
        reads=not anew and wanted.plan.event != "schedule",
        writes=writes,
        movable=not reuse.immutable(tag, state),
    )
