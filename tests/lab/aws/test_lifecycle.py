"""Lifecycle policies: what ECR refuses, previews, and policies that act when time passes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest

from ecr_action.aws import lint, policy_text, simulate
from ecr_action.aws.simulate import Stored
from lab.aws.errors import AwsError
from lab.aws.expiry import State, outcomes
from lab.aws.lifecycle_text import checked

from . import lifecycle_worlds
from .conftest import Lab, refusal
from .lifecycle_cases import CASES, COUNT, MOVED, PULLED, PUSHED, Case, Image, rule, tagged
from .oci import INDEX, MANIFEST, Registry, digest_of, index_manifest

NOW = datetime(2026, 11, 3, 12, tzinfo=timezone.utc)


def before(days: float | None) -> datetime | None:
    """Return the moment *days* before now."""
    return None if days is None else NOW - timedelta(days=days)


def seconds(days: float | None) -> float | None:
    """Return the same in seconds since the epoch."""
    moment = before(days)
    return moment.timestamp() if moment else None


def states(images: Sequence[Image]) -> list[State]:
    """Return images in the lab's shape."""
    held = {child for image in images if image.status != "ARCHIVED" for child in image.children}
    return [
        State(
            digest=image.name,
            tags=image.tags,
            pushed_at=seconds(image.days) or 0.0,
            status=image.status,
            pulled_at=seconds(image.pulled),
            archived_at=seconds(image.archived),
            activated_at=seconds(image.activated),
            held=image.name in held,
            subject=image.subject,
        )
        for image in images
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_guides_examples_by_the_lab(case: Case) -> None:
    """The lab's evaluator says what the guide says."""
    acting = outcomes(checked(case.text), states(case.images), NOW.timestamp())
    assert {name: found["rulePriority"] for name, found in acting.items()} == case.expected


def stored(image: Image) -> Stored:
    """Return an image in the product's shape."""
    return Stored(
        digest=image.name,
        pushed_at=NOW - timedelta(days=image.days),
        tags=image.tags,
        status=image.status,
        pulled_at=before(image.pulled),
        archived_at=before(image.archived),
        activated_at=before(image.activated),
        children=image.children,
        subject=image.subject,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_guides_examples_by_the_product(case: Case) -> None:
    """The product's simulator says the same."""
    policy, problems = policy_text.parse(case.text)
    assert policy is not None, problems
    rows = simulate.simulate(policy, [stored(image) for image in case.images], NOW)
    assert {row.digest: row.rule for row in rows if row.rule is not None} == case.expected


def taken(text: str) -> tuple[list[dict[str, Any]], str]:
    """Return the rules as the lab takes them, or what it says against them."""
    try:
        return checked(text), ""
    except AwsError as error:
        return [], error.message


def test_both_evaluators_agree_whatever_the_policy_and_the_images() -> None:
    """Four thousand policies and repositories: refused by both or by none, and then the same fate for every image."""
    met: Counter[str] = Counter()
    for seed in range(4000):
        chance = Random(seed)
        text, images = lifecycle_worlds.policy(chance), lifecycle_worlds.repository(chance)
        errors = [found for found in lint.lint(text) if found.severity == "error"]
        told = f"seed {seed}: {text} {images}"
        rules, refused = taken(text)
        assert bool(errors) == bool(refused), f"lint: {errors}; the lab: {refused}; {told}"
        if refused:
            met["refused"] += 1
            continue
        acting = outcomes(rules, states(images), NOW.timestamp())
        policy, _ = policy_text.parse(text)
        assert policy is not None, told
        rows = simulate.simulate(policy, [stored(image) for image in images], NOW)
        names = {image.name for image in images}
        alone = {image.name for image in images if image.subject not in names}
        ours = {row.digest: (row.rule, row.action) for row in rows if row.rule is not None and row.digest in alone}
        theirs = {name: (rule["rulePriority"], rule["action"]["type"]) for name, rule in acting.items()}
        assert ours == theirs, told
        met.update(lifecycle_worlds.kinds(rules, images, acting))
    rare = {name: met[name] for name in lifecycle_worlds.KINDS if met[name] < 20}
    assert not rare, f"too seldom met: {rare} of {dict(met)}"


def changed(base: dict[str, Any], part: str, **more: Any) -> dict[str, Any]:
    """Return *base* with members of its *part* changed; None takes one out."""
    inner = {k: v for k, v in {**base[part], **more}.items() if v is not None}
    return {**base, part: inner}


GOOD = tagged(1, ["prod*"], COUNT, 10)
ARCHIVE = rule(1, "any", PUSHED, 30, moves=True)
REFUSED = {
    "no rules": [],
    "fifty-one rules": [tagged(n, [f"t{n}-*"], COUNT, 1) for n in range(1, 52)],
    "priority of 0": [{**GOOD, "rulePriority": 0}],
    "priority that is a text": [{**GOOD, "rulePriority": "1"}],
    "two of one priority": [GOOD, tagged(1, ["v*"], COUNT, 1)],
    "no action": [{k: v for k, v in GOOD.items() if k != "action"}],
    "unknown property": [{**GOOD, "comment": "x"}],
    "unknown property of the selection": [changed(GOOD, "selection", tags=["x"])],
    "unknown tag status": [changed(GOOD, "selection", tagStatus="latest")],
    "tagged without tags": [changed(GOOD, "selection", tagPatternList=None)],
    "untagged with tags": [changed(GOOD, "selection", tagStatus="untagged")],
    "prefixes and patterns": [changed(GOOD, "selection", tagPrefixList=["prod"])],
    "five wildcards": [tagged(1, ["*a*b*c*d*"], COUNT, 1)],
    "unknown count type": [changed(GOOD, "selection", countType="sinceImageBuilt", countUnit="days")],
    "count of 0": [changed(GOOD, "selection", countNumber=0)],
    "count with a unit": [changed(GOOD, "selection", countUnit="days")],
    "age without a unit": [changed(ARCHIVE, "selection", countUnit=None)],
    "age in hours": [changed(ARCHIVE, "selection", countUnit="hours")],
    "unknown action": [changed(GOOD, "action", type="delete")],
    "move without a target": [changed(ARCHIVE, "action", targetStorageClass=None)],
    "expire with a target": [changed(GOOD, "action", targetStorageClass="archive")],
    "expire by pull": [rule(1, "any", PULLED, 90)],
    "move of archived images": [rule(1, "any", PUSHED, 90, storageClass="archive", moves=True)],
    "transitioned in the standard class": [rule(1, "any", MOVED, 90)],
    "count of archived images": [rule(1, "any", COUNT, 9, storageClass="archive")],
    "age of archived images": [rule(1, "any", PUSHED, 90, storageClass="archive")],
    "pull of archived images": [rule(1, "any", PULLED, 90, storageClass="archive", moves=True)],
    "another move of archived images": [rule(1, "any", MOVED, 90, storageClass="archive", moves=True)],
    "archived for less than ninety days": [rule(1, "any", MOVED, 89, storageClass="archive")],
    "two rules for untagged": [rule(1, "untagged", COUNT, 1), rule(2, "untagged", PUSHED, 1)],
    "two rules for any": [rule(1, "any", COUNT, 1), rule(2, "any", PUSHED, 1)],
    "any before others": [rule(1, "any", COUNT, 1), tagged(2, ["v*"], COUNT, 1)],
    "one prefix twice": [rule(n, "tagged", COUNT, n, tagPrefixList=["v"]) for n in (1, 2)],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_ecr_refuses_is_refused_by_both(name: str) -> None:
    """The lab refuses it in ECR's words, the product's lint finds an error."""
    text = json.dumps({"rules": REFUSED[name]}).ljust(100)
    with pytest.raises(AwsError) as error:
        checked(text)
    start = (
        "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure"
    )
    assert (error.value.code, error.value.message.startswith(start)) == ("InvalidParameterException", True)
    assert [f for f in lint.lint(text) if f.severity == "error"]


@pytest.mark.parametrize("length", [99, 30721])
def test_a_policy_has_a_length(length: int) -> None:
    """Between 100 and 30,720 characters."""
    bare = json.dumps({"rules": [GOOD]}, separators=(",", ":")) if length > 300 else '{"rules":[]}'
    with pytest.raises(AwsError, match="Member must have length"):
        checked(bare.ljust(length))


def test_a_bad_policy_is_not_kept(ecr: Any, repository: str) -> None:
    """PutLifecyclePolicy answers InvalidParameterException, and there is still none."""
    text = json.dumps({"rules": REFUSED["any before others"]})
    with pytest.raises(ecr.exceptions.InvalidParameterException) as error:
        ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=text)
    assert refusal(error)[1].endswith("the rule with tagStatus 'any' must have the highest rulePriority'")
    with pytest.raises(ecr.exceptions.LifecyclePolicyNotFoundException):
        ecr.get_lifecycle_policy(repositoryName=repository)


def test_a_preview_tells_what_would_happen(lab: Lab, ecr: Any, registry: Registry, repository: str) -> None:
    """Of a policy that is not there yet: rows, summary, pages by tag status; nothing is expired."""
    digests = [registry.push_image(repository, f"v{n}", f"image {n}")[1] for n in range(3)]
    with pytest.raises(ecr.exceptions.LifecyclePolicyPreviewNotFoundException):
        ecr.get_lifecycle_policy_preview(repositoryName=repository)
    with pytest.raises(ecr.exceptions.LifecyclePolicyNotFoundException):
        ecr.start_lifecycle_policy_preview(repositoryName=repository)
    text = json.dumps({"rules": [tagged(3, ["v*"], COUNT, 1)]})
    lab.control("POST", "previews", {"pending": 1})
    begun = ecr.start_lifecycle_policy_preview(repositoryName=repository, lifecyclePolicyText=text)
    lab.control("POST", "previews", {"pending": 0})
    assert begun["status"] == "IN_PROGRESS"
    with pytest.raises(ecr.exceptions.LifecyclePolicyPreviewInProgressException):
        ecr.start_lifecycle_policy_preview(repositoryName=repository, lifecyclePolicyText=text)
    assert ecr.get_lifecycle_policy_preview(repositoryName=repository)["status"] == "IN_PROGRESS"
    told = ecr.get_lifecycle_policy_preview(repositoryName=repository)
    assert (told["status"], told["summary"]["expiringImageTotalCount"]) == ("COMPLETE", 2)
    rows = {r["imageDigest"]: (r["imageTags"], r["action"], r["appliedRulePriority"]) for r in told["previewResults"]}
    assert rows == {d: ([f"v{n}"], {"type": "EXPIRE"}, 3) for n, d in enumerate(digests[:2])}
    untagged = ecr.get_lifecycle_policy_preview(repositoryName=repository, filter={"tagStatus": "UNTAGGED"})
    assert untagged["previewResults"] == []
    assert len(ecr.list_images(repositoryName=repository)["imageIds"]) == 3


@pytest.fixture
def clock(lab: Lab) -> Iterator[Any]:
    """A way to move the lab's clock, which is set right again after the test."""
    yield lambda days: lab.control("POST", "clock", {"advance": days * 86400})
    lab.control("POST", "clock", {"offset": 0})


def test_policies_act_when_time_has_passed(lab: Lab, ecr: Any, registry: Registry, repository: str, clock: Any) -> None:
    """Images are archived, then expired; a child is held by its index until that is in the archive."""
    moving = [rule(1, "any", PUSHED, 30, moves=True), rule(2, "any", MOVED, 90, storageClass="archive")]
    ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=json.dumps({"rules": moving}))
    child = registry.push_content(repository, "child")
    registry.push(repository, digest_of(child), child)
    registry.push(repository, "v1", index_manifest(child), INDEX)
    lab.control("POST", "lifecycle")
    assert len(ecr.describe_images(repositoryName=repository)["imageDetails"]) == 2
    clock(31)
    # The password of before has expired meanwhile.
    _, young = lab.registry(lab.password(ecr)).push_image(repository, "v2", "young")
    lab.control("POST", "lifecycle")
    rows = ecr.describe_images(repositoryName=repository, filter={"imageStatus": "ANY"})["imageDetails"]
    statuses = {r["imageDigest"]: r["imageStatus"] for r in rows}
    index = digest_of(index_manifest(child))
    assert statuses == {index: "ARCHIVED", digest_of(child): "ACTIVE", young: "ACTIVE"}
    clock(20)
    done = {
        r["imageDigest"]: r["action"]["type"]
        for r in lab.control("POST", "lifecycle")
        if r["repositoryName"] == repository
    }
    assert done == {digest_of(child): "TRANSITION"}
    clock(71)
    done = {
        r["imageDigest"]: r["action"]["type"]
        for r in lab.control("POST", "lifecycle")
        if r["repositoryName"] == repository
    }
    assert done == {index: "EXPIRE", young: "TRANSITION"}
    rows = ecr.describe_images(repositoryName=repository, filter={"imageStatus": "ANY"})["imageDetails"]
    assert {r["imageDigest"]: r["imageStatus"] for r in rows} == {digest_of(child): "ARCHIVED", young: "ARCHIVED"}
    assert ecr.get_lifecycle_policy(repositoryName=repository)["lastEvaluatedAt"]


def test_referrers_go_after_their_subject(lab: Lab, ecr: Any, registry: Registry, repository: str) -> None:
    """A signature stays as its subject does, and is archived and deleted with the next sweep after it."""
    _, subject = registry.push_image(repository, "v1", "subject")
    base = json.loads(registry.push_content(repository, "signature"))
    described = {"mediaType": MANIFEST, "digest": subject, "size": 1}
    signature = json.dumps({**base, "artifactType": "text/x", "subject": described}).encode()
    registry.push(repository, digest_of(signature), signature)
    lab.control("POST", "lifecycle")
    assert len(ecr.list_images(repositoryName=repository)["imageIds"]) == 2
    asked = {"repositoryName": repository, "imageId": {"imageDigest": subject}}
    ecr.update_image_storage_class(**asked, targetStorageClass="ARCHIVE")
    own = [{"imageDigest": digest_of(signature)}]
    assert ecr.list_images(repositoryName=repository)["imageIds"] == own
    lab.control("POST", "lifecycle")
    assert ecr.list_images(repositoryName=repository)["imageIds"] == []
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": subject}])
    everything = {"repositoryName": repository, "filter": {"imageStatus": "ANY"}}
    assert ecr.list_images(**everything)["imageIds"] == own
    lab.control("POST", "lifecycle")
    assert ecr.list_images(**everything)["imageIds"] == []
