"""Where a publish takes its commit's image from, and which tags an image has where it is taken to."""

from __future__ import annotations

import pytest

from ecr_action import deployment, inputs
from ecr_action.deployment import Named
from ecr_action.errors import Problem
from ecr_action.image.promotion import carried
from ecr_action.plan import Plan
from ecr_action.protocols import Archived
from tests.builders import SHA, make_inputs

HOST = "210987654321.dkr.ecr.us-west-2.amazonaws.com"
DIGEST = "sha256:" + "a" * 64


def source(image: str, *, push: bool = True) -> tuple[Named | None, list[Problem]]:
    """What a publish makes of ``image:``."""
    problems: list[Problem] = []
    plan = Plan(event="push", commit=SHA, push=push)
    return deployment.source(make_inputs(image=image), plan, problems), problems


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (f"{HOST}/team/app", Named(tags=(SHA,), host=HOST, repository="team/app")),
        (f"{HOST}/app:v1", Named(tags=("v1",), host=HOST, repository="app")),
        (f"{HOST}/app:v1@{DIGEST}", Named(digest=DIGEST, host=HOST, repository="app")),
        ("team/app", Named(tags=(SHA,), repository="team/app")),
        ("app:v1", Named(tags=("v1",), repository="app")),
    ],
)
def test_a_publish_takes_the_image_of_its_commit(image: str, expected: Named) -> None:
    """From a repository by its name; with a tag or digest, that one. Where nothing is pushed, from nowhere."""
    assert source(image) == (expected, [])
    assert source(image, push=False) == (None, [])


@pytest.mark.parametrize("image", ["v1.2.3", "latest", SHA, "app", "no such thing", f"app@{DIGEST[:-1]}"])
def test_what_names_no_repository_is_meant_for_a_deploy(image: str) -> None:
    """Said with the line to add."""
    found, (problem,) = source(image)
    assert (found, problem.name, "mode: deploy" in problem.fix) == (None, "image", True)


@pytest.mark.parametrize(
    "host", ["docker.io", "ghcr.io", "localhost:5000", "123456789012.dkr.ecr.cn-north-1.amazonaws.com"]
)
def test_a_registry_that_is_none_of_ecr_is_refused(host: str) -> None:
    """By name, for both modes."""
    _, problems = source(f"{host}/team/app:v1")
    assert [host in str(problem) for problem in problems] == [True]


def test_ecr_public_is_refused_by_name() -> None:
    """As an image to take over and as the repository to publish to."""
    _, problems = inputs.parse({"image": "public.ecr.aws/team/app:v1", "repository": "public.ecr.aws/team/app"})
    assert {problem.name for problem in problems} == {"image", "repository"}
    assert all("ECR Public" in problem.what for problem in problems)


def test_a_role_for_no_image_is_a_mistake() -> None:
    """It would never be taken on."""
    _, problems = inputs.parse({"image-role-to-assume": "arn:aws:iam::123456789012:role/reader"})
    assert [problem.name for problem in problems] == ["image-role-to-assume"]


@pytest.mark.parametrize(
    ("primary", "version", "names", "expected"),
    [
        ("v1.2.3", "v1.2.3", (SHA, SHA[:7], "v1.2.3", "staging-v1.2.3"), (SHA, SHA[:7], "v1.2.3", "prod-v1.2.3")),
        (SHA[:7], "", (SHA, SHA[:7], f"dev-{SHA[:7]}", "latest", "deployed-dev"), (SHA, SHA[:7], f"prod-{SHA[:7]}")),
        (f"{SHA[:7]}-r5", "", (f"{SHA}-r5", f"{SHA[:7]}-r5"), (f"{SHA[:7]}-r5", f"prod-{SHA[:7]}-r5")),
        ("prod-7", "", ("prod-7",), ("prod-7",)),
        ("nightly", "v1.0.0", ("nightly", "v1.0.0", "abc"), ("v1.0.0", "nightly", "prod-nightly")),
    ],
)
def test_the_tags_of_an_image_that_is_taken_over(
    primary: str, version: str, names: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """Those that name it go along; what moves, and other environments', stays where it is."""
    assert carried(primary, version, SHA, names, "prod") == expected


def test_no_tag_is_too_long() -> None:
    """ECR takes 128 characters."""
    assert max(map(len, carried("x" * 128, "", "", (), "prod"))) == 128


def test_an_archived_image_is_restored_by_a_command() -> None:
    """With its registry where that is another one; one that is on its way needs none."""
    kept = Archived(name="v1", digest=DIGEST)
    failure = deployment.archived(kept, "app", " --region us-west-2")
    assert failure.fix.splitlines()[0] == (
        f"aws ecr update-image-storage-class --repository-name app --image-id imageDigest={DIGEST} "
        "--target-storage-class STANDARD --region us-west-2"
    )
    coming = deployment.archived(Archived(name=DIGEST, digest=DIGEST, activating=True), "app")
    assert "being restored" in coming.what
    assert "aws ecr" not in coming.fix
