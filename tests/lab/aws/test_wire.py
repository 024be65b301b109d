"""The registry's own protocol, as ECR answers it."""

from __future__ import annotations

import json
import ssl
from typing import Any

import pytest

from .conftest import Lab
from .oci import INDEX, MANIFEST, Registry, digest_of, image_manifest, index_manifest


def test_without_a_password_the_answer_is_a_challenge_for_basic_credentials(lab: Lab) -> None:
    """ECR asks for Basic credentials, under its own realm."""
    reply = lab.registry().ask("GET", "/v2/")
    assert (reply.status, reply.body) == (401, b"Not Authorized\n")
    assert reply.headers["Www-Authenticate"] == f'Basic realm="https://{lab.host}/",service="ecr.amazonaws.com"'


def test_another_user_is_refused_as_unauthorized(lab: Lab, ecr: Any) -> None:
    """Only the user AWS has passwords."""
    assert lab.registry(lab.password(ecr), user="someone").ask("GET", "/v2/").status == 401


def test_a_password_of_nowhere_or_of_another_region_is_a_bare_400(lab: Lab, ecr: Any) -> None:
    """ECR cannot read it, and says nothing else."""
    host = lab.host.replace("us-east-1", "us-east-2")
    assert lab.registry("wrong").ask("GET", "/v2/").status == 400
    elsewhere = Registry(lab.host, lab.address, lab.ca, lab.password(ecr))
    reply = elsewhere.ask("GET", "/v2/", headers={"Host": host})
    assert (reply.status, reply.body) == (400, b"")


def test_a_password_lets_in(registry: Registry) -> None:
    """The base address answers 200 to a good password."""
    reply = registry.ask("GET", "/v2/")
    assert (reply.status, reply.headers["Docker-Distribution-Api-Version"]) == (200, "registry/2.0")


def test_a_certificate_of_another_authority_is_not_trusted(lab: Lab) -> None:
    """TLS is real: a client without the lab's authority refuses."""
    with pytest.raises(ssl.SSLCertVerificationError):
        Registry(lab.host, lab.address, None).ask("GET", "/v2/")


def test_pushing_or_pulling_a_missing_repository_names_it(registry: Registry) -> None:
    """A push does not create the repository."""
    text = "The repository with name 'never' does not exist in the registry with id '123456789012'"
    for method, path in (("POST", "blobs/uploads/"), ("PUT", "manifests/a"), ("GET", "manifests/a")):
        reply = registry.ask(method, f"/v2/never/{path}")
        assert (reply.status, reply.error) == (404, ("NAME_UNKNOWN", text)), path


def test_a_pushed_image_is_pulled_by_tag_and_by_digest(registry: Registry, repository: str) -> None:
    """The bytes, the digest and the media type come back as they were pushed."""
    manifest, digest = registry.push_image(repository, "v1", "hello")
    for reference in ("v1", digest):
        reply = registry.ask("GET", f"/v2/{repository}/manifests/{reference}")
        assert (reply.status, reply.body) == (200, manifest)
        assert (reply.headers["Docker-Content-Digest"], reply.headers["Content-Type"]) == (digest, MANIFEST)
        head = registry.ask("HEAD", f"/v2/{repository}/manifests/{reference}")
        assert (head.status, head.headers["Content-Length"]) == (200, str(len(manifest)))
    assert registry.ask("GET", f"/v2/{repository}/blobs/{digest_of(b'hello')}").body == b"hello"


def test_a_missing_image_is_unknown(registry: Registry, repository: str) -> None:
    """A tag that is not there answers 404 with ECR's text."""
    reply = registry.ask("GET", f"/v2/{repository}/manifests/none")
    assert (reply.status, reply.error) == (404, ("MANIFEST_UNKNOWN", "Requested image not found"))


