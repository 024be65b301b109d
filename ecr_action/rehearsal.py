"""The roll-out, tried before anything is built."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NoReturn

from ecr_action.ahead import Ahead
from ecr_action.decision import Run, needles
from ecr_action.errors import Failure, GitOpsAccess
from ecr_action.gitops.write import Seen
from ecr_action.protocols import Image, Images
from ecr_action.report import Outcome
from ecr_action.rollout import Rehearsed, begins, decided
from ecr_action.services import Services
from ecr_action.wanted import Wanted

# In the place of the digest that is not known yet: references that have one are edited as they will be.
_ANY_DIGEST = "sha256:" + "0" * 64


def look_ahead(wanted: Wanted, services: Services) -> Ahead[Seen] | None:
    """Begin to read the GitOps repository: GitHub answers while AWS is asked.

    What already fails here, such as an App that can't see the repository yet, is raised where the answer is needed.
    """
    gitops = wanted.gitops
    if gitops is None:
        return None
    words = needles(wanted, [wanted.plan.repository])
    try:
        repository = services.gitops()
    except Failure as failure:
        return Ahead(partial(_raise, failure))

    def read() -> Seen:
        snapshot = repository.read(gitops.patterns, words)
        return Seen(snapshot, services.clock.monotonic())

    return Ahead(read)


def _raise(failure: Failure) -> NoReturn:
    raise failure


def rehearse(
    wanted: Wanted,
    looked: Ahead[Seen] | None,
    uri: str,
    there: Mapping[str, Image],
    images: Images,
    services: Services,
) -> Rehearsed:
    """Read the GitOps repository and try the edit, before anything is built: what is wrong with it is told by then.

    Whether what stands may be replaced is not asked: that counts when the image is there. *looked* is the reading,
    begun earlier, *uri* the image's repository, *there* its tags. Raises errors.Failure; before the first roll-out a
    repository that is not there, or has no commit, may have come by the end of the build.
    """
    gitops, console = wanted.gitops, services.console
    if gitops is None or looked is None:
        return Rehearsed()
    plan = wanted.plan
    planned = Outcome(plan=plan, uri=uri, primary=plan.tags.primary or "", digest=_ANY_DIGEST)
    run = Run(wanted, gitops, {plan.repository: planned}, images, services, judges=False)
    try:
        run.seen = looked.answer()
        snapshot = run.seen.snapshot
        if snapshot.head or begins(gitops, services):
            return decided(run, partial(_tried, run))
        console.notice(f"{snapshot.repository} is empty; its first commit is waited for after the build.")
    except GitOpsAccess as absent:
        if not absent.transient:
            raise
        if plan.mark in there:
            absent.why = f"{absent.why} It was there before: an image has the mark {plan.mark}."
            raise
        console.notice(f"{absent.what} It is asked for again after the build.", title="GitOps")
    return Rehearsed()


def _tried(run: Run, seen: Seen | None) -> Rehearsed:
    if seen:
        run.decide(seen.snapshot)
    return Rehearsed(seen)
