"""What is in a repository: images, tags, push times. One record for the API and for the registry's wire.

Follows the ECR API reference (PutImage, BatchDeleteImage, DescribeImages) and the user guide's pages on image
tag mutability and on manifest lists.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import policy, quotas
from .clock import Clock
from .content import Content
from .errors import AwsError, invalid_parameter, repository_not_found
from .moto_backend import Moto
from .store import Store

TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
MANIFEST_BYTES = 4 << 20
QUOTA = "image-quota"
# "Archiving an image in Amazon ECR": a restored image can be pulled after up to 20 minutes.
RESTORE_SECONDS = 1200
INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


@dataclass(frozen=True)
class Place:
    """A repository by name; it may or may not exist."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The repository's ARN."""
        return f"arn:aws:ecr:{self.region}:{self.account}:repository/{self.name}"


@dataclass(frozen=True)
class Put:
    """A manifest that was parsed: what it refers to and how large it is."""

    content: bytes
    digest: str
    media_type: str
    artifact_type: str | None
    blobs: tuple[str, ...]
    children: tuple[str, ...]
    size: int
    subject: str | None


def parse(content: bytes, media_type: str | None) -> Put:
    """Return what a manifest says; InvalidParameterException when it is none.

    media_type: as the caller states it; the manifest's own ``mediaType`` must not say otherwise.
    """
    try:
        manifest = json.loads(content)
        own = manifest.get("mediaType")
        children = tuple(m["digest"] for m in manifest.get("manifests", []))
        described = [d for d in (manifest.get("config"), *manifest.get("layers", [])) if d]
        blobs = tuple(d["digest"] for d in described if not d.get("urls"))
        size = sum(int(d["size"]) for d in described)
        subject = (manifest.get("subject") or {}).get("digest")
        artifact = manifest.get("artifactType") or (manifest.get("config") or {}).get("mediaType")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise invalid_parameter("ImageManifest", "Invalid JSON syntax") from error
    if media_type and own and own != media_type:
        raise invalid_parameter("ImageManifest", "manifest media type does not match the one given")
    stated = media_type or own
    if not stated:
        raise invalid_parameter("ImageManifest", "image manifest mediatype not provided in manifest or parameter")
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    return Put(content, digest, stated, artifact, blobs, children, size, subject)


