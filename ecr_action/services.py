"""The world as a run sees it: what the steps ask and tell, each part behind its protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ecr_action.protocols import (
    Clock,
    Console,
    Engine,
    Folder,
    GitOps,
    History,
    Images,
    Logins,
    Proposals,
    Repository,
    Scans,
)


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """ECR, once there are credentials."""

    repository: Repository
    images: Images
    logins: Logins
    scans: Scans


@dataclass(frozen=True, kw_only=True)
class Services:
    """The world, each part made when it is first needed."""

    console: Console
    clock: Clock
    cloud: Callable[[], Cloud]
    engine: Callable[[], Engine]
    gitops: Callable[[], GitOps]
    proposals: Callable[[], Proposals]
    history: History
    chance: Callable[[], float]
    manifests: Callable[[], Folder | None] = lambda: None
    dry_run: bool = False
