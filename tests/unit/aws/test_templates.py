"""Repository creation templates: which one fits, and what it gives to a repository that is made."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_action.aws import drift, lifecycle, templates
from ecr_action.protocols import RepositorySpec

DEFAULT = lifecycle.text(lifecycle.default_policy())
KEY = "arn:aws:kms:us-east-1:123456789012:key/1111"


def template(prefix: str, *scenarios: str, **settings: Any) -> dict[str, Any]:
    """A template, by default one for pushes."""
    return {"prefix": prefix, "appliedFor": list(scenarios or ("CREATE_ON_PUSH",)), **settings}


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("team/app", "team"), ("team/a/app", "team/a"), ("teams/app", "ROOT"), ("team", "ROOT"), ("cache/app", "ROOT")],
)
def test_the_most_specific_template_for_pushes_fits(name: str, prefix: str) -> None:
    """A prefix ends at a slash; ROOT fits what no other does; those for other ways of creation don't count."""
    rows = [template("ROOT"), template("team"), template("team/a"), template("cache", "PULL_THROUGH_CACHE")]
    found = templates.fitting(name, rows)
    assert found is not None
    assert found["prefix"] == prefix


def test_no_template_fits() -> None:
    """Then there are no defaults but the inputs'."""
    assert templates.fitting("app", [template("team"), template("ROOT", "REPLICATION")]) is None


FULL = template(
    "ROOT",
    encryptionConfiguration={"encryptionType": "KMS", "kmsKey": KEY},
    imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
    imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "latest"}],
    resourceTags=[{"Key": "team", "Value": "platform"}, {"Key": "cost", "Value": "1"}],
    lifecyclePolicy="{}",
    repositoryPolicy='{"Version": "2012-10-17"}',
)


def test_what_the_inputs_leave_open_is_the_template_s() -> None:
    """Encryption with its key, mutability with its exclusions, tags, both policies."""
    spec = RepositorySpec(name="app", lifecycle_policy=DEFAULT, lifecycle_is_default=True)
    found = templates.applied(spec, FULL)
    assert found == RepositorySpec(
        name="app",
        encryption="KMS",
        kms_key=KEY,
        mutability="IMMUTABLE_WITH_EXCLUSION",
        immutable_except=("latest",),
        tags={"team": "platform", "cost": "1"},
        lifecycle_policy="{}",
        policy='{"Version": "2012-10-17"}',
        template="ROOT",
    )


@pytest.mark.parametrize(
    "spec",
    [
        {"lifecycle_policy": DEFAULT, "lifecycle_is_default": True, "lifecycle_asked_for": True},
        {"lifecycle_policy": lifecycle.text(lifecycle.default_policy({})) + " ", "lifecycle_is_default": True},
        {"lifecycle_policy": None},
    ],
)
def test_what_is_written_stays(spec: dict[str, Any]) -> None:
    """The template gives way to inputs: encryption, mutability, tags of the same name, the policy or none."""
    written = RepositorySpec(
        name="app",
        encryption="KMS",
        kms_key="mine",
        mutability="IMMUTABLE_WITH_EXCLUSION",
        immutable_except=drift.MOVING,
        tags={"team": "a"},
        **spec,
    )
    found = templates.applied(written, FULL)
    assert (found.encryption, found.kms_key) == ("KMS", "mine")
    assert found.immutable_except == drift.MOVING
    assert found.tags == {"team": "a", "cost": "1"}
    assert found.lifecycle_policy == written.lifecycle_policy


def test_an_empty_template_changes_nothing() -> None:
    """But for its name."""
    spec = RepositorySpec(name="app", lifecycle_policy=DEFAULT, lifecycle_is_default=True)
    assert templates.applied(spec, template("ROOT")).lifecycle_policy == DEFAULT
    assert templates.applied(spec, template("ROOT")).encryption == "AES256"
