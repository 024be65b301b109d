"""What the GitOps repository names once our own roll-out is over: others may have rolled out meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ecr_action.decision import Run
from ecr_action.failure import Failure
from ecr_action.gitops import edit
from ecr_action.protocols import Images
from ecr_action.report import Outcome, RolledOut
from ecr_action.services import Services
from ecr_action.wanted import Wanted

# Repository, tag and digest of each reference.
References = tuple[tuple[str, str, str], ...]
Look = Callable[[], References]


def look(
    wanted: Wanted, outcomes: Sequence[Outcome], rolled_out: RolledOut, images: Images, services: Services
) -> Look:
    """A look at the references of *outcomes*' images as they are by then: one call where nobody else has committed.

    It gives none where only our own commit is there, where GitHub does not show that one yet, or can't be asked.
    """

    def now() -> References:
        if wanted.gitops is None or services.dry_run:
            return ()
        run = Run(wanted, wanted.gitops, {one.uri.partition("/")[2]: one for one in outcomes}, images, services, False)
        try:
            snapshot = services.gitops().read(wanted.gitops.patterns, edit.needles(run.targets))
            ours = rolled_out.commit
            if ours and (snapshot.since is None or snapshot.head in (rolled_out.base, ours.oid)):
                return ()
            run.decide(snapshot)
        except Failure:
            return ()
        return run.stood

    return now
