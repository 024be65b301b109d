"""A client of the lab whose every answer is compared with GitHub's own documents."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import graphql

from lab.github import npm
from lab.github.client import GitHub, Reply
from tests.lab.github import documents

# Statuses that GitHub has for any operation, beside those that a path documents.
GENERAL = (400, 401, 403, 404, 409, 422, 429)
_SCALARS = {
    "GitObjectID": re.compile(r"[0-9a-f]{40}"),
    "DateTime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    "GitTimestamp": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)"),
    "URI": re.compile(r"https?://\S+"),
}


class Checked(GitHub):
    """The lab's GitHub; an answer that is not the documents' raises AssertionError."""

    def request(
        self, method: str, path: str, token: str | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:  # fmt: skip
        reply = super().request(method, path, token, body, headers)
        asked = urlsplit(path).path.removeprefix("/api/v3")
        if not asked.startswith(("/_lab/", "/_codeload/", "/graphql", "/api/graphql", "/repositories/")):
            found = rest_problems(method, asked, reply)
            assert not found, f"{method} {path}: {found}"
        return reply

    def graphql(self, token: str, query: str, **variables: Any) -> dict[str, Any]:
        answer = super().graphql(token, query, **variables)
        if answer.get("data"):
            found = graphql_problems(query, answer["data"])
            assert not found, found
        return answer


@functools.cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    # What is literal comes before what is a parameter; the last parameter of a path may hold slashes.
    rows = sorted(documents.document()["paths"], key=lambda path: (path.count("{"), -len(path)))
    greedy = re.compile(r"\\{(ref|branch|path|basehead|tree_sha)\\}$")
    return [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", greedy.sub(".*", re.escape(path)))), path) for path in rows]


def documented(method: str, asked: str) -> str | None:
    """Return the path of the OpenAPI document that *asked* is of, None when it has none."""
    for pattern, path in _paths():
        if pattern.fullmatch(asked) and method.lower() in documents.document()["paths"][path]:
            return path
    return None


def rest_problems(method: str, asked: str, reply: Reply) -> list[str]:
    """Return how a REST answer differs from its description; bodies that are no JSON have none."""
    path = documented(method, asked)
    if path is None:
        return [] if reply.status >= 300 else [f"{method} {asked} is no operation of GitHub's"]
    responses = documents.document()["paths"][path][method.lower()]["responses"]
    if str(reply.status) not in responses:
        if reply.status in GENERAL:
            return documents.error_problems(reply.json)
        return [] if reply.status >= 500 or reply.status in (301, 307) else [f"{reply.status} is not documented"]
    if not reply.body or "json" not in reply.headers.get("content-type", "") or "raw" in reply.headers["content-type"]:
        return []
    return documents.problems(method, path, reply.status, reply.json)


@functools.cache
def official() -> graphql.GraphQLSchema:
    """Return GitHub's public schema."""
    text = (npm.install("@octokit/graphql-schema") / "schema.graphql").read_text(encoding="utf-8")
    return graphql.build_schema(text, assume_valid=True)


def graphql_problems(query: str, data: Any) -> list[str]:
    """Return where a query, or the data that answers it, does not fit GitHub's schema."""
    document = graphql.parse(query)
    found = [error.message for error in graphql.validate(official(), document)]
    if found:
        return found
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, graphql.FragmentDefinitionNode)}
    for definition in document.definitions:
        if isinstance(definition, graphql.OperationDefinitionNode):
            root = official().get_root_type(definition.operation)
            found += _object_problems(root, definition.selection_set, data, fragments, "")
    return found


def _object_problems(kind: Any, selections: Any, data: Any, fragments: Any, where: str) -> list[str]:
    if "__typename" in data and graphql.is_abstract_type(kind):
        kind = official().type_map[data["__typename"]]
    found = []
    for selection in selections.selections:
        if isinstance(selection, graphql.FieldNode):
            key = (selection.alias or selection.name).value
            fields = getattr(kind, "fields", {})
            if key in data and selection.name.value in fields:
                found += _value_problems(fields[selection.name.value].type, selection, data[key], fragments,
                                         f"{where}.{key}")  # fmt: skip
        else:
            inner = fragments[selection.name.value] if hasattr(selection, "name") else selection
            narrowed = official().type_map[inner.type_condition.name.value] if inner.type_condition else kind
            # Without its name an object counts as of the fragment's type when it has the fragment's fields.
            found += _object_problems(narrowed, inner.selection_set, data, fragments, where)
    return found


def _value_problems(kind: Any, selection: Any, value: Any, fragments: Any, where: str) -> list[str]:
    if graphql.is_non_null_type(kind):
        return (
            [f"{where} is null"] if value is None else _value_problems(kind.of_type, selection, value, fragments, where)
        )
    if value is None:
        return []
    if graphql.is_list_type(kind):
        return [row for one in value for row in _value_problems(kind.of_type, selection, one, fragments, where)]
    if selection.selection_set:
        return _object_problems(kind, selection.selection_set, value, fragments, where)
    return [] if _fits(kind, value) else [f"{where}: {value!r} is no {kind}"]


def _fits(kind: Any, value: Any) -> bool:
    if graphql.is_enum_type(kind):
        return value in kind.values
    types: dict[str, type] = {"Int": int, "Boolean": bool, "String": str, "ID": str}
    if kind.name in types:
        return type(value) is types[kind.name]
    pattern = _SCALARS.get(kind.name)
    return isinstance(value, str) and (pattern is None or pattern.fullmatch(value) is not None)
