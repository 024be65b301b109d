"""Settings of a repository that is there: which differences are told, and which can be mended."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_action.aws import drift
from ecr_action.protocols import RepositorySpec, RepositoryState, Scanning

KEY = "arn:aws:kms:us-east-1:123456789012:key/1111"
ALIAS = "arn:aws:kms:us-east-1:123456789012:alias/ours"
IMMUTABLE = {"mutability": "IMMUTABLE_WITH_EXCLUSION", "immutable_except": drift.MOVING}
KMS = {"encryption": "KMS", "kms_key": KEY}


def found(spec: dict[str, Any], state: dict[str, Any], scanning: Scanning | None = None) -> list[tuple[str, bool]]:
    """The settings that differ, and whether each is there to stay."""
    given = {"uri": "", "arn": "", "account": "", "mutability": "MUTABLE", "scan_on_push": True, **state}
    wanted = RepositorySpec(name="app", **spec)
    return [
        (one.setting, one.lasting)
        for one in drift.differences(wanted, RepositoryState(name="app", **given), lambda: scanning)
    ]


@pytest.mark.parametrize(
    ("wanted", "own", "scanning", "expected"),
    [
        (True, False, Scanning(on_push=False), [("scanning", False)]),
        (False, True, Scanning(on_push=True), [("scanning", False)]),
        # The registry's configuration scans it, or says that it is scanned by hand.
        (True, False, Scanning(on_push=True, by_rule=True), []),
        (True, False, Scanning(on_push=False, by_rule=True), [("scanning", True)]),
        (False, True, Scanning(on_push=True, by_rule=True), []),
        (False, True, Scanning(on_push=False, by_rule=True), []),
        # Enhanced scanning of all that is pushed, without a rule's name.
        (True, False, Scanning(on_push=True), []),
        # The role may not ask.
        (True, False, None, []),
    ],
)
def test_how_it_is_scanned_in_effect_decides(
    wanted: bool, own: bool, scanning: Scanning | None, expected: list[tuple[str, bool]]
) -> None:
    """The repository's own setting is overruled by the registry's configuration."""
    assert found({"scan_on_push": wanted}, {"scan_on_push": own}, scanning) == expected


def test_the_registry_is_not_asked_where_the_repository_itself_is_as_wanted() -> None:
    """A warm run has no call more."""
    state = RepositoryState(name="app", uri="", arn="", account="", mutability="MUTABLE", scan_on_push=True)

    def asked() -> Scanning:
        raise AssertionError("the registry was asked")

    assert list(drift.differences(RepositorySpec(name="app"), state, asked)) == []


@pytest.mark.parametrize(
    ("spec", "state", "expected"),
    [
        (IMMUTABLE, {}, [("mutability", False)]),
        (IMMUTABLE, {"mutability": "MUTABLE_WITH_EXCLUSION", "immutable_except": ("v*",)}, [("mutability", False)]),
        (IMMUTABLE, {"mutability": "IMMUTABLE"}, [("mutability", False)]),
        (IMMUTABLE, {**IMMUTABLE, "immutable_except": ("latest",)}, [("mutability", False)]),
        (IMMUTABLE, IMMUTABLE, []),
        (IMMUTABLE, {**IMMUTABLE, "immutable_except": ("*",)}, []),
        # ECR takes five, and somebody's own would have to go.
        (IMMUTABLE, {**IMMUTABLE, "immutable_except": ("edge",)}, [("mutability", True)]),
        # `mutable` is the default: nobody asked for less protection.
        ({}, IMMUTABLE, []),
        (KMS, {}, [("encryption", True)]),
        (KMS, {"encryption": "KMS", "kms_key": KEY}, []),
        (KMS, {"encryption": "KMS", "kms_key": KEY.replace("1111", "2222")}, [("encryption", True)]),
        ({"encryption": "KMS", "kms_key": "1111"}, {"encryption": "KMS", "kms_key": KEY}, []),
        ({"encryption": "KMS", "kms_key": ALIAS}, {"encryption": "KMS", "kms_key": KEY}, []),
        ({"encryption": "KMS"}, {"encryption": "KMS", "kms_key": KEY}, []),
        ({"encryption": "KMS"}, {"encryption": "KMS_DSSE"}, [("encryption", True)]),
        ({}, KMS, []),
    ],
)
def test_mutability_and_encryption(
    spec: dict[str, Any], state: dict[str, Any], expected: list[tuple[str, bool]]
) -> None:
    """What was written and does not stand is told; a default never takes protection away."""
    assert found(spec, state) == expected


@pytest.mark.parametrize(
    ("mutability", "standing", "expected"),
    [
        ("IMMUTABLE", (), drift.MOVING),
        ("IMMUTABLE_WITH_EXCLUSION", ("latest", "key-*"), ("latest", "key-*", "deployed-*", "buildcache*", "sha256-*")),
        # What ours says as well, and what says all of ours, is no more than one.
        ("IMMUTABLE_WITH_EXCLUSION", ("deployed-prod",), drift.MOVING),
        ("IMMUTABLE_WITH_EXCLUSION", ("*",), ("*",)),
        ("IMMUTABLE_WITH_EXCLUSION", ("s*", "edge"), ("s*", "edge", "latest", "deployed-*", "buildcache*", "key-*")),
        # There it names the tags that stay.
        ("MUTABLE_WITH_EXCLUSION", ("v*",), drift.MOVING),
        ("MUTABLE", (), drift.MOVING),
    ],
)
def test_what_somebody_has_excluded_stays_excluded(
    mutability: str, standing: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """Ours are added, not put in the place of what stands."""
    spec = RepositorySpec(name="app", **IMMUTABLE)  # type: ignore[arg-type]
    state = RepositoryState(
        name="app", uri="", arn="", account="", mutability=mutability, immutable_except=standing, scan_on_push=True
    )
    assert drift.exclusions(spec, state) == expected
    for one in drift.differences(spec, state, lambda: None):
        assert one.lasting == (len(expected) > 5)
        assert not one.lasting or "s*, edge are there already" in one.fix


def test_each_difference_says_what_to_write() -> None:
    """The tags that can't move by name; the line that leaves things as they are."""
    spec = RepositorySpec(name="app", encryption="KMS", **IMMUTABLE)  # type: ignore[arg-type]
    state = RepositoryState(
        name="app", uri="", arn="", account="", mutability="IMMUTABLE_WITH_EXCLUSION", immutable_except=("latest",)
    )
    scanning, mutability, encryption = drift.differences(spec, state, lambda: Scanning(on_push=False))
    assert "scan-on-push: 'false'" in scanning.fix
    assert "deployed-*, buildcache*, key-*, sha256-* can't move" in mutability.what
    assert "tag-mutability: mutable" in mutability.fix
    assert "can't change the encryption" in encryption.fix
    assert "encryption: AES256" in encryption.fix
