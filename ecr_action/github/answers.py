"""What GitHub's API answers, in our own types. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class ApiError(Exception):
    """GitHub's refusal: HTTP *status* (0: no answer), its *message*, GraphQL's *type*, the answer's *headers*."""

    def __init__(self, status: int, message: str, type_: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.type = status, message, type_
        self.headers = dict(headers or {})

    @property
    def passing(self) -> bool:
        """Whether another attempt may have an answer: nothing came, or GitHub itself failed."""
        return self.status == 0 or self.status >= 500 or self.message.startswith("Something went wrong while executing")

    @property
    def limited(self) -> bool:
        """Whether it is a rate limit ("Rate limits for the REST API": 403 or 429; GraphQL's comes with status 200)."""
        text = self.message.lower()
        said = "rate limit" in text or "submitted too quickly" in text
        told = self.status == 429 or (self.status == 403 and "retry-after" in self.headers)
        return told or self.type in ("RATE_LIMITED", "RATE_LIMIT") or (self.status in (200, 403) and said)


@dataclass(frozen=True)
class Answer:
    """A GraphQL answer: *data*, and the *errors* that came with it."""

    data: Mapping[str, Any]
    errors: tuple[ApiError, ...] = field(default=())
