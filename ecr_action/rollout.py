"""The GitOps step: read the files, decide for each reference, commit once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ecr_action import fitting, manifests
from ecr_action.errors import BranchProtected, Failure, NoReference
from ecr_action.gitops import bootstrap, edit, message, modes, pulls, shipping
from ecr_action.gitops.bootstrap import Copies
from ecr_action.gitops.candidates import never_edited
from ecr_action.gitops.edit import Result, Target
from ecr_action.gitops.find import Found
from ecr_action.gitops.shipping import Shipping
from ecr_action.gitops.superseded import Ours, Standing, Verdict, verdict
from ecr_action.gitops.write import write
from ecr_action.image.tags import SHA
from ecr_action.proposal import Proposal
from ecr_action.protocols import Commit, Comparison, Console, File, GitOps, Images, Snapshot
from ecr_action.report import Outcome, RolledOut
from ecr_action.services import Services
from ecr_action.tagging import compared
from ecr_action.wanted import GitOpsWanted, Wanted

_SHORT = re.compile(r"[0-9a-f]{7,39}")


@dataclass
class _Run:
    """One roll-out: what is wanted, what came of the last decision, what was asked of others already.

    *outcomes* are the images by their repositories' names, *steps* what the last decision takes the place of.
    """

    wanted: Wanted
    gitops: GitOpsWanted
    outcomes: Mapping[str, Outcome]
    images: Images
    services: Services
    result: Result = field(default_factory=Result)
    copies: Copies = field(default_factory=Copies)
    steps: list[Shipping] = field(default_factory=list)
    digests: dict[tuple[str, str], str] = field(default_factory=dict)
    commits: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    compared: dict[tuple[str, ...], Comparison | None] = field(default_factory=dict)
    platforms: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def judge(self, snapshot: Snapshot) -> Result:
        """What the references of other files come to; what was decided before stays what will be told."""
        before, self.steps = self.steps, []
        try:
            return self._bump(snapshot.files, snapshot.paths, self.verdict)
        finally:
            self.steps = before

    def decide(self, snapshot: Snapshot) -> Mapping[str, bytes]:
        """The files that change, given what stands in *snapshot*: the same again after somebody else's commit."""
        self.copies, self.steps = Copies(), []
        try:
            self.result = self._bump(snapshot.files, snapshot.paths, self.verdict)
        except NoReference as nowhere:
            nowhere.why = f"{nowhere.why}\n{never_edited(snapshot.paths, snapshot.skipped)}".strip()
            self._copy(snapshot, nowhere)
        notices = fitting.check(self.moving, self.gitops.architectures, self._platforms)
        self.result = replace(self.result, notices=(*self.result.notices, *dict.fromkeys(notices)))
        changed = {file.path: file.content for file in self.copies.files}
        return {**changed, **{change.path: change.content for change in self.result.edits}}

    def _bump(
        self, files: Sequence[File], paths: Sequence[str], verdict: Callable[[Target, Standing], Verdict] | None
    ) -> Result:
        return edit.bump(
            files,
            self.targets,
            environment=self.wanted.plan.environment,
            named=self.gitops.named,
            paths=paths,
            replicas=self.gitops.replicas,
            verdict=verdict,
        )

    def _copy(self, snapshot: Snapshot, nowhere: NoReference) -> None:
        """The same with the app's own manifests beside what stands. Raises *nowhere* where none are copied.

        What they name is not deployed, so that it can't be newer either.
        """
        if len(self.targets) > 1:
            raise nowhere
        found = manifests.copies(self.wanted, self.targets[0], snapshot, self.images, self.services)
        if found is None:
            raise nowhere
        folder, copies = found
        if copies.refused:
            raise manifests.told(nowhere, folder, copies.refused)
        paths = (*snapshot.paths, *(file.path for file in copies.files))
        try:
            result = self._bump((*snapshot.files, *copies.files), paths, None)
        except Failure as failure:
            raise manifests.told(failure, folder, "its files do not say where this image goes") from nowhere
        notices = (*result.notices, *bootstrap.notices(folder, copies, result))
        self.copies, self.result = copies, replace(result, notices=notices)

    def nowhere(self, snapshot: Snapshot) -> NoReference | None:
        """The error for several images, of which some are referenced nowhere; None for a run of one."""
        if len(self.outcomes) < 2:
            return None
        missing = []
        for name, outcome in self.outcomes.items():
            try:
                replace(self, outcomes={name: outcome}, gitops=replace(self.gitops, bootstrap="")).decide(snapshot)
            except NoReference as failure:
                missing.append(failure)
            except Failure:
                continue
        if not missing:
            return None
        what = f"{len(missing)} of {len(self.outcomes)} images are referenced nowhere; none of them was rolled out."
        why = "\n".join(f"{failure.what}\n{failure.why}" for failure in missing)
        return NoReference(what, why=why, fix="\n".join(failure.fix for failure in missing))

    @property
    def targets(self) -> list[Target]:
        return [
            Target(
                registry=outcome.uri.partition("/")[0],
                repository=name,
                tag=outcome.primary,
                digest=outcome.digest or None,
                pin=self.gitops.pin,
            )
            for name, outcome in self.outcomes.items()
        ]

    @property
    def moving(self) -> list[Found]:
        """The references that change."""
        result = self.result
        stays = {id(found) for found in (*result.held, *result.unchanged, *(found for found, _ in result.kept))}
        return [found for found in result.chosen if id(found) not in stays]

    @property
    def moved(self) -> list[str]:
        """The repositories of which a reference changes."""
        moving = {found.target for found in self.moving}
        return [name for name in self.outcomes if name in moving]

    def _platforms(self, name: str) -> tuple[str, ...]:
        """What the image of the repository runs on: as the registry has it, before that as the build is asked to."""
        digest = self.outcomes[name].digest
        if not digest:
            return self.wanted.build.platforms
        if name not in self.platforms:
            self.platforms[name] = fitting.platforms_of(self.images, name, digest)
        return self.platforms[name]

    @property
    def kept(self) -> dict[str, str]:
        """Why an image was not rolled out, by its repository."""
        told = ((found.target, verdict.notice.removeprefix("NOT DEPLOYED: ")) for found, verdict in self.result.kept)
        return dict(reversed(list(told)))

    @property
    def deployed(self) -> list[str]:
        """The repositories whose image is referenced once the change is made."""
        right = {*self.moved, *(found.target for found in self.result.unchanged)}
        return [name for name in self.outcomes if name in right]

    @property
    def stood(self) -> tuple[tuple[str, str, str], ...]:
        """Repository, tag and digest of each reference as the run found it."""
        return tuple((found.target, found.tag or "", found.digest or "") for found in self.result.chosen)

    def describe(self) -> tuple[str, str]:
        """Title and body of the pull request, of what was decided last."""
        origin, environment = self.wanted.origin, self.wanted.plan.environment or ""
        ships = shipping.summary(self.shipping())
        return self.message().partition("\n")[0], pulls.body(self.shipped, origin, environment, ships)

    def shipping(self) -> list[Shipping]:
        """What ships of each image: where it takes the place of several, the longest way."""
        found = []
        for name in self.moved:
            steps = [step for step in self.steps if step.repository == name]
            found.append(max(steps, key=_ahead, default=Shipping(repository=name)))
        return found

    @property
    def shipped(self) -> list[message.Shipped]:
        return [
            message.Shipped(name=target.name, repository=target.repository, tag=target.tag, digest=target.digest)
            for target in self.targets
            if target.repository in self.moved
        ]

    def message(self) -> str:
        """The commit's message, of what was decided last."""
        return message.compose(
            self.shipped,
            self.wanted.origin,
            environment=self.wanted.plan.environment,
            template=self.gitops.message,
            ships=shipping.text(self.shipping()),
        )

    def verdict(self, target: Target, standing: Standing) -> Verdict:
        """Whether what stands may be replaced: never by something older."""
        outcome = self.outcomes[target.repository]
        plan, commits = outcome.plan, self._commits(target.repository, standing)
        key = (plan.commit, *commits)
        if key not in self.compared:
            self.compared[key] = compared(plan.commit, commits, self.services.history)
        ours = Ours(
            commit=plan.commit,
            version=plan.version,
            release=plan.version is not None,
            prerelease=plan.prerelease,
            digest=outcome.digest or None,
            deploy=bool(plan.deploy),
        )
        was = standing.tag or standing.digest or ""
        standing = replace(standing, digest=standing.digest or self.digests.get((target.repository, was)))
        answer = verdict(ours, standing, self.compared[key], allow=plan.consent)
        if answer.go:
            self.steps.append(Shipping(repository=target.repository, was=was, comparison=self.compared[key]))
        return answer

    def _commits(self, name: str, standing: Standing) -> tuple[str, ...]:
        """The commits of what stands: its tag where that is a sha, else what the registry knows of its image."""
        if standing.commit or (standing.tag and SHA.fullmatch(standing.tag)):
            return (standing.commit or standing.tag or "",)
        key = standing.digest or standing.tag or ""
        if (name, key) not in self.commits:
            image = self.images.find(name, [standing.tag]).get(standing.tag) if standing.tag else None
            if image and standing.tag:
                self.digests[name, standing.tag] = image.digest
            known = self.images.commits(name, image) if image else ()
            # Expired, or never in this registry: GitHub understands a short id as well.
            self.commits[name, key] = known or ((key,) if _SHORT.fullmatch(key) else ())
        return self.commits[name, key]


