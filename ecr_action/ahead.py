"""A question that is asked before its answer is needed, so that the run does not wait for it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from ecr_action.errors import Failure

T = TypeVar("T")


class Ahead(Generic[T]):
    """What *ask* gives, asked at once beside everything else. A process that ends does not wait for it."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._found: list[T] = []
        self._failure: Failure | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        # A bug of ours is met again by whoever asks for the answer, and told there.
        with contextlib.suppress(Exception):
            try:
                self._found.append(self._ask())
            except Failure as failure:
                self._failure = failure

    def answer(self) -> T:
        """The answer, once it is there. Raises the Failure that it ended in."""
        self._thread.join()
        if self._failure:
            raise self._failure
        return self._found[0] if self._found else self._ask()
