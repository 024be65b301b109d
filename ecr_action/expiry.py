"""The repository's lifecycle policy: ours written where it may be, and a word on what can expire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from ecr_action.aws import lifecycle, lint, ownership, shield
from ecr_action.aws.simulate import Stored, simulate
from ecr_action.image.reuse import Choice
from ecr_action.protocols import Image, Lifecycle, RepositorySpec, RepositoryState
from ecr_action.services import Cloud, Services
from ecr_action.wanted import Wanted

_TITLE = "Lifecycle policy"
_LISTED = 10


def keep_policy(
    spec: RepositorySpec, state: RepositoryState, standing: Lifecycle, created: bool, cloud: Cloud, services: Services
) -> RepositoryState:
    """Write the policy of *spec* where it may be; the repository with the policy that holds then."""

    @cache
    def inventory() -> Sequence[Stored] | None:
        return cloud.repository.stored(spec.name)

    decision = ownership.decide(
        standing,
        spec,
        created_now=created,
        created_at=state.created_at,
        now=services.clock.now(),
        inventory=inventory,
    )
    _say(decision, services)
    holds = standing.text
    if decision.write and cloud.repository.write_lifecycle(spec.name, spec.lifecycle_policy or ""):
        holds = spec.lifecycle_policy
    if not spec.lifecycle_is_default:
        _advise(spec, services)
    if not created and not (spec.lifecycle_is_default and holds == spec.lifecycle_policy):
        _warn(holds, inventory, services)
    return replace(state, lifecycle=holds)


def _say(decision: ownership.Decision, services: Services) -> None:
    if decision.level == "warning":
        services.console.warning(decision.because, title=_TITLE)
    elif decision.level == "notice":
        services.console.notice(decision.because, title=_TITLE)
    else:
        services.console.info(decision.because)


def _advise(spec: RepositorySpec, services: Services) -> None:
    """What is likely not meant in a policy of the user's own."""
    for finding in lint.lint(spec.lifecycle_policy or ""):
        services.console.warning(f"{finding}. {finding.fix}", title=_TITLE)


def _warn(text: str | None, inventory: ownership.Inventory, services: Services) -> None:
    """Name the deployed images that a policy without the shield can expire."""
    policy = lifecycle.parse(text)[0] if text else None
    if policy is None or not lint.unshielded(policy):
        return
    images, now = inventory() or (), services.clock.now()
    going = sum(fate.action == "expire" and bool(fate.tags) for fate in simulate(policy, images, now))
    if going:
        services.console.info(f"The lifecycle policy expires {going} tagged images of {len(images)} today.")
    ends = shield.threatened(policy, images, now)
    for found in ends[:_LISTED]:
        services.console.warning(f"A deployed image can expire: {found.words()}. {lint.SHIELDED}", title=_TITLE)


def foresee(
    wanted: Wanted, state: RepositoryState, choice: Choice, image: Image, cloud: Cloud, services: Services
) -> None:
    """Before a release takes an image that was built earlier: say so where it would soon expire.

    Its age counts from its first push, so that it may be the first to go.
    """
    policy = lifecycle.parse(state.lifecycle)[0] if state.lifecycle else None
    if policy is None or choice.image is None or not wanted.plan.version:
        return
    tags = [*choice.tags.order, *([wanted.plan.mark] if wanted.gitops else [])]
    if shield.shielded(policy, tags):
        return
    images, now = cloud.repository.stored(state.name) or (), services.clock.now()
    found = shield.foreseen(policy, images, image.digest, tags, now)
    if found:
        text = f"With the tags of this release {found.words()}, since its age counts from its first push."
        services.console.warning(f"{text} {lint.SHIELDED}", title=_TITLE)
