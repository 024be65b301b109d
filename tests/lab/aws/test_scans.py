"""Scans of images: basic and enhanced, every status, and who is not scanned."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from lab.aws import setup

from .conftest import Lab, refusal
from .oci import INDEX, Registry, digest_of, index_manifest

BASIC = {
    "name": "CVE-2026-1000",
    "description": "A flaw in a parser.",
    "uri": "https://security-tracker.debian.org/tracker/CVE-2026-1000",
    "severity": "HIGH",
    "attributes": [{"key": "package_name", "value": "libexample"}, {"key": "package_version", "value": "1.2-3"}],
}
ENHANCED = {
    "awsAccountId": "123456789012",
    "description": "A flaw in a parser.",
    "findingArn": "arn:aws:inspector2:us-west-2:123456789012:finding/0a1b",
    "packageVulnerabilityDetails": {
        "vulnerabilityId": "CVE-2026-1000",
        "source": "DEBIAN_CVE",
        "vulnerablePackages": [{"name": "libexample", "version": "1.2", "fixedInVersion": "1.3"}],
    },
    "severity": "CRITICAL",
    "score": 9.8,
    "status": "ACTIVE",
    "title": "CVE-2026-1000 - libexample",
    "type": "PACKAGE_VULNERABILITY",
    "fixAvailable": "YES",
}
MODEL = botocore.session.get_session().get_service_model("ecr")
STATUSES: list[str] = MODEL.shape_for("ScanStatus").metadata["enum"]


def findings(ecr: Any, repository: str, digest: str, **more: Any) -> dict[str, Any]:
    """Ask what a scan found."""
    answer: dict[str, Any] = ecr.describe_image_scan_findings(
        repositoryName=repository, imageId={"imageDigest": digest}, **more
    )
    return answer


def test_a_basic_scan_is_asked_for_and_told(lab: Lab, ecr: Any, registry: Registry, repository: str) -> None:
    """No scan, a scan that runs, its findings with their counts, and no second one within a day."""
    _, digest = registry.push_image(repository, "v1", f"basic {repository}")
    lab.control("POST", "scan", {"digest": digest, "findings": [BASIC, {**BASIC, "severity": "LOW"}], "pending": 1})
    with pytest.raises(ecr.exceptions.ScanNotFoundException) as error:
        findings(ecr, repository, digest)
    assert refusal(error)[1] == (
        f"Image scan does not exist for the image with '{{imageDigest:'{digest}', imageTag:'null'}}' in the "
        f"repository with name '{repository}' in the registry with id '123456789012'"
    )
    image = {"imageTag": "v1"}
    begun = ecr.start_image_scan(repositoryName=repository, imageId=image)
    assert (begun["imageScanStatus"], begun["imageId"]["imageDigest"]) == ({"status": "IN_PROGRESS"}, digest)
    assert findings(ecr, repository, digest)["imageScanStatus"]["status"] == "IN_PROGRESS"
    told = findings(ecr, repository, digest)
    assert told["imageScanStatus"]["status"] == "COMPLETE"
    assert told["imageScanFindings"]["findingSeverityCounts"] == {"HIGH": 1, "LOW": 1}
    assert told["imageScanFindings"]["findings"][0] == BASIC
    with pytest.raises(ecr.exceptions.LimitExceededException) as error:
        ecr.start_image_scan(repositoryName=repository, imageId=image)
    assert refusal(error)[1] == "The scan quota per image has been exceeded. Wait and try again."


def test_findings_are_told_in_pages(lab: Lab, ecr: Any, registry: Registry, repository: str) -> None:
    """maxResults and nextToken; the counts are of all of them."""
    _, digest = registry.push_image(repository, "v1", f"pages {repository}")
    lab.control("POST", "scan", {"digest": digest, "findings": [{**BASIC, "name": f"CVE-{n}"} for n in range(5)]})
    ecr.start_image_scan(repositoryName=repository, imageId={"imageDigest": digest})
    first = findings(ecr, repository, digest, maxResults=3)
    second = findings(ecr, repository, digest, maxResults=3, nextToken=first["nextToken"])
    rows = [r["name"] for page in (first, second) for r in page["imageScanFindings"]["findings"]]
    assert (rows, "nextToken" in second) == ([f"CVE-{n}" for n in range(5)], False)
    assert first["imageScanFindings"]["findingSeverityCounts"] == {"HIGH": 5}


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_of_the_model_is_told(
    lab: Lab, ecr: Any, registry: Registry, repository: str, status: str
) -> None:
    """As it was said beforehand; findings come with the two statuses that have them."""
    _, digest = registry.push_image(repository, "v1", f"status {status}")
    lab.control("POST", "scan", {"digest": digest, "status": status, "description": "why", "findings": [BASIC]})
    ecr.start_image_scan(repositoryName=repository, imageId={"imageDigest": digest})
    told = findings(ecr, repository, digest)
    assert told["imageScanStatus"] == {"status": status, "description": "why"}
    assert ("imageScanFindings" in told) == (status in ("COMPLETE", "ACTIVE"))


def test_an_index_is_not_scanned_its_images_are(lab: Lab, ecr: Any, registry: Registry) -> None:
    """Scan on push, by the repository's own setting: findings are a platform's, the index has none."""
    ecr.create_repository(repositoryName="scanned", imageScanningConfiguration={"scanOnPush": True})
    children = [registry.push_content("scanned", text) for text in ("amd64", "arm64")]
    lab.control("POST", "scan", {"digest": digest_of(children[1]), "findings": [BASIC]})
    for child in children:
        registry.push("scanned", digest_of(child), child)
    index = index_manifest(*children)
    registry.push("scanned", "v1", index, INDEX)
    counts = [findings(ecr, "scanned", digest_of(c))["imageScanFindings"]["findingSeverityCounts"] for c in children]
    assert counts == [{}, {"HIGH": 1}]
    with pytest.raises(ecr.exceptions.ScanNotFoundException):
        findings(ecr, "scanned", digest_of(index))
    with pytest.raises(ecr.exceptions.UnsupportedImageTypeException) as error:
        ecr.start_image_scan(repositoryName="scanned", imageId={"imageTag": "v1"})
    assert refusal(error)[1] == f"An artifact with media type '{INDEX}' cannot be scanned."


def test_an_archived_image_is_not_scanned(ecr: Any, registry: Registry, repository: str) -> None:
    """ImageArchivedException, and ImageNotFoundException for one that is not there."""
    _, digest = registry.push_image(repository, "v1", "archived")
    image = {"repositoryName": repository, "imageId": {"imageDigest": digest}}
    ecr.update_image_storage_class(**image, targetStorageClass="ARCHIVE")
    with pytest.raises(ecr.exceptions.ImageArchivedException):
        ecr.start_image_scan(**image)
    with pytest.raises(ecr.exceptions.ImageNotFoundException):
        ecr.start_image_scan(repositoryName=repository, imageId={"imageTag": "none"})


@pytest.fixture
def west(lab: Lab) -> Iterator[Any]:
    """The ECR client of a region whose registry is scanned by Inspector, during the test."""
    ecr = setup.admin_client("ecr", lab.endpoint, region="us-west-2")
    rule = {
        "scanFrequency": "CONTINUOUS_SCAN",
        "repositoryFilters": [{"filter": "watched", "filterType": "WILDCARD"}],
    }
    ecr.put_registry_scanning_configuration(scanType="ENHANCED", rules=[rule])
    yield ecr
    ecr.put_registry_scanning_configuration(scanType="BASIC", rules=[])


def test_an_enhanced_scan_is_pending_then_active(lab: Lab, west: Any) -> None:
    """By the registry's rule alone, which overrules the repository's setting; findings are Inspector's."""
    for name in ("watched/app", "free"):
        west.create_repository(repositoryName=name, imageScanningConfiguration={"scanOnPush": True})
    host = west.describe_repositories()["repositories"][0]["repositoryUri"].partition("/")[0]
    registry = lab.registry(lab.password(west), host=host)
    manifest = registry.push_content("watched/app", "enhanced")
    lab.control("POST", "scan", {"digest": digest_of(manifest), "findings": [ENHANCED], "pending": 1})
    registry.push("watched/app", "v1", manifest)
    assert findings(west, "watched/app", digest_of(manifest))["imageScanStatus"] == {"status": "PENDING"}
    told = findings(west, "watched/app", digest_of(manifest))
    assert told["imageScanStatus"]["status"] == "ACTIVE"
    assert told["imageScanFindings"]["enhancedFindings"] == [ENHANCED]
    assert told["imageScanFindings"]["findingSeverityCounts"] == {"CRITICAL": 1}
    _, free = registry.push_image("free", "v1", "not watched")
    with pytest.raises(west.exceptions.ScanNotFoundException):
        findings(west, "free", free)
    with pytest.raises(ClientError) as error:
        west.start_image_scan(repositoryName="free", imageId={"imageTag": "v1"})
    assert refusal(error)[0] == "ValidationException"
    names = {"repositoryNames": ["watched/app", "free"]}
    rows = west.batch_get_repository_scanning_configuration(**names)["scanningConfigurations"]
    assert [(r["scanOnPush"], r["scanFrequency"]) for r in rows] == [(True, "CONTINUOUS_SCAN"), (False, "MANUAL")]


def test_a_registrys_scanning_has_its_frequencies(ecr: Any) -> None:
    """Basic scanning knows no continuous scans, enhanced no manual ones."""
    filters = [{"filter": "*", "filterType": "WILDCARD"}]
    for kind, frequency in (("BASIC", "CONTINUOUS_SCAN"), ("ENHANCED", "MANUAL")):
        rule = {"scanFrequency": frequency, "repositoryFilters": filters}
        with pytest.raises(ecr.exceptions.InvalidParameterException):
            ecr.put_registry_scanning_configuration(scanType=kind, rules=[rule])
    assert ecr.get_registry_scanning_configuration()["scanningConfiguration"] == {"scanType": "BASIC", "rules": []}


@pytest.mark.parametrize("result", [{"status": "DONE"}, {"findings": [{"cve": "x"}]}, {"count": 1}])
def test_a_result_that_no_scan_has_is_refused(lab: Lab, result: dict[str, Any]) -> None:
    """What tests tell the lab has botocore's shapes."""
    with pytest.raises(urllib.error.HTTPError) as error:
        lab.control("POST", "scan", {"digest": digest_of(b""), **result})
    assert (error.value.code, "error" in json.load(error.value)) == (400, True)
