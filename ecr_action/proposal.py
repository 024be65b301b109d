"""The bump as a pull request: the same decision, written to a branch of ours that waits for a merge."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ecr_action.errors import Failure
from ecr_action.gitops import pulls
from ecr_action.gitops.edit import Result
from ecr_action.gitops.message import Shipped
from ecr_action.gitops_protocols import Commit, GitOps, Proposals, Proposed, PullRequest, Snapshot, Stale


@dataclass
class Proposal:
    """A GitOps repository whose commits become a pull request.

    *patterns* and *needles* are those of the read; *judge* decides on files as they stand, *overtakes* does where what
    is not known to be older than ours stays; *places* are the paths whose
    references change; *digests* are those of the images that move, *consent*: a person named them. *describe* gives
    title and body, with earlier images that stay proposed, and without those repositories of which a newer one does.
    After the commit *pull* is the pull request, *standing* whether it has the images, *held* why not, *behind* the
    repositories that it has a newer image of.
    """

    base: GitOps
    proposals: Proposals
    branch: str
    patterns: Sequence[str]
    needles: Sequence[bytes]
    digests: Callable[[], Sequence[str]]
    consent: bool
    describe: Callable[[Sequence[Shipped], Collection[str]], tuple[str, str]]
    judge: Callable[[Snapshot], Result]
    overtakes: Callable[[Snapshot], Result]
    places: Callable[[], set[str]]
    pull: PullRequest | None = None
    standing: bool = False
    held: str = ""
    behind: frozenset[str] = frozenset()
    onto: Snapshot | None = None

    def read(self, patterns: Sequence[str], needles: Sequence[bytes]) -> Snapshot:
        """The branch that the pull request is to be merged into. Raises errors.Failure."""
        self.onto = self.base.read(patterns, needles)
        return self.onto

    def commit(self, snapshot: Snapshot, changes: Mapping[str, bytes], message: str) -> Commit | None:
        """Propose *changes* of the base as it is. Raises Stale where our branch moved, and errors.Failure."""
        there = self.proposals.look(snapshot, self.branch)
        refused = pulls.declined(there, self.digests())
        if refused and not self.consent:
            self.pull = refused
            self.held = f"{refused.url} proposed this image and was closed without a merge; it is not proposed again."
            return None
        if there.live:
            # What another run of ours proposes for other images is no less than what people commit.
            beside = there.foreign or bool(there.files - set(changes) - self.places())
            return self._beside(snapshot, replace(there, foreign=beside), changes, message)
        return self._anew(snapshot, there, changes, message)

    def settle(self) -> str:
        """The base has the images already: close the pull request that would take it back; why it could not be."""
        if self.onto is None or self.consent:
            return ""
        try:
            self._settle(self.onto)
        except (Failure, Stale) as failure:
            what = failure.what if isinstance(failure, Failure) else str(failure)
            return f"Whether {self.branch} proposes an older image was not seen to: {what}"
        return ""

    def _settle(self, onto: Snapshot) -> None:
        there = self.proposals.look(onto, self.branch)
        if there.open is None or there.foreign:
            return
        result = self._judged(self.overtakes, self.proposals.read(there, self.patterns, self.needles), there)
        older = {edit.path for edit in result.edits} if result and not result.kept else set()
        if older and there.files <= older:
            self.proposals.close(onto, there.open, f"{onto.branch} has a newer image by now.")

    def _beside(self, snapshot: Snapshot, there: Proposed, changes: Mapping[str, bytes], message: str) -> Commit | None:
        """Where an earlier proposal stands on the branch: never back from it, and over nobody's commits."""
        on = self.proposals.read(there, self.patterns, self.needles)
        if on.head != there.head:
            raise Stale("another run moved our branch")
        result = self._judged(self.judge, on, there)
        if result is None:
            return self._anew(snapshot, there, changes, message)
        edits = {edit.path: edit.content for edit in result.edits}
        if result.kept and not edits:
            self.pull = there.open
            where = there.open.url if there.open else f"the branch {there.branch}"
            self.held = f"{where}: {result.kept[0][1].notice.removeprefix('NOT DEPLOYED: ')}"
            return None
        missing = self.places() - {found.file for found in result.unchanged}
        if not edits and (there.foreign or not (missing or there.conflicts)):
            self._stands(snapshot, there, missing)
            return None
        if edits and (there.foreign or result.kept):
            made = self.proposals.add(on, edits, message)
            self.behind = frozenset(found.target for found, _ in result.kept)
            self._ask(snapshot, there, pulls.proposed_in(there.open.body) if there.open else ())
            return made
        return self._anew(snapshot, there, changes, message)

    def _stands(self, snapshot: Snapshot, there: Proposed, missing: set[str]) -> None:
        """Nothing is to be written, since the branch has it, or since what it lacks is in others' hands."""
        if missing:
            self.pull = there.open
            where = there.open.url if there.open else f"The branch {there.branch}"
            lacks = ", ".join(sorted(missing))
            self.held = f"{where} has commits of others, and lacks {lacks}: merge the base into it."
            return
        self._ask(snapshot, there, again=there.open is None)

    def _judged(self, judge: Callable[[Snapshot], Result], on: Snapshot, there: Proposed) -> Result | None:
        """The decision on our branch; None where its files are of no use any more, and nobody else's."""
        try:
            return judge(on)
        except Failure:
            if there.foreign:
                raise
            return None

    def _anew(self, snapshot: Snapshot, there: Proposed, changes: Mapping[str, bytes], message: str) -> Commit | None:
        made = self.proposals.commit(snapshot, there, changes, message)
        self._ask(snapshot, there)
        return made

    def _ask(
        self, snapshot: Snapshot, there: Proposed, earlier: Sequence[Shipped] = (), *, again: bool = True
    ) -> None:
        asked = self.proposals.ask(snapshot, there, *self.describe(earlier, self.behind)) if again else there.open
        self.pull, self.standing = asked, True
        if asked:
            self.proposals.merge_when_ready(snapshot, asked)
