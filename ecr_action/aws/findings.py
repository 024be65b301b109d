"""What a scan found, what of it is ignored, and whether the image passes. Pure.

Sources: ECR API reference, DescribeImageScanFindings (status values, findings of the basic and the enhanced scan).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

# Worst first; the basic scan knows UNDEFINED, the enhanced one UNTRIAGED.
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED")
# The scan is done, or goes on for as long as the image is there (enhanced): findings can be read.
READY = frozenset({"COMPLETE", "ACTIVE"})
WAITING = frozenset({"IN_PROGRESS", "PENDING"})
# Nothing will come any more, and why.
WITHOUT = {
    "FAILED": "the scan failed",
    "UNSUPPORTED_IMAGE": "its operating system or type can't be scanned",
    "SCAN_ELIGIBILITY_EXPIRED": "it is too old to be scanned still",
    "FINDINGS_UNAVAILABLE": "its findings are not there any more",
    "LIMIT_EXCEEDED": "a quota of scans is used up",
    "IMAGE_ARCHIVED": "it is archived",
    "IMAGE_SIZE_EXCEEDED": "it is too large to be scanned",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One vulnerability: *name* (``CVE-2026-1234``), *severity* (of SEVERITIES), the *package* and its *version*."""

    name: str
    severity: str
    package: str = ""
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What is known of one image's scan: ECR's *status*, empty where there is no scan, its *description*."""

    status: str = ""
    description: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether waiting changes nothing."""
        return self.status in READY or self.status in WITHOUT


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """A vulnerability that is accepted: its *name*, the *reason*, the last day (*until*)."""

    name: str
    reason: str
    until: date


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What stops a run: a severity (*fail_on*, empty: none) or worse, an image without findings; *timeout* in s."""

    fail_on: str = ""
    fail_on_unscanned: bool = False
    timeout: int = 300
    ignored: tuple[Ignored, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """*counts* by severity of what counts; what is *failing*; ignore entries that are *unused* or *expired*."""

    counts: Mapping[str, int]
    counted: tuple[Finding, ...]
    failing: tuple[Finding, ...]
    unused: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()


def judge(scans: Sequence[Scan], fail_on: str, ignored: Sequence[Ignored], today: date) -> Judgement:
    """What of *scans* counts, and what is as bad as *fail_on* (a severity, empty: nothing is) or worse.

    An entry holds through its last day. The same vulnerability on several platforms counts once.
    """
    found = dict.fromkeys(finding for scan in scans for finding in scan.findings)
    valid = {entry.name for entry in ignored if entry.until >= today}
    counted = sorted((f for f in found if f.name not in valid), key=lambda f: (_rank(f.severity), f.name, f.package))
    names = {finding.name for finding in found}
    return Judgement(
        counts={
            severity: count for severity in SEVERITIES if (count := Counter(f.severity for f in counted)[severity])
        },
        counted=tuple(counted),
        failing=tuple(f for f in counted if fail_on and _rank(f.severity) <= SEVERITIES.index(fail_on)),
        unused=tuple(entry.name for entry in ignored if entry.name not in names),
        expired=tuple(entry.name for entry in ignored if entry.until < today and entry.name in names),
    )


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity)


def read(answer: Mapping[str, Any]) -> Scan:
    """A page of DescribeImageScanFindings: of the basic scan, or the enhanced one's active findings."""
    status, body = answer.get("imageScanStatus") or {}, answer.get("imageScanFindings") or {}
    basic = [_basic(row) for row in body.get("findings") or ()]
    rows = body.get("enhancedFindings") or ()
    enhanced = [found for row in rows if row.get("status", "ACTIVE") == "ACTIVE" for found in _enhanced(row)]
    return Scan(
        status=str(status.get("status") or ""),
        description=str(status.get("description") or ""),
        findings=(*basic, *enhanced),
    )


def _basic(row: Mapping[str, Any]) -> Finding:
    attributes = {item.get("key"): str(item.get("value", "")) for item in row.get("attributes") or ()}
    return Finding(
        name=str(row.get("name", "")),
        severity=_severity(row),
        package=attributes.get("package_name", ""),
        version=attributes.get("package_version", ""),
    )


def _enhanced(row: Mapping[str, Any]) -> list[Finding]:
    details = row.get("packageVulnerabilityDetails") or {}
    name = str(details.get("vulnerabilityId") or row.get("title") or "")
    packages = details.get("vulnerablePackages") or [{}]
    return [
        Finding(
            name=name, severity=_severity(row), package=str(one.get("name", "")), version=str(one.get("version", ""))
        )
        for one in packages
    ]


def _severity(row: Mapping[str, Any]) -> str:
    word = str(row.get("severity", "")).upper()
    return word if word in SEVERITIES else "UNDEFINED"
