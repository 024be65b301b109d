"""The lines of a build in the log, a group for each stage."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType

from ecr_action.protocols import Console


class Groups:
    """Opens the group of a stage at its first line, and closes it at the next stage's. No stage: no group."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._open = ExitStack()
        self._stage = ""

    def __enter__(self) -> Groups:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def show(self, lines: Iterable[tuple[str, str]]) -> None:
        """Show *lines*, each with its stage."""
        for stage, line in lines:
            if stage != self._stage:
                self._open.close()
                self._stage = stage
                if stage:
                    self._open.enter_context(self._console.group(f"Stage {stage}"))
            self._console.info(line)
