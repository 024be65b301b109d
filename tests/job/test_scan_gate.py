"""The scan gate in whole runs: what the scan finds decides before a tag moves."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from lab.stage import Stage
from tests.job.seen import ecr, gitops_file, repository_of, tags_of
from tests.job.test_deploy import FILE, deploy, two_published

NO_GITOPS = {"gitops_repository": "-", "gitops_token": "-"}
BAD = {
    "name": "CVE-2026-1234",
    "severity": "HIGH",
    "attributes": [{"key": "package_name", "value": "openssl"}, {"key": "package_version", "value": "3.0"}],
}


ENHANCED = {
    "severity": "CRITICAL",
    "status": "ACTIVE",
    "packageVulnerabilityDetails": {
        "vulnerabilityId": "CVE-2026-77",
        "vulnerablePackages": [{"name": "musl", "version": "1.2", "arch": "ARM64"}],
    },
}


@pytest.fixture
def enhanced(stage: Stage) -> Iterator[None]:
    """Amazon Inspector scans the registry; as it was before, at the end."""
    client = ecr(stage)
    rules = [
        {
            "scanFrequency": "CONTINUOUS_SCAN",
            "repositoryFilters": [{"filter": repository_of(stage), "filterType": "WILDCARD"}],
        }
    ]
    client.put_registry_scanning_configuration(scanType="ENHANCED", rules=rules)
    yield
    client.put_registry_scanning_configuration(scanType="BASIC", rules=[])


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


def test_a_deploy_asks_the_gate_and_a_way_back_is_only_told(stage: Stage) -> None:
    """What is broken goes back at night whatever was found since; forward nothing goes that the gate stops."""
    first, second = two_published(stage)
    for digest in (first.outputs["digest"], second.outputs["digest"]):
        expect(stage, digest, findings=[BAD])
    back = deploy(stage, "previous", scan_fail_on="high")
    assert (back.exit_code, back.outputs["deployed"]) == (0, "true"), back.log
    assert "It goes back all the same: The scan found 1 vulnerabilities" in back.log
    assert json.loads(back.outputs["scan-summary"])["failing"] == ["CVE-2026-1234"]
    head = stage.gitops_head()
    stopped = deploy(stage, second.outputs["tag"], scan_fail_on="high")
    assert (stopped.exit_code, "E-SCAN" in stopped.log, "it is not rolled out" in stopped.log) == (1, True, True)
    assert (stage.gitops_head(), tags_of(stage)["deployed-dev"]) == (head, first.outputs["digest"])
    accepted = deploy(
        stage, second.outputs["tag"], scan_fail_on="high", scan_ignore="CVE-2026-1234 not reachable 2999-01-31"
    )
    assert accepted.exit_code == 0, accepted.log
    assert second.outputs["image"] in gitops_file(stage, FILE)


def test_a_role_that_may_not_read_findings_stops_at_the_gate(make_stage: Callable[..., Stage]) -> None:
    """With the statement to add: a gate that can't be seen is no gate."""
    seed = make_stage(full=False)
    stopped = seed.publish(seed.push_payload(), scan_fail_on="high", **NO_GITOPS)
    assert stopped.exit_code == 1
    assert "ecr:DescribeImageScanFindings" in stopped.log
    assert set(tags_of(seed)) == {seed.head}


@pytest.mark.usefixtures("enhanced")
def test_each_platform_of_an_index_is_looked_at(stage: Stage) -> None:
    """Enhanced scanning, too: the finding of one platform stops all, its status is told for each."""
    stage.commit("No commands", {"Dockerfile": "FROM scratch\nCOPY index.html /\n"})
    given = {"platforms": "linux/amd64,linux/arm64", **NO_GITOPS}
    first = stage.publish(stage.push_payload(), latest="false", **given)
    assert first.exit_code == 0, first.log
    ids = [{"imageDigest": first.outputs["digest"]}]
    index = ecr(stage).batch_get_image(repositoryName=repository_of(stage), imageIds=ids)["images"][0]
    children = {
        row["platform"]["architecture"]: row["digest"] for row in json.loads(index["imageManifest"])["manifests"]
    }
    expect(stage, children["arm64"], findings=[ENHANCED], pending=1)
    stopped = stage.publish(stage.push_payload(), scan_fail_on="high", **given)
    assert stopped.exit_code == 1
    assert "CRITICAL CVE-2026-77 musl 1.2" in stopped.log
    assert "latest" not in tags_of(stage)
    platforms = json.loads(stopped.outputs["scan-summary"])["platforms"]
    assert platforms == {f"linux/{name}": {"digest": digest, "status": "ACTIVE"} for name, digest in children.items()}
    expect(stage, children["arm64"], findings=[{**ENHANCED, "status": "CLOSED"}])
    passed = stage.publish(stage.push_payload(), scan_fail_on="high", **given)
    assert passed.exit_code == 0, passed.log
    assert tags_of(stage)["latest"] == first.outputs["digest"]
