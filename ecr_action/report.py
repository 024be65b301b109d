"""What came of a run, as outputs, summary and last log lines. Text only: ``commands.py`` writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ecr_action import monorepo
from ecr_action.errors import Failure
from ecr_action.gitops import shipping
from ecr_action.gitops.shipping import Shipping
from ecr_action.gitops_protocols import Commit
from ecr_action.markdown import block, code, link, prose
from ecr_action.monorepo import Decided
from ecr_action.plan import Plan
from ecr_action.protocols import Step

OUTPUTS = (
    "registry",
    "repository",
    "image",
    "image-path",
    "image-digest",
    "digest",
    "tag",
    "tags",
    "version",
    "environment",
    "pushed",
    "reused",
    "repository-created",
    "tag-mutability",
    "scan-summary",
    "gitops-commit",
    "gitops-pull-request",
    "gitops-changed",
    "deployed",
    "superseded",
    "matrix",
    "metadata",
)
# A diff longer than this hides everything else in the summary; the commit's page has the whole.
_DIFF_LINES = 200
_FINDINGS = 30


@dataclass(frozen=True, kw_only=True)
class RolledOut:
    """The GitOps half: *commit* where one was made, its unified *diff*, what *ships* with it.

    *held*: why nothing was deployed, *kept* the same by ECR repository; *deployed*: the ECR repositories whose image
    is referenced now, *proposed* those whose image waits in *pull_request* (its address); *stood*: repository, tag and
    digest of what the run found, on the commit *base*.
    """

    repository: str = ""
    commit: Commit | None = None
    diff: str = ""
    files: tuple[str, ...] = ()
    ships: tuple[Shipping, ...] = ()
    held: str = ""
    kept: Mapping[str, str] = field(default_factory=dict)
    superseded: bool = False
    deployed: tuple[str, ...] = ()
    proposed: tuple[str, ...] = ()
    pull_request: str = ""
    stood: tuple[tuple[str, str, str], ...] = ()
    base: str = ""

    @property
    def wrote(self) -> bool:
        """Whether the run committed anything."""
        return self.commit is not None


@dataclass(frozen=True, kw_only=True)
class Previewed:
    """What a merge would change in the GitOps *repository*: the *diff*, or the *failure* that it would end in.

    *digest_unknown*: zeros stand for it.
    """

    repository: str
    environment: str
    diff: str = ""
    notices: tuple[str, ...] = ()
    digest_unknown: bool = False
    failure: Failure | None = None


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """What scans found: the *summary* as JSON; *rows* of severity, vulnerability, package, the worst first."""

    summary: str
    rows: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run did. *uri* is the repository's (host and name); *seconds* the time of each phase by name.

    *images*: the outcome of each, where the run is of several; *services*: what `mode: matrix` decided of each. *part*:
    the platform that it is of alone.
    """

    plan: Plan
    repository: str = ""
    uri: str = ""
    digest: str = ""
    tags: tuple[str, ...] = ()
    primary: str = ""
    pushed: bool = False
    reused: bool = False
    because: str = ""
    created: bool = False
    mutability: str = ""
    superseded: bool = False
    rolled_out: RolledOut = RolledOut()
    scanned: Scanned | None = None
    steps: tuple[Step, ...] = ()
    notices: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    dry_run: bool = False
    images: tuple[Outcome, ...] = ()
    previewed: Previewed | None = None
    services: tuple[Decided, ...] | None = None
    part: str = ""

    @property
    def deployed(self) -> bool:
        """Whether the GitOps repository references what the run is of: all of it."""
        return bool(self.rolled_out.deployed) and all(
            image.repository in self.rolled_out.deployed for image in self.images
        )


def outputs(outcome: Outcome) -> dict[str, str]:
    """Every output as text: booleans ``true``/``false``, ``tags`` one a line, empty where there is none."""
    uri, tag, digest, out = outcome.uri, outcome.primary, outcome.digest, outcome.rolled_out
    done = not outcome.dry_run
    values = {
        "registry": uri.partition("/")[0],
        "repository": outcome.repository,
        "image": f"{uri}:{tag}" if uri and tag else "",
        "image-path": f"{outcome.repository}:{tag}" if uri and tag else "",
        "image-digest": f"{uri}@{digest}" if uri and digest else "",
        "digest": digest,
        "tag": tag,
        "tags": "\n".join(outcome.tags),
        "version": outcome.plan.version.tag if outcome.plan.version else "",
        "environment": outcome.plan.environment or "",
        "pushed": _word(outcome.pushed and done),
        "reused": _word(outcome.reused),
        "repository-created": _word(outcome.created and done),
        "tag-mutability": outcome.mutability,
        "scan-summary": outcome.scanned.summary if outcome.scanned else "",
        "gitops-commit": out.commit.oid if out.commit else "",
        "gitops-pull-request": out.pull_request,
        "gitops-changed": _word(out.commit is not None),
        "deployed": _word(outcome.deployed and done),
        "superseded": _word(outcome.superseded or out.superseded),
        "matrix": "" if outcome.services is None else monorepo.matrix(outcome.services, outcome.plan),
    }
    metadata: dict[str, object] = {**values, "tags": list(outcome.tags), "commit": outcome.plan.commit}
    metadata["seconds"] = dict(outcome.seconds)
    if outcome.images:
        metadata["images"] = [_image(image, outcome) for image in outcome.images]
    return {**values, "metadata": json.dumps(metadata, sort_keys=True)}


