"""Images, against the lab's ECR: exact bytes, tags, commits, and the registry's password."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ecr_action import errors
from ecr_action.aws.download import fetch
from ecr_action.aws.revision import REVISION
from ecr_action.protocols import Image
from lab.aws import setup
from tests.lab.aws.oci import INDEX, MANIFEST, Registry, digest_of, image_manifest

from .world import Job, Parts, World

COMMIT, OTHER = "3f2c1ab0d4e5f60718293a4b5c6d7e8f90a1b2c3", "a" * 40


@pytest.fixture
def registry(world: World, name: str) -> Registry:
    """The registry as the administrator, with the repository *name* in it."""
    world.admin("ecr").create_repository(repositoryName=name)
    return world.registry()


def push(registry: Registry, name: str, tag: str, text: str, labels: dict[str, str] | None = None) -> bytes:
    """Push an image with *labels*; its manifest."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": labels}, "of": text}).encode()
    layer = text.encode()
    for blob in (config, layer):
        registry.push_blob(name, blob)
    manifest = image_manifest(config, layer)
    assert registry.push(name, tag, manifest).status == 201
    return manifest


def index(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(rows)}).encode()


def child(manifest: bytes, **more: Any) -> dict[str, Any]:
    return {"mediaType": MANIFEST, "digest": digest_of(manifest), "size": len(manifest), **more}


def test_images_are_found_by_their_tags(full: Parts, registry: Registry, name: str) -> None:
    """Exact bytes, type and digest; tags of one image know of each other; missing ones are left out."""
    one = push(registry, name, "a", "one")
    registry.push(name, "b", one)
    two = push(registry, name, "c", "two")
    found = full.images.find(name, ["a", "b", "c", "missing", "a"])
    assert sorted(found) == ["a", "b", "c"]
    assert (
        found["a"]
        == found["b"]
        == Image(digest=digest_of(one), media_type=MANIFEST, manifest=one.decode(), tags=("a", "b"))
    )
    assert found["c"].digest == digest_of(two)


def test_no_repository_and_no_tags_find_nothing(full: Parts, world: World, name: str) -> None:
    """Asked side by side with the repository, which may not be there yet; nothing asked is no call."""
    assert full.images.find(name, ["a"]) == {}
    world.control("DELETE", "calls")
    assert full.images.find(name, []) == {}
    assert world.calls() == []


def test_many_tags_go_in_hundreds(full: Parts, registry: Registry, name: str, world: World) -> None:
    """250 tags are three calls."""
    push(registry, name, "t0", "one")
    push(registry, name, "t249", "two")
    world.control("DELETE", "calls")
    found = full.images.find(name, [f"t{number}" for number in range(250)])
    assert sorted(found) == ["t0", "t249"]
    assert world.calls() == ["ecr:BatchGetImage"] * 3


def test_an_index_is_found_and_tagged_byte_for_byte(full: Parts, registry: Registry, name: str) -> None:
    """Indexes keep their type, blanks and digest through a further tag."""
    part = push(registry, name, "part", "one")
    spaced = json.dumps(json.loads(index(child(part))), indent=3).encode()
    assert registry.push(name, "all", spaced, INDEX).status == 201
    image = full.images.find(name, ["all"])["all"]
    assert (image.media_type, image.manifest.encode()) == (INDEX, spaced)
    assert full.images.put_tag(name, image, "v1")
    reply = registry.ask("GET", f"/v2/{name}/manifests/v1", headers={"Accept": INDEX})
    assert (reply.body, reply.headers["Docker-Content-Digest"]) == (spaced, digest_of(spaced))


def test_a_manifest_that_names_no_type_keeps_its_own(full: Parts, registry: Registry, name: str) -> None:
    """OCI does not demand ``mediaType`` in the manifest: the type is sent beside it."""
    part = push(registry, name, "part", "one")
    bare = json.dumps({"schemaVersion": 2, "manifests": [child(part)]}).encode()
    assert registry.push(name, "all", bare, INDEX).status == 201
    image = full.images.find(name, ["all"])["all"]
    assert full.images.put_tag(name, image, "v1")
    assert full.images.find(name, ["v1"])["v1"].media_type == INDEX


def test_a_changed_byte_is_not_published(full: Parts, registry: Registry, name: str) -> None:
    """The digest goes with the bytes, so that ECR refuses others."""
    push(registry, name, "one", "one")
    image = full.images.find(name, ["one"])["one"]
    with pytest.raises(errors.AwsRefused) as refused:
        full.images.put_tag(name, replace(image, manifest=image.manifest + "\n"), "v1")
    assert "ImageDigestDoesNotMatchException" in refused.value.what
    assert full.images.find(name, ["v1"]) == {}


