"""The build cache by itself: written by runs of the repository's own branches, read by pull requests too."""

from __future__ import annotations

import subprocess
import time
from typing import Any

from lab.runner.shim import StepResult
from lab.stage import Stage
from tests.job.seen import ecr, repository_of, tags_of, writes

NO_GITOPS = {"gitops_repository": "-", "gitops_token": "-"}


def pull_request(stage: Stage, **given: Any) -> StepResult:
    """A run on a pull request of the repository's own branch, without a push unless asked for."""
    head = {"sha": stage.head, "ref": "feature", "repo": {"full_name": stage.name}}
    payload = {**stage.push_payload(), "number": 7, "pull_request": {"number": 7, "head": head}}
    given = {**NO_GITOPS, "cache": "auto", **given}
    result = stage.publish(payload, event="pull_request", ref="refs/pull/7/merge", **given)
    assert result.exit_code == 0, result.log
    return result


def forget(stage: Stage) -> None:
    """A builder that has nothing, as the next runner's."""
    command = ["docker", "builder", "prune", "--all", "--force"]
    subprocess.run(command, env=stage.environment, check=True, capture_output=True)


def test_a_cache_is_written_once_and_read_by_all(stage: Stage) -> None:
    """A pull request reads it and leaves it as it is, pushed or not; without credentials it builds without it."""
    text = f"FROM busybox:stable\nRUN echo {time.time_ns()} > /slow\nCOPY index.html /\n"
    stage.commit("With a slow step", {"Dockerfile": text})
    first = stage.publish(stage.push_payload(), cache="auto", **NO_GITOPS)
    assert first.exit_code == 0, first.log
    kept = tags_of(stage)
    assert set(kept) == {stage.head, stage.head[:7], f"dev-{stage.head[:7]}", "latest", "buildcache"}
    stage.commit("Of a pull request", {"index.html": "feature\n"})
    stage.calls()
    for given in ({}, {"push": "true"}):
        forget(stage)
        result = pull_request(stage, **given)
        assert "importing cache manifest" in result.log
        slow = [line.partition(" ")[0] for line in result.log.splitlines() if "RUN echo" in line and "#" in line]
        assert f"{slow[-1]} CACHED" in result.log
        if not given:
            assert writes(stage.calls()) == []
    assert tags_of(stage)["buildcache"] == kept["buildcache"]
    for given in ({"role_to_assume": ""}, {"aws_region": "-"}):
        alone = pull_request(stage, **given)
        assert "No build cache is read:" in alone.log
        assert "importing cache manifest" not in alone.log


def test_an_immutable_repository_and_a_cache_that_can_not_move(stage: Stage) -> None:
    """The cache goes into the image instead, with a notice that says why; asked for outright it is left."""
    settings = {"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION"}
    latest = [{"filterType": "WILDCARD", "filter": name} for name in ("latest", "key-*")]
    name = repository_of(stage)
    ecr(stage).create_repository(repositoryName=name, imageTagMutabilityExclusionFilters=latest, **settings)
    for kind, written in (("auto", "writes type=inline"), ("registry", "writes none")):
        stage.commit(f"By {kind}", {"index.html": kind})
        result = stage.publish(stage.push_payload(), cache=kind, lifecycle_policy="none", **NO_GITOPS)
        assert result.exit_code == 0, result.log
        assert written in result.log
        assert "the tag buildcache can't move" in result.log
    assert "buildcache" not in tags_of(stage)
