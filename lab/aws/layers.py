"""Layers by the ECR API: whether they are there, their download, their upload in parts."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode

from .call import Answer, Call
from .clock import Clock
from .content import Content
from .errors import AwsError, invalid_parameter
from .images import DIGEST, Images

LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
LAYER_URL_LIFE = 3600


# API reference: UploadLayerPart, LayerPartTooSmallException; the last part of a layer may be smaller.
PART_BYTES = 20971520
SMALLEST_PART = 5 << 20


@dataclass
class Upload:
    """A layer that comes in parts: where it is kept, whose it is, the bytes of each part."""

    file: Path
    repository: int
    parts: list[int] = field(default_factory=list)


class Uploads:
    """The uploads that have begun. They end with the process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open: dict[str, Upload] = {}

    def begin(self, repository: int) -> str:
        """Start an upload into content repository *repository*; return its id."""
        self.folder.mkdir(parents=True, exist_ok=True)
        number = str(uuid.uuid4())
        self.open[number] = Upload(self.folder / number, repository)
        self.open[number].file.touch()
        return number


class _File:
    """A file as a source of bytes."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self.length = length
        self._file = file

    def readinto1(self, buffer: memoryview) -> int:
        """Read a piece."""
        piece = self._file.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


@dataclass(frozen=True)
class LayerOperations:
    """The operations on layers. *origin* is where this API is reached."""

    images: Images
    content: Content
    clock: Clock
    origin: str
    url_key: bytes
    uploads: Uploads

    def _BatchCheckLayerAvailability(self, call: Call) -> Answer:
        repository = self.images.open(call.place)
        layers: list[Answer] = []
        failures: list[Answer] = []
        for digest in call.parameters.get("layerDigests", []):
            if not DIGEST.fullmatch(digest):
                reason = "Invalid layer digest"
                failures.append({"layerDigest": digest, "failureCode": "InvalidLayerDigest", "failureReason": reason})
                continue
            size = self.content.blob_size(repository, digest)
            row: Answer = {"layerDigest": digest, "layerAvailability": "UNAVAILABLE"}
            if size is not None:
                row = {**row, "layerAvailability": "AVAILABLE", "layerSize": size, "mediaType": LAYER_TYPE}
            layers.append(row)
        return {"layers": layers, "failures": failures}

    def _GetDownloadUrlForLayer(self, call: Call) -> Answer:
        place, digest = call.place, str(call.parameters.get("layerDigest", ""))
        repository = self.images.open(place)
        if self.content.blob_size(repository, digest) is None:
            raise AwsError(
                "LayersNotFoundException",
                f"The layer with digest '{digest}' does not exist in the repository with name '{place.name}' "
                f"in the registry with id '{place.account}'",
            )
        expires = int(self.clock.now()) + LAYER_URL_LIFE
        query = {"expires": expires, "signature": self.layer_signature(repository, digest, expires)}
        return {"downloadUrl": f"{self.origin}/layers/{repository}/{digest}?{urlencode(query)}", "layerDigest": digest}

    def layer_signature(self, repository: int, digest: str, expires: int) -> str:
        """Return what makes a layer's URL valid until *expires* (seconds since the epoch)."""
        return hmac.new(self.url_key, f"{repository} {digest} {expires}".encode(), hashlib.sha256).hexdigest()

    def _InitiateLayerUpload(self, call: Call) -> Answer:
        return {"uploadId": self.uploads.begin(self.images.open(call.place)), "partSize": PART_BYTES}

    def _UploadLayerPart(self, call: Call) -> Answer:
        upload, named = self._upload(call)
        first, last = (int(call.parameters[k]) for k in ("partFirstByte", "partLastByte"))
        try:
            content = base64.b64decode(call.parameters["layerPartBlob"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise invalid_parameter("layerPartBlob", "Member must be base64-encoded") from error
        received = sum(upload.parts) - 1
        if first != received + 1 or last - first + 1 != len(content) or len(content) > PART_BYTES:
            raise AwsError("InvalidLayerPartException", f"The layer part is not valid. Last valid byte: {received}")
        with upload.file.open("ab") as file:
            file.write(content)
        upload.parts.append(len(content))
        return {**named, "lastByteReceived": last}

    def _CompleteLayerUpload(self, call: Call) -> Answer:
        upload, named = self._upload(call)
        wanted = list(call.parameters.get("layerDigests") or [])
        if not upload.parts:
            raise AwsError("EmptyUploadException", "The specified layer upload does not contain any layer parts")
        if any(size < SMALLEST_PART for size in upload.parts[:-1]):
            raise AwsError("LayerPartTooSmallException", "Layer parts must be at least 5 MiB in size")
        with upload.file.open("rb") as file:
            digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
            if wanted != [digest]:
                raise AwsError(
                    "InvalidLayerException",
                    f"The digest '{digest}' of the layer that was received is not among '[{', '.join(wanted)}]'",
                )
            if self.content.blob_size(upload.repository, digest) is not None:
                raise AwsError("LayerAlreadyExistsException", f"Layer with digest '{digest}' already exists")
            file.seek(0)
            self.content.add_blob(upload.repository, digest, _File(file, sum(upload.parts)))
        del self.uploads.open[str(call.parameters["uploadId"])]
        upload.file.unlink()
        return {**named, "layerDigest": digest}

    def _upload(self, call: Call) -> tuple[Upload, Answer]:
        place, number = call.place, str(call.parameters.get("uploadId"))
        upload = self.uploads.open.get(number)
        if upload is None or upload.repository != self.images.open(place):
            raise AwsError(
                "UploadNotFoundException",
                f"Upload ID '{number}' does not exist in the repository with name '{place.name}' "
                f"in the registry with id '{place.account}'",
            )
        return upload, {"registryId": place.account, "repositoryName": place.name, "uploadId": number}
