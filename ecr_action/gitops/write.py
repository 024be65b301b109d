"""One commit on a branch that others write to as well: read, decide, commit; again where it moved meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ecr_action.errors import GitOpsBusy
from ecr_action.protocols import Clock, Commit, Console, GitOps, Snapshot, Stale

# Fifty jobs on one branch get through with these, below GitHub's secondary limits (80 writes a minute).
BASE_SECONDS, CAP_SECONDS, BUDGET_SECONDS = 2.0, 60.0, 600.0


def pause(attempt: int, chance: float) -> float:
    """Seconds before attempt number *attempt* + 1 (the first is 1): full jitter, *chance* between 0 and 1."""
    return chance * min(CAP_SECONDS, BASE_SECONDS * float(2 ** min(attempt - 1, 10)))


def write(
    gitops: GitOps,
    decide: Callable[[Snapshot], Mapping[str, bytes]],
    *,
    patterns: Sequence[str],
    needles: Sequence[bytes],
    message: Callable[[], str],
    console: Console,
    clock: Clock,
    chance: Callable[[], float],
) -> Commit | None:
    """Commit what *decide* makes of the branch as it is; None where there is nothing to change.

    *message* is asked for after each decision, since it tells what was decided; *chance* gives random numbers between
    0 and 1. A moved branch is read and decided on again, so that a concurrent commit is neither lost nor overwritten.
    Raises GitOpsBusy after ten minutes of that, and whatever the parts raise.
    """
    end = clock.monotonic() + BUDGET_SECONDS
    attempt = 0
    while True:
        attempt += 1
        snapshot = gitops.read(patterns, needles)
        changes = decide(snapshot)
        if not changes:
            console.info(f"Nothing to change in {snapshot.repository}.")
            return None
        try:
            return gitops.commit(snapshot, changes, message())
        except Stale as stale:
            wait = pause(attempt, chance())
            if clock.monotonic() + wait > end:
                raise _busy(snapshot, attempt, stale) from stale
            told = str(stale) or "it moved"
            console.info(f"{snapshot.branch} of {snapshot.repository}: {told}; reading it again in {wait:.1f} s.")
            clock.sleep(wait)


def _busy(snapshot: Snapshot, attempts: int, last: Stale) -> GitOpsBusy:
    said = f" The last time: {last}." if str(last) else ""
    return GitOpsBusy(
        f"{attempts} attempts in ten minutes made no commit on {snapshot.branch} of {snapshot.repository}.{said}",
        why="Others commit to it all the time, or GitHub keeps failing. The image is published.",
        fix="Run the job again.",
        transient=True,
    )