def test_a_large_chunked_blob_arrives_whole(registry: Registry, repository: str) -> None:
    """Bodies of unknown length are streamed."""
    piece = bytes(range(256)) * 4096
    begun = registry.ask("POST", f"/v2/{repository}/blobs/uploads/")
    sent = registry.ask("PATCH", begun.headers["Location"], iter([piece] * 8))
    digest = digest_of(piece * 8)
    done = registry.ask("PUT", f"{sent.headers['Location']}&digest={digest}")
    assert (sent.status, done.status, done.headers["Docker-Content-Digest"]) == (201, 201, digest)
    assert registry.ask("GET", f"/v2/{repository}/blobs/{digest}").body == piece * 8


def test_a_single_put_uploads_a_blob(registry: Registry, repository: str) -> None:
    """POST, then PUT with the body, as containerd and BuildKit do."""
    begun = registry.ask("POST", f"/v2/{repository}/blobs/uploads/")
    digest = digest_of(b"whole")
    done = registry.ask("PUT", f"{begun.headers['Location']}&digest={digest}", b"whole")
    assert done.status == 201
    assert registry.ask("HEAD", f"/v2/{repository}/blobs/{digest}").headers["Content-Length"] == "5"


def test_a_blob_under_a_wrong_digest_is_refused(registry: Registry, repository: str) -> None:
    """The digest is checked while the blob is stored."""
    begun = registry.ask("POST", f"/v2/{repository}/blobs/uploads/")
    done = registry.ask("PUT", f"{begun.headers['Location']}&digest={digest_of(b'other')}", b"this")
    assert (done.status, done.error[0]) == (400, "DIGEST_INVALID")


def test_blobs_belong_to_one_repository(registry: Registry, repository: str, ecr: Any) -> None:
    """A blob of another repository is not there, and a mount starts an upload instead."""
    ecr.create_repository(repositoryName=f"{repository}/other")
    digest = registry.push_blob(repository, b"mine")
    assert registry.ask("HEAD", f"/v2/{repository}/other/blobs/{digest}").status == 404
    mount = registry.ask("POST", f"/v2/{repository}/other/blobs/uploads/?mount={digest}&from={repository}")
    assert mount.status == 202
    assert registry.ask("HEAD", f"/v2/{repository}/other/blobs/{digest}").status == 404


def test_a_manifest_needs_its_layers(registry: Registry, repository: str) -> None:
    """A manifest whose blobs were not pushed is refused, and not recorded."""
    reply = registry.push(repository, "v1", image_manifest(b"config", b"layer"))
    text = (
        f"Layers with digests '[{digest_of(b'config')}, {digest_of(b'layer')}]' required for pushing image into "
        f"repository with name '{repository}' in the registry with id '123456789012' do not exist"
    )
    assert (reply.status, reply.error) == (400, ("BLOB_UPLOAD_UNKNOWN", text))
    assert registry.ask("GET", f"/v2/{repository}/manifests/v1").status == 404


def test_an_index_needs_its_children(registry: Registry, repository: str, ecr: Any) -> None:
    """An index is taken once its images are there; its size is its largest child's."""
    child = registry.push_content(repository, "child")
    index = index_manifest(child)
    text = (
        f"Images with digests '[{digest_of(child)}]' required for pushing image into repository with name "
        f"'{repository}' in the registry with id '123456789012' do not exist"
    )
    reply = registry.push(repository, "v1", index, INDEX)
    assert (reply.status, reply.error) == (400, ("MANIFEST_BLOB_UNKNOWN", text))
    assert registry.push(repository, digest_of(child), child).status == 201
    assert registry.push(repository, "v1", index, INDEX).status == 201
    rows = {r["imageDigest"]: r for r in ecr.describe_images(repositoryName=repository)["imageDetails"]}
    sizes = {rows[digest_of(m)]["imageSizeInBytes"] for m in (child, index)}
    assert sizes == {sum(d["size"] for d in [json.loads(child)["config"], *json.loads(child)["layers"]])}
    assert "imageTags" not in rows[digest_of(child)]


