"""An existing repository's settings: what differs from the inputs is told, or made as wanted where `drift` says so."""

from __future__ import annotations

from dataclasses import replace

from ecr_action.aws import drift
from ecr_action.aws.drift import Difference
from ecr_action.protocols import RepositorySpec, RepositoryState
from ecr_action.services import Cloud, Services

_TITLE = "Repository settings"


def conform(spec: RepositorySpec, state: RepositoryState, cloud: Cloud, services: Services) -> RepositoryState:
    """Warn of what differs, or change it (``drift: fix``); the repository as it is then. Raises errors.Failure."""
    if spec.drift == "ignore":
        return state
    for found in drift.differences(spec, state, lambda: cloud.repository.scanning(spec.name)):
        if spec.drift == "fix" and not found.lasting:
            state = _mend(found, spec, state, cloud, services)
        else:
            services.console.warning(f"{found.what} {found.fix}", title=_TITLE)
    return state


def _mend(
    found: Difference, spec: RepositorySpec, state: RepositoryState, cloud: Cloud, services: Services
) -> RepositoryState:
    if found.setting == drift.SCANNING:
        mended = replace(state, scan_on_push=spec.scan_on_push)
        done = cloud.repository.write_scanning(spec.name, spec.scan_on_push)
    else:
        wanted = replace(spec, immutable_except=drift.exclusions(spec, state))
        mended = replace(state, mutability=wanted.mutability, immutable_except=wanted.immutable_except)
        done = cloud.repository.write_mutability(wanted)
    if not done:
        services.console.warning(found.what, title=_TITLE)
        return state
    if not services.dry_run:
        services.console.notice(f"{found.what} It was changed, as 'drift: fix' says.", title=_TITLE)
    return mended
