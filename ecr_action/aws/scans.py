"""Scans of images: their findings read, one begun where none was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ecr_action.aws import findings
from ecr_action.aws.calls import Losses, Service
from ecr_action.aws.findings import Scan
from ecr_action.aws.refusals import DENIED, Refusal

# DescribeImageScanFindings, maxResults (API reference).
PAGE = 1000
# StartImageScan, errors (API reference) -> the status that they come to.
_REFUSED = {
    "LimitExceededException": "PENDING",
    "ValidationException": "PENDING",
    "UnsupportedImageTypeException": "UNSUPPORTED_IMAGE",
    "ImageArchivedException": "IMAGE_ARCHIVED",
}


class EcrScans:
    """The scans of one registry, through *ecr*."""

    def __init__(self, ecr: Service, losses: Losses) -> None:
        self._ecr = ecr
        self._losses = losses

    def read(self, repository: str, digest: str) -> Scan:
        """The scan of the image *digest* with all its findings; one without a status where there is none.

        Raises AwsDenied, AwsRefused, AwsUnreachable.
        """
        more: dict[str, Any] = {}
        found = Scan()
        while True:
            answer = self._ecr.call(
                "DescribeImageScanFindings",
                expected=("ScanNotFoundException",),
                repositoryName=repository,
                imageId={"imageDigest": digest},
                maxResults=PAGE,
                **more,
                **self._ecr.registry,
            )
            if isinstance(answer, Refusal):
                return found
            page = findings.read(answer)
            found = replace(page, findings=(*found.findings, *page.findings))
            if not answer.get("nextToken"):
                return found
            more = {"nextToken": answer["nextToken"]}

    def start(self, repository: str, digest: str) -> Scan:
        """Begin a scan: one that runs, or one that says why there will be none. Raises AwsRefused, AwsUnreachable.

        Where ECR refuses because one ran within 24 hours, or because the registry's enhanced scanning takes care of
        it, there will be one.
        """
        answer = self._ecr.call(
            "StartImageScan",
            expected=(*_REFUSED, *DENIED),
            repositoryName=repository,
            imageId={"imageDigest": digest},
            **self._ecr.registry,
        )
        if not isinstance(answer, Refusal):
            return Scan(status="IN_PROGRESS")
        if answer.denied:
            self._losses.say(answer)
            return Scan(status="FAILED", description="ecr:StartImageScan is denied")
        return Scan(status=_REFUSED[answer.code], description=answer.message)
