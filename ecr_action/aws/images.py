"""Images by the ECR API, no layers moved: found, tagged again, asked for their commit; and the registry's password."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ecr_action.aws import download, refusals, revision
from ecr_action.aws.calls import Answer, Losses, Service
from ecr_action.aws.refusals import DENIED, Refusal
from ecr_action.errors import AwsRefused, AwsUnreachable, Failure, TagTaken
from ecr_action.image.reference import DIGEST
from ecr_action.protocols import Archived, Clock, Console, Image, Login
from ecr_action.secret import Secret

# The reference lists fewer, but ECR answers indexes to who asks for them. Docker's schema 1 is never asked for:
# ECR would convert.
MEDIA_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
# BatchGetImage, imageIds: 100 at most (API reference).
CHUNK = 100
# A configuration is a few kilobytes; what is larger is none.
CONFIG_BYTES = 4 << 20
# A password that ends sooner than this is not handed out again: a push may take long.
MARGIN = timedelta(minutes=30)
_ATTEMPTS = 3


class EcrImages:
    """Images of the repositories of one registry, through *ecr*."""

    def __init__(self, ecr: Service, losses: Losses, clock: Clock) -> None:
        self._ecr = ecr
        self._losses = losses
        self._clock = clock
        self._tags: dict[tuple[str, str], tuple[str, ...]] = {}
        self._pushed: dict[str, datetime] = {}

    def find(self, repository: str, tags: Sequence[str]) -> Mapping[str, Image]:
        """Tag -> image for those of *tags* that are there; none where there is no repository.

        Raises AwsDenied, AwsRefused, AwsUnreachable.
        """
        ids = [{"imageTag": tag} for tag in dict.fromkeys(tags)]
        chunks = [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
        if len(chunks) < 2:
            rows = [row for chunk in chunks for row in self._get(repository, chunk)]
        else:
            with ThreadPoolExecutor(min(len(chunks), 8)) as pool:
                rows = [row for found in pool.map(lambda c: self._get(repository, c), chunks) for row in found]
        names: dict[str, list[str]] = {}
        for row in rows:
            names.setdefault(row["imageId"]["imageDigest"], []).append(row["imageId"]["imageTag"])
        return {row["imageId"]["imageTag"]: _image(row, tuple(names[row["imageId"]["imageDigest"]])) for row in rows}

    def _get(self, repository: str, ids: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
        answer = self._ecr.call(
            "BatchGetImage",
            expected=("RepositoryNotFoundException",),
            repositoryName=repository,
            imageIds=list(ids),
            acceptedMediaTypes=list(MEDIA_TYPES),
            **self._ecr.registry,
        )
        if isinstance(answer, Refusal):
            return []
        for failure in answer.get("failures", []):
            if failure.get("failureCode") != "ImageNotFound":
                raise _unreadable(repository, failure)
        return list(answer.get("images", []))

    def by_digest(self, repository: str, digest: str) -> Image | None:
        """The image with *digest*, None where there is none. Raises AwsDenied, AwsRefused, AwsUnreachable."""
        return self.by_digests(repository, [digest]).get(digest)

    def by_digests(self, repository: str, digests: Sequence[str]) -> Mapping[str, Image]:
        """Digest -> image for those of *digests* that are there. Raises AwsDenied, AwsRefused, AwsUnreachable."""
        found: dict[str, Image] = {}
        for start in range(0, len(digests), CHUNK):
            rows = self._get(repository, [{"imageDigest": digest} for digest in digests[start : start + CHUNK]])
            found |= {row["imageId"]["imageDigest"]: _image(row, ()) for row in rows}
        return found

    def commits(self, repository: str, image: Image) -> tuple[str, ...]:
        """The commits (40 hex) of *image*: its tags that are commits, else its revision label; empty if neither.

        Raises AwsUnreachable where the label is there and does not come.
        """
        commits = tuple(tag for tag in self.tags(repository, image) if revision.is_commit(tag))
        if commits:
            return commits
        labelled = revision.commit(self.labels(repository, image))
        return (labelled,) if labelled else ()

    def tags(self, repository: str, image: Image) -> tuple[str, ...]:
        """Every tag of *image*; with a notice only those it was found by, where the role may not ask."""
        key = (repository, image.digest)
        if key not in self._tags:
            self._tags[key] = self._described(repository, image)
        return self._tags[key]

    def _described(self, repository: str, image: Image) -> tuple[str, ...]:
        answer = self._ecr.call(
            "DescribeImages",
            expected=("ImageNotFoundException", *DENIED),
            repositoryName=repository,
            imageIds=[{"imageDigest": image.digest}],
            **self._ecr.registry,
        )
        if isinstance(answer, Refusal):
            if answer.denied:
                self._losses.say(answer)
            return image.tags
        self._pushed[image.digest] = answer["imageDetails"][0]["imagePushedAt"]
        return tuple(tag for row in answer["imageDetails"] for tag in row.get("imageTags", ()))

    def pushed(self, repository: str, image: Image) -> datetime | None:
        """When *image* was first pushed; None, with a notice, where the role may not ask."""
        self.tags(repository, image)
        return self._pushed.get(image.digest)

    def archived(self, repository: str, names: Sequence[str]) -> Archived | None:
        """The first of *names* (tags, digests) that is in the archive, which BatchGetImage does not show.

        None also, with a notice, where the role may not ask. Raises AwsRefused, AwsUnreachable.
        """
        for name in names:
            answer = self._ecr.call(
                "DescribeImages",
                expected=("ImageNotFoundException", "RepositoryNotFoundException", *DENIED),
                repositoryName=repository,
                imageIds=[{"imageDigest" if DIGEST.fullmatch(name) else "imageTag": name}],
                filter={"imageStatus": "ANY"},
                **self._ecr.registry,
            )
            if isinstance(answer, Refusal):
                if answer.denied:
                    self._losses.say(answer)
                    return None
                continue
            row = answer["imageDetails"][0]
            if row.get("imageStatus") in ("ARCHIVED", "ACTIVATING"):
                return Archived(
                    name=name, digest=str(row["imageDigest"]), activating=row["imageStatus"] == "ACTIVATING"
                )
        return None

    def labels(self, repository: str, image: Image) -> Mapping[str, str]:
        """The labels of *image*, of the first platform of an index; none, with a notice, where the role may not read.

        Raises AwsUnreachable where they are there and do not come.
        """
        manifest = image.manifest or self._by_digest(repository, image.digest).manifest
        child = revision.first_child(manifest)
        if child:
            manifest = self._by_digest(repository, child).manifest
        return revision.labels(self._configuration(repository, manifest))

    def platforms(self, repository: str, image: Image) -> tuple[str, ...]:
        """What *image* runs on (``linux/arm64``); none where neither index nor configuration can be read, or tell it.

        Raises AwsUnreachable where they are there and do not come.
        """
        manifest = image.manifest or self._by_digest(repository, image.digest).manifest
        if children := revision.platforms(manifest):
            names = (name.partition(" ")[0] for name in children)
            return tuple(dict.fromkeys(name for name in names if not name.startswith("sha256:")))
        return revision.platform(self._configuration(repository, manifest))

    def _configuration(self, repository: str, manifest: str) -> str:
        digest = revision.config(manifest)
        return self._blob(repository, digest) if digest else ""

    def _by_digest(self, repository: str, digest: str) -> Image:
        rows = self._get(repository, [{"imageDigest": digest}])
        if not rows:
            raise AwsRefused(
                f"The image {digest} is not in the repository {repository}.",
                why="It was deleted, by hand or by a lifecycle policy, after it was found.",
                fix="Run the job again.",
            )
        return _image(rows[0], ())

    def _blob(self, repository: str, digest: str) -> str:
        """A small blob's text; empty, with a notice, where the role may not read layers."""
        answer = self._ecr.call(
            "GetDownloadUrlForLayer",
            expected=("LayersNotFoundException", "LayerInaccessibleException", *DENIED),
            repositoryName=repository,
            layerDigest=digest,
            **self._ecr.registry,
        )
        if isinstance(answer, Refusal):
            if answer.denied:
                self._losses.say(answer)
            return ""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._small(answer["downloadUrl"])
            except AwsUnreachable:
                if attempt == _ATTEMPTS:
                    raise
                self._clock.sleep(attempt)
        return ""

    def _small(self, url: str) -> str:
        what = "The download of an image's configuration"
        content = download.fetch(url, what, ca_bundle=self._ecr.ca_bundle)
        if len(content) > CONFIG_BYTES:
            raise refusals.unreachable(what, f"{len(content)} bytes")
        return content.decode(errors="replace")

    def put(self, repository: str, image: Image) -> None:
        """Let *repository* have the manifest of *image*, by its exact bytes and under no tag.

        Raises AwsDenied, AwsRefused (layers or images that it names are not there), AwsUnreachable.
        """
        self._put(repository, image, expected=("ImageAlreadyExistsException",))

    def _put(self, repository: str, image: Image, *, expected: Sequence[str], **more: str) -> Answer | Refusal:
        return self._ecr.call(
            "PutImage",
            expected=expected,
            repositoryName=repository,
            imageManifest=image.manifest,
            imageManifestMediaType=image.media_type,
            imageDigest=image.digest,
            **more,
            **self._ecr.registry,
        )

    def put_tag(self, repository: str, image: Image, tag: str) -> bool:
        """Put *tag* on *image*, by its exact bytes; False where it stood there already.

        Raises TagTaken where the tag stands on another image and can't be moved; AwsDenied, AwsRefused,
        AwsUnreachable.
        """
        self._tags.pop((repository, image.digest), None)
        if not image.manifest:
            image = replace(self._by_digest(repository, image.digest), tags=image.tags)
        answer = self._put(
            repository, image, expected=("ImageAlreadyExistsException", "ImageTagAlreadyExistsException"), imageTag=tag
        )
        if not isinstance(answer, Refusal):
            return True
        if answer.code == "ImageTagAlreadyExistsException":
            self._check_taken(repository, image, tag)
        return False

    def _check_taken(self, repository: str, image: Image, tag: str) -> None:
        standing = self.find(repository, [tag]).get(tag)
        if standing is not None and standing.digest == image.digest:
            return
        where = f" ({standing.digest})" if standing else ""
        raise TagTaken(
            f"The tag {tag} of {repository} can't be put on {image.digest}: it names another image{where}.",
            why="The repository's tags are immutable: a tag stays on the image that got it first.",
            fix="Publish under a new version. To move it all the same, delete it first: aws ecr batch-delete-image "
            f"--repository-name {repository} --image-ids imageTag={tag}",
        )


