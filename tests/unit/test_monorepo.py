"""Which services a line means, and which of them have a job."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_action import inputs, job_outputs, monorepo, service_list
from ecr_action.converters import Wrong
from ecr_action.image.key import Key
from ecr_action.monorepo import Candidate, Decided
from ecr_action.plan import Plan
from ecr_action.protocols import Image
from ecr_action.service_list import Service
from tests.builders import REPOSITORY, make_checkout, make_plan

PATHS = frozenset(
    "services/api/Dockerfile services/web/Dockerfile services/web/src/main.go services/docs/index.md "
    "services/team/jobs/Dockerfile tools/Cron/Dockerfile docker/Dockerfile README.md".split()
)
PAYLOAD: dict[str, Any] = {"repository": {"full_name": REPOSITORY, "default_branch": "main"}}
KEY = Key(tag="key-0123456789abcdef", inputs={})


def found(text: str, *, context: str = ".", dockerfiles: bool = True) -> tuple[list[str], list[str]]:
    """Repository and context of each service, and what is wrong."""
    declared = service_list.declared(text)
    made, problems = service_list.services(declared, PATHS, base="shop", context=context, dockerfiles=dockerfiles)
    return [f"{one.repository} {one.context}" for one in made], [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("services/*", ["shop/api services/api", "shop/web services/web"]),
        ("services/**", ["shop/api services/api", "shop/jobs services/team/jobs", "shop/web services/web"]),
        ("services/web/", ["shop/web services/web"]),
        ("./services/web\ncron=tools/Cron", ["shop/web services/web", "shop/cron tools/Cron"]),
        ('[{"service": "x", "context": "services/api", "repository": "other"}]', ["other services/api"]),
        ('[{"service": "x", "context": "services/docs", "file": "docker/Dockerfile"}]', ["shop/x services/docs"]),
        ("[]", []),
    ],
)
def test_the_folders_that_a_line_means(text: str, expected: list[str]) -> None:
    """Those with a Dockerfile, unless the entry says where it is."""
    assert found(text) == (expected, [])


def test_folders_are_relative_to_the_context() -> None:
    """A checkout may lie in a folder of the workspace; one Dockerfile may be that of all."""
    assert found("services/api", context="app") == (["shop/api app/services/api"], [])
    assert found("services/docs", dockerfiles=False) == (["shop/docs services/docs"], [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("services/docs", "no such folder with a Dockerfile"),
        ("service/*", "'service/*', and the commit has no such folder"),
        ("tools/Cron", "my-service=tools/Cron"),
        ("services/api\napi=services/web", "two services of the name 'api': services/api and services/web"),
        (
            '[{"service": "a", "context": "services/api", "repository": "xy"}, '
            '{"service": "b", "context": "services/web", "repository": "xy"}]',
            "two services of the repository 'xy'",
        ),
    ],
)
def test_what_the_commit_does_not_have_is_told(text: str, words: str) -> None:
    """In words, with what to write."""
    _, problems = found(text)
    assert words in " ".join(problems)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("../x", "a folder is one of the checkout"),
        ("/x", "a folder is one of the checkout"),
        (".", "Write 'NAME=.'"),
        ("x=services/*", "which may be several"),
        ("[{", "no JSON"),
        ('{"service": "x"}', "no list"),
        ('[{"service": "x"}]', "without 'service' or 'context'"),
        ('[{"service": "x", "context": "x", "labels": "a=b"}]', "'labels' in its entry [0]"),
        ('[{"service": "x", "context": "x", "platforms": "arm"}]', "'platforms', which has 'arm'"),
        ('[{"service": "x", "context": 1}]', "no text as 'context'"),
    ],
)
def test_lines_that_are_none(text: str, words: str) -> None:
    """Refused, with the form of a line."""
    with pytest.raises(Wrong) as caught:
        service_list.declared(text)
    assert words in f"{caught.value.what} {caught.value.fix}"


def candidate(name: str = "api") -> Candidate:
    service = Service(name=name, context=f"services/{name}", repository=f"shop/{name}", own=(("target", "small"),))
    return Candidate(service=service, key=KEY)


def image(digest: str) -> Image:
    return Image(digest=digest, media_type="", manifest="", tags=())


def there(**tags: str) -> dict[str, Image]:
    """Tags (underscores for dashes; ``key`` for the candidate's) and the digests that they stand on."""
    return {KEY.tag if tag == "key" else tag.replace("_", "-"): image(digest) for tag, digest in tags.items()}


def decided(plan: Plan, *tags: dict[str, Image]) -> list[bool]:
    return [one.do for one in monorepo.decided([candidate() for _ in tags], tags, plan)]


PUSH = make_plan("push", "refs/heads/main", PAYLOAD, checkout=make_checkout())
RUNS = there(key="a", deployed_dev="a", latest="a")


@pytest.mark.parametrize(
    ("tags", "do"),
    [
        ({}, True),
        ({"deployed_dev": "a", "latest": "a"}, True),
        ({"key": "a", "deployed_dev": "a", "latest": "a"}, False),
        ({"key": "a", "latest": "a"}, False),
        ({"key": "a"}, False),
        ({"key": "a", "deployed_dev": "b", "latest": "a"}, True),
        ({"key": "a", "deployed_dev": "a", "latest": "b"}, True),
        ({"key": "a", "deployed_dev": "b", "deployed_dev_proposed": "a", "latest": "a"}, True),
        ({"key": "a", "deployed_dev": "a", "deployed_dev_proposed": "b", "latest": "a"}, True),
        ({"key": "a", "deployed_dev": "b", "deployed_dev_rejected": "a", "latest": "a"}, False),
        ({"key": "a", "deployed_dev": "a", "deployed_dev_rejected": "b", "latest": "a"}, False),
    ],
)
def test_what_is_there_and_runs_has_no_job(tags: dict[str, str], do: bool) -> None:
    """What is there and does not run has one, unless it was rolled back."""
    assert decided(PUSH, there(**tags)) == [do]


def test_one_that_was_never_rolled_out_has_a_job_where_others_were() -> None:
    """Where none is marked, nothing is rolled out from here."""
    assert decided(PUSH, there(key="a", latest="a"), RUNS) == [True, False]


def test_a_pull_request_asks_for_the_content_alone_and_a_release_is_of_all() -> None:
    """Nothing of a pull request runs; a version is put on every service's image."""
    head = {"sha": "1" * 40, "repo": {"full_name": REPOSITORY}}
    pull = {**PAYLOAD, "number": 7, "pull_request": {"number": 7, "head": head, "base": {"ref": "main"}}}
    checkout = make_checkout()
    asked = make_plan("pull_request", "refs/pull/7/merge", pull, checkout=checkout)
    assert monorepo.asked(asked, KEY) == (KEY.tag,)
    assert decided(asked, there(key="a"), {}) == [False, True]
    release = make_plan("push", "refs/tags/v1.2.3", PAYLOAD, checkout=checkout)
    assert decided(release, RUNS) == [True]


def test_the_matrix_names_the_images_that_its_jobs_will_publish() -> None:
    """Only those with a job; what a bump reads of it is tag, key and environment."""
    decisions = [Decided(candidate=candidate(name), do=name == "web", because="") for name in ("api", "web")]
    text = monorepo.matrix(decisions, PUSH)
    (row,) = json.loads(text)
    assert (row["service"], row["context"], row["target"]) == ("web", "services/web", "small")
    (listed,) = job_outputs.listing(text).images
    assert (listed.repository, listed.tag, listed.key, listed.environment) == (
        "shop/web",
        PUSH.tags.primary,
        KEY.tag,
        "dev",
    )
    assert job_outputs.listing(monorepo.matrix([], PUSH)).given
    with pytest.raises(Wrong, match="a 'key' that is none"):
        job_outputs.listing(text.replace(KEY.tag, "key-1"))


def test_the_input_and_the_mode_belong_together() -> None:
    """One without the other is told."""
    _, alone = inputs.parse({"services": "services/*"})
    _, without = inputs.parse({"mode": "matrix"})
    assert [problem.name for problem in (*alone, *without)] == ["services", "services"]
