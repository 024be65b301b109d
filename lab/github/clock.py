"""The lab's own time, which a test moves on: tokens and links end, and limits begin anew, without waiting."""

from __future__ import annotations

import time


class Clock:
    """Seconds since 1970, *ahead* of the machine's by what was added."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        """Return the lab's present time."""
        return time.time() + self.ahead

    def advance(self, seconds: float) -> float:
        """Move on by *seconds* and return how far ahead of the machine the lab is. Raises ValueError for the past."""
        if seconds < 0:
            raise ValueError("the lab's time does not go back")
        self.ahead += seconds
        return self.ahead
