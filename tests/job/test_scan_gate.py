"""The scan gate in whole runs: what the scan finds decides before a tag moves."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable

from lab.stage import Stage
from tests.job.seen import tags_of

NO_GITOPS = {"gitops_repository": "-", "gitops_token": "-"}
BAD = {
    "name": "CVE-2026-1234",
    "severity": "HIGH",
    "attributes": [{"key": "package_name", "value": "openssl"}, {"key": "package_version", "value": "3.0"}],
}


def expect(stage: Stage, digest: str, **result: object) -> None:
    """Let scans of *digest* find that."""
    body = json.dumps({"digest": digest, **result}).encode()
    asked = urllib.request.Request(f"{stage.endpoint}/_lab/scan", body, method="POST")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=10) as answer:
        assert answer.status == 200


def published_once(stage: Stage) -> str:
    """The digest of the image that is published; further runs reuse it."""
    result = stage.publish(stage.push_payload(), latest="false", **NO_GITOPS)
    assert result.exit_code == 0, result.log
    assert result.outputs["scan-summary"] == ""
    return result.outputs["digest"]


def test_a_finding_stops_the_run_before_a_tag_moves_until_it_is_accepted(stage: Stage) -> None:
    """No `latest`, and the findings in outputs and summary; a line with a reason and a day lets it pass."""
    digest = published_once(stage)
    expect(stage, digest, findings=[BAD])
    stopped = stage.publish(stage.push_payload(), scan_fail_on="high", **NO_GITOPS)
    assert stopped.exit_code == 1
    assert "E-SCAN" in stopped.log
    assert "CVE-2026-1234" in stopped.summary
    assert json.loads(stopped.outputs["scan-summary"])["failing"] == ["CVE-2026-1234"]
    assert stopped.outputs["pushed"] == "false"
    assert "latest" not in tags_of(stage)
    ignore = "CVE-2026-1234 not reachable 2999-01-31\nCVE-2026-9 long gone 2999-01-31"
    passed = stage.publish(stage.push_payload(), scan_fail_on="high", scan_ignore=ignore, **NO_GITOPS)
    assert passed.exit_code == 0, passed.log
    assert "nothing was found for CVE-2026-9" in passed.log
    assert tags_of(stage)["latest"] == digest
    expired = "CVE-2026-1234 not reachable 2020-01-31"
    again = stage.publish(stage.push_payload(), scan_fail_on="critical", scan_ignore=expired, **NO_GITOPS)
    assert again.exit_code == 0, again.log
    assert "has expired" in again.log
    assert json.loads(again.outputs["scan-summary"])["counts"] == {"HIGH": 1}


def test_an_image_that_is_not_scanned_stops_the_run_only_where_that_is_asked_for(stage: Stage) -> None:
    """A scan that does not end within the time, a type that can't be scanned: named in any case."""
    digest = published_once(stage)
    expect(stage, digest, status="UNSUPPORTED_IMAGE")
    told = stage.publish(stage.push_payload(), scan_fail_on="high", **NO_GITOPS)
    assert told.exit_code == 0, told.log
    assert "can't be scanned" in told.log
    expect(stage, digest, seconds=1_000_000)
    late = stage.publish(stage.push_payload(), scan_fail_on="high", scan_timeout="0", **NO_GITOPS)
    assert late.exit_code == 0, late.log
    assert "within scan-timeout" in late.log
    expect(stage, digest, status="UNSUPPORTED_IMAGE")
    stopped = stage.publish(stage.push_payload(), scan_fail_on="none, unscanned", **NO_GITOPS)
    assert stopped.exit_code == 1
    assert "E-SCAN" in stopped.log


def test_a_scan_is_begun_where_the_push_began_none(stage: Stage) -> None:
    """A repository without scan on push."""
    result = stage.publish(stage.push_payload(), scan_on_push="false", scan_fail_on="none", **NO_GITOPS)
    assert result.exit_code == 0, result.log
    assert "ecr:StartImageScan" in stage.calls()
    assert json.loads(result.outputs["scan-summary"])["platforms"]["image"]["status"] == "COMPLETE"


def test_a_role_that_may_not_read_findings_stops_at_the_gate(make_stage: Callable[..., Stage]) -> None:
    """With the statement to add: a gate that can't be seen is no gate."""
    seed = make_stage(full=False)
    stopped = seed.publish(seed.push_payload(), scan_fail_on="high", **NO_GITOPS)
    assert stopped.exit_code == 1
    assert "ecr:DescribeImageScanFindings" in stopped.log
    assert set(tags_of(seed)) == {seed.head}
