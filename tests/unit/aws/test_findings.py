"""What scans found, what of it counts, what stops a run."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import botocore.session
import pytest

from ecr_action.aws import findings
from ecr_action.aws.findings import Finding, Ignored, Scan

TODAY = date(2026, 11, 3)
BAD = Finding(name="CVE-1", severity="CRITICAL", package="openssl", version="3.0")
MILD = Finding(name="CVE-2", severity="LOW", package="zlib", version="1.2")


def ignored(name: str, days: int) -> Ignored:
    """An entry that ends *days* from today."""
    return Ignored(name=name, reason="not reachable", until=TODAY + timedelta(days=days))


def judged(fail_on: str, *entries: Ignored, scans: tuple[Scan, ...] = ()) -> findings.Judgement:
    """The judgement on a scan that found both."""
    return findings.judge(scans or (Scan(status="COMPLETE", findings=(MILD, BAD)),), fail_on, entries, TODAY)


def test_every_status_of_the_model_is_known() -> None:
    """Each is done, or still comes, or says why nothing comes."""
    model = botocore.session.get_session().get_service_model("ecr").shape_for("ScanStatus")
    assert set(model.enum) <= findings.READY | findings.WAITING | set(findings.WITHOUT)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("fail_on", "failing"),
    [
        ("", []),
        ("CRITICAL", ["CVE-1"]),
        ("HIGH", ["CVE-1"]),
        ("LOW", ["CVE-1", "CVE-2"]),
        ("UNDEFINED", ["CVE-1", "CVE-2"]),
    ],
)
def test_a_severity_means_itself_and_what_is_worse(fail_on: str, failing: list[str]) -> None:
    """The worst first."""
    found = judged(fail_on)
    assert [one.name for one in found.failing] == failing
    assert found.counts == {"CRITICAL": 1, "LOW": 1}


def test_what_is_ignored_counts_no_more_until_its_last_day_is_over() -> None:
    """An expired entry is told, and so is one that nothing was found for."""
    found = judged("LOW", ignored("CVE-1", 0), ignored("CVE-2", -1), ignored("CVE-9", 5))
    assert [one.name for one in found.failing] == ["CVE-2"]
    assert (found.unused, found.expired) == (("CVE-9",), ("CVE-2",))
    assert found.counts == {"LOW": 1}


def test_the_same_on_two_platforms_counts_once() -> None:
    """Package and version being the same."""
    other = Finding(name="CVE-1", severity="CRITICAL", package="openssl", version="3.1")
    scans = (Scan(status="ACTIVE", findings=(BAD,)), Scan(status="ACTIVE", findings=(BAD, other)))
    assert judged("", scans=scans).counts == {"CRITICAL": 2}


def test_both_kinds_of_findings_are_read() -> None:
    """Those that were suppressed or closed are none; an unknown severity is undefined."""
    basic = {
        "name": "CVE-1",
        "severity": "CRITICAL",
        "attributes": [{"key": "package_name", "value": "openssl"}, {"key": "package_version", "value": "3.0"}],
    }
    enhanced: dict[str, Any] = {
        "severity": "LOW",
        "status": "ACTIVE",
        "packageVulnerabilityDetails": {
            "vulnerabilityId": "CVE-2",
            "vulnerablePackages": [{"name": "zlib", "version": "1.2"}],
        },
    }
    rows = [enhanced, {**enhanced, "status": "SUPPRESSED"}, {"title": "odd", "severity": "UNTRIAGED"}]
    answer = {
        "imageScanStatus": {"status": "ACTIVE", "description": "on"},
        "imageScanFindings": {"findings": [basic], "enhancedFindings": rows},
    }
    assert findings.read(answer) == Scan(
        status="ACTIVE", description="on", findings=(BAD, MILD, Finding(name="odd", severity="UNDEFINED"))
    )
    assert findings.read({}) == Scan()
