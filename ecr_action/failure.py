"""What every failure tells: its code, what happened, why, and how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class Failure(Exception):
    """Something a user can meet. The class's docstring says when; it is the error's page in ``docs/errors.md``.

    Parameters: *what* happened (one sentence), *why* (one or more sentences, may be empty), *fix* (the YAML line,
    statement or command to paste; several lines allowed), *file* and *line* (1-based) for the annotation.
    """

    code: ClassVar[str] = "E-FAILURE"
    title: ClassVar[str] = "Failed"
    exit_status: ClassVar[int] = 1

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        fix: str = "",
        file: str | None = None,
        line: int | None = None,
        transient: bool = False,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.fix = fix
        self.file = file
        self.line = line
        self.transient = transient
        # What the run had done by then (report.Outcome), for its outputs: a later step may need the image all the same.
        self.so_far: object = None

    def __str__(self) -> str:
        parts = [f"{self.title} ({self.code}): {self.what}"]
        parts += [f"Why: {self.why}"] if self.why else []
        parts += [f"Fix: {self.fix}"] if self.fix else []
        return "\n".join(parts)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one input: its *name*, *what* is wrong, the *fix*."""

    name: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.what}" + (f" {self.fix}" if self.fix else "")


class InputProblems(Failure):
    """Inputs of the step are wrong, contradict each other, or do not exist.

    All problems are listed at once and nothing has been done. Correct the ``with:`` block and run again.
    """

    code = "E-INPUT"
    title = "Inputs are wrong"
    exit_status = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 input is wrong" if len(self.problems) == 1 else f"{len(self.problems)} inputs are wrong"
        lines = "\n".join(f"- {problem}" for problem in self.problems)
        super().__init__(f"{count}; nothing was done.\n{lines}")
