"""The time of each phase, and its group in the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ecr_action.protocols import Clock, Console


class Timeline:
    """Collects *seconds* by phase."""

    def __init__(self, clock: Clock, console: Console) -> None:
        self._clock = clock
        self._console = console
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A group of the log; its time counts also where it fails."""
        start = self._clock.monotonic()
        with self._console.group(name):
            try:
                yield
            finally:
                self.seconds[name] = round(self.seconds.get(name, 0.0) + self._clock.monotonic() - start, 3)
