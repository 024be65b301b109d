"""The world as a run sees it: what the steps ask and tell, each part behind its protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ecr_action.errors import Failure
from ecr_action.gitops_protocols import Folder, GitOps, Proposals
from ecr_action.image.promotion import Copied
from ecr_action.plan import Plan
from ecr_action.protocols import Clock, Console, Engine, History, Image, Images, Logins, Repository, Scans


class Copies(Protocol):
    """Copies images of one registry into another, no engine used."""

    def copy(self, image: Image, source: str, target: str) -> Copied:
        """Let the repository *target* have *image* of the repository *source*, by its digest, under no tag."""


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """The registry that an image comes from, where it is not of our own repository; and what copies it from there."""

    images: Images
    copies: Copies


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """ECR, once there are credentials."""

    repository: Repository
    images: Images
    logins: Logins
    scans: Scans
    # By the host of another registry, empty for our own.
    elsewhere: Callable[[str], Elsewhere]
    # Why a repository takes no layers, where its registry answers a push with a bare status.
    refusal: Callable[[str], Failure | None]


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


def tell(plan: Plan, console: Console) -> None:
    """Say what will be asked for and why, before anything is; and where nothing is, why not."""
    with console.group("Plan"):
        for line in plan.explain():
            console.info(line)
    if plan.nothing:
        console.notice(f"Nothing is done: {plan.nothing}.")
