"""A question that is asked early: its answer, its failure, and what nobody waits for."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ecr_action.ahead import Ahead
from ecr_action.errors import GitOpsMissing


def test_it_is_asked_once_and_before_the_answer_is_needed() -> None:
    """The question is on its way while the asker does something else."""
    asked, told = threading.Event(), threading.Event()
    count = []

    def ask() -> str:
        count.append(1)
        asked.set()
        told.wait()
        return "answer"

    ahead = Ahead(ask)
    assert asked.wait(60)
    told.set()
    assert (ahead.answer(), ahead.answer(), len(count)) == ("answer", "answer", 1)


def test_its_failure_is_raised_where_the_answer_is_needed() -> None:
    """Not in the thread, where nobody would see it."""

    def ask() -> str:
        raise GitOpsMissing("There is no such file.", fix="gitops-files: another one")

    ahead = Ahead(ask)
    with pytest.raises(GitOpsMissing):
        ahead.answer()


def test_a_bug_is_met_again_by_the_asker() -> None:
    """So that it is told as every bug is."""

    def ask() -> str:
        raise KeyError("a bug")

    ahead = Ahead(ask)
    with pytest.raises(KeyError):
        ahead.answer()


def test_a_process_that_ends_does_not_wait_for_the_answer() -> None:
    """A run that fails elsewhere ends at once, whatever GitHub does."""
    code = "import threading; from ecr_action.ahead import Ahead; Ahead(threading.Event().wait)"
    folder = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