def _ahead(step: Shipping) -> int:
    return step.comparison.ahead_by if step.comparison else -1


def roll_out(wanted: Wanted, outcomes: Sequence[Outcome], images: Images, services: Services) -> RolledOut:
    """Bump the images of *outcomes* in the GitOps repository, all of them in one commit.

    Raises errors.Failure, and then nothing was written there; the images are published all the same.
    """
    gitops, console = wanted.gitops, services.console
    if gitops is None:
        if wanted.gitops_missing:
            console.info(f"Nothing is rolled out: {wanted.gitops_missing}.")
        return RolledOut()
    run = _Run(wanted, gitops, {outcome.uri.partition("/")[2]: outcome for outcome in outcomes}, images, services)
    repository = services.gitops()
    try:
        commit, proposal = _written(run, repository)
    except NoReference:
        # A second look, at every file with an image in it: the error then lists what is there.
        snapshot = repository.read(gitops.patterns, [b"image"])
        if several := run.nowhere(snapshot):
            raise several from None
        run.decide(snapshot)
        raise
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
    )
    return _proposed(run, proposal, done) if proposal else done


def _written(run: _Run, repository: GitOps) -> tuple[Commit | None, Proposal | None]:
    """The commit, and the pull request that it belongs to where it is none of the branch itself."""
    mode = run.gitops.mode
    if mode != modes.PULL_REQUEST:
        try:
            return _write(run, repository), None
        except BranchProtected as refused:
            if mode == modes.COMMIT:
                raise
            run.services.console.info(f"{refused.what} So that it becomes a pull request.")
    plan = run.wanted.plan
    proposal = Proposal(
        base=repository,
        proposals=run.services.proposals(),
        branch=pulls.branch(plan.repository, plan.environment or ""),
        patterns=run.gitops.patterns,
        needles=edit.needles(run.targets),
        digests=[outcome.digest for outcome in run.outcomes.values()],
        consent=plan.consent,
        describe=run.describe,
        judge=run.judge,
        places=lambda: {change.path for change in run.result.edits},
    )
    return _write(run, proposal), proposal


def _write(run: _Run, repository: GitOps) -> Commit | None:
    services = run.services
    return write(
        repository,
        run.decide,
        patterns=run.gitops.patterns,
        needles=edit.needles(run.targets),
        message=run.message,
        console=services.console,
        clock=services.clock,
        chance=services.chance,
    )


def _proposed(run: _Run, proposal: Proposal, done: RolledOut) -> RolledOut:
    """What came of a run that proposes: what it wanted to change is not deployed yet."""
    if proposal.held:
        run.services.console.warning(proposal.held, title="NOT DEPLOYED")
        done = replace(done, held=proposal.held, superseded=True)
    return replace(
        done,
        deployed=tuple(name for name in done.deployed if name not in run.moved),
        proposed=tuple(run.moved) if proposal.standing else (),
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
