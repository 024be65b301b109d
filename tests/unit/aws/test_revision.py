"""From a manifest to the commit in its label."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action.aws import revision

D0, D1, D2, D3 = ("sha256:" + digit * 64 for digit in "0123")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["manifests", "config", "digest", "platform", "os", "annotations", "Labels"]) | st.text(), inner
    ),
)  # fmt: skip


@given(JSON.map(json.dumps) | st.text())
def test_any_document_is_read(text: str) -> None:
    """Strange registries give strange documents: no digest, no commit, no exception."""
    for read in (revision.first_child, revision.config, lambda t: revision.commit(revision.labels(t))):
        assert read(text) is None or isinstance(read(text), str)


@pytest.mark.parametrize(
    ("rows", "child"),
    [
        ([], None),
        ([{"digest": D1}], D1),
        ([{"digest": D1, "platform": {"os": "unknown"}}, {"digest": D2, "platform": {"os": "linux"}}], D2),
        ([{"digest": D1, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}, {"digest": D2}], D2),
        ([{"digest": "../../etc"}], None),
    ],
)
def test_the_first_real_child(rows: list[object], child: str | None) -> None:
    """Attestations are passed over; what is no digest is none."""
    assert revision.first_child(json.dumps({"manifests": rows})) == child


def test_every_image_of_an_index_has_a_name() -> None:
    """Two of one platform are told apart by number; one that is listed twice is one; attestations are none."""
    plain = {"os": "linux", "architecture": "arm64"}
    rows = [
        {"digest": D1, "platform": plain},
        {"digest": D2, "platform": plain},
        {"digest": D1, "platform": plain},
        {"digest": D0, "platform": plain},
        {"digest": D3, "platform": {**plain, "variant": "v8"}},
        {"digest": "sha256:" + "4" * 64, "platform": {"os": "unknown", "architecture": "unknown"}},
    ]
    found = revision.platforms(json.dumps({"manifests": rows}))
    assert found == {"linux/arm64": D1, "linux/arm64 (2)": D2, "linux/arm64 (3)": D0, "linux/arm64/v8": D3}


@pytest.mark.parametrize(
    ("label", "commit"),
    [
        ("a" * 40, "a" * 40),
        ("a" * 40 + "-dirty", "a" * 40),
        ("a" * 39, None),
        ("A" * 40, None),
        ("main", None),
        (7, None),
    ],
)
def test_the_label_is_a_commit_or_nothing(label: object, commit: str | None) -> None:
    """40 hex digits, with or without the mark of a dirty tree."""
    assert revision.commit(revision.labels(json.dumps({"config": {"Labels": {revision.REVISION: label}}}))) == commit
