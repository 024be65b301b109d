"""FIDELITY.md and what it speaks of: its tests exist, and every route and mutation of the lab's GitHub has a row."""

from __future__ import annotations

import re
from pathlib import Path

import graphql
import pytest

from lab.github import graph, routes
from tests.lab.table import ROWS, Row, without_row

HERE = Path(__file__).parent


def _defines(file: str, test: str) -> bool:
    texts = [path.read_text() for path in HERE.rglob(file)]
    return any(not test or re.search(rf"^def {test}\(", text, re.M) for text in texts)


def test_every_row_says_all_of_it() -> None:
    """Five cells: what, how far, by which document, which test, and what is not."""
    assert len(ROWS) > 70
    assert [row.name for row in ROWS if len(row.cells) != 5 or not row.name or not row.cells[1].strip()] == []


def test_every_row_names_tests_that_exist() -> None:
    """A row without a test says nothing, nor does one whose test is gone."""
    assert [row.name for row in ROWS if not row.tests] == []
    named = {one for row in ROWS for one in row.tests}
    assert [one for one in sorted(named) if not _defines(*one)] == []


def test_a_test_that_is_gone_would_be_seen() -> None:
    """The search for a test's definition can fail."""
    assert _defines("test_github_walk.py", "test_every_route_answers_as_documented")
    assert not _defines("test_github_walk.py", "test_every_route")
    assert not _defines("test_nowhere.py", "")


@pytest.mark.parametrize("route", routes.ROUTES + routes.APP_ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_has_a_row(route: routes.Route) -> None:
    """By its method and its path below the repository, as the document shortens it."""
    assert without_row([f"{route.method} {route.path}"]) == []


def test_every_mutation_has_a_row() -> None:
    """By its name."""
    mutations = graph.schema().mutation_type
    assert isinstance(mutations, graphql.GraphQLObjectType)
    assert without_row(mutations.fields) == []


# What the action calls, as the lab names it, and the row that it is in.
CALLED = {
    "ecr:PutImage": "PutImage",
    "ecr:DescribeRepositories": "CreateRepository, DescribeRepositories, DeleteRepository",
    "sts:AssumeRoleWithWebIdentity": "AssumeRoleWithWebIdentity",
    "secretsmanager:GetSecretValue": "GetSecretValue (Secrets Manager), GetParameter (Systems Manager)",
    "oidc:GET token": "token request of a job",
    "registry:PATCH upload": "`POST`, `PATCH`, `PUT .../blobs/uploads`",
    "registry:HEAD blob": "`HEAD`, `GET .../blobs/<digest>`",
    "registry:GET base": "`GET /v2/`, no credentials",
    "GET /repos/{owner}/{repo}": "`GET /repos/{o}/{r}`",
    "GET /repos/{owner}/{repo}/compare/{basehead*}": "`GET .../compare/{base}...{head}`",
    "createCommitOnBranch": "`createCommitOnBranch`",
    "git over http": "git over http",
}


@pytest.mark.parametrize(("operation", "name"), CALLED.items())
def test_an_operation_is_missed_when_its_row_is_gone(operation: str, name: str) -> None:
    """The check of whole runs (tests/job) finds each kind of call, and complains without its row."""
    others = [row for row in ROWS if row.name != name]
    assert len(others) == len(ROWS) - 1
    assert without_row([operation]) == []
    assert without_row([operation], others) == [operation]


@pytest.mark.parametrize(
    "operation",
    ["ecr:PutImag", "ecr:DeleteEverything", "iam:CreateRole", "registry:DELETE blob", "registry:GET other",
     "PUT /repos/{owner}/{repo}/compare/{basehead*}", "GET /repos/acme/shop/milestones", "mergeBranch"],
)  # fmt: skip
def test_an_operation_of_no_row_is_named(operation: str) -> None:
    """Half a name, another method, a service that the action has no business with."""
    assert without_row(["ecr:PutImage", operation]) == [operation]


def test_a_name_in_another_cell_is_no_row() -> None:
    """A row is about what its first cell names."""
    row = Row("ECR API", (" other ", " needs ecr:PutImage ", "", "", ""))
    assert without_row(["ecr:PutImage"], [row]) == ["ecr:PutImage"]