def test_a_tag_that_stands_already_is_told(full: Parts, registry: Registry, name: str) -> None:
    """The same image and tag again is no change; another image moves it."""
    push(registry, name, "one", "one")
    push(registry, name, "two", "two")
    images = full.images.find(name, ["one", "two"])
    assert full.images.put_tag(name, images["one"], "latest")
    assert not full.images.put_tag(name, images["one"], "latest")
    assert full.images.put_tag(name, images["two"], "latest")
    assert full.images.find(name, ["latest"])["latest"].digest == images["two"].digest


def test_an_immutable_tag_is_taken(full: Parts, world: World, name: str) -> None:
    """The tag on another image is an error that names both; on the same image it is no change."""
    world.admin("ecr").create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
    registry = world.registry()
    push(registry, name, "v1", "one")
    push(registry, name, "other", "two")
    images = full.images.find(name, ["v1", "other"])
    assert not full.images.put_tag(name, images["v1"], "v1")
    with pytest.raises(errors.TagTaken) as refused:
        full.images.put_tag(name, images["other"], "v1")
    assert images["v1"].digest in refused.value.what
    assert images["other"].digest in refused.value.what
    world.fault("ecr:PutImage", "ImageTagAlreadyExistsException", "cannot be overwritten because the tag is immutable.")
    assert not full.images.put_tag(name, images["v1"], "v1")


def test_an_image_known_by_its_digest_alone_is_tagged(full: Parts, registry: Registry, name: str) -> None:
    """Without the manifest at hand it is fetched; what is not there any more is told."""
    manifest = push(registry, name, "one", "one")
    bare = Image(digest=digest_of(manifest), media_type="", manifest="")
    assert full.images.put_tag(name, bare, "again")
    assert full.images.find(name, ["again"])["again"].manifest.encode() == manifest
    with pytest.raises(errors.AwsRefused) as refused:
        full.images.put_tag(name, Image(digest="sha256:" + "0" * 64, media_type="", manifest=""), "x")
    assert "is not in the repository" in refused.value.what


def test_commits_are_the_tags_that_are_commits(full: Parts, registry: Registry, name: str, world: World) -> None:
    """All tags of the image are asked for, not only those it was found by."""
    manifest = push(registry, name, "latest", "one", {REVISION: "b" * 40})
    for tag in (COMMIT, OTHER, "3f2c1ab", "v1.0.0"):
        registry.push(name, tag, manifest)
    image = full.images.find(name, ["latest"])["latest"]
    assert sorted(full.images.commits(name, image)) == [COMMIT, OTHER]
    assert sorted(full.images.tags(name, image)) == sorted(["latest", COMMIT, OTHER, "3f2c1ab", "v1.0.0"])


@pytest.mark.parametrize(
    ("label", "commits"), [(COMMIT, (COMMIT,)), (f"{COMMIT}-dirty", (COMMIT,)), ("main", ()), (None, ())]
)
def test_else_the_commit_is_the_revision_label(
    full: Parts, registry: Registry, name: str, label: str | None, commits: tuple[str, ...]
) -> None:
    """An image of another pipeline: no tag is a commit, the label in its configuration is, or nothing tells."""
    push(registry, name, "latest", "one", {REVISION: label} if label else None)
    assert full.images.commits(name, full.images.find(name, ["latest"])["latest"]) == commits


def test_an_index_has_the_label_of_its_first_real_child(full: Parts, registry: Registry, name: str) -> None:
    """Attestations come before and are passed over."""
    attestation = push(registry, name, "x", "attestation", {REVISION: OTHER})
    real = push(registry, name, "y", "real", {REVISION: COMMIT})
    rows = (
        child(attestation, annotations={"vnd.docker.reference.type": "attestation-manifest"}),
        child(attestation, platform={"os": "unknown", "architecture": "unknown"}),
        child(real, platform={"os": "linux", "architecture": "arm64"}),
    )
    assert registry.push(name, "all", index(*rows), INDEX).status == 201
    assert full.images.commits(name, full.images.find(name, ["all"])["all"]) == (COMMIT,)


def test_the_platform_s_role_reads_the_label(seed: Parts, job: Job, registry: Registry, name: str) -> None:
    """Without DescribeImages: one notice however many images are asked for, and the label's commit."""
    push(registry, name, "latest", "one", {REVISION: COMMIT})
    push(registry, name, "other", "two", {REVISION: OTHER})
    images = seed.images.find(name, ["latest", "other"])
    assert seed.images.commits(name, images["latest"]) == (COMMIT,)
    assert seed.images.commits(name, images["other"]) == (OTHER,)
    assert seed.images.tags(name, images["latest"]) == ("latest",)
    (notice,) = job.console.of("notice")
    assert "ecr:DescribeImages is denied: an image's commit is read from its revision label" in notice


