"""Several accounts and regions in one lab, and limits of a registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from lab.aws import setup

from .conftest import Lab, refusal
from .oci import MANIFEST, Registry, digest_of

OTHER, REGION = "210987654321", "us-west-2"


@pytest.fixture
def production(lab: Lab) -> Any:
    """The ECR client of another account's administrator, in another region."""
    return setup.admin_client("ecr", lab.endpoint, OTHER, REGION)


def test_another_accounts_registry_in_another_region(lab: Lab, ecr: Any, production: Any, registry: Registry) -> None:
    """One name, two registries: each has its own images, by the API and by the wire."""
    for client in (ecr, production):
        client.create_repository(repositoryName="two-places")
    host = production.describe_repositories()["repositories"][0]["repositoryUri"].partition("/")[0]
    assert host.startswith(f"{OTHER}.dkr.ecr.{REGION}.amazonaws.com")
    there = lab.registry(lab.password(production), host=host)
    registry.push_image("two-places", "v1", "development")
    _, digest = there.push_image("two-places", "v1", "production")
    row = production.describe_images(repositoryName="two-places")["imageDetails"][0]
    assert (row["registryId"], row["imageDigest"]) == (OTHER, digest)
    assert registry.ask("HEAD", "/v2/two-places/manifests/v1").headers["Docker-Content-Digest"] != digest
    assert production.describe_registry()["registryId"] == OTHER
    assert ecr.describe_registry()["replicationConfiguration"] == {"rules": []}


def test_regions_of_one_account_are_apart(lab: Lab, ecr: Any) -> None:
    """A repository is in the region in which it was made."""
    ecr.create_repository(repositoryName="one-region")
    west = setup.admin_client("ecr", lab.endpoint, region=REGION)
    with pytest.raises(west.exceptions.RepositoryNotFoundException):
        west.describe_repositories(repositoryNames=["one-region"])
    with pytest.raises(west.exceptions.RepositoryNotFoundException):
        west.describe_images(repositoryName="one-region")


def test_a_region_that_is_none_and_an_account_that_is_none_are_refused(lab: Lab, ecr: Any) -> None:
    """Both are the caller's errors."""
    with pytest.raises(ClientError) as error:
        setup.admin_client("ecr", lab.endpoint, region="nowhere-1").describe_repositories()
    text = "Credential should be scoped to a valid region."
    assert refusal(error) == ("InvalidSignatureException", text, 400)
    with pytest.raises(ecr.exceptions.InvalidParameterException):
        ecr.describe_repositories(registryId="12345")


WRONG: tuple[bytes, ...] = (
    b"no JSON",
    b"[]",
    b"{}",
    b'{"repositoryName": 1}',
    b'{"repositoryName": "known", "imageIds": "v1", "imageId": [], "layerDigests": {}, "rules": 1, "maxResults": "x"}',
    b'{"repositoryName": "known", "registryId": "1", "nextToken": "?"}',
)