def _image(image: Outcome, whole: Outcome) -> dict[str, object]:
    return {
        "image": f"{image.uri}:{image.primary}",
        "repository": image.repository,
        "tag": image.primary,
        "digest": image.digest,
        "deployed": _word(image.repository in whole.rolled_out.deployed and not whole.dry_run),
    }


def _word(value: bool) -> str:
    return "true" if value else "false"


def summary(outcome: Outcome, *, failed: bool = False) -> str:
    """The job summary in Markdown; *failed*: of a run that published and then could not roll out."""
    begun = "### Published, not rolled out" if outcome.pushed else "### Found in the image"
    parts = [begun if failed else f"## {_headline(outcome)}"]
    out = outcome.rolled_out
    if out.held:
        first, _, rest = out.held.partition("\n")
        parts.append(f"> **{prose(first)}**")
        parts += [block(rest, "")] if rest.strip() else []
    rows = _rows(outcome)
    if rows:
        parts.append("\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]))
    if outcome.images:
        parts.append(_images(outcome))
    if outcome.services:
        parts.append(_services(outcome.services))
    if out.ships:
        parts.append(shipping.summary(out.ships))
    if out.diff:
        parts.append(_diff(out.diff))
    if outcome.previewed:
        parts += _previewed(outcome.previewed)
    if outcome.scanned:
        parts.append(_findings(outcome.scanned))
    parts += [f"- {prose(notice)}" for notice in outcome.notices]
    if outcome.steps:
        parts.append(_steps(outcome.steps))
    if outcome.seconds:
        times = " · ".join(f"{name} {seconds:.1f} s" for name, seconds in outcome.seconds.items())
        parts.append(f"<sub>{prose(times)}</sub>")
    return "\n\n".join(parts) + "\n"


def _headline(outcome: Outcome) -> str:
    what = prose(_subject(outcome))
    out = outcome.rolled_out
    if outcome.dry_run:
        return f"Dry run: {what}"
    if outcome.plan.nothing:
        return "Nothing to do"
    if outcome.services is not None:
        return f"{sum(one.do for one in outcome.services)} of {len(outcome.services)} services have a job"
    if outcome.part and outcome.digest:
        return f"{prose(outcome.part)} of {what} is pushed, for the job that merges"
    if not outcome.pushed and outcome.plan.builds:
        return f"{what} was built, not pushed"
    if out.proposed:
        waits = "wait" if outcome.images else "waits"
        return f"{what} {waits} in a pull request to {prose(outcome.plan.environment or '')}"
    if out.held and not out.commit:
        return f"NOT DEPLOYED: {what}{'' if outcome.images else ' is published'}"
    environment = prose(outcome.plan.environment or "")
    if out.commit:
        return f"{what} {'are on their way' if outcome.images else 'is on its way'} to {environment}"
    stands = f"{what} {'stand' if outcome.images else 'stands'} already in {environment}"
    return f"{what} is published" if outcome.plan.builds else stands


def _subject(outcome: Outcome) -> str:
    if outcome.images:
        return f"{len(outcome.images)} images"
    return f"{outcome.repository}:{outcome.primary}" if outcome.primary else outcome.repository or "ecr-publish"


def _rows(outcome: Outcome) -> list[tuple[str, str]]:
    out = outcome.rolled_out
    rows = []
    if outcome.plan.nothing:
        rows.append(("Because", prose(outcome.plan.nothing)))
    if outcome.uri and outcome.primary:
        rows.append(("Image", code(f"{outcome.uri}:{outcome.primary}")))
    if outcome.digest:
        rows.append(("Digest", code(outcome.digest)))
    if outcome.tags:
        rows.append(("Tags", " ".join(code(tag) for tag in outcome.tags)))
    if outcome.plan.commit and outcome.plan.commit not in outcome.tags:
        rows.append(("Commit", code(outcome.plan.commit)))
    plain = outcome.services is None and not outcome.digest
    if not outcome.pushed and outcome.plan.builds and not outcome.plan.nothing and plain:
        reason = next((reason.because for reason in outcome.plan.reasons if reason.name == "push"), "")
        rows += [("Not pushed", prose(reason))] if reason else []
    if outcome.because:
        rows.append(("Reused" if outcome.reused else "Built", prose(outcome.because)))
    if outcome.created:
        rows.append(("Repository", "would be created" if outcome.dry_run else "created"))
    if out.commit:
        rows.append(("GitOps", f"{link(out.commit.oid[:7], out.commit.url)} in {prose(out.repository)}"))
    elif out.repository and outcome.dry_run and out.files:
        rows.append(("GitOps", prose(f"would change {', '.join(out.files)} in {out.repository}")))
    elif out.repository and not out.pull_request:
        rows.append(("GitOps", prose(f"nothing to change in {out.repository}" if not out.held else "not deployed")))
    if out.pull_request:
        name = f"{out.repository}#{out.pull_request.rpartition('/')[2]}"
        rows.append(("Pull request", link(name, out.pull_request)))
    return rows


def _images(outcome: Outcome) -> str:
    """The images of a run of several, and what became of each."""
    rows = []
    for image in outcome.images:
        kept = outcome.rolled_out.kept.get(image.repository, "").partition("\n")[0]
        state = "yes" if image.repository in outcome.rolled_out.deployed else "no"
        rows.append(
            f"| {code(f'{image.repository}:{image.primary}')} | {code(image.digest)} | {prose(kept) or state} |"
        )
    return "\n".join(["| Image | Digest | Deployed |", "|---|---|---|", *rows])


def _services(services: tuple[Decided, ...]) -> str:
    """The services, those with a job first."""
    rows = [
        f"| {code(one.candidate.service.name)} | {'yes' if one.do else 'no'} | {prose(one.because)} |"
        for one in sorted(services, key=lambda one: not one.do)
    ]
    return "\n".join(["| Service | Job | Because |", "|---|---|---|", *rows])


def _state(repository: str, out: RolledOut) -> str:
    if repository in out.proposed:
        return "in a pull request"
    return "yes" if repository in out.deployed else "no"


def _previewed(found: Previewed) -> list[str]:
    """What a merge would change, or why nothing would come of it."""
    where = f"{prose(found.repository)}, {prose(found.environment)}"
    if found.failure:
        first, *rest = failure_summary(found.failure).rstrip().split("\n\n")
        return [f"### After a merge: not rolled out to {where}", f"**{first.removeprefix('## ')}**", *rest]
    parts = [f"### After a merge: {where}"]
    parts += [_diff(found.diff)] if found.diff else []
    parts += [f"- {prose(notice)}" for notice in found.notices]
    if not found.diff:
        return parts if found.notices else [*parts, "Nothing would change."]
    unknown = ", and zeros stand for the digest of the image that is not built yet" if found.digest_unknown else ""
    return [*parts, f"Nothing is written yet. The tag will be that of the commit that the merge makes{unknown}."]


def _diff(diff: str) -> str:
    lines = diff.splitlines()
    cut = f"\n... {len(lines) - _DIFF_LINES} more lines" if len(lines) > _DIFF_LINES else ""
    return block("\n".join(lines[:_DIFF_LINES]) + cut, "diff")


def _findings(scanned: Scanned) -> str:
    rows = [f"| {prose(severity)} | {code(name)} | {prose(package)} |" for severity, name, package in scanned.rows]
    more = f"\n\n{len(rows) - _FINDINGS} more" if len(rows) > _FINDINGS else ""
    if not rows:
        return "The scan found nothing that counts."
    return "\n".join(["| Severity | Found | Package |", "|---|---|---|", *rows[:_FINDINGS]]) + more


def _steps(steps: tuple[Step, ...]) -> str:
    cached = sum(step.cached for step in steps)
    slowest = sorted(steps, key=lambda step: -step.seconds)[:5]
    lines = [f"| {code(step.name)} | {step.seconds:.1f} s |" for step in slowest if step.seconds >= 0.1]
    head = f"<details><summary>{len(steps)} build steps, {cached} from the cache</summary>\n\n"
    if not lines:
        return f"{len(steps)} build steps, {cached} from the cache"
    table = "\n".join(["| slowest | |", "|---|---|", *lines])
    return f"{head}{table}\n\n</details>"


def _why(text: str) -> list[str]:
    """The reason: its first line as a sentence, what a builder or a list says below it as it is."""
    first, _, rest = text.partition("\n")
    return [*([f"**Why:** {prose(first)}"] if first else []), *([block(rest, "")] if rest.strip() else [])]


def failure_summary(failure: Failure) -> str:
    """The job summary of a run that failed."""
    parts = [f"## {prose(failure.title)} ({failure.code})", prose(failure.what.splitlines()[0])]
    rest = "\n".join(failure.what.splitlines()[1:])
    parts += [block(rest, "")] if rest.strip() else []
    parts += _why(failure.why)
    parts += ["**Fix:**", block(failure.fix, "")] if failure.fix else []
    return "\n\n".join(parts) + "\n"
