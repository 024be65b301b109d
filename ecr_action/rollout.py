"""The GitOps step: read the files, decide for each reference, commit once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ecr_action.errors import NoReference
from ecr_action.gitops import edit, message
from ecr_action.gitops.edit import Result, Target
from ecr_action.gitops.superseded import Ours, Standing, Verdict, verdict
from ecr_action.gitops.write import write
from ecr_action.image.tags import SHA
from ecr_action.protocols import Comparison, Console, Images, Snapshot
from ecr_action.report import Outcome, RolledOut
from ecr_action.services import Services
from ecr_action.tagging import compared
from ecr_action.wanted import GitOpsWanted, Wanted

_SHORT = re.compile(r"[0-9a-f]{7,39}")


@dataclass
class _Run:
    """One roll-out: what is wanted, what came of the last decision, what was asked of others already."""

    wanted: Wanted
    gitops: GitOpsWanted
    outcome: Outcome
    images: Images
    services: Services
    result: Result = field(default_factory=Result)
    digests: dict[str, str] = field(default_factory=dict)
    commits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    compared: dict[tuple[str, ...], Comparison | None] = field(default_factory=dict)

    def decide(self, snapshot: Snapshot) -> Mapping[str, bytes]:
        """The files that change, given what stands in *snapshot*: the same again after somebody else's commit."""
        self.result = edit.bump(
            snapshot.files,
            [self.target],
            environment=self.wanted.plan.environment,
            named=self.gitops.named,
            paths=snapshot.paths,
            replicas=self.gitops.replicas,
            verdict=self.verdict,
        )
        return {change.path: change.content for change in self.result.edits}

    @property
    def target(self) -> Target:
        host, _, name = self.outcome.uri.partition("/")
        return Target(
            registry=host,
            repository=name,
            tag=self.outcome.primary,
            digest=self.outcome.digest or None,
            pin=self.gitops.pin,
        )

    def verdict(self, standing: Standing) -> Verdict:
        """Whether what stands may be replaced: never by something older."""
        commits = self._commits(standing)
        if commits not in self.compared:
            self.compared[commits] = compared(self.wanted.plan.commit, commits, self.services.history)
        plan = self.wanted.plan
        ours = Ours(
            commit=plan.commit,
            version=plan.version,
            release=plan.version is not None,
            prerelease=plan.prerelease,
            digest=self.outcome.digest or None,
            deploy=bool(plan.deploy),
        )
        standing = replace(standing, digest=standing.digest or self.digests.get(standing.tag or ""))
        return verdict(ours, standing, self.compared[commits], allow=plan.consent)

    def _commits(self, standing: Standing) -> tuple[str, ...]:
        """The commits of what stands: its tag where that is a sha, else what the registry knows of its image."""
        if standing.commit or (standing.tag and SHA.fullmatch(standing.tag)):
            return (standing.commit or standing.tag or "",)
        key = standing.digest or standing.tag or ""
        if key not in self.commits:
            name = self.wanted.plan.repository
            image = self.images.find(name, [standing.tag]).get(standing.tag) if standing.tag else None
            if image and standing.tag:
                self.digests[standing.tag] = image.digest
            known = self.images.commits(name, image) if image else ()
            # Expired, or never in this registry: GitHub understands a short id as well.
            self.commits[key] = known or ((key,) if _SHORT.fullmatch(key) else ())
        return self.commits[key]


def roll_out(wanted: Wanted, outcome: Outcome, images: Images, services: Services) -> RolledOut:
    """Bump the image in the GitOps repository. Raises errors.Failure; then the image is published all the same."""
    gitops, console = wanted.gitops, services.console
    if gitops is None:
        if wanted.gitops_missing:
            console.info(f"Nothing is rolled out: {wanted.gitops_missing}.")
        return RolledOut()
    run = _Run(wanted, gitops, outcome, images, services)
    repository = services.gitops()
    try:
        commit = write(
            repository,
            run.decide,
            patterns=gitops.patterns,
            needles=edit.needles([run.target]),
            message=_message(wanted, run.target),
            console=console,
            clock=services.clock,
            chance=services.chance,
        )
    except NoReference:
        # A second look, at every file with an image in it: the error then lists what is there.
        run.decide(repository.read(gitops.patterns, [b"image"]))
        raise
    result = run.result
    for notice in result.notices:
        console.notice(notice, title="GitOps")
    for warning in result.warnings:
        console.warning(warning, title="GitOps")
    for _, kept in result.kept:
        _say(kept, console)
    return RolledOut(
        repository=gitops.repository,
        commit=commit,
        diff=edit.unified_diff(result),
        files=tuple(change.path for change in result.edits),
        held=result.kept[0][1].notice.removeprefix("NOT DEPLOYED: ") if result.kept else "",
        superseded=bool(result.kept),
        deployed=bool(result.edits or result.unchanged),
    )


def _say(kept: Verdict, console: Console) -> None:
    # The annotation's title says it.
    text = kept.notice.removeprefix("NOT DEPLOYED: ")
    if kept.level == "warning":
        console.warning(text, title="NOT DEPLOYED")
    else:
        console.notice(text, title="NOT DEPLOYED")


def _message(wanted: Wanted, target: Target) -> str:
    shipped = message.Shipped(name=target.name, repository=target.repository, tag=target.tag, digest=target.digest)
    template = wanted.gitops.message if wanted.gitops else None
    return message.compose([shipped], wanted.origin, environment=wanted.plan.environment, template=template)