@pytest.mark.parametrize("body", WRONG)
def test_no_parameters_are_the_labs_own_failure(lab: Lab, ecr: Any, body: bytes) -> None:
    """Whatever an operation is sent, the answer is a result or a refusal with a code."""
    told = lab.control("GET", "admin")
    keys = Credentials(told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"])
    failed = []
    for operation in ecr.meta.service_model.operation_names:
        target = f"AmazonEC2ContainerRegistry_V20150921.{operation}"
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        asked = AWSRequest("POST", lab.endpoint + "/", headers, body)
        SigV4Auth(keys, "ecr", "us-east-1").add_auth(asked)
        answer = URLLib3Session().send(asked.prepare())
        content = json.loads(answer.content)
        if answer.status_code == 500 or (answer.status_code != 200 and not content.get("__type")):
            failed.append((operation, answer.status_code, content))
    assert failed == []


@pytest.fixture
def limited(lab: Lab) -> Iterator[None]:
    """PutImage is limited to three calls in an hour, during the test."""
    lab.control("POST", "rates", {"PutImage": {"count": 3, "seconds": 3600}})
    yield
    lab.control("POST", "rates", {"PutImage": None})


@pytest.mark.usefixtures("limited")
def test_too_many_images_at_once_are_throttled(lab: Lab, ecr: Any, registry: Registry, repository: str) -> None:
    """API and wire count together; each says it in its own way."""
    manifest, _ = registry.push_image(repository, "v1", "hello")
    assert registry.push(repository, "v2", manifest).status == 201
    ecr.put_image(repositoryName=repository, imageManifest=manifest.decode(), imageTag="v3")
    reply = registry.push(repository, "v4", manifest)
    assert (reply.status, reply.error) == (429, ("TOOMANYREQUESTS", "Rate exceeded"))
    told = lab.control("GET", "admin")
    keys = {"AccessKeyId": told["AWS_ACCESS_KEY_ID"], "SecretAccessKey": told["AWS_SECRET_ACCESS_KEY"]}
    with pytest.raises(ClientError) as error:
        lab.client("ecr", keys).put_image(repositoryName=repository, imageManifest=manifest.decode(), imageTag="v4")
    assert refusal(error) == ("ThrottlingException", "Rate exceeded", 400)


@pytest.fixture
def small(lab: Lab) -> Iterator[None]:
    """Repositories hold two images, during the test."""
    lab.control("POST", "quotas", {"images": 2})
    yield
    lab.control("POST", "quotas", {"images": None})


@pytest.mark.usefixtures("small")
def test_a_full_repository_takes_tags_and_no_image(ecr: Any, registry: Registry, repository: str) -> None:
    """The third image is refused by wire and API, under no tag too; a further tag of the second is not."""
    for number in range(2):
        manifest, _ = registry.push_image(repository, f"v{number}", f"image {number}")
    third = registry.push_content(repository, "third")
    text = (
        f"The repository with name '{repository}' in registry with id '123456789012' "
        "already has the maximum allowed number of images which is '2'"
    )
    for reference in ("v2", digest_of(third)):
        reply = registry.push(repository, reference, third)
        assert (reply.status, reply.error) == (403, ("DENIED", text))
    with pytest.raises(ecr.exceptions.LimitExceededException) as error:
        ecr.put_image(repositoryName=repository, imageManifest=third.decode(), imageTag="v2")
    assert refusal(error)[1] == text
    assert registry.push(repository, "again", manifest).status == 201
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "v0"}])
    assert registry.push(repository, "v2", third).status == 201


def referrer(registry: Registry, repository: str, subject: str, number: int) -> bytes:
    """Return the manifest of a referrer of *subject* whose blobs are there."""
    base = json.loads(registry.push_content(repository, "signature"))
    described = {"mediaType": MANIFEST, "digest": subject, "size": 1}
    annotations = {"number": str(number)}
    return json.dumps({**base, "artifactType": "text/x", "subject": described, "annotations": annotations}).encode()


def test_a_subject_has_a_hundred_referrers_and_no_more(ecr: Any, registry: Registry, repository: str) -> None:
    """The hundred-and-first push is denied; ListImageReferrers tells the hundred, fifty a page."""
    _, subject = registry.push_image(repository, "v1", "subject")
    pushed = []
    for number in range(101):
        manifest = referrer(registry, repository, subject, number)
        reply = registry.push(repository, digest_of(manifest), manifest)
        pushed.append(reply.status)
    assert (pushed[:100], reply.status) == ([201] * 100, 403)
    assert reply.error == ("DENIED", "The subject of your artifact has the maximum number of artifacts (100)")
    asked = {"repositoryName": repository, "subjectId": {"imageDigest": subject}}
    first = ecr.list_image_referrers(**asked)
    second = ecr.list_image_referrers(**asked, nextToken=first["nextToken"])
    rows = first["referrers"] + second["referrers"]
    assert (len(first["referrers"]), len({r["digest"] for r in rows}), "nextToken" in second) == (50, 100, False)
    assert rows[0]["artifactType"] == "text/x"
    assert ecr.list_image_referrers(**asked, filter={"artifactTypes": ["text/y"]})["referrers"] == []
