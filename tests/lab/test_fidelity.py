"""FIDELITY.md and what it speaks of: its tests exist, and every route and mutation of the lab's GitHub has a row."""

from __future__ import annotations

import re
from pathlib import Path

import graphql
import pytest

from lab.github import graph, routes

HERE = Path(__file__).parent
TEXT = (HERE.parents[1] / "lab" / "FIDELITY.md").read_text()
ROWS = [
    re.split(r"(?<!\\)\|", line)[1:-1]
    for line in TEXT.splitlines()
    if line.startswith("|") and not line.startswith("|---") and "aithful |" not in line
]
# A short path of the document is one of a repository.
_COVERED = re.findall(r"`(?:(?:GET|POST|PATCH|PUT|DELETE) )?([^`]*/[^`]*)`", "\n".join(row[0] for row in ROWS))


def _tests_of(cell: str) -> list[tuple[str, str]]:
    return re.findall(r"`(test_\w+\.py)(?:::(\w+))?`", cell)


def _defines(file: str, test: str) -> bool:
    texts = [path.read_text() for path in HERE.rglob(file)]
    return any(not test or re.search(rf"^def {test}\(", text, re.M) for text in texts)


def test_every_row_says_all_of_it() -> None:
    """Five cells: what, how far, by which document, which test, and what is not."""
    assert len(ROWS) > 70
    assert [row[0] for row in ROWS if len(row) != 5 or not row[0].strip() or not row[1].strip()] == []


def test_every_row_names_tests_that_exist() -> None:
    """A row without a test says nothing, nor does one whose test is gone."""
    assert [row[0] for row in ROWS if not _tests_of(row[3])] == []
    named = {one for row in ROWS for one in _tests_of(row[3])}
    assert [one for one in sorted(named) if not _defines(*one)] == []


def test_a_test_that_is_gone_would_be_seen() -> None:
    """The search for a test's definition can fail."""
    assert _defines("test_github_walk.py", "test_every_route_answers_as_documented")
    assert not _defines("test_github_walk.py", "test_every_route")
    assert not _defines("test_nowhere.py", "")


@pytest.mark.parametrize("route", routes.ROUTES + routes.APP_ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_has_a_row(route: routes.Route) -> None:
    """By its path below the repository, as the document shortens it."""
    assert _is_covered(route.path), f"no row of lab/FIDELITY.md is for {route.method} {route.path}"


def _is_covered(path: str) -> bool:
    below = _plain(path.removeprefix("/repos/{owner}/{repo}"))
    rows = {_plain(row.replace("/repos/{o}/{r}", "").removeprefix("...")) for row in _COVERED}
    return below in rows


def _plain(path: str) -> str:
    return re.sub(r"\{\w+\*?\}(\.\.\.\{\w+\})?", "{}", path).rstrip("/?")


def test_every_mutation_has_a_row() -> None:
    """By its name."""
    mutations = graph.schema().mutation_type
    assert isinstance(mutations, graphql.GraphQLObjectType)
    assert [name for name in mutations.fields if not any(f"`{name}`" in row[0] for row in ROWS)] == []
