"""Layers in parts by the API, and layers that are mounted from another repository."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.aws import setup

from .conftest import Lab
from .oci import Registry, digest_of, image_manifest

MIB = 1 << 20


@pytest.fixture
def mounting(ecr: Any) -> Iterator[None]:
    """Blob mounting is on for the account, during the test."""
    ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    yield
    ecr.put_account_setting(name="BLOB_MOUNTING", value="DISABLED")


def send(ecr: Any, repository: str, parts: list[bytes]) -> str:
    """Send *parts* one after the other; return the upload's id."""
    upload, first = str(ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]), 0
    for part in parts:
        last = first + len(part) - 1
        asked = {"repositoryName": repository, "uploadId": upload, "partFirstByte": first, "partLastByte": last}
        assert ecr.upload_layer_part(**asked, layerPartBlob=part)["lastByteReceived"] == last
        first = last + 1
    return upload


def complete(ecr: Any, repository: str, upload: str, digest: str) -> dict[str, Any]:
    """End an upload."""
    answer: dict[str, Any] = ecr.complete_layer_upload(
        repositoryName=repository, uploadId=upload, layerDigests=[digest]
    )
    return answer


def test_a_layer_that_came_in_parts_is_pulled_whole(ecr: Any, registry: Registry, repository: str) -> None:
    """InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload, PutImage: an image without the registry's wire."""
    layer, config = b"x" * (5 * MIB) + b"the end", b"{}"
    for content in (layer, config):
        pieces = [p for p in (content[: 5 * MIB], content[5 * MIB :]) if p]
        answer = complete(ecr, repository, send(ecr, repository, pieces), digest_of(content))
        assert answer["layerDigest"] == digest_of(content)
    ecr.put_image(repositoryName=repository, imageManifest=image_manifest(config, layer).decode(), imageTag="v1")
    assert registry.ask("GET", f"/v2/{repository}/blobs/{digest_of(layer)}").body == layer


def test_an_upload_is_refused_in_the_apis_words(ecr: Any, repository: str) -> None:
    """Parts that do not follow, are too small, missing or other than their digest; uploads that are unknown or done."""
    unknown = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(ecr.exceptions.UploadNotFoundException):
        complete(ecr, repository, unknown, digest_of(b"x"))
    with pytest.raises(ecr.exceptions.EmptyUploadException):
        complete(ecr, repository, send(ecr, repository, []), digest_of(b""))
    with pytest.raises(ecr.exceptions.LayerPartTooSmallException):
        complete(ecr, repository, send(ecr, repository, [b"small", b"last"]), digest_of(b"smalllast"))
    with pytest.raises(ecr.exceptions.InvalidLayerException):
        complete(ecr, repository, send(ecr, repository, [b"this"]), digest_of(b"other"))
    upload = send(ecr, repository, [b"first"])
    with pytest.raises(ecr.exceptions.InvalidLayerPartException):
        ecr.upload_layer_part(
            repositoryName=repository, uploadId=upload, partFirstByte=9, partLastByte=9, layerPartBlob=b"x"
        )
    complete(ecr, repository, upload, digest_of(b"first"))
    with pytest.raises(ecr.exceptions.UploadNotFoundException):
        complete(ecr, repository, upload, digest_of(b"first"))
    with pytest.raises(ecr.exceptions.LayerAlreadyExistsException):
        complete(ecr, repository, send(ecr, repository, [b"first"]), digest_of(b"first"))


@pytest.mark.usefixtures("mounting")
def test_a_blob_is_mounted_where_the_account_allows_it(ecr: Any, registry: Registry, repository: str) -> None:
    """201 without a byte sent; a blob that is nowhere, or another key of encryption, starts an upload."""
    assert ecr.get_account_setting(name="BLOB_MOUNTING")["value"] == "ENABLED"
    digest = registry.push_blob(repository, b"mine")
    ecr.create_repository(repositoryName=f"{repository}/same")
    ecr.create_repository(repositoryName=f"{repository}/key", encryptionConfiguration={"encryptionType": "KMS"})
    source = f"mount={digest}&from={repository}"
    mounted = registry.ask("POST", f"/v2/{repository}/same/blobs/uploads/?{source}")
    assert (mounted.status, mounted.headers["Docker-Content-Digest"]) == (201, digest)
    assert registry.ask("GET", mounted.headers["Location"]).body == b"mine"
    assert registry.ask("POST", f"/v2/{repository}/key/blobs/uploads/?{source}").status == 202
    missing = f"mount={digest_of(b'none')}&from={repository}"
    assert registry.ask("POST", f"/v2/{repository}/same/blobs/uploads/?{missing}").status == 202


@pytest.mark.usefixtures("mounting")
def test_mounting_needs_the_source_repositorys_permission(
    lab: Lab, ecr: Any, registry: Registry, repository: str
) -> None:
    """Who may not download from the source uploads instead."""
    digest = registry.push_blob(repository, b"not yours")
    ecr.create_repository(repositoryName=f"{repository}/own")
    setup.open_id_provider(lab.admin("iam"))
    own = f"arn:aws:ecr:us-east-1:123456789012:repository/{repository}/own"
    statements = [{"Action": "ecr:*", "Resource": own}, {"Action": "ecr:GetAuthorizationToken", "Resource": "*"}]
    role = setup.role(lab.admin("iam"), "mounts", setup.trust(["repo:mounting/*"]), statements)
    keys = lab.assume(role, lab.token(repository="mounting/app"))["Credentials"]
    limited = lab.registry(lab.password(lab.client("ecr", keys)))
    reply = limited.ask("POST", f"/v2/{repository}/own/blobs/uploads/?mount={digest}&from={repository}")
    assert (reply.status, limited.ask("HEAD", f"/v2/{repository}/own/blobs/{digest}").status) == (202, 404)


def test_a_template_creates_the_repository_of_a_push(ecr: Any, registry: Registry) -> None:
    """CREATE_ON_PUSH: the longest prefix, with its settings; other names are missing as ever."""
    rule = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}
    policy = json.dumps({"rules": [{"rulePriority": 1, "selection": rule, "action": {"type": "expire"}}]})
    made = ecr.create_repository_creation_template(
        prefix="pushed/team", appliedFor=["CREATE_ON_PUSH"], imageTagMutability="IMMUTABLE", lifecyclePolicy=policy
    )["repositoryCreationTemplate"]
    assert (made["prefix"], made["appliedFor"]) == ("pushed/team", ["CREATE_ON_PUSH"])
    with pytest.raises(ecr.exceptions.TemplateAlreadyExistsException):
        ecr.create_repository_creation_template(prefix="pushed/team", appliedFor=["REPLICATION"])
    registry.push_image("pushed/team/app", "v1", "hello")
    row = ecr.describe_repositories(repositoryNames=["pushed/team/app"])["repositories"][0]
    assert row["imageTagMutability"] == "IMMUTABLE"
    assert ecr.get_lifecycle_policy(repositoryName="pushed/team/app")["lifecyclePolicyText"] == policy
    assert registry.ask("POST", "/v2/pushed/teams/blobs/uploads/").status == 404
    ecr.update_repository_creation_template(prefix="pushed/team", appliedFor=["REPLICATION"])
    assert registry.ask("POST", "/v2/pushed/team/other/blobs/uploads/").status == 404
    ecr.delete_repository_creation_template(prefix="pushed/team")
    with pytest.raises(ecr.exceptions.TemplateNotFoundException):
        ecr.delete_repository_creation_template(prefix="pushed/team")
    assert ecr.describe_repository_creation_templates(prefixes=["pushed/team"])["repositoryCreationTemplates"] == []
