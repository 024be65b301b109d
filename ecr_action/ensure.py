"""The repository step: it exists, with its lifecycle policy, and what it holds is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ecr_action.conform import conform
from ecr_action.errors import RepositoryMissing
from ecr_action.expiry import keep_policy
from ecr_action.image import reuse
from ecr_action.protocols import Image, Lifecycle, RepositorySpec, RepositoryState
from ecr_action.services import Cloud, Services
from ecr_action.wanted import Wanted

T = TypeVar("T")


def ensure_repository(
    wanted: Wanted, cloud: Cloud, services: Services
) -> tuple[RepositoryState, Mapping[str, Image], bool]:
    """The repository, as it is wanted; the images that are there; whether it was created now."""
    spec = wanted.repository
    plan = wanted.plan
    asked = [*reuse.asked(plan.tags, wanted.run_id, wanted.key), *wanted.marks]
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
        spec = cloud.repository.templated(spec)
        state, created = cloud.repository.create(spec)
        if not services.dry_run:
            services.console.info(f"The repository {spec.name} was created{'' if created else ' by another job'}.")
        if spec.template:
            services.console.info(_templated(spec))
        policy = Lifecycle(readable=True)
    else:
        state = conform(spec, state, cloud, services)
    if state.mutability != "MUTABLE":
        said = f" except {', '.join(state.immutable_except)}" if state.immutable_except else ""
        services.console.info(f"The repository's tags are {state.mutability}{said}.")
    if spec.lifecycle_policy and isinstance(policy, Lifecycle):
        state = keep_policy(spec, state, policy, created, cloud, services)
    return state, there, created  # type: ignore[return-value]


def _templated(spec: RepositorySpec) -> str:
    text = f"What the inputs leave open is as the repository creation template {spec.template!r} says."
    if spec.lifecycle_policy and not spec.lifecycle_is_default:
        text += " To have later runs leave its lifecycle policy alone: lifecycle-policy: none"
    return text


def _missing(name: str) -> RepositoryMissing:
    return RepositoryMissing(
        f"There is no repository {name}, and 'create-repository' is false.",
        fix=f"create-repository: 'true'\nor: aws ecr create-repository --repository-name {name}",
    )


def _together(*reads: Callable[[], T]) -> list[T]:
    """Independent reads side by side; the first failure of them is raised."""
    with ThreadPoolExecutor(len(reads)) as pool:
        return [future.result() for future in [pool.submit(read) for read in reads]]
