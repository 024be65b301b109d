"""Image scans, basic and enhanced, by the ECR API. What a scan finds is told to the lab beforehand.

Follows the ECR API reference (StartImageScan, DescribeImageScanFindings) and the user guide, "Scan images for
software vulnerabilities". Rows in FIDELITY.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import model, policy
from .call import Answer, Call, image_not_found, page
from .clock import Clock
from .errors import AwsError, invalid_parameter
from .images import Images, Place, Put
from .moto_backend import Moto
from .store import Store

SCAN, RESULT = "scan", "scan-result"
DAY = 86400.0
# API reference, ImageScanStatus; what was found is told with these alone.
STATUSES = (
    "IN_PROGRESS",
    "COMPLETE",
    "FAILED",
    "UNSUPPORTED_IMAGE",
    "ACTIVE",
    "PENDING",
    "SCAN_ELIGIBILITY_EXPIRED",
    "FINDINGS_UNAVAILABLE",
    "LIMIT_EXCEEDED",
    "IMAGE_ARCHIVED",
    "IMAGE_SIZE_EXCEEDED",
)
WITH_FINDINGS = ("COMPLETE", "ACTIVE")
# "Scan images for OS and programming language package vulnerabilities": images, no other artifacts.
SCANNED = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)

CONFIGURATIONS = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)


@dataclass(frozen=True)
class ScanOperations:
    """The operations. Methods are named after their operations."""

    store: Store
    clock: Clock
    images: Images
    moto: Moto

    def expect(self, digest: str, result: dict[str, Any]) -> None:
        """Say what scans of *digest* find: ``status``, ``description``, ``findings``, ``seconds`` until then.

        findings: rows of ImageScanFinding (basic) or EnhancedImageScanFinding. ``pending``: how many questions are
        answered with the status of a scan that runs. ValueError for a status that the API does not have.
        """
        unknown = set(result) - {"status", "description", "findings", "seconds", "pending"}
        if unknown or result.get("status", "COMPLETE") not in STATUSES:
            raise ValueError(f"no such scan result: {result}")
        _check_shape(list(result.get("findings") or []))
        self.store.keep(("", ""), RESULT, digest, result)

    def _StartImageScan(self, call: Call) -> Answer:
        place, digest, wanted = self._image(call)
        row = self.images.image(self.images.open(place), digest)
        if row is not None and row["status"] != "ACTIVE":
            raise AwsError("ImageArchivedException", "The specified image is archived and cannot be scanned.")
        if self.is_enhanced(place):
            text = "This feature is disabled: the registry is configured for enhanced scanning"
            raise AwsError("ValidationException", text)
        if row is None or row["media_type"] not in SCANNED or _is_artifact(row["artifact_type"]):
            media_type = row["media_type"] if row else ""
            text = f"An artifact with media type '{media_type}' cannot be scanned."
            raise AwsError("UnsupportedImageTypeException", text)
        kept = self._scan(place, digest)
        if kept and self.clock.now() - kept["begun"] < DAY:
            raise AwsError("LimitExceededException", "The scan quota per image has been exceeded. Wait and try again.")
        self.begin(place, digest)
        status = {"status": "IN_PROGRESS"}
        return {**_named(place), "imageId": {**wanted, "imageDigest": digest}, "imageScanStatus": status}

    def begin(self, place: Place, digest: str) -> None:
        """Start a scan of an image; what it finds is what was told to expect."""
        expected = self.store.documents(("", ""), RESULT).get(digest) or {}
        scan = {"begun": self.clock.now(), "pending": expected.get("pending", 0)}
        self.store.keep((place.account, place.region), SCAN, f"{place.name}@{digest}", scan)

    def pushed(self, place: Place, manifest: Put) -> None:
        """Scan an image that was pushed, where repository or registry say so."""
        if manifest.media_type in SCANNED and not _is_artifact(manifest.artifact_type) and self._scans_on_push(place):
            self.begin(place, manifest.digest)

    def is_enhanced(self, place: Place) -> bool:
        """Tell whether the registry's scanning is Amazon Inspector's."""
        return bool(self.moto.scanning(place.account, place.region)["scanType"] == "ENHANCED")

    def _scans_on_push(self, place: Place) -> bool:
        configuration = self.moto.scanning(place.account, place.region)
        for rule in configuration["rules"]:
            names = [f["filter"] for f in rule["repositoryFilters"]]
            if any(policy.matches(name if "*" in name else f"*{name}*", place.name) for name in names):
                return bool(rule["scanFrequency"] != "MANUAL")
        repository = self.moto.repository(place.account, place.region, place.name)
        own = repository.image_scanning_configuration if repository else {}
        basic = configuration["scanType"] == "BASIC"
        return basic and isinstance(own, dict) and bool(own.get("scanOnPush"))

    def _PutRegistryScanningConfiguration(self, call: Call) -> Answer:
        kind = call.parameters.get("scanType", "BASIC")
        allowed = {"BASIC": ("SCAN_ON_PUSH", "MANUAL"), "ENHANCED": ("SCAN_ON_PUSH", "CONTINUOUS_SCAN")}.get(kind, ())
        frequencies = [rule.get("scanFrequency") for rule in call.parameters.get("rules") or []]
        if not allowed or any(f not in allowed for f in frequencies):
            raise invalid_parameter("rules", f"scan frequency of {kind} scanning must be one of [{', '.join(allowed)}]")
        parameters = {"scanType": kind, "rules": call.parameters.get("rules") or []}
        return self.moto.ecr(call.caller.account, call.region, call.operation, parameters)

    def _DescribeImageScanFindings(self, call: Call) -> Answer:
        place, digest, wanted = self._image(call)
        kept = self._scan(place, digest)
        if kept is None:
            digest_text, tag = (wanted.get(k) or "null" for k in ("imageDigest", "imageTag"))
            raise AwsError(
                "ScanNotFoundException",
                f"Image scan does not exist for the image with '{{imageDigest:'{digest_text}', imageTag:'{tag}'}}' "
                f"in the repository with name '{place.name}' in the registry with id '{place.account}'",
            )
        expected = self.store.documents(("", ""), RESULT).get(digest) or {}
        status = self._status(place, digest, kept, expected)
        answer = {**_named(place), "imageId": {**wanted, "imageDigest": digest}, "imageScanStatus": status}
        if status["status"] not in WITH_FINDINGS:
            return answer
        rows, token = page(list(expected.get("findings") or []), call.parameters)
        done = round(kept["begun"] + float(expected.get("seconds", 0)), 3)
        key = "enhancedFindings" if self.is_enhanced(place) else "findings"
        found = {
            "imageScanCompletedAt": done,
            "vulnerabilitySourceUpdatedAt": done,
            "findingSeverityCounts": _counts(expected.get("findings") or []),
            key: rows,
        }
        return {**answer, "imageScanFindings": found, **token}

    def _status(self, place: Place, digest: str, kept: dict[str, Any], expected: dict[str, Any]) -> dict[str, str]:
        enhanced = self.is_enhanced(place)
        running = "PENDING" if enhanced else "IN_PROGRESS"
        if kept["pending"] > 0:
            key = f"{place.name}@{digest}"
            self.store.keep((place.account, place.region), SCAN, key, {**kept, "pending": kept["pending"] - 1})
            return {"status": running}
        if self.clock.now() - kept["begun"] < float(expected.get("seconds", 0)):
            return {"status": running}
        status = str(expected.get("status") or ("ACTIVE" if enhanced else "COMPLETE"))
        described = "The scan was completed successfully." if status in WITH_FINDINGS else status
        return {"status": status, "description": str(expected.get("description") or described)}

    def _scan(self, place: Place, digest: str) -> dict[str, Any] | None:
        return self.store.documents((place.account, place.region), SCAN).get(f"{place.name}@{digest}")

    def _image(self, call: Call) -> tuple[Place, str, dict[str, str]]:
        place, wanted = call.place, call.parameters.get("imageId") or {}
        repository = self.images.open(place)
        if not wanted.get("imageDigest") and not wanted.get("imageTag"):
            raise invalid_parameter("imageId", "both tag and digest cannot be null")
        digest = wanted.get("imageDigest") or self.images.digest_of(repository, str(wanted.get("imageTag")))
        if not digest or self.images.image(repository, digest) is None:
            raise image_not_found(place, wanted)
        return place, str(digest), wanted

    def forget(self, place: Place) -> None:
        """Forget the scans of a repository that was deleted."""
        where = (place.account, place.region)
        for key in self.store.documents(where, SCAN):
            if key.startswith(f"{place.name}@"):
                self.store.drop(where, SCAN, key)


def _check_shape(findings: list[dict[str, Any]]) -> None:
    """Raise ValueError unless every row is an ImageScanFinding or an EnhancedImageScanFinding."""
    for row in findings:
        reports = [model.problems(row, shape) for shape in ("ImageScanFinding", "EnhancedImageScanFinding")]
        if all(reports):
            raise ValueError("; ".join(reports))


def _is_artifact(artifact_type: str | None) -> bool:
    """Tell whether a manifest is something else than an image: a signature, a chart, a cache."""
    return artifact_type not in (None, *CONFIGURATIONS)


def _named(place: Place) -> Answer:
    return {"registryId": place.account, "repositoryName": place.name}


def _counts(findings: list[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for finding in findings:
        severity = str(finding.get("severity", "UNDEFINED"))
        counts[severity] = counts.get(severity, 0) + 1
    return counts
