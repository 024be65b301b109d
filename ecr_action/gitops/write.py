"""One commit on a branch that others write to as well: read, decide, commit; again where it moved meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ecr_action.errors import GitOpsBusy
from ecr_action.gitops.contention import LOOK_SECONDS, Window
from ecr_action.gitops_protocols import Commit, GitOps, Snapshot, Stale
from ecr_action.protocols import Clock, Console

BUDGET_SECONDS = 600.0
# What was read longer ago than this was likely to be refused: that is no sign of a crowd.
_OLD_SECONDS = 10.0


@dataclass(frozen=True)
class Seen:
    """What was read before, and when (the clock's monotonic seconds)."""

    snapshot: Snapshot
    at: float


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
    seen: Seen | None = None,
) -> Commit | None:
    """Commit what *decide* makes of the branch as it is; None where there is nothing to change.

    *message* is asked for after each decision, since it tells what was decided; *chance* gives random numbers between
    0 and 1; *seen* is what was read before, if anything was. A moved branch is read and decided on again, so that a
    concurrent commit is neither lost nor overwritten; nor is nothing to change a last word on what was read long
    before. Raises GitOpsBusy after ten minutes of that, and whatever the
    parts raise.
    """
    turns = _Turns(lambda: gitops.read(patterns, needles), console, clock, chance, seen.at if seen else 0.0, bool(seen))
    snapshot = seen.snapshot if seen else turns.read()
    while True:
        changes = decide(snapshot)
        if not changes and turns.old:
            snapshot = turns.read()
            continue
        if not changes:
            console.info(f"Nothing to change in {snapshot.repository}.")
            return None
        begun = clock.monotonic()
        try:
            return gitops.commit(snapshot, changes, message())
        except Stale as stale:
            snapshot = turns.after(snapshot, stale, clock.monotonic() - begun)


@dataclass
class _Turns:
    """Whose turn it is on a branch that several write to: waits, looks, and gives up after ten minutes."""

    look: Callable[[], Snapshot]
    console: Console
    clock: Clock
    chance: Callable[[], float]
    looked: float
    handed_over: bool
    window: Window = field(default_factory=Window)

    def __post_init__(self) -> None:
        self.end = self.clock.monotonic() + BUDGET_SECONDS

    @property
    def old(self) -> bool:
        """Whether what is decided on was read long before."""
        return self.handed_over and self.clock.monotonic() - self.looked > _OLD_SECONDS

    def read(self) -> Snapshot:
        snapshot = self.look()
        self.looked, self.handed_over = self.clock.monotonic(), False
        return snapshot

    def after(self, snapshot: Snapshot, stale: Stale, own: float) -> Snapshot:
        """The branch as it is when our turn comes, after a refusal that took *own* seconds. Raises GitOpsBusy."""
        told = f"{snapshot.branch} of {snapshot.repository}: {str(stale) or 'it moved'};"
        if self.handed_over and self.clock.monotonic() - own - self.looked > _OLD_SECONDS:
            self.console.info(f"{told} reading it again.")
            return self.read()
        self.window.refused()
        refused = True
        while True:
            wait = self.window.wait(self.chance())
            if self.clock.monotonic() + wait > self.end:
                raise _busy(snapshot, self.window.refusals, stale) from stale
            if refused:
                self.console.info(f"{told} reading it again in {min(wait, LOOK_SECONDS):.1f} s.")
            self.clock.sleep(min(wait, LOOK_SECONDS))
            before = self.looked
            snapshot = self.read()
            self.window.look(snapshot.since, self.looked - before, own, refused=refused)
            if wait <= LOOK_SECONDS:
                return snapshot
            refused = False


def _busy(snapshot: Snapshot, attempts: int, last: Stale) -> GitOpsBusy:
    said = f" The last time: {last}." if str(last) else ""
    return GitOpsBusy(
        f"{snapshot.branch} of {snapshot.repository}: ten minutes without a commit of ours (refused: {attempts})."
        f"{said}",
        why="Others commit to it all the time, or GitHub keeps failing. The image is published.",
        fix="Run the job again.",
        transient=True,
    )
