"""What `mode: deploy` asks for."""

from __future__ import annotations

import pytest

from ecr_action import deployment
from ecr_action.deployment import Named
from ecr_action.errors import Problem
from ecr_action.github import context
from tests.builders import REPOSITORY, SHA, make_inputs, variables

SHORT = SHA[:7]
DIGEST = "sha256:" + "a" * 64


def problems_of(event: str = "workflow_dispatch", ref: str = "refs/heads/main", **given: str) -> tuple[Problem, ...]:
    """What is wrong with a deploy."""
    payload = {"repository": {"full_name": REPOSITORY, "default_branch": "main"}, "number": 7}
    found = context.read(variables(event, ref), payload, None)
    return deployment.make(make_inputs(mode="deploy", **given), found)[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("previous", Named(tags=("deployed-prod-previous",))),
        ("v1.2.3", Named(tags=("v1.2.3",))),
        ("1.2.3", Named(tags=("1.2.3", "v1.2.3"))),
        ("1.2.3+4", Named(tags=("v1.2.3_4",))),
        (SHA, Named(tags=(SHA,))),
        ("latest", Named(tags=("latest",))),
        (DIGEST, Named(digest=DIGEST)),
        ("app:v1", Named(tags=("v1",), repository="app")),
        (f"r.example.com/app:v1@{DIGEST}", Named(digest=DIGEST, host="r.example.com", repository="app")),
        ("r.example.com/app", None),
        ("no such thing", None),
    ],
)
def test_how_an_image_is_named(text: str, expected: Named | None) -> None:
    """A version, tag, digest, commit, reference, or `previous`."""
    assert deployment.named(text, "prod") == expected


@pytest.mark.parametrize(
    ("asked", "names", "expected"),
    [
        (("v1.2.3",), (SHA, SHORT, "v1.2.3", "prod-v1.2.3"), "v1.2.3"),
        (("latest",), (SHA, SHORT, "latest", "dev-" + SHORT), SHORT),
        (("deployed-prod-previous",), (SHA, SHORT, "v1.0.0", "v1.1.0", "deployed-prod-previous"), "v1.1.0"),
        ((SHA,), (SHA, SHORT, f"key-{'0' * 16}"), SHORT),
        ((), (f"{SHA}-r5", f"{SHORT}-r5"), f"{SHORT}-r5"),
        ((f"dev-{SHORT}",), (SHA, SHORT, f"dev-{SHORT}"), f"dev-{SHORT}"),
        ((), ("release-7",), "release-7"),
        # What moves by somebody's own hand: none of our names, so that a build's own is taken.
        (("edge",), ("edge", SHA, SHORT), SHORT),
        (("1.2",), ("1.2", "1.2.3", "v1.2.3", SHA, SHORT), "v1.2.3"),
        (("edge",), ("edge", SHA), SHA),
        (("stable",), ("stable", "edge"), "stable"),
        ((f"branch-main-{SHORT}-r5",), (f"branch-main-{SHORT}-r5", f"{SHORT}-r5"), f"branch-main-{SHORT}-r5"),
        (("prod-v1.2.3",), ("prod-v1.2.3", "v1.2.3", SHORT), "prod-v1.2.3"),
        (("latest",), ("latest", "deployed-dev", f"key-{'0' * 16}"), None),
    ],
)
def test_the_tag_that_is_rolled_out_stays_on_its_image(
    asked: tuple[str, ...], names: tuple[str, ...], expected: str | None
) -> None:
    """Never `latest` or a marker, which will stand on something else tomorrow."""
    assert deployment.tag_to_roll_out(asked, names) == expected


def test_what_is_missing_is_said_at_once() -> None:
    """The environment and the image; a pull request deploys nothing."""
    assert [problem.name for problem in problems_of()] == ["environment", "image"]
    assert [problem.name for problem in problems_of(environment="prod", image="no such thing")] == ["image"]
    assert problems_of(environment="prod", image="previous") == ()
    wrong = problems_of("pull_request", "refs/pull/7/merge", environment="prod", image="previous")
    assert [problem.name for problem in wrong] == ["mode"]


@pytest.mark.parametrize(
    ("image", "fix"),
    [("r.example.com/app", "'image: r.example.com/app:v1.2.3'"), ("no such thing", "'image: v1.2.3'")],
)
def test_what_names_no_image_gets_the_line_to_write(image: str, fix: str) -> None:
    """A repository without a tag is told as one."""
    (problem,) = [one for one in problems_of(image=image, environment="prod") if one.name == "image"]
    assert fix in problem.fix
    assert ("without the tag" in problem.what) is (image == "r.example.com/app")
