"""Faults on demand: latency, stale reads, refusals, answers lost after the effect."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Fault:
    """Replaces the answer of the next *times* matching calls (None: of all until cleared).

    `when="before"`: the call has no effect; `"after"`: it has, only its answer is lost. With *message* set it is a
    GraphQL error in an answer of status 200 (*type* may be None), else *status*, *body* and *headers* are sent.
    *path* is a regular expression searched in the path; *operation* a top-level GraphQL field.
    """

    method: str | None = None
    path: str | None = None
    operation: str | None = None
    repository: str | None = None
    login: str | None = None
    times: int | None = 1
    when: str = "before"
    status: int = 502
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    message: str | None = None
    type: str | None = None

    def fits(self, call: dict[str, Any]) -> bool:
        """Tell whether this fault is meant for *call* (the keys of a recorded call)."""
        return all(
            wanted is None or str(wanted).lower() == str(call.get(key)).lower()
            for key, wanted in (("method", self.method), ("operation", self.operation),
                                ("repository", self.repository), ("login", self.login))
        ) and (self.path is None or re.search(self.path, call["path"]) is not None)  # fmt: skip


class Faults:
    """The faults that are set, and what a stale read answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget everything that was set."""
        with self._lock:
            self._faults: list[Fault] = []
            self.read_latency = self.commit_latency = self.stale_seconds = 0.0
            self._earlier: dict[tuple[int, str], tuple[str, float]] = {}

    def add(self, fault: dict[str, Any]) -> None:
        """Set one: `{"kind": "latency", "read", "commit"}` and `{"kind": "stale", "seconds"}` in seconds, or
        `{"kind": "answer", ...}` with the fields of Fault. Raises ValueError."""
        fields = dict(fault)
        kind = fields.pop("kind", "answer")
        if kind == "latency":
            self.read_latency, self.commit_latency = float(fields.get("read", 0)), float(fields.get("commit", 0))
        elif kind == "stale":
            self.stale_seconds = float(fields["seconds"])
        elif kind == "answer":
            try:
                with self._lock:
                    self._faults.append(Fault(**fields))
            except TypeError as error:
                raise ValueError(str(error)) from None
        else:
            raise ValueError(f"no fault of the kind {kind!r}: latency, stale or answer")

    def take(self, call: dict[str, Any], when: str) -> Fault | None:
        """Return the first fault for *call*, using up one of its times."""
        with self._lock:
            for fault in self._faults:
                if fault.when == when and fault.times != 0 and fault.fits(call):
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
        return None

    def wait(self, commit: bool) -> None:
        """Sleep for the latency that is set."""
        time.sleep(self.commit_latency if commit else self.read_latency)

    def moved(self, repository: int, reference: str, old: str | None) -> None:
        """Remember the head before a write, for reads that must be stale."""
        if self.stale_seconds and old:
            with self._lock:
                self._earlier.setdefault((repository, reference), (old, time.monotonic() + self.stale_seconds))

    def seen(self, repository: int, reference: str, actual: str | None) -> str | None:
        """Return the commit that a read of *reference* shows: the earlier one while reads are stale."""
        with self._lock:
            earlier, until = self._earlier.get((repository, reference), (actual, 0.0))
            if time.monotonic() < until:
                return earlier
            self._earlier.pop((repository, reference), None)
            return actual
