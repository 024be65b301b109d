"""A build or a push that breaks off: the error says what broke, nothing is half-published, a plain re-run continues."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from lab.second import SecondEngine
from lab.stage import Stage
from tests.job.seen import control, tags_of
from tests.job.test_failures import failed

FRESH = "FROM busybox:stable\nENV RUN={}\nCOPY index.html /\n"


def continues(stage: Stage) -> None:
    """Nothing was published, and nothing rolled out; a plain re-run does both."""
    assert tags_of(stage) == {}
    result = stage.publish(stage.push_payload())
    assert result.exit_code == 0, result.log
    assert {stage.head, stage.head[:7], f"dev-{stage.head[:7]}", "latest"} <= set(tags_of(stage))
    assert result.outputs["deployed"] == "true"


@pytest.mark.parametrize("engine", ["buildx", "docker"])
def test_a_push_that_is_cut(stage: Stage, engine: str) -> None:
    """The connection breaks at the manifest, after the layers, each time the builder tries."""
    stage.commit("Another image", {"Dockerfile": FRESH.format(time.time_ns())})
    head = stage.gitops_head()
    control(stage, "faults", {"operation": "registry:PUT manifest", "cut": True, "times": 100})
    result = stage.publish(stage.push_payload(), engine=engine)
    control(stage, "faults", {}, method="DELETE")
    failed(result, "E-PUSH", "the connection broke", "Run the job again")
    assert stage.gitops_head() == head
    continues(stage)


@pytest.fixture
def second() -> Iterator[SecondEngine]:
    """An engine beside the lab's."""
    engine = SecondEngine()
    try:
        engine.up()
        yield engine
    finally:
        engine.down()


def test_an_engine_elsewhere_that_goes_away(stage: Stage, second: SecondEngine) -> None:
    """Over TLS, with certificates that the job's own bundle of authorities does not know, it builds and pushes; killed
    while a command runs, it is named, and the re-run is another engine's."""
    elsewhere = {**second.variables, "REQUESTS_CA_BUNDLE": os.devnull}
    for engine in ("buildx", "docker"):
        stage.commit(f"By {engine}", {"Dockerfile": FRESH.format(time.time_ns())})
        plain = {"gitops_repository": "-", "gitops_token": "-", "repository": f"elsewhere/{stage.head[:7]}"}
        result = stage.publish(stage.push_payload(), variables=elsewhere, engine=engine, **plain)
        assert result.exit_code == 0, result.log
        assert tags_of(stage, plain["repository"])["latest"] == result.outputs["digest"]
    stage.commit("Takes long", {"Dockerfile": FRESH.format(time.time_ns()) + "RUN echo has begun; sleep 600\n"})
    killed = []

    def kill(line: str) -> None:
        if line.endswith(" has begun") and not killed:
            killed.append(line)
            second.kill()

    result = stage.publish(stage.push_payload(), variables=elsewhere, echo=kill)
    failed(result, "E-ENGINE", "went away during the build", "Run the job again")
    stage.commit("Takes no longer", {"Dockerfile": FRESH.format(time.time_ns())})
    continues(stage)
