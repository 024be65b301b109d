"""A lab of its own, whose clock the month moves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from lab.lab import Lab
from lab.paths import Paths


@pytest.fixture(scope="package")
def laboratory() -> Iterator[tuple[Paths, dict[str, str]]]:
    """A lab that knows nothing yet, with its engine."""
    paths = Paths(name="month")
    for part in ("aws", "github", "apps"):
        shutil.rmtree(paths.state / part, ignore_errors=True)
    with Lab(paths) as environment:
        yield paths, environment
