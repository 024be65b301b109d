"""The ECR API by boto3."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from .conftest import Lab, refusal
from .oci import INDEX, MANIFEST, Registry, digest_of, image_manifest, index_manifest


def put(ecr: Any, repository: str, manifest: bytes, **more: Any) -> dict[str, Any]:
    """Put *manifest* by the API."""
    answer: dict[str, Any] = ecr.put_image(repositoryName=repository, imageManifest=manifest.decode(), **more)
    return answer["image"]  # type: ignore[no-any-return]


def test_a_new_tag_by_the_api_is_pulled_at_once(ecr: Any, registry: Registry, repository: str) -> None:
    """PutImage of the bytes that BatchGetImage gave adds a tag to the same digest."""
    manifest, digest = registry.push_image(repository, "v1", "hello")
    got = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}], acceptedMediaTypes=[MANIFEST])[
        "images"
    ][0]
    assert (got["imageManifest"].encode(), got["imageManifestMediaType"]) == (manifest, MANIFEST)
    assert got["imageId"] == {"imageDigest": digest, "imageTag": "v1"}
    unfit = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}], acceptedMediaTypes=[INDEX])
    assert (unfit["images"], unfit["failures"][0]["failureCode"]) == ([], "ImageNotFound")
    image = put(ecr, repository, manifest, imageTag="v2", imageDigest=digest, imageManifestMediaType=MANIFEST)
    assert image["imageId"] == {"imageDigest": digest, "imageTag": "v2"}
    assert registry.ask("GET", f"/v2/{repository}/manifests/v2").body == manifest


def test_the_same_image_and_tag_again_is_named(ecr: Any, registry: Registry, repository: str) -> None:
    """ImageAlreadyExistsException, on a mutable repository too."""
    manifest, digest = registry.push_image(repository, "v1", "hello")
    with pytest.raises(ecr.exceptions.ImageAlreadyExistsException) as error:
        put(ecr, repository, manifest, imageTag="v1")
    text = (
        f"Image with digest '{digest}' and tag 'v1' already exists in the repository with name '{repository}' "
        "in registry with id '123456789012'"
    )
    assert refusal(error) == ("ImageAlreadyExistsException", text, 400)


def test_a_changed_byte_is_noticed(ecr: Any, registry: Registry, repository: str) -> None:
    """imageDigest guards the bytes."""
    manifest, digest = registry.push_image(repository, "v1", "hello")
    with pytest.raises(ecr.exceptions.ImageDigestDoesNotMatchException):
        put(ecr, repository, manifest + b"\n", imageTag="v2", imageDigest=digest)


def test_an_immutable_tag_is_not_moved(ecr: Any, registry: Registry) -> None:
    """ImageTagAlreadyExistsException for another image under a tag that may not move."""
    ecr.create_repository(repositoryName="immutable-api", imageTagMutability="IMMUTABLE")
    registry.push_image("immutable-api", "v1", "one")
    with pytest.raises(ecr.exceptions.ImageTagAlreadyExistsException):
        put(ecr, "immutable-api", registry.push_content("immutable-api", "two"), imageTag="v1")


def test_layers_and_children_must_be_there(ecr: Any, registry: Registry, repository: str) -> None:
    """PutImage refuses what refers to layers or images of no or another repository."""
    with pytest.raises(ecr.exceptions.LayersNotFoundException):
        put(ecr, repository, image_manifest(b"config", b"layer"), imageTag="v1")
    child = registry.push_content(repository, "child")
    with pytest.raises(ecr.exceptions.ReferencedImagesNotFoundException):
        put(ecr, repository, index_manifest(child), imageTag="v1", imageManifestMediaType=INDEX)


def test_a_tag_that_moves_leaves_its_image_untagged(ecr: Any, registry: Registry, repository: str) -> None:
    """The old image stays without a tag, and a re-tag keeps the first push time."""
    _, old = registry.push_image(repository, "latest", "old")
    pushed = ecr.describe_images(repositoryName=repository)["imageDetails"][0]["imagePushedAt"]
    time.sleep(0.01)
    _, new = registry.push_image(repository, "latest", "new")
    registry.push_image(repository, "again", "old")
    rows = {r["imageDigest"]: r for r in ecr.describe_images(repositoryName=repository)["imageDetails"]}
    assert rows[old]["imagePushedAt"] == pushed
    assert (rows[old]["imageTags"], rows[new]["imageTags"]) == (["again"], ["latest"])
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "latest"}])
    registry.push_image(repository, "again", "third")
    untagged = ecr.list_images(repositoryName=repository, filter={"tagStatus": "UNTAGGED"})["imageIds"]
    assert untagged == [{"imageDigest": old}]


def test_details_of_an_image(ecr: Any, registry: Registry, repository: str) -> None:
    """Size, type, status and tags as DescribeImages tells them."""
    manifest, digest = registry.push_image(repository, "v1", "hello")
    parsed = json.loads(manifest)
    row = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "v1"}])["imageDetails"][0]
    del row["imagePushedAt"]
    assert row == {
        "registryId": "123456789012",
        "repositoryName": repository,
        "imageDigest": digest,
        "imageTags": ["v1"],
        "imageSizeInBytes": parsed["config"]["size"] + parsed["layers"][0]["size"],
        "imageManifestMediaType": MANIFEST,
        "artifactMediaType": parsed["config"]["mediaType"],
        "imageStatus": "ACTIVE",
    }


def test_images_are_told_in_pages(ecr: Any, registry: Registry, repository: str) -> None:
    """maxResults and nextToken of DescribeImages and ListImages give each row once."""
    pushed = {registry.push_image(repository, f"t{n}", f"image {n}")[1] for n in range(5)}
    for operation, key in (("describe_images", "imageDetails"), ("list_images", "imageIds")):
        pages = list(ecr.get_paginator(operation).paginate(repositoryName=repository, PaginationConfig={"PageSize": 2}))
        rows = [row["imageDigest"] for page in pages for row in page[key]]
        assert (len(pages), len(rows), set(rows)) == (3, 5, pushed)


def test_what_is_missing_is_a_failure_or_an_exception(ecr: Any, repository: str) -> None:
    """BatchGetImage lists failures, DescribeImages raises."""
    answer = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "none"}, {"imageDigest": "x"}])
    assert answer["images"] == []
    assert [(f["imageId"], f["failureCode"]) for f in answer["failures"]] == [
        ({"imageTag": "none"}, "ImageNotFound"),
        ({"imageDigest": "x"}, "InvalidImageDigest"),
    ]
    assert answer["failures"][0]["failureReason"] == "Requested image not found"
    with pytest.raises(ecr.exceptions.InvalidParameterException):
        ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": f"t{n}"} for n in range(101)])
    with pytest.raises(ecr.exceptions.ImageNotFoundException) as error:
        ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": "none"}])
    assert refusal(error)[1] == (
        "The image with imageId {imageDigest:'null', imageTag:'none'} does not exist within the repository "
        f"with name '{repository}' in the registry with id '123456789012'"
    )


def test_a_missing_repository_is_named_by_every_image_operation(ecr: Any) -> None:
    """RepositoryNotFoundException, in ECR's words."""
    ids = {"imageIds": [{"imageTag": "a"}]}
    calls: dict[str, dict[str, Any]] = {
        "batch_get_image": ids,
        "batch_delete_image": ids,
        "describe_images": {},
        "list_images": {},
        "put_image": {"imageManifest": "{}"},
        "get_lifecycle_policy": {},
        "get_download_url_for_layer": {"layerDigest": digest_of(b"")},
        "batch_check_layer_availability": {"layerDigests": [digest_of(b"")]},
    }
    for name, parameters in calls.items():
        with pytest.raises(ecr.exceptions.RepositoryNotFoundException) as error:
            getattr(ecr, name)(repositoryName="never", **parameters)
        text = "The repository with name 'never' does not exist in the registry with id '123456789012'"
        assert refusal(error) == ("RepositoryNotFoundException", text, 400), name


