"""Event payloads: GitHub's own webhook examples, with fields changed where a test needs another value."""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path
from typing import Any

from lab.github import npm


def payloads(cache: Path = npm.CACHE) -> Path:
    """Install `@octokit/webhooks-examples` below *cache* (once) and return the file of api.github.com's examples."""
    return npm.install("@octokit/webhooks-examples", cache) / "api.github.com" / "index.json"


def example(event: str, action: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return a fresh copy of the first example of *event* (and *action*), with *changes* applied.

    A change is named by its dotted path, a list element by its index:
    `example("push", **{"ref": "refs/heads/main", "commits.0.id": sha})`. The last part of a path may be new, the
    parts before it must be there. Raises KeyError naming what there is when event, action or path is unknown.
    """
    payload = copy.deepcopy(_find(event, action))
    for path, value in changes.items():
        put(payload, path, value)
    return payload


def put(payload: dict[str, Any], path: str, value: Any) -> None:
    """Set the field of *payload* at the dotted *path*; KeyError when a part before the last is missing."""
    *parents, last = path.split(".")
    node: Any = payload
    for done, part in enumerate(parents):
        try:
            node = node[int(part)] if isinstance(node, list) else node[part]
        except (KeyError, IndexError, ValueError, TypeError):
            raise KeyError(f"no {'.'.join(parents[: done + 1])!r} in the payload, needed for {path!r}") from None
    if isinstance(node, list):
        node[int(last)] = value
    elif isinstance(node, dict):
        node[last] = value
    else:
        raise KeyError(f"{'.'.join(parents)!r} is no object, so {path!r} cannot be set")


def _find(event: str, action: str | None) -> dict[str, Any]:
    examples = _examples()
    if event not in examples:
        raise KeyError(f"GitHub publishes no example of {event!r}; there are {sorted(examples)}")
    for payload in examples[event]:
        if action is None or payload.get("action") == action:
            return payload
    actions = sorted({str(payload.get("action")) for payload in examples[event]})
    raise KeyError(f"no example of {event!r} has the action {action!r}; there are {actions}")


@functools.cache
def _examples() -> dict[str, list[dict[str, Any]]]:
    return {entry["name"]: entry["examples"] for entry in json.loads(payloads().read_text(encoding="utf-8"))}
