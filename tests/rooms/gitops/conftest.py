"""The lab's GitHub for these rooms; each test has a repository and a token of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lab.github import client

from .place import Place, place_in


@pytest.fixture(scope="session")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[client.GitHub]:
    """The lab's GitHub as a process of its own."""
    with client.running(tmp_path_factory.mktemp("rooms-gitops")) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lab is on loopback: a proxy of the machine is not asked."""
    for name in [*os.environ]:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def place(github: client.GitHub) -> Iterator[Place]:
    """A repository with two environments of one app, and everything that no bump may touch."""
    made = place_in(github)
    github.clear_faults()
    github.clear_calls()
    yield made
    github.clear_faults()
