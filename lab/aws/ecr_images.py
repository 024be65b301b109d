"""Images by the ECR API. Methods are named after their operations; rows in FIDELITY.md."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .call import Answer, Call, failure, image_ids, image_not_found, page
from .errors import AwsError, invalid_parameter
from .images import DIGEST, MANIFEST_BYTES, TAG, Images, Place, details, other_digest, parse


@dataclass(frozen=True)
class ImageOperations:
    """The operations on images and their tags."""

    images: Images

    def _PutImage(self, call: Call) -> Answer:
        place, tag = call.place, call.parameters.get("imageTag")
        content = str(call.parameters.get("imageManifest", "")).encode()
        if len(content) > MANIFEST_BYTES:
            raise invalid_parameter("imageManifest", "Member must have length less than or equal to 4194304")
        _check_tag(tag)
        repository = self.images.open(place)
        manifest = parse(content, call.parameters.get("imageManifestMediaType"))
        wanted = call.parameters.get("imageDigest")
        if wanted and wanted != manifest.digest:
            raise other_digest(place, wanted)
        if not self.images.put(place, manifest, tag):
            raise AwsError(
                "ImageAlreadyExistsException",
                f"Image with digest '{manifest.digest}' and tag '{tag or 'null'}' already exists in the repository "
                f"with name '{place.name}' in registry with id '{place.account}'",
            )
        return {"image": self._image(place, repository, manifest.digest, tag)}

    def _image(self, place: Place, repository: int, digest: str, tag: str | None) -> Answer:
        content, media_type = self.images.manifest(repository, digest)
        name = {"imageDigest": digest, "imageTag": tag} if tag else {"imageDigest": digest}
        return {
            "registryId": place.account,
            "repositoryName": place.name,
            "imageId": name,
            "imageManifest": content.decode(),
            "imageManifestMediaType": media_type,
        }

    def _BatchGetImage(self, call: Call) -> Answer:
        repository = self.images.open(call.place)
        accepted = call.parameters.get("acceptedMediaTypes")
        images, failures = [], []
        for wanted in image_ids(call):
            digest, failed = self._resolve(repository, wanted)
            row = self.images.image(repository, digest) if digest else None
            unfit = row and (row["status"] != "ACTIVE" or (accepted and row["media_type"] not in accepted))
            if failed or row is None or unfit:
                failures.append(failed or failure(wanted, "ImageNotFound", "Requested image not found"))
            else:
                self.images.pulled(repository, str(digest))
                images.append(self._image(call.place, repository, str(digest), wanted.get("imageTag")))
        return {"images": images, "failures": failures}

    def _resolve(self, repository: int, wanted: dict[str, str]) -> tuple[str | None, Answer | None]:
        """Return the digest that an image id means, or the failure to report for it."""
        digest, tag = wanted.get("imageDigest"), wanted.get("imageTag")
        if not digest and not tag:
            return None, failure(wanted, "MissingDigestAndTag", "both tag and digest cannot be null")
        if digest and not DIGEST.fullmatch(digest):
            return None, failure(wanted, "InvalidImageDigest", "image digest is not sha256 and 64 hexadecimal digits")
        standing = self.images.digest_of(repository, tag) if tag else digest
        found = standing if standing and self.images.image(repository, standing) else None
        if found is None:
            return None, failure(wanted, "ImageNotFound", "Requested image not found")
        if digest and digest != found:
            return None, failure(wanted, "ImageTagDoesNotMatchDigest", "Requested digest does not match the tag's")
        return found, None

    def _DescribeImages(self, call: Call) -> Answer:
        place, repository = call.place, self.images.open(call.place)
        tags = self.images.tags(repository)
        if call.parameters.get("imageIds"):
            rows = []
            for wanted in image_ids(call):
                digest, failed = self._resolve(repository, wanted)
                row = self.images.image(repository, digest) if digest else None
                if failed or row is None or not _has_status(row, call.parameters.get("filter")):
                    raise image_not_found(place, wanted)
                rows.append(row)
            return {"imageDetails": [details(place, r, tags.get(r["digest"], [])) for r in rows]}
        chosen = [r for r in self.images.all(repository) if _is_chosen(r, tags, call.parameters.get("filter"))]
        rows, token = page(chosen, call.parameters)
        return {"imageDetails": [details(place, r, tags.get(r["digest"], [])) for r in rows], **token}

    def _ListImages(self, call: Call) -> Answer:
        repository = self.images.open(call.place)
        tags = self.images.tags(repository)
        wanted = call.parameters.get("filter")
        names: list[dict[str, str]] = []
        for row in self.images.all(repository):
            if _is_chosen(row, tags, wanted):
                digest = str(row["digest"])
                names += [{"imageDigest": digest, "imageTag": t} for t in tags.get(digest, [])] or [
                    {"imageDigest": digest}
                ]
        rows, token = page(names, call.parameters)
        return {"imageIds": rows, **token}

    def _BatchDeleteImage(self, call: Call) -> Answer:
        repository = self.images.open(call.place)
        deleted, failures = [], []
        for wanted in image_ids(call):
            digest, failed = self._resolve(repository, wanted)
            parents = self.images.parents(repository, digest) if digest and not wanted.get("imageTag") else []
            if parents:
                reason = f"Requested image referenced by manifest list: [{', '.join(parents)}]"
                failed = failure(wanted, "ImageReferencedByManifestList", reason)
            if failed or digest is None:
                failures.append(failed)
                continue
            tags = [wanted["imageTag"]] if wanted.get("imageTag") else self.images.tags(repository).get(digest, [])
            if wanted.get("imageTag"):
                self.images.untag(repository, wanted["imageTag"])
            else:
                self.images.delete(repository, digest)
            deleted += [{"imageDigest": digest, "imageTag": t} for t in tags] or [{"imageDigest": digest}]
        return {"imageIds": deleted, "failures": failures}

    def _UpdateImageStorageClass(self, call: Call) -> Answer:
        place, repository = call.place, self.images.open(call.place)
        wanted, target = call.parameters.get("imageId") or {}, str(call.parameters.get("targetStorageClass"))
        digest, _ = self._resolve(repository, wanted)
        row = self.images.image(repository, digest) if digest else None
        if digest is None or row is None:
            raise image_not_found(place, wanted)
        if target not in ("STANDARD", "ARCHIVE"):
            raise invalid_parameter("targetStorageClass", "Member must satisfy enum value set: [STANDARD, ARCHIVE]")
        self._check_transition(repository, digest, str(row["status"]), target)
        if target == "ARCHIVE":
            self.images.archive(repository, digest)
        else:
            self.images.restore(repository, digest)
        after = self.images.image(repository, digest)
        status = after["status"] if after else "ACTIVE"
        named = {"registryId": place.account, "repositoryName": place.name}
        return {**named, "imageId": {**wanted, "imageDigest": digest}, "imageStatus": status}

    def _check_transition(self, repository: int, digest: str, status: str, target: str) -> None:
        """Refuse what cannot change its class: what has it already, and an active index's children."""
        parents = [self.images.image(repository, p) for p in self.images.parents(repository, digest)]
        held = [str(p["digest"]) for p in parents if p and p["status"] == "ACTIVE"]
        reason = ""
        if (status == "ACTIVE") == (target == "STANDARD") or status == "ACTIVATING":
            reason = f"The image is {status} already"
        elif target == "ARCHIVE" and held:
            reason = f"The image is referenced by manifest list: [{', '.join(held)}]"
        if reason:
            raise AwsError("ImageStorageClassUpdateNotSupportedException", reason)

    def _ListImageReferrers(self, call: Call) -> Answer:
        repository = self.images.open(call.place)
        subject = str((call.parameters.get("subjectId") or {}).get("imageDigest", ""))
        if not DIGEST.fullmatch(subject):
            raise invalid_parameter("subjectId", "image digest is not sha256 and 64 hexadecimal digits")
        wanted = call.parameters.get("filter") or {}
        types, status = wanted.get("artifactTypes"), wanted.get("artifactStatus", "ACTIVE")
        rows = [
            r
            for r in self.images.referrers(repository, subject)
            if status in ("ANY", r["status"]) and (not types or r["artifact_type"] in types)
        ]
        chosen, token = page(rows, {"maxResults": 50, **call.parameters}, most=50)
        return {"referrers": [self._referrer(repository, r) for r in chosen], **token}

    def _referrer(self, repository: int, row: Any) -> Answer:
        content, media_type = self.images.manifest(repository, str(row["digest"]))
        described = {
            "digest": row["digest"],
            "mediaType": media_type,
            "artifactType": row["artifact_type"],
            "size": len(content),
            "annotations": json.loads(content).get("annotations") or {},
            "artifactStatus": row["status"],
        }
        return {k: v for k, v in described.items() if v is not None}


def _check_tag(tag: str | None) -> None:
    if tag is not None and not TAG.fullmatch(tag):
        raise invalid_parameter("imageTag", f"must satisfy regular expression '{TAG.pattern}'")


def _is_chosen(row: Any, tags: dict[str, list[str]], wanted: dict[str, str] | None) -> bool:
    wanted = wanted or {}
    tagged = wanted.get("tagStatus", "ANY")
    return _has_status(row, wanted) and (tagged == "ANY" or (tagged == "TAGGED") == (row["digest"] in tags))


def _has_status(row: Any, wanted: dict[str, str] | None) -> bool:
    """Tell whether an image is of the status that is asked for: active ones, unless the filter says otherwise."""
    return (wanted or {}).get("imageStatus", "ACTIVE") in ("ANY", row["status"])
