"""Images copied between two registries of the lab: same bytes, nothing sent twice, continued after every cut."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ecr_action import errors, promoting
from ecr_action.aws.calls import Losses
from ecr_action.aws.copies import EcrCopies, Side
from ecr_action.aws.images import EcrImages
from ecr_action.aws.layers import LARGEST_PART, Layers
from ecr_action.aws.session import Session
from ecr_action.deployment import Named
from ecr_action.image.promotion import Copied
from ecr_action.protocols import RepositoryState
from ecr_action.services import Cloud, Elsewhere
from lab.aws import setup
from tests.lab.aws.oci import INDEX, MANIFEST, Registry, digest_of, image_manifest
from tests.unit.blank import Blank, never

from .world import ACCOUNT, Job, World

OTHER, WEST = "345678901234", "us-west-2"
WRITES = ("ecr:PutImage", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload")


@dataclass
class Both:
    """A repository *name* in two accounts and Regions: ours is the source, *there* is the other's administrator."""

    name: str
    world: World
    job: Job
    registry: Registry
    there: Any
    copies: EcrCopies
    images: EcrImages

    def copy(self, tag: str) -> Copied:
        """Copy the image under *tag*."""
        return self.copies.copy(self.images.find(self.name, [tag])[tag], self.name, self.name)

    def push(self, text: str, *layers: bytes, **more: Any) -> bytes:
        """Push an image's blobs; its manifest, with the fields *more*."""
        config = json.dumps({"architecture": "amd64", "os": "linux", "of": text}).encode()
        for blob in (config, *layers):
            self.registry.push_blob(self.name, blob)
        made = json.loads(image_manifest(config, layers[0]))
        made["layers"] = [{**made["layers"][0], "digest": digest_of(one), "size": len(one)} for one in layers]
        return json.dumps({**made, **more}).encode()

    def put(self, manifest: bytes, tag: str = "", media_type: str = MANIFEST) -> str:
        """Put *manifest* into the source; its digest."""
        reply = self.registry.push(self.name, tag or digest_of(manifest), manifest, media_type)
        assert reply.status == 201, reply.body
        return digest_of(manifest)

    def manifest_there(self, digest: str) -> bytes:
        """The bytes of an image in the other registry."""
        ids = [{"imageDigest": digest}]
        return str(
            self.there.batch_get_image(repositoryName=self.name, imageIds=ids)["images"][0]["imageManifest"]
        ).encode()

    def rows(self) -> list[dict[str, Any]]:
        """The calls since the last clearing."""
        return [row for row in self.world.control("GET", "calls") if row["service"] != "iam"]

    def writes(self) -> list[str]:
        """Those that change something."""
        return [call for call in self.world.calls() if call in WRITES]


def side(job: Job, session: Session, region: str) -> Side:
    """One registry, as the run's own composition makes it."""
    ecr = session.service("ecr", region=region)
    return Side(ecr, EcrImages(ecr, Losses(job.console), job.clock), Layers(ecr, job.clock))


@pytest.fixture(scope="module")
def there(world: World) -> Any:
    """The ECR client of the other account's administrator."""
    return setup.admin_client("ecr", world.endpoint, OTHER, WEST)


@pytest.fixture
def both(world: World, there: Any, job: Job, name: str, sessions: tuple[Session, Session]) -> Both:
    """The two repositories, and what copies from the first into the second."""
    world.admin("ecr").create_repository(repositoryName=name)
    there.create_repository(repositoryName=name)
    source, other = (side(job, session, at) for session, at in zip(sessions, ("us-east-1", WEST), strict=True))
    copies = EcrCopies(source, other, Losses(job.console), job.console, job.clock)
    world.control("DELETE", "calls")
    return Both(name, world, job, world.registry(), there, copies, source.images)


_KEPT: list[tuple[Session, Session]] = []


@pytest.fixture
def sessions(world: World, full_role: str) -> tuple[Session, Session]:
    """Credentials of a role in each account, for all tests of this page."""
    if not _KEPT:
        role = setup.full_role(world.admin("iam", OTHER), "darede-labs", account=OTHER, region=WEST)
        job = Job(world)
        _KEPT.append((job.connect(full_role), job.connect(role)))
    return _KEPT[0]


def index(*rows: bytes, **more: Any) -> bytes:
    """An index of manifests, with an attestation as BuildKit adds one if *more* says so."""
    listed = [{"mediaType": MANIFEST, "digest": digest_of(one), "size": len(one)} for one in rows]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed, **more}, indent=2).encode()


