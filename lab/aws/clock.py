"""The lab's time: the machine's, moved by an offset that survives a restart."""

from __future__ import annotations

import datetime
import time

from .store import Store


class Clock:
    """Seconds since the epoch, as AWS would tell them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._offset = float(store.setting("clock-offset", "0"))

    def now(self) -> float:
        """Return the lab's time in seconds since the epoch."""
        return time.time() + self._offset

    def move(self, offset: float) -> None:
        """Set the distance (seconds, may be negative) between the lab's time and the machine's."""
        self._offset = offset
        self._store.set("clock-offset", str(offset))

    @property
    def offset(self) -> float:
        """Seconds the lab's time is ahead of the machine's."""
        return self._offset


def iso(seconds: float) -> str:
    """Return *seconds* since the epoch as AWS writes times in XML: ``2026-01-31T10:00:00Z``."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