class Images:
    """The images of all repositories."""

    def __init__(self, store: Store, clock: Clock, content: Content, moto: Moto) -> None:
        self._store = store
        self._clock = clock
        self._content = content
        self._moto = moto
        # Told of every manifest that is new in its repository.
        self.on_push: Callable[[Place, Put], None] | None = None

    def open(self, place: Place) -> int:
        """Return the id under which the content of *place* is kept; RepositoryNotFoundException if it is not there."""
        if self._moto.repository(place.account, place.region, place.name) is None:
            raise repository_not_found(place.name, place.account)
        self._store.run(
            "update images set status = 'ACTIVE' where status = 'ACTIVATING' and activated_at <= ?", self._clock.now()
        )
        key = (place.account, place.region, place.name)
        with self._store.transaction():
            found = self._store.row("select id from repositories where (account, region, name) = (?, ?, ?)", *key)
            if found:
                return int(found["id"])
            return self._store.run("insert into repositories (account, region, name) values (?, ?, ?)", *key)

    def exists(self, place: Place) -> bool:
        """Tell whether the repository is there."""
        return self._moto.repository(place.account, place.region, place.name) is not None

    def encryption(self, place: Place) -> dict[str, Any]:
        """Return type and key of the encryption of a repository that is there."""
        repository = self._moto.repository(place.account, place.region, place.name)
        return dict(repository.encryption_configuration or {}) if repository else {}

    def close(self, place: Place) -> None:
        """Forget everything in *place*: its repository was deleted."""
        key = (place.account, place.region, place.name)
        row = self._store.row("select id from repositories where (account, region, name) = (?, ?, ?)", *key)
        if row:
            self._store.run("delete from repositories where id = ?", row["id"])
            self._content.forget(int(row["id"]))

    def put(self, place: Place, manifest: Put, tag: str | None) -> bool:
        """Record *manifest*, under *tag* if one is given; return False when everything was there already.

        Raises LayersNotFoundException, ReferencedImagesNotFoundException, ImageTagAlreadyExistsException,
        LimitExceededException.
        """
        repository = self.open(place)
        if self.image(repository, manifest.digest) is None:
            size = self._checked_size(repository, place, manifest)
            status, text = self._content.put_manifest(
                repository, manifest.digest, manifest.media_type, manifest.content
            )
            if status != 201:
                raise invalid_parameter("ImageManifest", text.decode(errors="replace").strip())
        else:
            size = manifest.size
        # Asked before the transaction: moto is never waited for while the record is held.
        fixed = tag is not None and self.is_immutable(place, tag)
        with self._store.transaction():
            known = self.image(repository, manifest.digest) is not None
            added = self._record(repository, place, manifest, size, tag, fixed)
        if self.on_push and not known:
            self.on_push(place, manifest)
        return added

    def _record(self, repository: int, place: Place, manifest: Put, size: int, tag: str | None, fixed: bool) -> bool:
        standing = self.digest_of(repository, tag) if tag else None
        row = self.image(repository, manifest.digest)
        known = row is not None
        restored = row is not None and row["status"] != "ACTIVE"
        if restored:
            self.activate(repository, manifest.digest, self._clock.now())
        if known and (tag is None or standing == manifest.digest):
            return restored
        if tag and standing and fixed:
            raise tag_already_exists(place, tag)
        if not known:
            self._check_quota(repository, place)
            self._check_subject(repository, manifest.subject)
            self._insert(repository, manifest, size)
        if tag:
            count = self._store.row(
                "select count(*) as n from tags where (repository, digest) = (?, ?)", repository, manifest.digest
            )
            if count and count["n"] >= quotas.TAGS_PER_IMAGE:
                raise quotas.too_many_tags(place.name, place.account, tag)
            self._store.run("insert or replace into tags values (?, ?, ?)", repository, tag, manifest.digest)
        return True

    def _check_quota(self, repository: int, place: Place) -> None:
        most = int(self._store.setting(QUOTA, str(quotas.IMAGES_PER_REPOSITORY)))
        counted = self._store.row("select count(*) as n from images where repository = ?", repository)
        if counted and counted["n"] >= most:
            raise quotas.too_many_images(place.name, place.account, most)

    def limit(self, most: int | None) -> None:
        """Set the quota of images per repository; None is AWS's own."""
        self._store.set(QUOTA, str(most or quotas.IMAGES_PER_REPOSITORY))

    def _check_subject(self, repository: int, subject: str | None) -> None:
        if subject and len(self.referrers(repository, subject)) >= quotas.REFERRERS_PER_SUBJECT:
            raise quotas.too_many_referrers()

    def _insert(self, repository: int, manifest: Put, size: int) -> None:
        values = (repository, manifest.digest, manifest.media_type, manifest.artifact_type, size)
        self._store.run(
            "insert into images (repository, digest, media_type, artifact_type, size, pushed_at, subject) "
            "values (?, ?, ?, ?, ?, ?, ?)",
            *values,
            self._clock.now(),
            manifest.subject,
        )
        for child in manifest.children:
            self._store.run("insert or ignore into children values (?, ?, ?)", repository, manifest.digest, child)

    def _checked_size(self, repository: int, place: Place, manifest: Put) -> int:
        """Return imageSizeInBytes: layers and configuration; of an index, its largest child's (API: ImageDetail)."""
        missing = [b for b in manifest.blobs if self._content.blob_size(repository, b) is None]
        if missing:
            raise AwsError(
                "LayersNotFoundException",
                f"Layers with digests '[{', '.join(missing)}]' required for pushing image into repository with name "
                f"'{place.name}' in the registry with id '{place.account}' do not exist",
            )
        children = {c: self.image(repository, c) for c in manifest.children}
        absent = [c for c, row in children.items() if row is None]
        if absent:
            raise AwsError(
                "ReferencedImagesNotFoundException",
                f"Images with digests '[{', '.join(absent)}]' required for pushing image into repository with name "
                f"'{place.name}' in the registry with id '{place.account}' do not exist",
            )
        return max((int(row["size"]) for row in children.values() if row), default=manifest.size)

    def is_immutable(self, place: Place, tag: str) -> bool:
        """Tell whether *tag*, once there, may not be put again ("Preventing image tags from being overwritten")."""
        repository = self._moto.repository(place.account, place.region, place.name)
        if repository is None:
            return False
        mode = str(getattr(repository.image_tag_mutability, "value", repository.image_tag_mutability))
        filters = repository.image_tag_mutability_exclusion_filters or []
        excluded = any(policy.matches(f["filter"], tag) for f in filters)
        if mode == "IMMUTABLE_WITH_EXCLUSION":
            return not excluded
        if mode == "MUTABLE_WITH_EXCLUSION":
            return excluded
        return mode == "IMMUTABLE"

    def image(self, repository: int, digest: str) -> sqlite3.Row | None:
        """Return the record of an image, None when it is not there."""
        return self._store.row("select * from images where (repository, digest) = (?, ?)", repository, digest)

    def digest_of(self, repository: int, tag: str) -> str | None:
        """Return the digest that *tag* stands on."""
        row = self._store.row("select digest from tags where (repository, tag) = (?, ?)", repository, tag)
        return str(row["digest"]) if row else None

    def all(self, repository: int) -> list[sqlite3.Row]:
        """Return the records of all images, newest push first."""
        return self._store.rows("select * from images where repository = ? order by pushed_at desc, digest", repository)

    def tags(self, repository: int) -> dict[str, list[str]]:
        """Return the tags by digest."""
        found: dict[str, list[str]] = {}
        for row in self._store.rows("select * from tags where repository = ? order by tag", repository):
            found.setdefault(str(row["digest"]), []).append(str(row["tag"]))
        return found

    def referrers(self, repository: int, digest: str) -> list[sqlite3.Row]:
        """Return the images whose ``subject`` is *digest*."""
        return self._store.rows("select * from images where (repository, subject) = (?, ?)", repository, digest)

    def manifest(self, repository: int, digest: str) -> tuple[bytes, str]:
        """Return the bytes and the media type of an image that is there."""
        row = self.image(repository, digest)
        if row is None:
            raise LookupError(digest)
        return self._content.manifest(repository, digest, str(row["media_type"])), str(row["media_type"])

    def parents(self, repository: int, digest: str) -> list[str]:
        """Return the digests of the indexes that name *digest*."""
        rows = self._store.rows("select parent from children where (repository, child) = (?, ?)", repository, digest)
        return [str(row["parent"]) for row in rows]

    def untag(self, repository: int, tag: str) -> None:
        """Remove *tag*; an image whose last tag this was goes with it (API: BatchDeleteImage)."""
        with self._store.transaction():
            digest = self.digest_of(repository, tag)
            self._store.run("delete from tags where (repository, tag) = (?, ?)", repository, tag)
            if digest and not self.tags(repository).get(digest) and not self.parents(repository, digest):
                self.delete(repository, digest)

    def pulled(self, repository: int, digest: str) -> None:
        """Note a pull, once in 24 hours (API: ImageDetail, lastRecordedPullTime)."""
        now = self._clock.now()
        self._store.run(
            "update images set pulled_at = ? where (repository, digest) = (?, ?) and coalesce(pulled_at, 0) < ?",
            now,
            repository,
            digest,
            now - 86400,
        )

    def archive(self, repository: int, digest: str) -> None:
        """Move an image to the archive class."""
        self._store.run(
            "update images set status = 'ARCHIVED', archived_at = ? where (repository, digest) = (?, ?)",
            self._clock.now(),
            repository,
            digest,
        )

    def activate(self, repository: int, digest: str, at: float) -> None:
        """Bring an image back from the archive, to be pulled from *at* (seconds since the epoch) on."""
        status = "ACTIVE" if at <= self._clock.now() else "ACTIVATING"
        self._store.run(
            "update images set status = ?, activated_at = ? where (repository, digest) = (?, ?)",
            status,
            at,
            repository,
            digest,
        )

    def restore(self, repository: int, digest: str) -> None:
        """Start to bring an image back from the archive."""
        self.activate(repository, digest, self._clock.now() + RESTORE_SECONDS)

    def delete(self, repository: int, digest: str) -> None:
        """Remove an image and its tags; what refers to it is an orphan from now on."""
        with self._store.transaction():
            self._store.run("delete from images where (repository, digest) = (?, ?)", repository, digest)
            values = (self._clock.now(), repository, digest)
            self._store.run("update images set orphaned_at = ? where (repository, subject) = (?, ?)", *values)

    def sweep(self) -> None:
        """Let referrers follow their subject, into the archive or away, as ECR does within 24 hours."""
        followers = (
            "select i.repository, i.digest from images i join images s on s.repository = i.repository "
            "and s.digest = i.subject where i.status = 'ACTIVE' and s.status = 'ARCHIVED'"
        )
        while rows := self._store.rows(followers):
            for row in rows:
                self.archive(int(row["repository"]), str(row["digest"]))
        orphans = (
            "select repository, digest from images i where orphaned_at is not null and not exists "
            "(select 1 from images s where s.repository = i.repository and s.digest = i.subject)"
        )
        while rows := self._store.rows(orphans):
            for row in rows:
                self.delete(int(row["repository"]), str(row["digest"]))

    def places(self) -> list[Place]:
        """Return the repositories that have been used."""
        rows = self._store.rows("select account, region, name from repositories order by id")
        return [Place(row["account"], row["region"], row["name"]) for row in rows]