def test_an_immutable_tag_is_pushed_once(registry: Registry, ecr: Any) -> None:
    """Another image is refused, and the very same one too."""
    ecr.create_repository(repositoryName="frozen", imageTagMutability="IMMUTABLE")
    manifest, digest = registry.push_image("frozen", "v1", "one")
    text = (
        "The image tag 'v1' already exists in the 'frozen' repository "
        "and cannot be overwritten because the tag is immutable."
    )
    for content in (registry.push_content("frozen", "two"), manifest):
        reply = registry.push("frozen", "v1", content)
        assert (reply.status, reply.error) == (400, ("TAG_INVALID", text))
    assert registry.ask("HEAD", "/v2/frozen/manifests/v1").headers["Docker-Content-Digest"] == digest


def test_exclusion_filters_are_wildcards(registry: Registry, ecr: Any) -> None:
    """IMMUTABLE_WITH_EXCLUSION lets the tags of its filters move, no others."""
    ecr.create_repository(
        repositoryName="excluding",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": f} for f in ("latest", "dep*-x")],
    )
    other = registry.push_content("excluding", "two")
    for tag, status in (("latest", 201), ("deployed-x", 201), ("latest2", 400), ("de-x", 400)):
        registry.push_image("excluding", tag, "one")
        assert registry.push("excluding", tag, other).status == status, tag


def test_tags_are_listed_in_pages(registry: Registry, repository: str) -> None:
    """tags/list knows n and last."""
    for tag in ("b", "a", "c"):
        registry.push_image(repository, tag, "same")
    assert json.loads(registry.ask("GET", f"/v2/{repository}/tags/list").body)["tags"] == ["a", "b", "c"]
    page = registry.ask("GET", f"/v2/{repository}/tags/list?n=2")
    assert json.loads(page.body)["tags"] == ["a", "b"]
    following = page.headers["Link"].split(">")[0].lstrip("<")
    assert json.loads(registry.ask("GET", following).body)["tags"] == ["c"]


def test_a_push_by_a_digest_that_is_not_its_own_is_refused(registry: Registry, repository: str) -> None:
    """A manifest is stored under its own digest only."""
    manifest = registry.push_content(repository, "x")
    reply = registry.push(repository, digest_of(b"other"), manifest)
    text = (
        f"The image with digest '{digest_of(b'other')}' in repository '{repository}' and registry ID '123456789012' "
        "does not match the image digest that Amazon ECR has calculated."
    )
    assert (reply.status, reply.error) == (400, ("MANIFEST_INVALID", text))


def test_referrers_of_an_image_are_listed(registry: Registry, repository: str) -> None:
    """A manifest with a subject is found by the subject's digest."""
    _, digest = registry.push_image(repository, "v1", "subject")
    signature = json.loads(registry.push_content(repository, "signature"))
    subject = {"mediaType": MANIFEST, "digest": digest, "size": 1}
    content = json.dumps({**signature, "artifactType": "text/x", "subject": subject}).encode()
    assert registry.push(repository, digest_of(content), content).headers["OCI-Subject"] == digest
    found = json.loads(registry.ask("GET", f"/v2/{repository}/referrers/{digest}").body)["manifests"]
    assert [(m["digest"], m["artifactType"]) for m in found] == [(digest_of(content), "text/x")]
    other = registry.ask("GET", f"/v2/{repository}/referrers/{digest}?artifactType=text/y")
    assert json.loads(other.body)["manifests"] == []


def test_deleting_a_manifest_by_the_wire_is_not_supported(registry: Registry, repository: str) -> None:
    """Images are deleted by the API alone."""
    _, digest = registry.push_image(repository, "v1", "x")
    reply = registry.ask("DELETE", f"/v2/{repository}/manifests/{digest}")
    assert (reply.status, reply.error[0]) == (405, "UNSUPPORTED")