def test_children_of_an_index_are_protected(ecr: Any, registry: Registry, repository: str) -> None:
    """BatchDeleteImage refuses an image that an index names, until the index is gone."""
    child = registry.push_content(repository, "child")
    registry.push(repository, digest_of(child), child)
    registry.push(repository, "v1", index_manifest(child), INDEX)
    ids = {"repositoryName": repository, "imageIds": [{"imageDigest": digest_of(child)}]}
    assert ecr.batch_delete_image(**ids)["failures"][0]["failureCode"] == "ImageReferencedByManifestList"
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    assert ecr.batch_delete_image(**ids)["imageIds"] == [{"imageDigest": digest_of(child)}]
    assert registry.ask("GET", f"/v2/{repository}/manifests/{digest_of(child)}").status == 404


def test_a_layer_is_downloaded_by_its_address(ecr: Any, registry: Registry, repository: str) -> None:
    """GetDownloadUrlForLayer gives an address that works by itself, and only as it was signed."""
    digest = registry.push_blob(repository, b"a configuration")
    url = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=digest)["downloadUrl"]
    with urllib.request.urlopen(url, timeout=60) as answer:
        assert answer.read() == b"a configuration"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Range": "bytes=2-8"}), timeout=10) as answer:
        assert (answer.status, answer.read(), answer.headers["Content-Range"]) == (206, b"configu", "bytes 2-8/15")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url.replace("signature=", "signature=0"), timeout=60)
    missing = digest_of(b"missing")
    with pytest.raises(ecr.exceptions.LayersNotFoundException):
        ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=missing)
    rows = ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[digest, missing])["layers"]
    assert [r["layerAvailability"] for r in rows] == ["AVAILABLE", "UNAVAILABLE"]


