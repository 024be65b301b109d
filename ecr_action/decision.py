"""The decision of a roll-out: what each file of the GitOps repository comes to, given what stands in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ecr_action import deployment, fitting, manifests
from ecr_action.deployment import Named
from ecr_action.errors import Failure, NoReference, PlatformMissing
from ecr_action.gitops import bootstrap, edit, message, pulls, shipping
from ecr_action.gitops.bootstrap import Copies
from ecr_action.gitops.candidates import never_edited
from ecr_action.gitops.edit import Result, Target
from ecr_action.gitops.find import Found
from ecr_action.gitops.message import Shipped
from ecr_action.gitops.outcomes import empty
from ecr_action.gitops.shipping import Shipping
from ecr_action.gitops.superseded import Ours, Standing, Verdict, verdict
from ecr_action.gitops.write import Seen
from ecr_action.gitops_protocols import File, Snapshot
from ecr_action.image.reference import Reference, registry_of
from ecr_action.image.tags import SHA
from ecr_action.protocols import Comparison, Images
from ecr_action.report import Outcome
from ecr_action.services import Services
from ecr_action.tagging import compared
from ecr_action.wanted import GitOpsWanted, Wanted

_SHORT = re.compile(r"[0-9a-f]{7,39}")


def needles(wanted: Wanted, repositories: Iterable[str]) -> list[bytes]:
    """What a file must hold to be of interest to a roll-out of *repositories*; their registry need not be known."""
    named = _named(wanted)
    source = Reference(None, named.repository) if named else None
    return edit.needles([Target(registry=None, repository=name, tag="", source=source) for name in repositories])


def _named(wanted: Wanted) -> Named | None:
    """The repository that the images are promoted from, where one is named."""
    plan = wanted.plan
    named = deployment.named(plan.deploy, plan.environment or "") if plan.deploy else wanted.source
    return named if named and named.repository else None


@dataclass
class Run:
    """One roll-out: what is wanted, what came of the last decision, what was asked of others already.

    *outcomes* are the images by their repositories' names, *steps* what the last decision takes the place of; *judges*:
    what stands is compared with what is to come; *seen* was read before; *head* is the commit decided on.
    """

    wanted: Wanted
    gitops: GitOpsWanted
    outcomes: Mapping[str, Outcome]
    images: Images
    services: Services
    judges: bool = True
    seen: Seen | None = None
    head: str = ""
    result: Result = field(default_factory=Result)
    copies: Copies = field(default_factory=Copies)
    steps: list[Shipping] = field(default_factory=list)
    digests: dict[tuple[str, str], str] = field(default_factory=dict)
    commits: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    compared: dict[tuple[str, ...], Comparison | None] = field(default_factory=dict)
    platforms: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def judge(self, snapshot: Snapshot, *, known: bool = False) -> Result:
        """What the references of other files come to; what was decided before stays what will be told.

        *known*: what is not known to be older than ours stays.
        """
        before, self.steps = self.steps, []
        try:
            return self._bump(snapshot.files, snapshot.paths, self._known if known else self.verdict)
        finally:
            self.steps = before

    def decide(self, snapshot: Snapshot) -> Mapping[str, bytes]:
        """The files that change, given what stands in *snapshot*: the same again after somebody else's commit."""
        self.copies, self.steps, self.head = Copies(), [], snapshot.head
        try:
            self.result = self._bump(snapshot.files, snapshot.paths, self.verdict if self.judges else None)
        except NoReference as nowhere:
            nowhere.why = f"{nowhere.why}\n{never_edited(snapshot.paths, snapshot.skipped)}".strip()
            self._copy(snapshot, nowhere)
        notices = self._fits(snapshot)
        self.result = replace(self.result, notices=(*self.result.notices, *dict.fromkeys(notices)))
        changed = {file.path: file.content for file in self.copies.files}
        return {**changed, **{change.path: change.content for change in self.result.edits}}

    def _fits(self, snapshot: Snapshot) -> list[str]:
        """Notices of what could not be checked. Raises PlatformMissing for an image that moves."""
        try:
            return list(fitting.check(self.moving, self.gitops.architectures, self._platforms))
        except PlatformMissing:
            if self.judges or self.copies.files:
                raise
        # Of what stays as it is, because something newer stands, nothing is asked.
        self.result = self._bump(snapshot.files, snapshot.paths, self.verdict)
        return list(fitting.check(self.moving, self.gitops.architectures, self._platforms))

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
            raise nowhere if snapshot.head else empty(snapshot.repository) from nowhere
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
    def needles(self) -> list[bytes]:
        return needles(self.wanted, self.outcomes)

    @property
    def targets(self) -> list[Target]:
        return [
            Target(
                registry=outcome.uri.partition("/")[0],
                repository=name,
                tag=outcome.primary,
                digest=outcome.digest or None,
                pin=self.gitops.pin,
                source=self._source(outcome.uri.partition("/")[0], name),
            )
            for name, outcome in self.outcomes.items()
        ]

    def _source(self, host: str, repository: str) -> Reference | None:
        """The repository that the image was promoted from, None where it is its own."""
        named = _named(self.wanted)
        if named is None:
            return None
        found = Reference(named.host or host, named.repository)
        own = found.path == repository and (found.host == host or found.registry == (registry_of(host) or 0))
        return None if own else found

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
        if not digest or not self.judges:
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

    def describe(self, earlier: Sequence[Shipped], behind: Collection[str]) -> tuple[str, str]:
        """Title and body of the pull request, of what was decided last.

        *earlier* are the images that were proposed before; of the repositories *behind* they are newer than ours.
        """
        ours = [item for item in self.shipped if item.repository not in behind]
        names = {item.repository for item in ours}
        shipped = [*(item for item in earlier if item.repository not in names), *ours]
        environment = self.wanted.plan.environment or ""
        ships = shipping.summary([step for step in self.shipping() if step.repository in names])
        title = self._composed(shipped).partition("\n")[0]
        return title, pulls.body(shipped, self.wanted.origin, environment, ships)

    def shipping(self) -> list[Shipping]:
        """What ships of each image: where it takes the place of several, the longest way."""
        found = []
        for name in self.moved:
            steps = [step for step in self.steps if step.repository == name]
            found.append(max(steps, key=_ahead, default=Shipping(repository=name)))
        return found

    @property
    def shipped(self) -> list[Shipped]:
        return [
            Shipped(name=target.name, repository=target.repository, tag=target.tag, digest=target.digest)
            for target in self.targets
            if target.repository in self.moved
        ]

    def message(self) -> str:
        """The commit's message, of what was decided last."""
        return self._composed(self.shipped)

    def _composed(self, shipped: Sequence[Shipped]) -> str:
        return message.compose(
            shipped,
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

    def _known(self, target: Target, standing: Standing) -> Verdict:
        answer = self.verdict(target, standing)
        return answer if answer.newer or not answer.go else replace(answer, go=False, level="notice")

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
