"""What was called, in order, and the faults that the next calls shall meet."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from .errors import AwsError, CutConnection


@dataclass
class Entry:
    """One call. *operation* is an API's operation, or the method and path class of the registry's wire."""

    service: str
    operation: str
    caller: str = ""
    target: str = ""
    status: int = 0
    error: str = ""
    received: int = 0
    sent: int = 0


class Calls:
    """The calls since the last clearing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._seen: set[str] = set()

    def begin(self, service: str, operation: str, target: str = "") -> Entry:
        """Note a call as it comes in; the rest of the entry is filled in later."""
        entry = Entry(service, operation, target=target)
        with self._lock:
            self._entries.append(entry)
        return entry

    def listed(self) -> list[dict[str, Any]]:
        """Return all entries, oldest first."""
        with self._lock:
            return [asdict(entry) for entry in self._entries]

    def take(self) -> list[dict[str, Any]]:
        """Return all entries and forget them, in one step: a call that comes in meanwhile is in the next answer."""
        with self._lock:
            taken, self._entries = self._entries, []
            self._seen |= _operations(taken)
        return [asdict(entry) for entry in taken]

    def operations(self) -> list[str]:
        """Return what was ever called, as ``ecr:PutImage`` or ``registry:PUT manifest``, by anyone but administrators.

        Those are the tests' own hands.
        """
        with self._lock:
            return sorted(self._seen | _operations(self._entries))


def _operations(entries: Iterable[Entry]) -> set[str]:
    return {f"{one.service}:{one.operation}" for one in entries if not one.caller.endswith(":root")}


HELD_SECONDS = 300.0


@dataclass
class Fault:
    """What shall happen to the next *times* calls of *operation* (``ecr:PutImage``, ``registry:PUT manifest``).

    delay: seconds before the call. error: ``{"code", "message", "status"}``. after: the call takes effect first.
    cut: the connection is closed without an answer. skip: so many calls pass before the first one is hit.
    hold: the call waits until the faults are cleared, HELD_SECONDS at most.
    """

    operation: str
    times: int = 1
    skip: int = 0
    delay: float = 0.0
    error: dict[str, Any] | None = None
    after: bool = False
    cut: bool = False
    hold: bool = False

    def strike(self) -> None:
        """Raise what was asked for."""
        if self.cut:
            raise CutConnection(self.operation)
        if self.error:
            status = int(self.error.get("status", 400))
            raise AwsError(str(self.error["code"]), str(self.error.get("message", "")), status)


class Faults:
    """The faults that wait for their calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self._freed = threading.Condition()
        self._cleared = self.held = 0

    def add(self, fault: Fault) -> None:
        """Let *fault* wait for its calls."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Forget all faults; calls that are held go on."""
        with self._lock:
            self._waiting.clear()
        with self._freed:
            self._cleared += 1
            self._freed.notify_all()

    def before(self, operation: str) -> Fault | None:
        """Delay, and raise the fault for a call of *operation*; return the one to strike after the call."""
        fault = self._take(operation)
        if fault is None:
            return None
        time.sleep(fault.delay)
        if fault.hold:
            self._hold()
        if fault.after:
            return fault
        fault.strike()
        return None

    def _hold(self) -> None:
        with self._freed:
            self.held, now = self.held + 1, self._cleared
            self._freed.wait_for(lambda: self._cleared != now, HELD_SECONDS)
            self.held -= 1

    def _take(self, operation: str) -> Fault | None:
        with self._lock:
            for fault in self._waiting:
                if fault.operation != operation:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    return None
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None


@dataclass
class Rate:
    """At most *count* calls in *seconds*."""

    count: int
    seconds: float = 1.0


class Rates:
    """Limits of calls per operation, account and region ("Amazon ECR service quotas"). None unless asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: dict[str, Rate] = {}
        self._seen: dict[tuple[str, str, str], list[float]] = {}

    def limit(self, operation: str, rate: Rate | None) -> None:
        """Limit *operation* from now on; None takes the limit away."""
        with self._lock:
            self._seen.clear()
            if rate is None:
                self._limits.pop(operation, None)
            else:
                self._limits[operation] = rate

    def check(self, operation: str, account: str, region: str) -> None:
        """Count a call; ThrottlingException when it is one too many."""
        with self._lock:
            rate, now = self._limits.get(operation), time.monotonic()
            if rate is None:
                return
            seen = self._seen.setdefault((operation, account, region), [])
            seen[:] = [t for t in seen if now - t < rate.seconds]
            if len(seen) >= rate.count:
                raise AwsError("ThrottlingException", "Rate exceeded")
            seen.append(now)
