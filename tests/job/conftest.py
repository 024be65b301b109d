"""The lab for whole runs, and an app of its own for each test."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator

import pytest

from lab.lab import Lab
from lab.paths import Paths
from lab.stage import EXAMPLES, Stage, read_folder
from tests.lab.table import without_row

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="package")
def laboratory() -> Iterator[tuple[Paths, dict[str, str]]]:
    """A lab that knows nothing yet, with its engine; what is called on it must be in lab/FIDELITY.md, or nobody knows
    whether it answers as the real ones do."""
    paths = Paths(name="job")
    for part in ("aws", "github", "apps"):
        shutil.rmtree(paths.state / part, ignore_errors=True)
    with Lab(paths) as environment:
        yield paths, environment
        assert without_row(Stage(paths, environment).operations()) == [], "these have no row in lab/FIDELITY.md"


@pytest.fixture
def make_stage(laboratory: tuple[Paths, dict[str, str]]) -> Callable[..., Stage]:
    """Makes an app that no other test has; ``manifests`` are its GitOps repository's first files."""

    def make(manifests: dict[str, str] | None = None, *, full: bool = True) -> Stage:
        name = f"darede-labs/app-{next(_NUMBERS)}"
        short = name.rpartition("/")[2]
        files = read_folder(EXAMPLES / "hello-web-gitops") if manifests is None else manifests
        made = Stage(*laboratory, name=name, gitops=f"{name}-gitops")
        named = {
            path.replace("APP", short): text.replace("hello-web", short).replace("APP", short)
            for path, text in files.items()
        }
        made.set_up(named, full=full)
        made.calls()
        return made

    return make


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """An app with the example's GitOps repository and a role with all that the action can use."""
    return make_stage()
