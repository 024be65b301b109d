"""Images in the archive class: hidden, not pulled, restored in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Lab, refusal
from .oci import INDEX, Registry, digest_of, index_manifest


@pytest.fixture
def moved_clock(lab: Lab) -> Iterator[Any]:
    """A way to move the lab's clock, which is set right again after the test."""
    yield lambda seconds: lab.control("POST", "clock", {"advance": seconds})
    lab.control("POST", "clock", {"offset": 0})


def set_class(ecr: Any, repository: str, digest: str, target: str) -> str:
    """Ask for a storage class; return the status that is told."""
    answer = ecr.update_image_storage_class(
        repositoryName=repository, imageId={"imageDigest": digest}, targetStorageClass=target
    )
    return str(answer["imageStatus"])


def statuses(ecr: Any, repository: str, asked: str) -> list[str]:
    """Return the statuses of the images that DescribeImages tells for a filter."""
    rows = ecr.describe_images(repositoryName=repository, filter={"imageStatus": asked})["imageDetails"]
    return [row["imageStatus"] for row in rows]


def test_an_archived_image_is_hidden_and_not_pulled(ecr: Any, registry: Registry, repository: str) -> None:
    """Only those who ask for archived images see it; a pull is 404, BatchGetImage a failure."""
    _, digest = registry.push_image(repository, "v1", "old")
    assert set_class(ecr, repository, digest, "ARCHIVE") == "ARCHIVED"
    assert ecr.describe_images(repositoryName=repository)["imageDetails"] == []
    assert ecr.list_images(repositoryName=repository)["imageIds"] == []
    assert statuses(ecr, repository, "ANY") == statuses(ecr, repository, "ARCHIVED") == ["ARCHIVED"]
    assert registry.ask("GET", f"/v2/{repository}/manifests/v1").status == 404
    answer = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    assert [f["failureCode"] for f in answer["failures"]] == ["ImageNotFound"]
    with pytest.raises(ecr.exceptions.ImageNotFoundException):
        ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "v1"}])


def test_a_restored_image_is_pulled_after_twenty_minutes(
    ecr: Any, registry: Registry, repository: str, moved_clock: Any
) -> None:
    """ACTIVATING first; a second restore is refused; then active, with the time of its return."""
    _, digest = registry.push_image(repository, "v1", "old")
    set_class(ecr, repository, digest, "ARCHIVE")
    assert set_class(ecr, repository, digest, "STANDARD") == "ACTIVATING"
    assert registry.ask("GET", f"/v2/{repository}/manifests/v1").status == 404
    with pytest.raises(ecr.exceptions.ImageStorageClassUpdateNotSupportedException):
        set_class(ecr, repository, digest, "STANDARD")
    moved_clock(1201)
    assert registry.ask("GET", f"/v2/{repository}/manifests/v1").status == 200
    row = ecr.describe_images(repositoryName=repository)["imageDetails"][0]
    assert row["lastActivatedAt"] > row["lastArchivedAt"] >= row["imagePushedAt"]
    assert row["lastRecordedPullTime"] >= row["lastActivatedAt"]


def test_pushing_an_archived_image_again_restores_it_at_once(ecr: Any, registry: Registry, repository: str) -> None:
    """No waiting where the image is pushed anew."""
    manifest, digest = registry.push_image(repository, "v1", "old")
    set_class(ecr, repository, digest, "ARCHIVE")
    assert registry.push(repository, "v1", manifest).status == 201
    assert registry.ask("GET", f"/v2/{repository}/manifests/v1").status == 200


def test_an_indexs_child_is_archived_after_the_index(ecr: Any, registry: Registry, repository: str) -> None:
    """A child is held by its index for as long as that is active."""
    child = registry.push_content(repository, "child")
    registry.push(repository, digest_of(child), child)
    index = index_manifest(child)
    registry.push(repository, "v1", index, INDEX)
    with pytest.raises(ecr.exceptions.ImageStorageClassUpdateNotSupportedException) as error:
        set_class(ecr, repository, digest_of(child), "ARCHIVE")
    assert digest_of(index) in refusal(error)[1]
    set_class(ecr, repository, digest_of(index), "ARCHIVE")
    assert set_class(ecr, repository, digest_of(child), "ARCHIVE") == "ARCHIVED"
