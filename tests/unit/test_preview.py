"""What is shown on a pull request: of which environment, of which registry, and where nothing can be."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_action import bumping, plan, wanted
from ecr_action.github import context
from ecr_action.wanted import Wanted
from tests.builders import REPOSITORY, SHA, make_checkout, make_inputs, variables

ROLE = "arn:aws:iam::123456789012:role/publisher"
GIVEN = {"role_to_assume": ROLE, "aws_region": "eu-west-1", "gitops_token": "t"}


def made(event: str = "pull_request", base: str = "main", **given: str) -> Wanted:
    """What a run towards *base* works for."""
    home = {"full_name": REPOSITORY, "default_branch": "main"}
    pull = {"number": 7, "head": {"sha": "a" * 40, "repo": home}, "base": {"ref": base}}
    about: dict[str, Any] = {
        "pull_request": {"number": 7, "pull_request": pull},
        "merge_group": {"merge_group": {"base_ref": f"refs/heads/{base}"}},
        "pull_request_target": {"number": 7, "pull_request": pull},
        "issue_comment": {"issue": {"number": 7}},
        "push": {},
    }[event]
    inputs = make_inputs(**{**GIVEN, **given})
    found = context.read(variables(event, "refs/pull/7/merge"), {"repository": home, **about}, make_checkout())
    planned, problems = plan.make(inputs, found, commit_of_tag=lambda _: None)
    assert problems == ()
    result, problems = wanted.wanted(planned, inputs, found, workspace="/w", read_file=lambda _: None)
    assert problems == ()
    assert result.gitops is None
    return result


@pytest.mark.parametrize(
    ("event", "base", "given", "environment"),
    [
        ("pull_request", "main", {}, "dev"),
        ("pull_request", "main", {"environment": "qa"}, "qa"),
        ("pull_request", "release", {}, None),
        ("pull_request", "release", {"environment": "qa"}, "qa"),
        ("pull_request", "main", {"push": "false"}, None),
        ("pull_request", "main", {"push": "true"}, "dev"),
        ("merge_group", "main", {}, "dev"),
        ("merge_group", "release", {}, None),
        ("pull_request_target", "main", {}, None),
        ("issue_comment", "main", {}, None),
    ],
)
def test_the_environment_is_that_of_a_push_to_the_base(
    event: str, base: str, given: dict[str, str], environment: str | None
) -> None:
    """Events whose run has more rights than the code it looks at show nothing."""
    result = made(event, base, **given)
    assert (result.plan.preview, result.preview.environment if result.preview else None) == (environment, environment)
    assert result.plan.environment is None


@pytest.mark.parametrize(
    ("given", "registry"),
    [
        ({}, "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
        ({"registry_id": "210987654321"}, "210987654321.dkr.ecr.eu-west-1.amazonaws.com"),
        ({"registry_id": "210987654321", "role_to_assume": ""}, "210987654321.dkr.ecr.eu-west-1.amazonaws.com"),
        (
            {"aws_region": "cn-north-1", "role_to_assume": "arn:aws-cn:iam::123456789012:role/publisher"},
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
        ),
    ],
)
def test_the_registry_is_known_without_aws(given: dict[str, str], registry: str) -> None:
    """By the role's account and the Region."""
    preview = made(**given).preview
    assert preview is not None
    assert (preview.registry, preview.tag) == (registry, SHA[:7])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"gitops_token": "", "gitops_repository": "darede-labs/x"}, "no token"),
        ({"role_to_assume": ""}, "'registry-id:'"),
        ({"aws_region": ""}, "'aws-region:'"),
        ({"role_to_assume": "", "aws_region": ""}, "'registry-id:' and 'aws-region:'"),
        ({"gitops_token": ""}, ""),
    ],
)
def test_what_is_missing_is_a_word_in_the_log(given: dict[str, str], words: str) -> None:
    """And no problem of the run; without any GitOps not even that."""
    result = made(**given)
    assert result.preview is None
    assert words in result.preview_missing
    assert bool(result.preview_missing) is bool(words)


def test_files_of_other_environments_alone_are_left_alone() -> None:
    """As the push after the merge leaves them."""
    result = made(gitops_files="prod: p.yaml")
    assert result.preview is None
    assert "prod alone" in result.preview_missing


def test_a_bump_shows_nothing() -> None:
    """Its images are made by a push alone."""
    payload = {"repository": {"full_name": REPOSITORY, "default_branch": "main"}}
    payload |= {"number": 7, "pull_request": {"number": 7, "base": {"ref": "main"}}}  # type: ignore[dict-item]
    inputs = make_inputs(mode="bump", images="[]", **GIVEN)
    found = context.read(variables("pull_request", "refs/pull/7/merge"), payload, make_checkout())
    assert bumping.make(inputs, found, commit_of_tag=lambda _: None)[0].preview is None
