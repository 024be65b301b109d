"""What an image is made of, and the order in which it is copied."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action.image.promotion import Blob, Copied, Parts, children_first, megabytes, parts, pieces, signatures

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


def described(digest: str, size: int = 1, **more: Any) -> dict[str, Any]:
    """A descriptor."""
    return {"digest": digest, "size": size, **more}


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (
            {"config": described(A, 3), "layers": [described(B, 5), described(B, 5)]},
            Parts(blobs=(Blob(A, 3), Blob(B, 5))),
        ),
        ({"manifests": [described(A), described(B), described(A)]}, Parts(children=(A, B))),
        ({"manifests": []}, Parts()),
        (
            {"config": described(A), "layers": [described(B, urls=["https://example.com/b"])]},
            Parts(blobs=(Blob(A, 1),)),
        ),
        ({"blobs": [described(C, 7)], "artifactType": "text/x"}, Parts(blobs=(Blob(C, 7),))),
        ({"subject": described(A)}, Parts()),
    ],
    ids=[
        "image",
        "index",
        "empty index",
        "layer that lies elsewhere",
        "artifact of OCI 1.1-rc",
        "nothing but a subject",
    ],
)
def test_what_a_manifest_names(manifest: dict[str, Any], expected: Parts) -> None:
    """Each part once, and only what the repository holds."""
    assert parts(json.dumps(manifest)) == expected


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "[]",
        "[" * 5000,
        "{}",
        '{"schemaVersion": 1, "fsLayers": []}',
        '{"manifests": {}}',
        '{"manifests": ["x"]}',
        '{"layers": [{"digest": "sha256:1", "size": 1}]}',
        json.dumps({"layers": [{"digest": A}]}),
        json.dumps({"layers": [described(A, -1)]}),
        json.dumps({"layers": [{"digest": A, "size": True}]}),
        json.dumps({"config": "x", "layers": [described(A)]}),
    ],
)
def test_what_is_no_manifest_is_refused(manifest: str) -> None:
    """As a ValueError, whatever it is."""
    with pytest.raises(ValueError, match=r".+"):
        parts(manifest)


@given(st.dictionaries(st.integers(0, 9), st.lists(st.integers(0, 9)).map(tuple)), st.lists(st.integers(0, 9)))
def test_everything_comes_once_and_after_what_it_names(below: dict[int, tuple[int, ...]], roots: list[int]) -> None:
    """As ECR demands of indexes; only what the roots reach."""
    # A manifest names older ones only: its digest is made of theirs.
    known = {str(one): [str(child) for child in children if child < one] for one, children in below.items()}
    order = children_first(map(str, roots), known)
    assert len(order) == len(set(order))
    assert {str(one) for one in roots} <= set(order)
    assert all(order.index(child) < order.index(one) for one in order for child in known.get(one, ()))
    named = {child for one in order for child in known.get(one, ())}
    assert set(order) == named | {str(one) for one in roots}


@given(st.integers(0, 10_000), st.integers(1, 300))
def test_pieces_are_the_whole(size: int, most: int) -> None:
    """Without gaps, none too large, all but the last of the full size."""
    found = pieces(size, most)
    assert [byte for first, last in found for byte in (first, last + 1)][1:-1] == [
        byte for first, _ in found[1:] for byte in (first, first)
    ]
    assert sum(last - first + 1 for first, last in found) == size
    assert all(last - first + 1 == most for first, last in found[:-1])
    assert all(0 < last - first + 1 <= most for first, last in found)


def test_a_copy_in_words() -> None:
    """The bytes by the way they took."""
    assert Copied().words() == "0 manifests; no bytes of layers"
    assert Copied(manifests=1, streamed=84_200_000, there=999).words() == (
        "1 manifest; 84.2 MB streamed, 999 B there already"
    )
    assert Copied(manifests=2, mounted=1500).words() == "2 manifests; 1.5 kB mounted"
    assert megabytes(123_456) == "0.1 MB"


def test_where_older_clients_keep_signatures() -> None:
    """By tags that are made of the digest."""
    assert signatures(A) == (f"sha256-{'a' * 64}", *(f"sha256-{'a' * 64}.{kind}" for kind in ("sig", "att", "sbom")))