def test_an_index_with_its_attestation_signatures_and_what_refers_to_them(both: Both) -> None:
    """Every manifest arrives byte for byte, under its digest; what is kept under a tag has it there too."""
    one, two, proof = (
        both.push("one", b"base", b"one"),
        both.push("two", b"base", b"two"),
        both.push("proof", b"intoto"),
    )
    for child in (one, two, proof):
        both.put(child)
    whole = index(one, two, proof)
    digest = both.put(whole, "v1", INDEX)
    subject = {"mediaType": INDEX, "digest": digest, "size": len(whole)}
    signature = both.push("signature", b"signed", artifactType="text/x", subject=subject)
    signed = {"mediaType": MANIFEST, "digest": both.put(signature), "size": len(signature)}
    stamp = both.push("stamp", b"stamped", artifactType="text/y", subject=signed)
    both.put(stamp)
    cosign = both.push("cosign", b"cosigned")
    both.put(cosign, f"{digest.replace(':', '-')}.sig")

    copied = both.copy("v1")
    for manifest in (one, two, proof, whole, signature, stamp, cosign):
        assert both.manifest_there(digest_of(manifest)) == manifest
    tags = both.there.list_images(repositoryName=both.name, filter={"tagStatus": "TAGGED"})["imageIds"]
    assert tags == [{"imageTag": f"{digest.replace(':', '-')}.sig", "imageDigest": digest_of(cosign)}]
    asked = {"repositoryName": both.name, "subjectId": {"imageDigest": digest}}
    assert [row["digest"] for row in both.there.list_image_referrers(**asked)["referrers"]] == [digest_of(signature)]
    assert (copied.manifests, copied.mounted, copied.there) == (7, 0, 0)
    assert both.job.console.leaks() == []

    both.world.control("DELETE", "calls")
    assert both.copy("v1") == Copied()
    assert both.writes() == []


def test_a_large_layer_goes_in_parts(both: Both) -> None:
    """No request holds more than one of 20 MiB, whatever the layer's size; ECR compares the digest at its end."""
    layer = hashlib.shake_128(b"layer").digest(LARGEST_PART + 777)
    both.put(both.push("large", layer), "v1")
    both.world.control("DELETE", "calls")
    copied = both.copy("v1")
    assert copied.streamed > len(layer)
    read = [row["sent"] for row in both.rows() if row["service"] == "layers"]
    assert sorted(read)[-2:] == [777, LARGEST_PART]
    written = [row["received"] for row in both.rows() if row["operation"] == "UploadLayerPart"]
    assert max(written) < 1.4 * LARGEST_PART
    known = both.there.batch_check_layer_availability(repositoryName=both.name, layerDigests=[digest_of(layer)])
    assert known["layers"][0]["layerSize"] == len(layer)


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("layers:GET layer", {"cut": True, "times": 2}),
        ("layers:GET layer", {"error": {"code": "SlowDown", "status": 503}, "times": 2}),
        ("layers:GET layer", {"error": {"code": "AccessDenied", "status": 403}}),
        ("ecr:UploadLayerPart", {"cut": True}),
        ("ecr:UploadLayerPart", {"cut": True, "after": True}),
        ("ecr:UploadLayerPart", {"error": {"code": "UploadNotFoundException"}, "skip": 1}),
        ("ecr:CompleteLayerUpload", {"cut": True, "after": True}),
        ("ecr:PutImage", {"cut": True, "after": True}),
        ("ecr:BatchCheckLayerAvailability", {"error": {"code": "ThrottlingException"}}),
    ],
)
def test_what_is_cut_on_its_way_is_sent_again(both: Both, operation: str, more: dict[str, Any]) -> None:
    """Before it took effect or after: the image is whole at the end."""
    manifest = both.push("cut", b"a layer", b"another")
    both.put(manifest, "v1")
    both.world.control("POST", "faults", {"operation": operation, **more})
    both.copy("v1")
    assert both.manifest_there(digest_of(manifest)) == manifest


def test_a_copy_that_failed_is_continued(both: Both) -> None:
    """What arrived is not sent again; nothing of the image can be seen before all of it is there."""
    layers = [f"layer {number}".encode() for number in range(8)]
    manifest = both.push("often", *layers)
    both.put(manifest, "v1")
    both.world.fault("ecr:CompleteLayerUpload", "AccessDeniedException", "no more", skip=4)
    with pytest.raises(errors.AwsDenied):
        both.copy("v1")
    assert both.there.describe_images(repositoryName=both.name)["imageDetails"] == []
    both.world.control("DELETE", "calls")
    copied = both.copy("v1")
    assert (copied.manifests, copied.there > 0) == (1, True)
    assert both.writes().count("ecr:CompleteLayerUpload") <= 9 - 4


