"""The plan in the terms of each step."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from ecr_action import deployment, plan, wanted
from ecr_action.errors import Problem
from ecr_action.github import context
from ecr_action.wanted import BOOTSTRAP, Wanted
from tests.builders import REPOSITORY, SHA, make_checkout, make_inputs, variables

MAIN = "refs/heads/main"
YAML = """
rules:
  - rulePriority: 1
    description: Keep a few releases
    selection: {tagStatus: tagged, tagPrefixList: [v], countType: imageCountMoreThan, countNumber: 3}
    action: {type: expire}
"""
FILES = {"policy.json": '{"rules": []}', "policy.yaml": YAML}


def made(ref: str = MAIN, *, dirty: bool = False, **given: str) -> tuple[Wanted, tuple[Problem, ...]]:
    """What a push of *ref* works towards."""
    payload: dict[str, Any] = {
        "repository": {"full_name": REPOSITORY, "default_branch": "main", "description": "Says hello"}
    }
    inputs = make_inputs(**{"aws_region": "us-east-1", **given})
    found = context.read(variables("push", ref), payload, make_checkout(dirty=dirty))
    planned, problems = plan.make(inputs, found, commit_of_tag=lambda _: None)
    assert problems == ()
    return wanted.wanted(planned, inputs, found, workspace="/w", read_file=FILES.get)


def names(problems: tuple[Problem, ...]) -> list[str]:
    """The inputs that are wrong."""
    return [problem.name for problem in problems]


def test_a_push_without_a_region_is_a_problem() -> None:
    """Nothing else gives it."""
    assert names(made(aws_region="")[1]) == ["aws-region"]


def test_the_gitops_repository_is_named_after_the_apps() -> None:
    """Where a token is given; without one nothing is rolled out, and that is said."""
    found, problems = made(gitops_token="t")
    assert problems == ()
    assert found.gitops is not None
    assert found.gitops.repository == f"{REPOSITORY}-gitops"
    found, problems = made()
    assert (found.gitops, problems) == (None, ())
    assert found.gitops_missing == "no gitops-repository is given, and gitops-token is empty"


def test_a_gitops_repository_without_a_token_is_a_problem() -> None:
    """Unless it is the app's own, which the job's token can write."""
    assert names(made(gitops_repository="darede-labs/x")[1]) == ["gitops-token"]
    assert names(made(gitops_repository=REPOSITORY)[1]) == []


def test_nothing_is_asked_of_gitops_where_no_environment_is_meant() -> None:
    """Another branch."""
    found, problems = made("refs/heads/feature", gitops_repository="darede-labs/x")
    assert (found.gitops, problems) == (None, ())


def test_files_of_another_environment_are_left_out() -> None:
    """`prod:` lines say nothing to dev; a placeholder is filled in."""
    given = "prod: p.yaml\ndev: d.yaml\napps/{environment}.yaml\nall/*.yaml"
    found, problems = made(gitops_token="t", gitops_files=given)
    assert problems == ()
    assert found.gitops is not None
    assert found.gitops.patterns == ("d.yaml", "apps/dev.yaml", "all/*.yaml")
    assert found.gitops.named == ("d.yaml", "apps/dev.yaml")


def test_manifests_are_copied_where_it_is_not_said_that_they_are_there() -> None:
    """Not where files are named, not within the app's own repository."""

    def folder(**given: str) -> str:
        found, problems = made(gitops_token="t", **given)
        assert problems == ()
        assert found.gitops is not None
        return found.gitops.bootstrap

    assert folder() == BOOTSTRAP
    assert folder(gitops_bootstrap="k8s/base/") == "k8s/base"
    assert folder(gitops_bootstrap="none") == ""
    assert folder(gitops_files="a.yaml") == ""
    assert folder(gitops_repository=REPOSITORY) == ""


def test_a_deploy_copies_no_manifests() -> None:
    """The checkout is not of the image's commit."""
    inputs = make_inputs(aws_region="us-east-1", gitops_token="t", mode="deploy", image="v1.0.0", environment="prod")
    payload = {"repository": {"full_name": REPOSITORY, "default_branch": "main"}}
    found = context.read(variables("workflow_dispatch", MAIN), payload, make_checkout())
    planned, problems = deployment.make(inputs, found)
    assert problems == ()
    asked, _ = wanted.wanted(planned, inputs, found, workspace="/w", read_file=FILES.get)
    assert asked.gitops is not None
    assert asked.gitops.bootstrap == ""