def test_a_repository_has_the_registry_of_the_lab(lab: Lab, ecr: Any, repository: str) -> None:
    """repositoryUri and proxyEndpoint name the host that answers, the password lives for twelve hours."""
    row = ecr.describe_repositories(repositoryNames=[repository])["repositories"][0]
    assert row["repositoryUri"] == f"{lab.host}/{repository}"
    data = ecr.get_authorization_token()["authorizationData"][0]
    assert data["proxyEndpoint"] == f"https://{lab.host}"
    assert abs(data["expiresAt"].timestamp() - time.time() - 12 * 3600) < 60


def test_one_of_two_racing_creations_finds_the_repository(ecr: Any) -> None:
    """CreateRepository succeeds once, all others are told that it exists."""
    outcomes: list[str] = []

    def create() -> None:
        try:
            ecr.create_repository(repositoryName="raced")
            outcomes.append("created")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["RepositoryAlreadyExistsException"] * 3 + ["created"]


def test_a_repository_with_images_is_deleted_by_force(ecr: Any, registry: Registry, repository: str) -> None:
    """What was in a deleted repository is not in a new one of its name."""
    digest = registry.push_blob(repository, b"old blob")
    registry.push_image(repository, "v1", "old")
    with pytest.raises(ecr.exceptions.RepositoryNotEmptyException):
        ecr.delete_repository(repositoryName=repository)
    ecr.delete_repository(repositoryName=repository, force=True)
    ecr.create_repository(repositoryName=repository)
    assert ecr.list_images(repositoryName=repository)["imageIds"] == []
    assert registry.ask("HEAD", f"/v2/{repository}/blobs/{digest}").status == 404


def test_a_lifecycle_policy_is_kept(ecr: Any, repository: str) -> None:
    """Put, read, and the words of ECR when there is none."""
    with pytest.raises(ecr.exceptions.LifecyclePolicyNotFoundException) as error:
        ecr.get_lifecycle_policy(repositoryName=repository)
    assert refusal(error)[1] == (
        f"Lifecycle policy does not exist for the repository with name '{repository}' "
        "in the registry with id '123456789012'"
    )
    shield = {"tagStatus": "tagged", "tagPatternList": ["latest"], "countType": "imageCountMoreThan"}
    untagged = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days"}
    rules = [
        {"rulePriority": 1, "selection": {**shield, "countNumber": 9999}, "action": {"type": "expire"}},
        {"rulePriority": 2, "selection": {**untagged, "countNumber": 7}, "action": {"type": "expire"}},
    ]
    ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=json.dumps({"rules": rules}))
    kept = ecr.get_lifecycle_policy(repositoryName=repository)["lifecyclePolicyText"]
    assert json.loads(kept) == {"rules": rules}


def test_a_thousand_tags_and_no_more(ecr: Any, registry: Registry, repository: str) -> None:
    """The quota of tags per image is hard."""
    manifest, _ = registry.push_image(repository, "t0", "hello")
    for number in range(1, 1000):
        assert registry.push(repository, f"t{number}", manifest).status == 201
    with pytest.raises(ecr.exceptions.LimitExceededException) as error:
        put(ecr, repository, manifest, imageTag="t1000")
    assert refusal(error)[1] == (
        f"Adding tag 't1000' to an image in the repository with name '{repository}' in registry with id "
        "'123456789012' exceeds the maximum allowed number of tags per image which is '1000'"
    )


def test_an_operation_that_the_lab_does_not_know_is_named(lab: Lab, ecr: Any) -> None:
    """It is an error, and it is counted."""
    lab.control("DELETE", "calls")
    with pytest.raises(ClientError, match="The lab does not answer ecr:DescribePullThroughCacheRules"):
        lab.client("ecr", admin_keys(lab)).describe_pull_through_cache_rules()
    assert lab.calls() == [("ecr", "DescribePullThroughCacheRules")]


def admin_keys(lab: Lab) -> dict[str, Any]:
    """Return the administrator's keys in the shape of STS."""
    told = lab.control("GET", "admin")
    return {"AccessKeyId": told["AWS_ACCESS_KEY_ID"], "SecretAccessKey": told["AWS_SECRET_ACCESS_KEY"]}


@pytest.mark.usefixtures("ecr")
def test_unknown_and_missing_keys_are_refused_as_each_protocol_does(lab: Lab) -> None:
    """ECR answers 400 in JSON, STS 403 in XML."""
    with pytest.raises(ClientError) as error:
        lab.client("ecr").describe_repositories()
    text = "The security token included in the request is invalid."
    assert refusal(error) == ("UnrecognizedClientException", text, 400)
    with pytest.raises(ClientError) as error:
        lab.client("sts").get_caller_identity()
    assert refusal(error) == ("InvalidClientTokenId", text, 403)


