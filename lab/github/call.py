"""One request and one answer, as the handlers of REST see them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.github.access import Refused
from lab.github.state import Repository, Viewer
from lab.github.world import World

PER_PAGE, MOST_PER_PAGE = 30, 100


@dataclass(frozen=True)
class Call:
    """A request after authentication; *base* is the server's own URL, *parts* the named groups of the route."""

    world: World
    viewer: Viewer | None
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base: str
    parts: Mapping[str, str]
    found: Repository | None = None
    # What stood before the path: `/api/v3` on an Enterprise Server.
    prefix: str = ""

    @property
    def repository(self) -> Repository:
        """The repository of the path, which the router has found and checked."""
        if self.found is None:
            raise LookupError("this route has no repository")
        return self.found

    def commit(self, name: str) -> str | None:
        """Return the commit that *name* means in this repository."""
        return self.world.commit(self.repository, name)

    def json(self) -> dict[str, Any]:
        """Return the body as an object. Raises Refused 400 as GitHub does."""
        try:
            body = json.loads(self.body or b"{}")
        except ValueError:
            raise Refused(400, "Problems parsing JSON") from None
        if not isinstance(body, dict):
            raise Refused(400, "Body should be a JSON object")
        return body

    def list_or_object(self) -> Any:
        """Return the body whatever it is. Raises Refused 400."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            raise Refused(400, "Problems parsing JSON") from None

    def fields(self, *names: str) -> list[Any]:
        """Return required fields of the body. Raises Refused 422 naming the first that is missing."""
        body = self.json()
        for name in names:
            if body.get(name) is None:
                raise Refused(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
        return [body[name] for name in names]

    def page(self) -> tuple[int, int]:
        """Return (page from 1, items a page); nonsense counts as the default, as GitHub takes it."""
        page, size = self.query.get("page", ""), self.query.get("per_page", "")
        return (
            max(int(page), 1) if page.isdigit() else 1,
            min(max(int(size), 1), MOST_PER_PAGE) if size.isdigit() else PER_PAGE,
        )

    def wants(self, media: str) -> bool:
        """Tell whether the Accept header asks for GitHub's media type *media* (`raw`)."""
        return any(f"{part}{media}" in self.headers.get("accept", "") for part in ("v3.", "github."))


@dataclass(frozen=True)
class Answer:
    """What is sent: bytes as they are, None as an empty body, anything else as JSON."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
