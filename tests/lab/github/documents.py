"""GitHub's OpenAPI document as a validator."""

from __future__ import annotations

import functools
import json
from typing import Any

import jsonschema

from lab.github import npm


@functools.cache
def document() -> dict[str, Any]:
    """Return api.github.com's description, with `nullable` turned into JSON schema."""
    path = npm.install("@octokit/openapi") / "generated" / "api.github.com.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    loaded["components"]["schemas"] = _plain(loaded["components"]["schemas"])
    return loaded


def problems(method: str, path: str, status: int, body: Any) -> list[str]:
    """Return where *body* differs from the schema of the answer *status* of *path*; empty when it fits."""
    response = document()["paths"][path][method.lower()]["responses"][str(status)]
    if "$ref" in response:
        response = document()["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    if "content" not in response:
        return [] if body is None else [f"{status} has no body"]
    content = response["content"]
    return _differences(_plain(content.get("application/json", next(iter(content.values())))["schema"]), body)


def error_problems(body: Any) -> list[str]:
    """Return where *body* differs from what GitHub's errors have in common."""
    return _differences({"$ref": "#/components/schemas/basic-error", "required": ["message"]}, body)


def _differences(schema: dict[str, Any], body: Any) -> list[str]:
    schemas = {"components": {"schemas": document()["components"]["schemas"]}}
    validator = jsonschema.Draft4Validator(schemas | schema)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in
            validator.iter_errors(body)]  # fmt: skip


def _plain(node: Any) -> Any:
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain(value) for key, value in node.items()}
    if plain.pop("nullable", None) is True:
        return {"anyOf": [plain, {"type": "null"}]}
    return plain
