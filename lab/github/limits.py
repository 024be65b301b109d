"""Rate limits: always counted for the headers, enforced when a test switches them on.

Source: GitHub, "Rate limits for the REST API" and "Rate limits and query limits for the GraphQL API": points a minute
are 1 for a read and 5 for a write (a mutation), content is made 80 times a minute; a refusal is 403 or 429, with
`retry-after` for the secondary ones, and a GraphQL answer's status stays 200 for the primary one.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from lab.github.access import HOURLY, Refused
from lab.github.clock import Clock
from lab.github.state import Viewer

HOUR, MINUTE = 3600, 60
PRIMARY = "API rate limit exceeded for user ID {id}."
SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "If you reach out to GitHub Support for help, please include the request ID."
)


@dataclass(frozen=True)
class Limits:
    """What is enforced, None for nothing: calls an hour, points and content-making calls a minute.

    *status* (403 or 429) and *retry_after* say how a secondary refusal is told; *type* is GraphQL's for the primary.
    """

    hourly: int | None = None
    points: int | None = None
    content: int | None = None
    status: int = 403
    retry_after: bool = True
    type: str = "RATE_LIMITED"


class Limited(Refused):
    """A refusal by a rate limit, with its *headers*; *primary* ones are told inside GraphQL's answer."""

    def __init__(self, status: int, message: str, headers: dict[str, str], primary: bool) -> None:
        super().__init__(status, message)
        self.headers, self.primary = headers, primary


class Meter:
    """Counts the calls of each token."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.limits = Limits()
        self._used: dict[tuple[str, str], int] = {}
        self._minutes: dict[tuple[str, str], list[tuple[float, int]]] = {}
        self.reset = int(clock.now()) + HOUR

    def enforce(self, limits: Limits) -> None:
        """Refuse what is above *limits* from now on, and begin to count anew."""
        with self._lock:
            self.limits, self._used, self._minutes = limits, {}, {}
            self.reset = int(self._clock.now()) + HOUR

    def used(self, viewer: Viewer | None, resource: str) -> int:
        """Return how many calls were made since the last reset."""
        return self._used.get((viewer.key if viewer else "", resource), 0)

    def limit(self, viewer: Viewer | None) -> int:
        """Return how many calls *viewer* has an hour."""
        return self.limits.hourly or (HOURLY[viewer.kind] if viewer else 60)

    def headers(self, viewer: Viewer | None, resource: str, count: int = 1) -> dict[str, str]:
        """Return `x-ratelimit-*` after *count* more calls of *viewer* to *resource* (`core` or `graphql`)."""
        with self._lock:
            if self._clock.now() >= self.reset:
                self._used, self.reset = {}, int(self._clock.now()) + HOUR
            used = self.used(viewer, resource) + count
            self._used[(viewer.key if viewer else "", resource)] = used
        limit = self.limit(viewer)
        return {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": str(max(limit - used, 0)),
            "x-ratelimit-used": str(min(used, limit) if self.limits.hourly else used),
            "x-ratelimit-reset": str(self.reset),
            "x-ratelimit-resource": resource,
        }

    def check(self, viewer: Viewer | None, resource: str, write: bool) -> None:
        """Raise Limited where the call that was just counted is one too many."""
        limits = self.limits
        if limits.hourly is not None and self.used(viewer, resource) > limits.hourly:
            raise Limited(403, PRIMARY.format(id=viewer.id if viewer else 0), {}, primary=True)
        for name, most, cost in (("points", limits.points, 5 if write else 1), ("content", limits.content, int(write))):
            if most is None or not cost:
                continue
            wait = self._minute((viewer.key if viewer else "", f"{resource}-{name}"), cost, most)
            if wait:
                told = {"retry-after": str(wait)} if limits.retry_after else {}
                raise Limited(limits.status, SECONDARY, told, primary=False)

    def _minute(self, key: tuple[str, str], cost: int, most: int) -> int:
        """Add *cost* unless it is above *most* within a minute; then return the whole seconds until it is not."""
        with self._lock:
            now = self._clock.now()
            spent = [row for row in self._minutes.get(key, []) if row[0] > now - MINUTE]
            fits = sum(points for _, points in spent) + cost <= most
            self._minutes[key] = [*spent, (now, cost)] if fits else spent
            return 0 if fits else max(int(spent[0][0] + MINUTE - now) + 1, 1) if spent else MINUTE


def graphql_error(limited: Limited, type: str) -> dict[str, Any]:
    """Return the body that GraphQL has for the primary limit, in an answer of status 200."""
    return {"errors": [{"type": type, "message": limited.message}]}


def overview(meter: Meter, viewer: Viewer | None) -> dict[str, Any]:
    """Return the body of `GET /rate_limit`, which costs nothing of the primary limit."""
    rows = {}
    for resource in ("core", "graphql", "search"):
        limit, used = meter.limit(viewer), meter.used(viewer, resource)
        rows[resource] = {"limit": limit, "used": min(used, limit), "remaining": max(limit - used, 0),
                          "reset": meter.reset}  # fmt: skip
    return {"resources": rows, "rate": rows["core"]}
