"""An image from one repository into another, of any account and Region: by digest, what it names first, no engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ecr_action.aws.calls import Losses, Service
from ecr_action.aws.images import EcrImages
from ecr_action.aws.layers import Layers
from ecr_action.aws.refusals import DENIED, Refusal
from ecr_action.errors import AwsRefused, TagTaken
from ecr_action.image import promotion
from ecr_action.image.promotion import Blob, Copied
from ecr_action.protocols import Clock, Console, Image

# Layers on their way at once: each holds one part of 20 MiB, and twice that while it is sent.
AT_ONCE = 3
# Links a blob of the second repository into the first.
Mount = Callable[[str, str, str], bool]


@dataclass(frozen=True)
class Side:
    """One of the two registries: its calls, its images, its layers."""

    ecr: Service
    images: EcrImages
    layers: Layers


class EcrCopies:
    """Copies from the registry *source* into *target*; *mount* is there where both are one."""

    def __init__(
        self, source: Side, target: Side, losses: Losses, console: Console, clock: Clock, mount: Mount | None = None
    ) -> None:
        self._source = source
        self._target = target
        self._losses = losses
        self._console = console
        self._clock = clock
        self._mount = mount

    def copy(self, image: Image, source: str, target: str) -> Copied:
        """Let the repository *target* have *image* of the repository *source*, under its digest and no tag.

        With it goes what it names (the images of an index, attestations), then what refers to it (signatures). What is
        there already is not sent again, so that a copy that was cut off is continued. Raises AwsDenied, AwsRefused,
        AwsUnreachable.
        """
        tree = self._tree([image], source)
        copied = self._bring(tree, source, target)
        for tag, root in self._referring(tuple(tree), source, target):
            try:
                more = self._bring(self._tree([root], source), source, target)
                if tag:
                    self._target.images.put_tag(target, root, tag)
            except (AwsRefused, TagTaken) as failure:
                # The image itself is there. ECR takes 100 artifacts of a subject.
                self._console.notice(f"{root.digest}, which refers to the image, is not copied: {failure.what}")
                continue
            copied = _sum(copied, more)
        return copied

    def _tree(self, roots: Iterable[Image], source: str) -> dict[str, Image]:
        """*roots* and all that they name, by digest, each after what it names."""
        found = {image.digest: image for image in roots}
        named: dict[str, Sequence[str]] = {}
        first = todo = tuple(found)
        while todo:
            named |= {digest: _parts(found[digest]).children for digest in todo}
            todo = tuple(dict.fromkeys(child for digest in todo for child in named[digest] if child not in found))
            found |= self._all(todo, source)
        return {digest: found[digest] for digest in promotion.children_first(first, named)}

    def _all(self, digests: Sequence[str], source: str) -> Mapping[str, Image]:
        found = self._source.images.by_digests(source, digests)
        if lacking := [digest for digest in digests if digest not in found]:
            raise AwsRefused(
                f"{lacking[0]}, which the image names, can't be read in the repository {source}.",
                why="It is in the archive storage class, or was deleted meanwhile.",
                fix=f"aws ecr describe-images --repository-name {source} --image-ids imageDigest={lacking[0]} "
                "--filter imageStatus=ANY",
            )
        return found

    def _bring(self, tree: Mapping[str, Image], source: str, target: str) -> Copied:
        """Layers, then manifests, as far as *target* lacks them."""
        there = self._target.images.by_digests(target, tuple(tree))
        new = [image for digest, image in tree.items() if digest not in there]
        blobs = tuple(dict.fromkeys(blob for image in new for blob in _parts(image).blobs))
        missing = self._target.layers.missing(target, blobs) if blobs else ()
        mounted = self._mounted(missing, source, target)
        rest = tuple(blob for blob in missing if blob not in mounted)
        self._stream(rest, source, target)
        for image in new:
            self._target.images.put(target, image)
        sizes = [sum(blob.size for blob in some) for some in (blobs, missing, mounted, rest)]
        return Copied(manifests=len(new), streamed=sizes[3], mounted=sizes[2], there=sizes[0] - sizes[1])

    def _mounted(self, blobs: Iterable[Blob], source: str, target: str) -> tuple[Blob, ...]:
        """Those of *blobs* that could be linked; the first one that can't tells that none can."""
        done: list[Blob] = []
        for blob in blobs:
            if self._mount is None or not self._mount(target, blob.digest, source):
                break
            done.append(blob)
        return tuple(done)

    def _stream(self, blobs: Sequence[Blob], source: str, target: str) -> None:
        if not blobs:
            return
        size = promotion.megabytes(sum(blob.size for blob in blobs))
        self._console.info(f"Moving {len(blobs)} layer{'s' if len(blobs) > 1 else ''}, {size}.")
        stopped = threading.Event()

        def move(blob: Blob) -> None:
            def read(piece: tuple[int, int]) -> bytes:
                if stopped.is_set():
                    raise _Stopped
                return self._source.layers.read(source, blob.digest, piece)

            self._target.layers.write(target, blob, read)

        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            # The large ones first, so that none of them is alone at the end.
            for future in [pool.submit(move, blob) for blob in sorted(blobs, key=lambda blob: -blob.size)]:
                future.result()
        finally:
            # After a failure, or a signal: nothing new is begun, and what is on its way ends with its piece.
            stopped.set()
            pool.shutdown(cancel_futures=True)

    def _referring(self, digests: Sequence[str], source: str, target: str) -> list[tuple[str, Image]]:
        """What refers to the manifests *digests* in *source*; with its tag where it is kept under one."""
        tags = [tag for digest in digests for tag in promotion.signatures(digest)]
        tagged = dict(self._source.images.find(source, tags))
        standing = self._target.images.find(target, tuple(tagged)) if tagged else {}
        found = [(tag, image) for tag, image in tagged.items() if tag not in standing]
        todo, seen = list(digests), set(digests)
        while todo:
            listed = [one for one in self._referrers(source, todo.pop()) if one not in seen]
            seen.update(listed)
            todo += listed
            found += [("", image) for image in self._source.images.by_digests(source, listed).values()]
        return found

    def _referrers(self, source: str, digest: str) -> list[str]:
        """The digests whose ``subject`` is *digest* (ListImageReferrers, 50 a page); none where they are not told."""
        found: list[str] = []
        more: dict[str, str] = {}
        while True:
            answer = self._source.ecr.call(
                "ListImageReferrers",
                expected=(*DENIED, *_UNKNOWN),
                repositoryName=source,
                subjectId={"imageDigest": digest},
                **more,
                **self._source.ecr.registry,
            )
            if isinstance(answer, Refusal):
                self._untold(answer)
                return found
            found += [str(row["digest"]) for row in answer.get("referrers", [])]
            if not answer.get("nextToken"):
                return found
            more = {"nextToken": answer["nextToken"]}

    def _untold(self, refusal: Refusal) -> None:
        if refusal.denied:
            self._losses.say(refusal)
        else:
            self._console.debug(f"{refusal.operation} answered {refusal.code}: referrers are not copied.")


# Where a Region or a pull-through repository does not have the operation.
_UNKNOWN = ("UnknownOperationException", "UnableToListUpstreamImageReferrersException", "ValidationException")


class _Stopped(Exception):
    """Another layer failed."""


def _parts(image: Image) -> promotion.Parts:
    try:
        return promotion.parts(image.manifest)
    except ValueError as error:
        what = f"{image.digest} ({image.media_type}) can't be copied: {error}."
        raise AwsRefused(what, fix="Build and push it anew, as an OCI or Docker image.") from error


def _sum(one: Copied, other: Copied) -> Copied:
    return replace(
        one,
        manifests=one.manifests + other.manifests,
        streamed=one.streamed + other.streamed,
        mounted=one.mounted + other.mounted,
        there=one.there + other.there,
    )
