"""Twenty services in one repository, by the example's own jobs: found, published, and rolled out by one commit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import yaml

from lab.github import setup as github
from lab.runner import expressions
from lab.runner.shim import StepResult
from lab.stage import EXAMPLES, Stage
from tests.job.seen import gitops_file, gitops_message, repository_of, tags_of, writes
from tests.job.test_deploy import NO_ENGINE
from tests.job.test_publish import ok

Make = Callable[..., Stage]
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
NAMES = [f"s{number:02}" for number in range(20)]
# Two services take in a folder that stands beside theirs, which no filter on their own folders sees.
SHARED = NAMES[:2]
PLAIN, WITH_LIBRARY = "FROM busybox:stable\nCOPY main /\n", "FROM busybox:stable\nCOPY main /\nCOPY --from=lib lib /\n"
JOBS: Mapping[str, Any] = yaml.safe_load((EXAMPLES / "workflows/monorepo.yaml").read_text())["jobs"]
Entry = dict[str, str]


def step(stage: Stage, job: str, known: Mapping[str, Any], **given: str) -> StepResult:
    """The last step of the example's job, with *given* beside what is written there."""
    about = {"secrets": {"AWS_ROLE_ARN": stage.role, "GITOPS_PAT": stage.gitops_token}, **known}
    named = {"hello-web": repository_of(stage)}
    written = {}
    for name, value in JOBS[job]["steps"][-1]["with"].items():
        text = expressions.interpolate(value, about)
        for old, new in named.items():
            text = text.replace(old, new)
        written[name.replace("-", "_")] = text
    settings = {} if job == "publish" else {"variables": NO_ENGINE}
    without = {} if job == "bump" else {"gitops_repository": "-", "gitops_token": "-"}
    return ok(stage.publish(stage.push_payload(), **{**without, **written, **given}, **settings))


def services() -> str:
    """All twenty, as the input."""
    entries = [{"service": name, "context": f"services/{name}"} for name in NAMES]
    return json.dumps([{**one, "build-contexts": "lib=libs"} if one["service"] in SHARED else one for one in entries])


def found(stage: Stage) -> list[Entry]:
    """What the first job finds; it reads alone."""
    stage.calls()
    result = step(stage, "services", {}, services=services())
    assert writes(stage.calls()) == []
    return list(json.loads(result.outputs["matrix"]))


def names(entries: list[Entry]) -> list[str]:
    return [entry["service"] for entry in entries]


def published(stage: Stage, entries: list[Entry]) -> list[StepResult]:
    """The jobs of the matrix, two at a time."""

    def one(entry: Entry) -> StepResult:
        beside = {"build_contexts": entry["build-contexts"]} if "build-contexts" in entry else {}
        return step(stage, "publish", {"matrix": entry}, **beside)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, entries))


def rolled_out(stage: Stage, entries: list[Entry]) -> StepResult:
    """The last job: one commit for all of them."""
    before = stage.gitops_head()
    result = step(stage, "bump", {"needs": {"services": {"outputs": {"matrix": json.dumps(entries)}}}})
    assert result.outputs["gitops-commit"] == stage.gitops_head() != before
    parents = stage.gitops_diff(before, stage.gitops_head())
    assert parents.count("\n+image: ") == len(entries)
    return result


def standing(stage: Stage) -> dict[str, str]:
    """The tag of each service in the GitOps repository."""
    return {name: gitops_file(stage, f"apps/{name}.yaml").rpartition(":")[2].strip() for name in NAMES}


def test_a_monorepo_of_twenty_services(make_stage: Make) -> None:
    """All at first, none the second time; then those alone that a shared file, a revert or a force push changes."""
    stage = make_stage({f"apps/{name}.yaml": f"kind: Pod\nimage: {HOST}/APP/{name}:none\n" for name in NAMES})
    files = {f"services/{name}/main": name for name in NAMES} | {"libs/lib": "1"}
    docker = {f"services/{name}/Dockerfile": WITH_LIBRARY if name in SHARED else PLAIN for name in NAMES}
    start = stage.commit("Twenty services", files | docker)
    first = found(stage)
    assert names(first) == NAMES
    assert first[0]["repository"] == f"{repository_of(stage)}/s00"
    published(stage, first)
    rolled_out(stage, first)
    assert set(standing(stage).values()) == {start[:7]}
    assert gitops_message(stage).count("Ecr-Publish-Image: ") == 20
    assert found(stage) == []

    changed = stage.commit("The shared folder", {"libs/lib": "2"})
    second = found(stage)
    assert names(second) == SHARED
    assert {job.outputs["reused"] for job in published(stage, second)} == {"false"}
    rolled_out(stage, second)
    assert {name for name, tag in standing(stage).items() if tag == changed[:7]} == set(SHARED)

    reverted = stage.commit("Revert", {"libs/lib": "1"})
    third = found(stage)
    assert names(third) == SHARED, "what is there, but does not run"
    assert {job.outputs["reused"] for job in published(stage, third)} == {"true"}
    rolled_out(stage, third)
    assert {name for name, tag in standing(stage).items() if tag == reverted[:7]} == set(SHARED)
    tags = tags_of(stage, f"{repository_of(stage)}/s00")
    assert tags[reverted] == tags[start] == tags["deployed-dev"] != tags[changed]

    stage.checkout(start)
    forced = stage.commit("Another history", {"services/s07/main": "new"}, branch="forced")
    github.push(stage.app, github.repository(stage.github.state, stage.name), "+HEAD:refs/heads/main")
    fourth = found(stage)
    assert names(fourth) == ["s07"]
    published(stage, fourth)
    rolled_out(stage, fourth)
    assert {name for name, tag in standing(stage).items() if tag == forced[:7]} == {"s07"}
