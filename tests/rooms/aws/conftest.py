"""A lab for all tests of these rooms, and an environment that knows no other AWS."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest

from lab.aws import setup

from .world import Job, Parts, World, start

COUNTER = itertools.count(1)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A lab that the tests share: each uses repositories and roles of its own."""
    made = start(tmp_path_factory.mktemp("rooms-aws"), "127.83.67.9")
    yield made
    made.process.terminate()
    assert made.process.wait(10) == 0


@pytest.fixture(autouse=True)
def _only_the_lab(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The SDK's environment: the lab's address, no credentials, no files, no proxy. No fault outlives its test."""
    for name in [*os.environ]:
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", world.endpoint)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    world.control("DELETE", "faults")
    world.control("DELETE", "calls")
    yield
    world.control("DELETE", "faults")


@pytest.fixture
def job(world: World) -> Job:
    """A job that has asked for nothing yet."""
    return Job(world)


@pytest.fixture
def name() -> str:
    """The name of a repository that nobody has."""
    return f"app-{next(COUNTER)}"


@pytest.fixture
def platform_role(world: World) -> str:
    """The platform's present role, which trusts the form of ``sub`` without ids."""
    return setup.platform_role(world.admin("iam"), "darede-labs")


@pytest.fixture
def full_role(world: World) -> str:
    """A role that may do everything the action can use, and trusts both forms."""
    return setup.full_role(world.admin("iam"), "darede-labs")


@pytest.fixture
def full(job: Job, full_role: str) -> Parts:
    """ECR with every permission."""
    return job.parts(job.connect(full_role))


@pytest.fixture
def seed(job: Job, platform_role: str) -> Parts:
    """ECR with the platform's present role."""
    return job.parts(job.connect(platform_role))
