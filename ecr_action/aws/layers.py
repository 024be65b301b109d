"""Layers and configurations through the ECR API: which are there, and their bytes in pieces, never whole.

Sources: ECR API reference, BatchCheckLayerAvailability, GetDownloadUrlForLayer, InitiateLayerUpload, UploadLayerPart,
CompleteLayerUpload. It is how AWS's own resolver of ECR images for containerd moves layers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from ecr_action.aws import download, refusals
from ecr_action.aws.calls import Answer, Service
from ecr_action.aws.refusals import Refusal
from ecr_action.errors import AwsUnreachable, Failure
from ecr_action.image.promotion import Blob, pieces
from ecr_action.protocols import Clock

# BatchCheckLayerAvailability, layerDigests; UploadLayerPart, layerPartBlob (API reference).
CHUNK, LARGEST_PART = 100, 20 << 20
_ATTEMPTS = 3
# Where an answer was lost on its way: the part stands there already, or the upload is gone. It begins anew.
_BROKEN = ("InvalidLayerPartException", "UploadNotFoundException")


class Layers:
    """The layers of one registry's repositories."""

    def __init__(self, ecr: Service, clock: Clock) -> None:
        self._ecr = ecr
        self._clock = clock

    def missing(self, repository: str, blobs: Collection[Blob]) -> tuple[Blob, ...]:
        """Those of *blobs* that *repository* does not have. Raises AwsDenied, AwsRefused, AwsUnreachable."""
        wanted, there = list(blobs), set()
        for start in range(0, len(wanted), CHUNK):
            answer = self._ecr.ask(
                "BatchCheckLayerAvailability",
                repositoryName=repository,
                layerDigests=[blob.digest for blob in wanted[start : start + CHUNK]],
                **self._ecr.registry,
            )
            rows = answer.get("layers", [])
            there |= {row["layerDigest"] for row in rows if row.get("layerAvailability") == "AVAILABLE"}
        return tuple(blob for blob in wanted if blob.digest not in there)

    def refusal(self, repository: str) -> Failure | None:
        """Why *repository* takes no layers, in the API's words, which its registry may not tell; None where it does.

        Asked by beginning an upload, which ends by itself.
        """
        try:
            self._ecr.ask("InitiateLayerUpload", repositoryName=repository, **self._ecr.registry)
        except AwsUnreachable:
            return None
        except Failure as failure:
            return failure
        return None

    def read(self, repository: str, digest: str, piece: tuple[int, int]) -> bytes:
        """The bytes of a layer from the first to the last one of *piece*; a cut download is begun again.

        Raises AwsDenied, AwsRefused, AwsUnreachable.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            # An address ends after an hour, which a large layer may take: each piece has one of its own.
            answer = self._ecr.ask(
                "GetDownloadUrlForLayer", repositoryName=repository, layerDigest=digest, **self._ecr.registry
            )
            try:
                return download.fetch(
                    answer["downloadUrl"], f"The download of {digest}", ca_bundle=self._ecr.ca_bundle, piece=piece
                )
            except AwsUnreachable:
                if attempt == _ATTEMPTS:
                    raise
                self._clock.sleep(attempt)
        raise AssertionError("the last attempt returns or raises")

    def write(self, repository: str, blob: Blob, read: Callable[[tuple[int, int]], bytes]) -> None:
        """Let *repository* have *blob*, whose pieces *read* gives; ECR compares the digest.

        Raises AwsDenied, AwsRefused, AwsUnreachable.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            refusal = self._upload(repository, blob, read)
            if refusal is None:
                return
            if attempt == _ATTEMPTS:
                raise refusals.failure(refusal)
            self._clock.sleep(attempt)

    def _upload(self, repository: str, blob: Blob, read: Callable[[tuple[int, int]], bytes]) -> Refusal | None:
        """One upload from its beginning; the refusal after which another one may succeed."""
        begun = self._ecr.ask("InitiateLayerUpload", repositoryName=repository, **self._ecr.registry)
        upload = str(begun["uploadId"])
        for first, last in pieces(blob.size, min(int(begun.get("partSize") or LARGEST_PART), LARGEST_PART)):
            answer = self._step(
                "UploadLayerPart",
                repository,
                upload,
                partFirstByte=first,
                partLastByte=last,
                layerPartBlob=read((first, last)),
            )
            if isinstance(answer, Refusal):
                return answer
        answer = self._step("CompleteLayerUpload", repository, upload, layerDigests=[blob.digest])
        if isinstance(answer, Refusal) and answer.code != "LayerAlreadyExistsException":
            return answer
        return None

    def _step(self, operation: str, repository: str, upload: str, **more: object) -> Answer | Refusal:
        return self._ecr.call(
            operation,
            expected=(*_BROKEN, "LayerAlreadyExistsException"),
            repositoryName=repository,
            uploadId=upload,
            **more,
            **self._ecr.registry,
        )
