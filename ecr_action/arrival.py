"""A GitOps repository that is made at this moment: asked for again, for two minutes."""

from __future__ import annotations

from collections.abc import Callable

from ecr_action.errors import Failure, GitOpsAccess
from ecr_action.gitops import outcomes
from ecr_action.gitops_protocols import Snapshot
from ecr_action.protocols import Clock, Console

WAIT_SECONDS, PAUSE_SECONDS = 120.0, 5.0


def arrived(read: Callable[[], Snapshot], console: Console, clock: Clock, *, empty: bool) -> Snapshot:
    """What *read* gives once the repository is there, and has a commit unless *empty* is fine.

    Raises GitOpsAccess or GitOpsMissing after two minutes without, and whatever else *read* raises at once.
    """
    end = clock.monotonic() + WAIT_SECONDS
    told = False
    while True:
        missing: Failure
        try:
            snapshot = read()
        except GitOpsAccess as absent:
            if not absent.transient:
                raise
            missing = absent
        else:
            if snapshot.head or empty:
                return snapshot
            missing = outcomes.empty(snapshot.repository)
        if clock.monotonic() + PAUSE_SECONDS > end:
            waited = f"It was asked for again for {WAIT_SECONDS:.0f} s after the image was published."
            missing.why = f"{missing.why} {waited}"
            missing.fix = f"{missing.fix}\nThen run the job again: it finds the image, and rolls it out."
            raise missing
        if not told:
            console.info(f"{missing.what} Asking again, for {WAIT_SECONDS:.0f} s.")
        told = True
        clock.sleep(PAUSE_SECONDS)
