"""The gate: no tag moves to an image whose scan finds what `scan-fail-on` forbids."""

from __future__ import annotations

import json

from ecr_action.aws import findings, revision
from ecr_action.aws.findings import WITHOUT, Gate, Judgement, Scan
from ecr_action.errors import VulnerableImage
from ecr_action.protocols import Image, RepositoryState, Scans
from ecr_action.report import Outcome, Scanned
from ecr_action.services import Cloud, Services
from ecr_action.wanted import Wanted

# Seconds between two looks at a scan.
_PAUSE = 5.0
_TITLE = "Scan"


def scan_gate(
    wanted: Wanted, gate: Gate, state: RepositoryState, image: Image, cloud: Cloud, services: Services
) -> Scanned | None:
    """What the scans of *image* found, once it is seen that it passes *gate*; None in a dry run.

    Raises VulnerableImage; AwsDenied where the role may not read findings.
    """
    if services.dry_run:
        return None
    if not image.manifest:
        image = cloud.images.by_digest(state.name, image.digest) or image
    platforms = revision.platforms(image.manifest) or {"image": image.digest}
    deadline = services.clock.monotonic() + gate.timeout
    scans = {name: _wait(cloud.scans, state.name, digest, deadline, services) for name, digest in platforms.items()}
    today = services.clock.now().date()
    judged = findings.judge(tuple(scans.values()), gate.fail_on, gate.ignored, today)
    unscanned = {name: _why_not(scan) for name, scan in scans.items() if scan.status not in findings.READY}
    _say(judged, unscanned, services)
    scanned = _scanned(judged, platforms, scans)
    if judged.failing or (gate.fail_on_unscanned and unscanned):
        left = "it is not rolled out" if wanted.plan.deploy else "no tag but its commit's was put on the image"
        failure = _failure(gate, judged, unscanned, left)
        failure.so_far = Outcome(
            plan=wanted.plan, repository=state.name, uri=state.uri, digest=image.digest, scanned=scanned
        )
        raise failure
    return scanned


def _wait(scans: Scans, repository: str, digest: str, deadline: float, services: Services) -> Scan:
    """The scan once it is settled, or as it is at the *deadline*; begun where nothing had begun it."""
    begun = False
    while True:
        found = scans.read(repository, digest)
        if not found.status and not begun:
            begun = True
            found = scans.start(repository, digest)
        if found.settled or services.clock.monotonic() >= deadline:
            return found
        services.clock.sleep(_PAUSE)


def _why_not(scan: Scan) -> str:
    reason = WITHOUT.get(scan.status) or "no scan was done within scan-timeout"
    return reason + (f" ({scan.description})" if scan.description else "")


def _say(judged: Judgement, unscanned: dict[str, str], services: Services) -> None:
    for name, reason in unscanned.items():
        services.console.warning(f"There are no findings of {name}: {reason}.", title=_TITLE)
    for name in judged.expired:
        services.console.warning(f"scan-ignore: the entry {name} has expired and no longer counts.", title=_TITLE)
    if judged.unused and not unscanned:
        names = ", ".join(judged.unused)
        services.console.notice(f"scan-ignore: nothing was found for {names}: remove the lines.", title=_TITLE)
    counts = ", ".join(f"{count} {severity.lower()}" for severity, count in judged.counts.items())
    services.console.info(f"The scan found {counts or 'nothing that counts'}.")


def _scanned(judged: Judgement, platforms: dict[str, str], scans: dict[str, Scan]) -> Scanned:
    summary = {
        "counts": dict(judged.counts),
        "platforms": {name: {"digest": platforms[name], "status": scan.status} for name, scan in scans.items()},
        "failing": sorted({finding.name for finding in judged.failing}),
    }
    rows = tuple((f.severity, f.name, f"{f.package} {f.version}".strip()) for f in judged.counted)
    return Scanned(summary=json.dumps(summary, sort_keys=True), rows=rows)


def _failure(gate: Gate, judged: Judgement, unscanned: dict[str, str], left: str) -> VulnerableImage:
    if not judged.failing:
        names = ", ".join(f"{name}: {reason}" for name, reason in unscanned.items())
        return VulnerableImage(
            f"The image is not scanned ({names}), and scan-fail-on has 'unscanned'.",
            why=f"{left[0].upper()}{left[1:]}.",
            fix="scan-timeout: 900   # seconds\nor take 'unscanned' out of scan-fail-on",
        )
    first = judged.failing[0]
    rows = "\n".join(f"{f.severity} {f.name} {f.package} {f.version}".rstrip() for f in judged.failing[:20])
    more = f"\nand {len(judged.failing) - 20} more" if len(judged.failing) > 20 else ""
    return VulnerableImage(
        f"The scan found {len(judged.failing)} vulnerabilities that are {gate.fail_on.lower()} or worse; "
        f"{left}.\n{rows}{more}",
        fix="Update the base image or the package. To accept one, with a reason and a last day:\n"
        f"scan-ignore: |\n  {first.name} not reachable from our code 2027-01-31",
    )
