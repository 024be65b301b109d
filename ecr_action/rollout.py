"""The GitOps step: read the files, decide for each reference, commit once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from ecr_action.arrival import arrived
from ecr_action.decision import Run
from ecr_action.errors import BranchProtected, NoReference
from ecr_action.gitops import bootstrap, edit, modes, pulls
from ecr_action.gitops.superseded import Verdict
from ecr_action.gitops.write import Seen, write
from ecr_action.gitops_protocols import Commit, GitOps, Snapshot
from ecr_action.proposal import Proposal
from ecr_action.protocols import Console, Images
from ecr_action.report import Outcome, RolledOut
from ecr_action.services import Services
from ecr_action.wanted import GitOpsWanted, Wanted

T = TypeVar("T")


@dataclass(frozen=True)
class Rehearsed:
    """A roll-out that was tried before the build, on what was *seen*: None where the repository was not there yet."""

    seen: Seen | None = None


def begins(gitops: GitOpsWanted, services: Services) -> bool:
    """Whether a repository without a commit may get its first one from here: a pull request needs one to merge into."""
    folder = services.manifests() if gitops.mode != modes.PULL_REQUEST else None
    return folder is not None and bool(folder.files)


def _late(run: Run) -> Seen:
    """What is read of a repository that was not there before the build. Raises errors.Failure."""
    services = run.services

    def read() -> Snapshot:
        return services.gitops().read(run.gitops.patterns, run.needles)

    there = arrived(read, services.console, services.clock, empty=begins(run.gitops, services))
    return Seen(there, services.clock.monotonic())


def decided(run: Run, decide: Callable[[Seen | None], T]) -> T:
    """What *decide* gives, at first for what was read before; its error lists every image that is there.

    Where a second look finds the image after all, since somebody has committed meanwhile, that look is decided on.
    """
    try:
        return decide(run.seen)
    except NoReference:
        snapshot = run.services.gitops().read(run.gitops.patterns, [b"image"])
        if several := run.nowhere(snapshot):
            raise several from None
        run.decide(snapshot)
        return decide(Seen(snapshot, run.services.clock.monotonic()))


def roll_out(
    wanted: Wanted,
    outcomes: Sequence[Outcome],
    images: Images,
    services: Services,
    rehearsed: Rehearsed | None = None,
) -> RolledOut:
    """Bump the images of *outcomes* in the GitOps repository, all of them in one commit.

    *rehearsed*: what was read before the build; a repository that was not there by then is waited for. Raises
    errors.Failure, and then nothing was written there; the images are published all the same.
    """
    gitops, console = wanted.gitops, services.console
    if gitops is None:
        if wanted.gitops_missing:
            console.info(f"Nothing is rolled out: {wanted.gitops_missing}.")
        return RolledOut()
    run = Run(wanted, gitops, {outcome.uri.partition("/")[2]: outcome for outcome in outcomes}, images, services)
    if rehearsed:
        run.seen = rehearsed.seen or _late(run)
    commit, proposal = decided(run, lambda seen: _written(run, services.gitops(), seen))
    result = run.result
    for notice in result.notices:
        console.notice(notice, title="GitOps")
    for warning in result.warnings:
        console.warning(warning, title="GitOps")
    for found, kept in result.kept:
        _say(kept, console, f"{found.target}: " if len(run.outcomes) > 1 else "")
    done = RolledOut(
        repository=gitops.repository,
        commit=commit,
        diff=bootstrap.diff(run.copies, result) if run.copies.files else edit.unified_diff(result),
        files=tuple(file.path for file in run.copies.files) or tuple(change.path for change in result.edits),
        ships=tuple(run.shipping()),
        held=_held(run.kept),
        kept=run.kept,
        superseded=bool(result.kept),
        deployed=tuple(run.deployed),
        stood=run.stood,
        base=run.head,
    )
    return _proposed(run, proposal, done) if proposal else done


def _written(run: Run, repository: GitOps, seen: Seen | None) -> tuple[Commit | None, Proposal | None]:
    """The commit, and the pull request that it belongs to where it is none of the branch itself."""
    mode = run.gitops.mode
    if mode != modes.PULL_REQUEST:
        try:
            return _write(run, repository, seen), None
        except BranchProtected as refused:
            if mode == modes.COMMIT:
                raise
            run.services.console.info(f"{refused.what} So that it becomes a pull request.")
    plan = run.wanted.plan
    proposal = Proposal(
        base=repository,
        proposals=run.services.proposals(),
        branch=pulls.branch(plan.repository, plan.environment or "", run.gitops.branch),
        patterns=run.gitops.patterns,
        needles=run.needles,
        digests=lambda: [run.outcomes[name].digest for name in run.moved],
        consent=plan.consent,
        describe=run.describe,
        judge=run.judge,
        overtakes=partial(run.judge, known=True),
        places=lambda: {change.path for change in run.result.edits},
    )
    made = _write(run, proposal)
    idle = proposal.pull is None and not (run.moved or run.result.kept or run.copies.files)
    if idle and (told := proposal.settle()):
        run.services.console.notice(told, title="GitOps")
    return made, proposal


def _write(run: Run, repository: GitOps, seen: Seen | None = None) -> Commit | None:
    services = run.services
    return write(
        repository,
        run.decide,
        patterns=run.gitops.patterns,
        needles=run.needles,
        message=run.message,
        console=services.console,
        clock=services.clock,
        chance=services.chance,
        seen=seen,
    )


def _proposed(run: Run, proposal: Proposal, done: RolledOut) -> RolledOut:
    """What came of a run that proposes: what it wanted to change is not deployed yet."""
    if proposal.held:
        run.services.console.warning(proposal.held, title="NOT DEPLOYED")
        done = replace(done, held=proposal.held, superseded=True)
    return replace(
        done,
        deployed=tuple(name for name in done.deployed if name not in run.moved),
        proposed=tuple(name for name in run.moved if name not in proposal.behind) if proposal.standing else (),
        pull_request=proposal.pull.url if proposal.pull else "",
    )


def _held(kept: Mapping[str, str]) -> str:
    """Why something was not deployed: of which image it is told where there are several reasons."""
    return "\n".join(f"{name}: {text}" if len(kept) > 1 else text for name, text in kept.items())


def _say(kept: Verdict, console: Console, whose: str) -> None:
    # The annotation's title says it.
    text = whose + kept.notice.removeprefix("NOT DEPLOYED: ")
    if kept.level == "warning":
        console.warning(text, title="NOT DEPLOYED")
    else:
        console.notice(text, title="NOT DEPLOYED")