def test_a_layer_that_is_not_what_its_digest_says_is_refused(both: Both) -> None:
    """By ECR itself, which calculates it; the failure has its words."""
    both.put(both.push("wrong", b"a layer"), "v1")
    both.world.fault("ecr:CompleteLayerUpload", "InvalidLayerException", "the digest is another", times=9)
    with pytest.raises(errors.AwsRefused) as refused:
        both.copy("v1")
    assert "InvalidLayerException" in refused.value.what


def test_a_promotion_that_was_cut_before_the_signatures_brings_them(both: Both) -> None:
    """The image is there and no tag on it yet: what refers to it is looked for. Once a tag stands, nothing is."""
    manifest = both.push("image", b"layer")
    digest = both.put(manifest, "v1")
    both.copy("v1")
    subject = {"mediaType": MANIFEST, "digest": digest, "size": len(manifest)}
    signature = digest_of(both.push("signature", b"signed", artifactType="text/x", subject=subject))
    image = both.images.find(both.name, ["v1"])["v1"]
    side = Elsewhere(images=both.images, copies=both.copies)
    state = RepositoryState(name=both.name, uri="", arn="", account=OTHER, mutability="MUTABLE")
    unused: Any = never
    cloud = Cloud(
        repository=unused, images=unused, logins=unused, scans=unused, elsewhere=lambda _: side, refusal=unused
    )
    named, services = Named(repository=both.name), Blank().services()

    both.put(both.push("signature", b"signed", artifactType="text/x", subject=subject))
    both.world.control("DELETE", "calls")
    promoting.take_over(image, named, {"v1": image}, state, cloud, services)
    assert both.rows() == []
    for _ in range(2):
        promoting.take_over(image, named, {"latest": replace(image, digest=signature)}, state, cloud, services)
        assert both.manifest_there(signature)


def test_referrers_that_are_not_told_are_left(both: Both) -> None:
    """Where a Region does not know the operation the image is copied all the same."""
    manifest = both.push("one", b"one")
    both.put(manifest, "v1")
    both.world.fault("ecr:ListImageReferrers", "UnknownOperationException")
    both.copy("v1")
    assert both.manifest_there(digest_of(manifest)) == manifest


def test_a_signature_that_is_refused_costs_a_notice(both: Both) -> None:
    """ECR does not take any number of artifacts of a subject; the image is there."""
    manifest = both.push("one", b"one")
    subject = {"mediaType": MANIFEST, "digest": both.put(manifest, "v1"), "size": len(manifest)}
    both.put(both.push("signature", b"signed", artifactType="text/x", subject=subject))
    both.world.fault("ecr:PutImage", "InvalidParameterException", "too many of them", skip=1)
    both.copy("v1")
    assert both.manifest_there(digest_of(manifest)) == manifest
    (notice,) = both.job.console.of("notice")
    assert "too many of them" in notice


def test_a_child_that_is_archived_is_named(both: Both) -> None:
    """Nothing is written; the command shows its state."""
    child = both.push("child", b"layer")
    both.put(child)
    both.put(index(child), "v1", INDEX)
    image = both.images.find(both.name, ["v1"])["v1"]
    ours = both.world.admin("ecr")
    for digest in (image.digest, digest_of(child)):
        ours.update_image_storage_class(
            repositoryName=both.name, imageId={"imageDigest": digest}, targetStorageClass="ARCHIVE"
        )
    both.world.control("DELETE", "calls")
    with pytest.raises(errors.AwsRefused) as refused:
        both.copies.copy(image, both.name, both.name)
    assert digest_of(child) in refused.value.what
    assert both.writes() == []


def test_the_source_is_only_read(both: Both) -> None:
    """Every call that writes is the other account's."""
    both.put(both.push("one", b"one"), "v1")
    both.world.control("DELETE", "calls")
    both.copy("v1")
    callers = {row["caller"].split(":")[4] for row in both.rows() if f"ecr:{row['operation']}" in WRITES}
    assert callers == {OTHER}
    assert {row["caller"].split(":")[4] for row in both.rows() if row["caller"]} == {ACCOUNT, OTHER}