def test_a_push_leaves_files_of_other_environments_alone() -> None:
    """It says why nothing is rolled out; the image is published all the same."""
    found, problems = made(gitops_token="t", gitops_files="prod: p.yaml")
    assert problems == ()
    assert found.gitops is None
    assert "prod alone" in found.gitops_missing


def test_a_release_that_no_file_is_for_is_a_problem() -> None:
    """With the line to add: nobody would see that it was not deployed."""
    _, problems = made(ref="refs/tags/v1.0.0", gitops_token="t", gitops_files="dev: p.yaml")
    assert names(problems) == ["gitops-files"]
    assert "prod: path/to/file.yaml" in problems[0].fix


@pytest.mark.parametrize(
    ("given", "expected"),
    [("none", None), ("default", "deployed-"), ("", "deployed-")],
)
def test_which_lifecycle_policy(given: str, expected: str | None) -> None:
    """The default one asked for by name is consent; by itself it is not."""
    found, problems = made(lifecycle_policy=given)
    assert problems == ()
    text = found.repository.lifecycle_policy
    assert (expected in text) if expected and text else text is None
    assert found.repository.lifecycle_asked_for is bool(given)


def test_a_policy_file_that_is_missing_or_wrong_is_a_problem() -> None:
    """Before anything is done."""
    assert names(made(lifecycle_policy="nowhere.json")[1]) == ["lifecycle-policy"]
    assert set(names(made(lifecycle_policy="policy.json")[1])) == {"lifecycle-policy"}
    assert "Did you mean 'default'" in made(lifecycle_policy="defualt")[1][0].fix
    alone = wanted.policy_problems(make_inputs(lifecycle_policy="none", retention="dev: 3"), lambda _: None)
    assert names(alone) == ["retention"]


@pytest.mark.parametrize("given", ["policy.yaml", YAML, json.dumps(yaml.safe_load(YAML))])
def test_a_policy_is_taken_from_a_file_or_as_it_is_written(given: str) -> None:
    """JSON or YAML; ECR gets JSON."""
    found, problems = made(lifecycle_policy=given)
    assert problems == ()
    assert json.loads(found.repository.lifecycle_policy or "") == yaml.safe_load(YAML)


@pytest.mark.parametrize("given", ["rules:\n- [", "{", "just\ntext", '{"rules": []}'])
def test_what_is_no_policy_is_a_problem_of_the_input(given: str) -> None:
    """Before anything is done."""
    assert set(names(made(lifecycle_policy=given)[1])) == {"lifecycle-policy"}


def test_retention_changes_the_numbers_of_the_default_policy() -> None:
    """Only of the default one."""
    found, problems = made(retention="dev: 30\nbranch: 21 days\npr: 4 images\nuntagged: 1")
    assert problems == ()
    rules = {rule["description"] for rule in json.loads(found.repository.lifecycle_policy or "")["rules"]}
    assert rules >= {
        "Keep the last 30 images of the default branch",
        "Expire images of other branches after 21 days",
        "Keep the last 4 images of pull requests",
        "Expire untagged images after 1 days",
        "Keep the last 10 versions",
    }
    assert names(made(retention="dev: 30", lifecycle_policy="policy.yaml")[1]) == ["retention"]


def test_the_builds_labels_tell_the_commit() -> None:
    """With its date, so that the same commit gives the same labels; a dirty tree says so."""
    labels = made()[0].build.labels
    assert labels["org.opencontainers.image.revision"] == SHA
    assert labels["org.opencontainers.image.created"] == "2026-11-03T23:30:00Z"
    assert labels["org.opencontainers.image.version"] == SHA[:7]
    assert labels["org.opencontainers.image.description"] == "Says hello"
    assert made(dirty=True)[0].build.labels["org.opencontainers.image.revision"] == f"{SHA}-dirty"


def test_an_unknown_placeholder_in_the_message_is_a_problem() -> None:
    """Before the build, not at the commit."""
    assert names(made(gitops_commit_message="{tga}")[1]) == ["gitops-commit-message"]