def _image(row: Mapping[str, Any], tags: tuple[str, ...]) -> Image:
    return Image(
        digest=str(row["imageId"]["imageDigest"]),
        media_type=str(row.get("imageManifestMediaType") or ""),
        manifest=str(row["imageManifest"]),
        tags=tags,
    )


def _unreadable(repository: str, failure: Mapping[str, Any]) -> Failure:
    code, reason = str(failure.get("failureCode")), str(failure.get("failureReason"))
    named = failure.get("imageId") or {}
    name = named.get("imageTag") or named.get("imageDigest") or "an image"
    if code == "KmsError":
        return refusals.failure(Refusal("ecr:BatchGetImage", "KmsException", reason))
    what = f"ECR does not give {name} of {repository}: {code}: {reason}"
    return AwsRefused(what, fix=f"aws ecr describe-images --repository-name {repository} --image-ids imageTag={name}")


class EcrLogins:
    """The registry's password, asked for when first needed and again before it ends."""

    def __init__(self, ecr: Service, console: Console, clock: Clock) -> None:
        self._ecr = ecr
        self._console = console
        self._clock = clock
        self._lock = threading.Lock()
        self._last: Login | None = None

    def login(self) -> Login:
        """User, password and host; every secret in it is masked. Raises AwsDenied, AwsRefused, AwsUnreachable."""
        with self._lock:
            if self._last is None or self._last.expires - MARGIN <= self._clock.now():
                self._last = self._ask()
            return self._last

    def _ask(self) -> Login:
        registries = {"registryIds": [self._ecr.registry_id]} if self._ecr.registry_id else {}
        row = self._ecr.ask("GetAuthorizationToken", **registries)["authorizationData"][0]
        token = Secret(str(row["authorizationToken"]), "registry token")
        self._console.mask(token)
        user, _, password = base64.b64decode(token.reveal()).decode().partition(":")
        secret = Secret(password, "registry password")
        self._console.mask(secret)
        host = str(row["proxyEndpoint"]).partition("://")[2].rstrip("/")
        expires: datetime = row["expiresAt"]
        return Login(host=host, user=user, password=secret, expires=expires)
