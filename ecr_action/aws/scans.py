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

    def start(self, repository: str, digest: str) -> str:
        """Begin a scan; why it could not be begun, empty where it was.

        ECR refuses a second one within 24 hours (the one on push counts), a type it can't scan, and all where
        the registry's enhanced scanning takes care of it.
        """
        answer = self._ecr.call(
            "StartImageScan",
            expected=(
                "LimitExceededException",
                "UnsupportedImageTypeException",
                "ValidationException",
                "ImageArchivedException",
                *DENIED,
            ),
            repositoryName=repository,
            imageId={"imageDigest": digest},
            **self._ecr.registry,
        )
        if not isinstance(answer, Refusal):
            return ""
        if answer.denied:
            self._losses.say(answer)
        return answer.message
