"""An index of images that were built apart."""

from __future__ import annotations

import hashlib
import json

import pytest

from ecr_action.aws import revision
from ecr_action.image.index import OCI, member, merged, normal, split_annotations

PLAIN = '{"schemaVersion": 2, "config": {}}'
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
KIND = {"vnd.docker.reference.type": "attestation-manifest"}
NOTE = {"digest": TWO, "platform": {"os": "unknown"}, "annotations": KIND}
ATTESTED = json.dumps({"manifests": [{"digest": ONE, "platform": {"os": "linux", "architecture": "amd64"}}, NOTE]})


def test_members_are_described_in_their_order() -> None:
    """By type, digest, size and platform; a variant that goes without saying is not said."""
    members = [member(PLAIN, MANIFEST, ONE, "linux/arm64/v8"), member(PLAIN, MANIFEST, TWO, "linux/arm/v7")]
    text, digest = merged(members, {})
    size = len(PLAIN)
    assert json.loads(text) == {
        "schemaVersion": 2,
        "mediaType": OCI,
        "manifests": [
            {"mediaType": MANIFEST, "digest": ONE, "size": size, "platform": {"os": "linux", "architecture": "arm64"}},
            {
                "mediaType": MANIFEST, "digest": TWO, "size": size,
                "platform": {"os": "linux", "architecture": "arm", "variant": "v7"},
            },
        ],
    }
    assert digest == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    assert (text, digest) == merged(members, {})
    assert revision.platforms(text) == {"linux/arm64": ONE, "linux/arm/v7": TWO}


def test_a_part_with_attestations_brings_them_along() -> None:
    """It is an index itself, whose rows are taken as they are."""
    text, _ = merged([member(ATTESTED, OCI, ONE, "linux/amd64")], {"b": "2", "a": "1"})
    assert json.loads(text)["manifests"] == json.loads(ATTESTED)["manifests"]
    assert list(json.loads(text)["annotations"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("linux/s390x", "linux/s390x"),
    ],
)
def test_platforms_are_compared_as_builders_write_them(written: str, compared: str) -> None:
    """What a configuration says is not always what was asked for."""
    assert normal(written) == compared


@pytest.mark.parametrize(
    ("entry", "images", "index"),
    [
        ("org.x=1", ("org.x=1",), {}),
        ("org.x=http://y", ("org.x=http://y",), {}),
        ("index:org.x=a=b", (), {"org.x": "a=b"}),
        ("manifest:org.x=1", ("manifest:org.x=1",), {}),
        ("index,manifest:org.x=1", ("manifest:org.x=1",), {"org.x": "1"}),
        ("manifest[linux/amd64]:org.x=1", ("manifest[linux/amd64]:org.x=1",), {}),
        ("index-descriptor:org.x=1", (), {}),
    ],
)
def test_annotations_go_where_they_belong(entry: str, images: tuple[str, ...], index: dict[str, str]) -> None:
    """A single image has no index, and the builder refuses one that is for it."""
    assert split_annotations([entry]) == (images, index)
