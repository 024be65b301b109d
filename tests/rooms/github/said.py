"""A console that remembers and a clock that nobody waits for: shipped protocols, implemented for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from ecr_action.secret import Secret


@dataclass
class Said:
    """Everything that was told to it, line by line; *masked* are the secrets that were announced."""

    lines: list[str] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)

    def info(self, text: str) -> None:
        self.lines.append(text)

    def debug(self, text: str) -> None:
        self.lines.append(text)

    def notice(self, text: str, *, title: str = "") -> None:
        self.lines.append(f"{title} {text}")

    def warning(self, text: str, *, title: str = "", file: str | None = None, line: int | None = None) -> None:
        self.lines.append(f"{title} {text}")

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        self.lines.append(title)
        yield

    def mask(self, secret: Secret) -> None:
        self.masked.append(secret.reveal())


@dataclass
class QuickClock:
    """Sleeping moves it on and takes no time; *slept* are the seconds of each sleep, *meanwhile* what happens in it."""

    time: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    slept: list[float] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def now(self) -> datetime:
        return self.time + timedelta(seconds=sum(self.slept))

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.meanwhile()
