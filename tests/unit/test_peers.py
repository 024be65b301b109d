"""Blocks in the shape of the peers' own examples, copied under our action, ask for the same builds and tags."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ecr_action import inputs, plan, wanted
from ecr_action.errors import Problem
from ecr_action.github import context
from ecr_action.image.arguments import buildx_arguments
from ecr_action.plan import Plan
from ecr_action.wanted import Wanted
from tests.builders import REPOSITORY, SHA, make_checkout, variables

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
PULL = {"number": 7, "head": {"sha": SHA, "ref": "fix", "repo": {"full_name": REPOSITORY}}, "base": {"ref": "main"}}


def asked(block: str, event: str = "push", ref: str = "refs/heads/main") -> tuple[Plan, Wanted, tuple[Problem, ...]]:
    """What the `with:` *block* asks for."""
    given = {"aws-region": "us-east-1", **{name: _text(value) for name, value in yaml.safe_load(block).items()}}
    parsed, problems = inputs.parse(given)
    payload: dict[str, Any] = {"repository": {"full_name": REPOSITORY, "default_branch": "main"}}
    payload |= {"pull_request": PULL, "number": 7} if event == "pull_request" else {}
    found = context.read(variables(event, ref), payload, make_checkout())
    made, more = plan.make(parsed, found, commit_of_tag=lambda _: None)
    result, further = wanted.wanted(made, parsed, found, workspace="/w", read_file=lambda _: None)
    return made, result, (*problems, *more, *further)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


BUILDS = [
    (
        "several platforms",
        "{context: ., platforms: 'linux/amd64,linux/arm64', push: true}",
        ["--platform=linux/amd64,linux/arm64", "--push"],
    ),
    ("a folder of the default context", "{context: '{{defaultContext}}:services/api'}", ["services/api"]),
    (
        "secrets of one and of several lines",
        'secrets: |\n  github_token=abc\n  "cert=one\n  two"\n  "json={""user"": ""me""}"\n',
        ["--secret=id=github_token,src=0", "--secret=id=cert,src=1", "--secret=id=json,src=2"],
    ),
    ("secrets of files", "secret-files: |\n  npmrc=./.npmrc\n", ["--secret=id=npmrc,src=./.npmrc"]),
    ("secrets of variables", "secret-envs: npm=NPM_TOKEN", ["--secret=id=npm,env=NPM_TOKEN"]),
    (
        "build arguments",
        "build-args: |\n  VERSION=1.2\n  FLAGS=-a,-b\n  FROM_JOB\n",
        ["--build-arg=VERSION=1.2", "--build-arg=FLAGS=-a,-b", "--build-arg=FROM_JOB"],
    ),
    ("an inline cache", "{cache-from: 'type=registry,ref=user/app:latest', cache-to: type=inline}",
     ["--cache-from=type=registry,ref=user/app:latest", "--cache-to=type=inline"]),
    ("a cache in the registry", "{cache-from: 'user/app:cache', cache-to: 'type=registry,ref=user/app:cache,mode=max'}",
     ["--cache-from=user/app:cache", "--cache-to=type=registry,ref=user/app:cache,mode=max"]),
    ("a cache in a folder", "{cache-from: 'type=local,src=/c', cache-to: 'type=local,dest=/n,mode=max'}",
     ["--cache-from=type=local,src=/c", "--cache-to=type=local,dest=/n,mode=max"]),
    ("named contexts", "build-contexts: |\n  alpine=docker-image://alpine:3\n  src={{defaultContext}}:src\n",
     ["--build-context=alpine=docker-image://alpine:3", "--build-context=src=src"]),
    ("attestations", "{sbom: true, provenance: mode=max}", ["--sbom=true"]),
    ("annotations", "annotations: |\n  index:org.example=a, b\n", ["--annotation=index:org.example=a, b"]),
    ("agents", "ssh: |\n  default\n  key=path,other\n", ["--ssh=default", "--ssh=key=path", "--ssh=other"]),
    ("hosts and limits", "{add-hosts: 'db:10.0.0.7,cache=10.0.0.8', shm-size: 2gb, ulimit: 'nofile=1048576:1048576'}",
     ["--add-host=db:10.0.0.7", "--add-host=cache=10.0.0.8", "--shm-size=2gb", "--ulimit=nofile=1048576:1048576"]),
    ("packed anew", "outputs: type=image,rewrite-timestamp=true", ["rewrite-timestamp=true"]),
    ("stages anew", "{no-cache-filters: 'deps,build', target: app, pull: true}",
     ["--no-cache-filter=deps", "--no-cache-filter=build", "--target=app", "--pull"]),
]  # fmt: skip


@pytest.mark.parametrize(("block", "expected"), [row[1:] for row in BUILDS], ids=[row[0] for row in BUILDS])
def test_a_block_of_build_push_action_asks_for_the_same_build(block: str, expected: list[str]) -> None:
    """Flag by flag, in the list syntax of that action."""
    _, result, problems = asked(block)
    assert problems == ()
    files = {secret.id: str(number) for number, secret in enumerate(result.build.secrets)}
    argv = buildx_arguments(result.build, push_to="host/app:1", metadata_file="/m", secret_files=files)
    assert [flag for flag in expected if not any(one == flag or one.endswith(f",{flag}") for one in argv)] == []


@pytest.mark.parametrize(
    ("block", "event", "pushed"),
    [
        ("push: ${{ github.event_name != 'pull_request' }}", "pull_request", False),
        ("push: ${{ github.event_name != 'pull_request' }}", "push", True),
        ("{push: false, load: true, tags: 'app:test'}", "push", None),
    ],
)
def test_push_means_what_it_means_there(block: str, event: str, pushed: bool | None) -> None:
    """The runner has made true or false of the expression; a name without a registry is another's tag."""
    ref = "refs/pull/7/merge" if event == "pull_request" else "refs/heads/main"
    text = block.replace("${{ github.event_name != 'pull_request' }}", str(event != "pull_request").lower())
    made, _, problems = asked(text, event, ref)
    if pushed is None:
        assert "'app:test'" in str(problems[0])
    else:
        assert (made.push, problems) == (pushed, ())