def test_signed_addresses_are_told_to_nobody(
    full: Parts, job: Job, registry: Registry, name: str, world: World
) -> None:
    """The address of a layer opens it for an hour: it stands in no line, and in no failure."""
    push(registry, name, "latest", "one", {REVISION: COMMIT})
    image = full.images.find(name, ["latest"])["latest"]
    assert full.images.commits(name, image) == (COMMIT,)
    world.control("POST", "clock", {"offset": -7200})
    try:
        # Signed two hours ago by the lab's clock, for one hour.
        answer = world.admin("ecr").get_download_url_for_layer(
            repositoryName=name, layerDigest=json.loads(image.manifest)["config"]["digest"]
        )
    finally:
        world.control("POST", "clock", {"offset": 0})
    with pytest.raises(errors.AwsUnreachable) as refused:
        fetch(answer["downloadUrl"], "It")
    assert "403" in refused.value.what
    assert "signature=" not in str(refused.value) + "".join(text for _, text in job.console.told)


def test_a_signed_address_that_nobody_answers_is_told_to_nobody() -> None:
    """The client's own text would have the address."""
    with pytest.raises(errors.AwsUnreachable) as refused:
        fetch("http://127.0.0.1:1/layers/1/x?signature=canary", "It")
    assert "EndpointConnectionError" in refused.value.what
    assert "canary" not in str(refused.value)


def test_a_role_that_may_read_no_layers_knows_no_commit(job: Job, world: World, registry: Registry, name: str) -> None:
    """Unknown, with a notice for each lost action."""
    push(registry, name, "latest", "one", {REVISION: COMMIT})
    statement = {"Action": ["ecr:BatchGetImage"], "Resource": "*"}
    role = setup.role(world.admin("iam"), "few", setup.trust(["repo:darede-labs/*:*"]), [statement])
    parts = job.parts(job.connect(role))
    assert parts.images.commits(name, parts.images.find(name, ["latest"])["latest"]) == ()
    assert [text.split()[0] for text in job.console.of("notice")] == [
        "ecr:DescribeImages",
        "ecr:GetDownloadUrlForLayer",
    ]


@pytest.mark.parametrize(
    ("code", "kind", "word"),
    [
        ("KmsException", errors.AwsRefused, "KMS key"),
        ("ImageArchivedException", errors.AwsRefused, "archive"),
        ("ImageDigestDoesNotMatchException", errors.AwsRefused, "changed"),
        ("LayersNotFoundException", errors.AwsRefused, "layers"),
        ("ReferencedImagesNotFoundException", errors.AwsRefused, "index"),
        ("SomethingNew", errors.AwsRefused, ""),
    ],
)
def test_every_error_answer_is_a_failure_in_words(
    full: Parts, registry: Registry, name: str, world: World, code: str, kind: type[errors.Failure], word: str
) -> None:
    """ECR's code and text stand in it, and the reason where it is known."""
    push(registry, name, "one", "one")
    image = full.images.find(name, ["one"])["one"]
    world.fault("ecr:PutImage", code, "the text of ECR")
    with pytest.raises(kind) as refused:
        full.images.put_tag(name, image, "two")
    assert code in refused.value.what
    assert "the text of ECR" in refused.value.what
    assert word in refused.value.why
    assert bool(refused.value.fix) == bool(word)


def test_the_password_opens_the_registry(full: Parts, job: Job, world: World, name: str) -> None:
    """Host, user and password of the registry; asked for once until it comes to its end."""
    world.admin("ecr").create_repository(repositoryName=name)
    world.control("DELETE", "calls")
    login = full.logins.login()
    assert (login.host, login.user) == (world.host, "AWS")
    assert login.expires > datetime.now(timezone.utc) + timedelta(hours=11)
    registry = Registry(world.host, world.address, world.ca, login.password.reveal())
    assert registry.ask("GET", f"/v2/{name}/tags/list").status == 200
    assert full.logins.login() is login
    assert world.calls().count("ecr:GetAuthorizationToken") == 1
    assert job.console.leaks() == []


def test_a_password_near_its_end_is_replaced(full: Parts, world: World) -> None:
    """One that is about to expire is asked for anew."""
    world.control("POST", "clock", {"offset": -12 * 3600 + 600})
    try:
        keys = full.logins.login()
    finally:
        world.control("POST", "clock", {"offset": 0})
    again = full.logins.login()
    assert again.expires > keys.expires + timedelta(hours=11)
    assert again.password != keys.password


def test_a_warm_publish_makes_these_calls(
    job: Job, full_role: str, registry: Registry, name: str, world: World
) -> None:
    """Credentials, repository, policy, images: one call each, and nothing beside."""
    push(registry, name, COMMIT, "one")
    world.control("DELETE", "calls")
    parts = job.parts(job.connect(full_role))
    assert parts.repository.read(name)
    assert parts.repository.read_lifecycle(name).readable
    assert parts.images.find(name, [COMMIT, "latest"])
    assert world.calls() == [
        "oidc:GET token",
        "sts:AssumeRoleWithWebIdentity",
        "ecr:DescribeRepositories",
        "ecr:GetLifecyclePolicy",
        "ecr:BatchGetImage",
    ]
