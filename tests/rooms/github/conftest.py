"""The lab's GitHub for these rooms."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lab.github import client


@pytest.fixture(scope="session")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[client.GitHub]:
    """The lab's GitHub as a process of its own."""
    with client.running(tmp_path_factory.mktemp("rooms-github")) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lab is on loopback: a proxy of the machine is not asked."""
    for name in [*os.environ]:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