OWN = {SHA, SHA[:7], f"dev-{SHA[:7]}", "latest"}
RELEASE = {"v1.2.3", "prod-v1.2.3", SHA, SHA[:7]}
EVERYTHING = """\
tags: |
  type=schedule
  type=ref,event=branch
  type=ref,event=tag
  type=ref,event=pr
  type=semver,pattern={{version}}
  type=semver,pattern={{major}}.{{minor}}
  type=semver,pattern={{major}}
  type=sha
"""
TAGS = [
    ("on a branch", EVERYTHING, "push", "refs/heads/main", OWN | {"main", f"sha-{SHA[:7]}"}),
    ("on a tag", EVERYTHING, "push", "refs/tags/v1.2.3", RELEASE | {"1.2.3", "1.2", "1", f"sha-{SHA[:7]}"}),
    ("on a schedule", EVERYTHING, "schedule", "refs/heads/main", OWN | {"main", "nightly", f"sha-{SHA[:7]}"}),
    ("on a pull request", f"{EVERYTHING}push: true\n", "pull_request", "refs/pull/7/merge",
     {"pr-7", f"pr-7-{SHA[:7]}", f"sha-{SHA[:7]}"}),
    ("prefix and suffix", "tags: 'type=ref,event=branch,prefix=x-,suffix=-y'", "push", "refs/heads/main",
     OWN | {"x-main-y"}),
    ("only on the default branch", "tags: 'type=raw,value=stable,enable={{is_default_branch}}'", "push",
     "refs/heads/fix", {SHA, SHA[:7], f"branch-fix-{SHA[:7]}"}),
    ("full references", f"tags: |\n  {HOST}/hello-node:edge\n  {HOST}/hello-node:latest\n", "push", "refs/heads/main",
     OWN | {"edge"}),
]  # fmt: skip


@pytest.mark.parametrize(("block", "event", "ref", "expected"), [row[1:] for row in TAGS], ids=[row[0] for row in TAGS])
def test_a_block_of_metadata_action_gives_its_tags(block: str, event: str, ref: str, expected: set[str]) -> None:
    """Beside the action's own, which are always there."""
    made, _, problems = asked(block, event, ref)
    assert problems == ()
    assert set(made.tags.order) == expected


@pytest.mark.parametrize(
    ("block", "name", "said"),
    [
        ("tags: 'docker.io/user/app:latest,ghcr.io/user/app:latest'", "tags", "Amazon ECR alone"),
        ("flavor: latest=true", "flavor", "'latest'"),
        ("context: https://github.com/o/r.git#main", "context", "folder of the checkout"),
        ("tags: 'type=calver'", "tags", "pep440"),
    ],
)
def test_what_can_not_be_copied_is_told_with_the_way_out(block: str, name: str, said: str) -> None:
    """By the input's name."""
    _, _, problems = asked(block)
    assert name in [problem.name for problem in problems]
    assert said in " ".join(str(problem) for problem in problems)