def other_digest(place: Place, wanted: str) -> AwsError:
    """Return ECR's ImageDigestDoesNotMatchException (text as reported from the wire)."""
    return AwsError(
        "ImageDigestDoesNotMatchException",
        f"The image with digest '{wanted}' in repository '{place.name}' and registry ID '{place.account}' "
        "does not match the image digest that Amazon ECR has calculated.",
    )


def tag_already_exists(place: Place, tag: str) -> AwsError:
    """Return ECR's ImageTagAlreadyExistsException."""
    return AwsError(
        "ImageTagAlreadyExistsException",
        f"The image tag '{tag}' already exists in the '{place.name}' repository "
        "and cannot be overwritten because the tag is immutable.",
    )


def details(place: Place, row: sqlite3.Row, tags: list[str]) -> dict[str, Any]:
    """Return an image in the shape of DescribeImages; without ``imageTags`` when it has none."""
    described = {
        "registryId": place.account,
        "repositoryName": place.name,
        "imageDigest": row["digest"],
        "imageTags": tags or None,
        "imageSizeInBytes": row["size"],
        "imagePushedAt": round(row["pushed_at"], 3),
        "imageManifestMediaType": row["media_type"],
        "artifactMediaType": row["artifact_type"],
        "imageStatus": row["status"],
        "subjectManifestDigest": row["subject"],
        "lastRecordedPullTime": row["pulled_at"],
        "lastArchivedAt": row["archived_at"],
        "lastActivatedAt": row["activated_at"] if row["status"] == "ACTIVE" else None,
    }
    return {k: v for k, v in described.items() if v is not None}