def test_a_call_that_is_signed_with_another_secret_is_refused(lab: Lab) -> None:
    """The signature is calculated, not just looked at."""
    keys = {**admin_keys(lab), "SecretAccessKey": "another"}
    with pytest.raises(ClientError) as error:
        lab.client("ecr", keys).describe_repositories()
    assert (refusal(error)[0], refusal(error)[2]) == ("InvalidSignatureException", 400)
    with pytest.raises(ClientError) as error:
        lab.client("sts", keys).get_caller_identity()
    assert (refusal(error)[0], refusal(error)[2]) == ("SignatureDoesNotMatch", 403)


def test_a_call_that_was_signed_long_ago_is_refused(lab: Lab) -> None:
    """After five minutes by ECR, after fifteen by STS; before its time too, and both clocks are told."""
    told, now = lab.control("GET", "admin"), datetime.now(timezone.utc)
    keys = Credentials(told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"])
    target = {"X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for service, headers, body, minutes, text in (
        ("ecr", target, b"{}", -10, "InvalidSignatureException"),
        ("ecr", target, b"{}", -10, "Signature expired: {date} is now earlier than "),
        ("ecr", target, b"{}", -10, " - 5 min.)"),
        ("ecr", target, b"{}", 10, "Signature not yet current: {date} is still later than "),
        ("sts", form, b"Action=GetCallerIdentity&Version=2011-06-15", -20, " - 15 min.)"),
        ("sts", form, b"Action=GetCallerIdentity&Version=2011-06-15", -10, "<Arn>"),
    ):
        asked = AWSRequest("POST", f"{lab.endpoint}/", dict(headers), body)
        date = (now + timedelta(minutes=minutes)).strftime("%Y%m%dT%H%M%SZ")
        signer = _Dated(keys, service, "us-east-1")
        signer.date = date
        signer.add_auth(asked)
        assert text.format(date=date) in URLLib3Session().send(asked.prepare()).text


class _Dated(SigV4Auth):
    """A signer with a time of its own."""

    date = ""

    def add_auth(self, request: AWSRequest) -> None:
        request.context["timestamp"] = self.date
        request.headers["X-Amz-Date"] = self.date
        canonical = self.canonical_request(request)
        self._inject_signature_to_request(request, self.signature(self.string_to_sign(request, canonical), request))


def test_images_and_repositories_change_at_the_same_time(
    lab: Lab, ecr: Any, registry: Registry, repository: str
) -> None:
    """Sixteen clients at once: every tag lands, every repository is made, nobody waits for ever."""
    manifests = [registry.push_image(repository, name, name)[0] for name in ("one", "two")]
    failures: list[BaseException] = []

    def tag(client: int) -> None:
        for number in range(20):
            put(ecr, repository, manifests[number % 2], imageTag=f"c{client}")

    def create(client: int) -> None:
        for number in range(20):
            ecr.create_repository(repositoryName=f"{repository}/of-{client}-{number}")

    def run(work: Any, client: int) -> None:
        try:
            work(client)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(w, n), daemon=True) for n in range(8) for w in (tag, create)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(150)
    assert [t for t in threads if t.is_alive()] == []
    assert failures == []
    rows = {r["imageDigest"]: r["imageTags"] for r in ecr.describe_images(repositoryName=repository)["imageDetails"]}
    assert rows == {
        digest_of(manifests[0]): ["one"],
        digest_of(manifests[1]): [*(f"c{n}" for n in range(8)), "two"],
    }


def test_account_settings_and_templates_are_the_defaults(ecr: Any) -> None:
    """Blob mounting is off, no repository creation template is there."""
    assert ecr.get_account_setting(name="BLOB_MOUNTING")["value"] == "DISABLED"
    assert ecr.describe_repository_creation_templates()["repositoryCreationTemplates"] == []


def test_settings_of_a_repository_are_changed(ecr: Any, registry: Registry, repository: str) -> None:
    """Scan on push is told by both operations; a repository made immutable keeps its tags from then on."""
    ecr.put_image_scanning_configuration(repositoryName=repository, imageScanningConfiguration={"scanOnPush": True})
    answer = ecr.batch_get_repository_scanning_configuration(repositoryNames=[repository])
    assert answer["scanningConfigurations"][0]["scanFrequency"] == "SCAN_ON_PUSH"
    row = ecr.describe_repositories(repositoryNames=[repository])["repositories"][0]
    assert row["imageScanningConfiguration"] == {"scanOnPush": True}
    registry.push_image(repository, "v1", "one")
    ecr.put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    assert registry.push(repository, "v1", registry.push_content(repository, "two")).status == 400
