"""The images of a repository as a lifecycle policy sees them: all of them, with what each index names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ecr_action.aws.calls import Service
from ecr_action.aws.refusals import DENIED, Refusal
from ecr_action.aws.simulate import Stored, stored

_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
# DescribeImages, maxResults; BatchGetImage, imageIds (API reference).
PAGE, CHUNK = 1000, 100


def rows(ecr: Service, repository: str) -> tuple[Refusal | None, list[dict[str, Any]]]:
    """The rows of DescribeImages, archived images too; the refusal where the role may not ask."""
    found: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    while True:
        answer = ecr.call(
            "DescribeImages",
            expected=("RepositoryNotFoundException", *DENIED),
            repositoryName=repository,
            filter={"imageStatus": "ANY"},
            maxResults=PAGE,
            **more,
            **ecr.registry,
        )
        if isinstance(answer, Refusal):
            return (answer if answer.denied else None), []
        found += answer["imageDetails"]
        if not answer.get("nextToken"):
            return None, found
        more = {"nextToken": answer["nextToken"]}


def images(ecr: Service, repository: str, listed: Iterable[dict[str, Any]]) -> tuple[Stored, ...]:
    """The images of the rows *listed*: DescribeImages does not tell what an index names, its manifest does."""
    known = list(listed)
    indexes = [row["imageDigest"] for row in known if row.get("imageManifestMediaType") in _INDEXES]
    children = _children(ecr, repository, indexes)
    return tuple(stored(row, children.get(row["imageDigest"], ())) for row in known)


def _children(ecr: Service, repository: str, indexes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(indexes), CHUNK):
        answer = ecr.ask(
            "BatchGetImage",
            repositoryName=repository,
            imageIds=[{"imageDigest": digest} for digest in indexes[start : start + CHUNK]],
            acceptedMediaTypes=list(_INDEXES),
            **ecr.registry,
        )
        for image in answer.get("images", []):
            named = json.loads(image["imageManifest"]).get("manifests") or []
            found[image["imageId"]["imageDigest"]] = tuple(str(row["digest"]) for row in named)
    return found
