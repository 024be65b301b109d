"""The tree of failures is a contract: codes stay, and each is explained."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import pytest

from ecr_action import errors
from ecr_action.errors import Failure

from .source import ROOT, modules


def tree(root: type[Failure] = Failure) -> Iterator[type[Failure]]:
    for kind in root.__subclasses__():
        yield kind
        yield from tree(kind)


KINDS = list(tree())


def test_codes_are_unique() -> None:
    """No two kinds of failure share a code."""
    codes = [kind.code for kind in KINDS]
    assert sorted(set(codes)) == sorted(codes)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_each_kind_is_complete(kind: type[Failure]) -> None:
    """Each kind has a code of its own in the form E-..., a title, an exit status, an explanation and a page."""
    assert {"code", "title"} <= set(vars(kind))
    assert re.fullmatch(r"E(-[A-Z]+)+", kind.code)
    assert re.fullmatch(r"[A-Z].*[^.\s]", kind.title)
    assert kind.exit_status in (1, 2)
    assert len(inspect.cleandoc(vars(kind)["__doc__"])) > 20
    assert f"\n## {kind.code}\n" in (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    """The module's first page lists every kind with its code, in order, and no other."""
    listed = re.findall(r"── (\w+) +(E-[A-Z-]+)", errors.__doc__ or "")
    assert listed == [(kind.__name__, kind.code) for kind in KINDS]


def test_every_kind_is_raised_somewhere() -> None:
    """A kind that nothing raises is no failure a user can meet."""
    texts = [m.path.read_text(encoding="utf-8") for name, m in modules().items() if name != "errors"]
    unused = [kind.__name__ for kind in KINDS if not any(re.search(rf"\b{kind.__name__}\b", text) for text in texts)]
    assert unused == []


def test_a_failure_reads_what_why_fix() -> None:
    """The text has title, code, what happened, the reason and the fix, in that order."""
    failure = errors.RepositoryMissing(
        "`app` is not there.", why="It was never created.", fix="create-repository: true"
    )
    assert str(failure) == (
        "The ECR repository does not exist (E-ECR-REPOSITORY): `app` is not there.\n"
        "Why: It was never created.\nFix: create-repository: true"
    )
