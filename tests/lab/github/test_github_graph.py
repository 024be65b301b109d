"""GraphQL reads of the lab, and its schema against GitHub's own."""

from __future__ import annotations

from typing import Any

import graphql
import pytest

from lab.github import graph, npm, setup

READ = """
query($owner: String!, $name: String!, $path: String!) {
  repository(owner: $owner, name: $name, followRenames: false) {
    nameWithOwner isArchived isEmpty viewerPermission
    defaultBranchRef { name target { oid } }
    ref(qualifiedName: "refs/heads/main") { target { oid ... on Commit {
      messageHeadline
      file(path: $path) { mode oid object { ... on Blob { oid text byteSize isTruncated isBinary } } }
    } } }
  }
}
"""


def read(place: Any, path: str) -> dict[str, Any]:
    """Return the repository as the read of one named file shows it."""
    owner, name = place.full_name.split("/")
    found: dict[str, Any] = place.github.graphql(place.token, READ, owner=owner, name=name, path=path)["data"]
    return dict(found["repository"])


def blob(place: Any, path: str) -> dict[str, Any]:
    """Return the blob of the read file."""
    return dict(read(place, path)["ref"]["target"]["file"]["object"])


def test_named_file_is_read_under_the_commit(place: Any) -> None:
    """One query gives head, exact text, id and mode of a file, in one snapshot."""
    found = read(place, "app/deploy.yaml")
    assert found["defaultBranchRef"] == {"name": "main", "target": {"oid": place.head()}}
    assert (found["viewerPermission"], found["isEmpty"], found["isArchived"]) == ("WRITE", False, False)
    entry = found["ref"]["target"]["file"]
    assert entry["mode"] == 0o100644
    assert entry["object"] == {
        "oid": entry["oid"], "text": "image: x\n", "byteSize": 9, "isTruncated": False, "isBinary": False,
    }  # fmt: skip


def test_missing_file_is_null(place: Any) -> None:
    """A path that is not in the commit is no error."""
    assert read(place, "gone.yaml")["ref"]["target"]["file"] is None


def test_text_is_cut_at_512000_bytes(place: Any) -> None:
    """A longer blob says that it is truncated; one of exactly this size is whole."""
    setup.commit(place.bare, {"whole": "x" * 512_000, "long": "é" * 256_001}, "big")
    assert (blob(place, "whole")["isTruncated"], len(blob(place, "whole")["text"])) == (False, 512_000)
    assert (blob(place, "long")["isTruncated"], blob(place, "long")["byteSize"]) == (True, 512_002)
    assert blob(place, "long")["text"] == "é" * 256_000


def test_binary_has_no_text(place: Any) -> None:
    """A blob with a zero byte is binary, and its text null."""
    setup.commit(place.bare, {"b": b"a\0b"}, "binary")
    assert (blob(place, "b")["isBinary"], blob(place, "b")["text"]) == (True, None)


def test_empty_repository_has_no_default_branch(empty: Any) -> None:
    """isEmpty, and null for what would name a commit."""
    found = read(empty, "x")
    assert (found["isEmpty"], found["defaultBranchRef"], found["ref"]) == (True, None, None)


def test_expression_reads_commit_tree_and_blob(place: Any) -> None:
    """`rev`, `rev:folder` and `rev:file` are the three kinds of object."""
    query = """query($owner: String!, $name: String!, $what: String!) {
      repository(owner: $owner, name: $name) { object(expression: $what) { __typename oid } } }"""
    owner, name = place.full_name.split("/")
    kinds = [
        place.github.graphql(place.token, query, owner=owner, name=name, what=what)["data"]["repository"]["object"]
        for what in ("main", "main:", "main:app", "HEAD:nothing", "main:README.md")
    ]
    assert [kind and kind["__typename"] for kind in kinds] == ["Commit", "Tree", "Tree", None, "Blob"]


def test_history_is_paged_and_needs_a_size(place: Any) -> None:
    """A connection without `first` or `last` is refused, as GitHub refuses it."""
    second = setup.commit(place.bare, {"a": "1"}, "second")
    query = """query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {
      ref(qualifiedName: "main") { target { ... on Commit {
        history(%s) { totalCount pageInfo { hasNextPage endCursor } nodes { oid } } } } } } }"""
    owner, name = place.full_name.split("/")
    answer = place.github.graphql(place.token, query % "first: 1", owner=owner, name=name)
    history = answer["data"]["repository"]["ref"]["target"]["history"]
    assert (history["totalCount"], history["nodes"], history["pageInfo"]["hasNextPage"]) == (2, [{"oid": second}], True)
    refused = place.github.graphql(place.token, query % "after: null", owner=owner, name=name)
    assert refused["errors"][0]["type"] == "MISSING_PAGINATION_BOUNDARIES"


def test_branch_is_named_by_its_node_id_too(place: Any) -> None:
    """CommittableBranch takes the id of a Ref."""
    query = """query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {
      defaultBranchRef { id } } }"""
    owner, name = place.full_name.split("/")
    found = place.github.graphql(place.token, query, owner=owner, name=name)["data"]["repository"]
    assert "errors" not in place.commit({"a": "1"}, branch={"id": found["defaultBranchRef"]["id"]})


def test_unknown_field_is_refused_without_data(place: Any) -> None:
    """A field that the schema lacks fails the whole query."""
    answer = place.github.graphql(place.token, "{ viewer { nonsense } }")
    assert set(answer) == {"errors"}


@pytest.fixture(scope="module")
def official() -> dict[str, Any]:
    """GitHub's public schema: type name -> definition."""
    path = npm.install("@octokit/graphql-schema") / "schema.graphql"
    document = graphql.parse(path.read_text(encoding="utf-8"), no_location=True)
    return {d.name.value: d for d in document.definitions if hasattr(d, "name") and d.name}


def _differences(ours: graphql.DocumentNode, official: dict[str, Any]) -> list[str]:
    """Return every type, field, argument or enum value of *ours* that GitHub's schema has not, or has otherwise."""
    found = []
    for definition in ours.definitions:
        name = definition.name.value  # type: ignore[attr-defined]
        whole = official.get(name)
        if whole is None or whole.kind != definition.kind:
            found.append(name)
            continue
        for attribute in ("fields", "values", "interfaces"):
            theirs = {part.name.value: part for part in getattr(whole, attribute, None) or ()}
            for part in getattr(definition, attribute, None) or ():
                key = part.name.value
                if key not in theirs or _line(part) != _line(theirs[key], _arguments(part)):
                    found.append(f"{name}.{key}")
    return found


def _arguments(part: Any) -> set[str]:
    return {argument.name.value for argument in getattr(part, "arguments", None) or ()}


def _line(part: Any, only: set[str] | None = None) -> str:
    arguments = [
        f"{a.name.value}: {graphql.print_ast(a.type)} = {a.default_value and graphql.print_ast(a.default_value)}"
        for a in getattr(part, "arguments", None) or ()
        if only is None or a.name.value in only
    ]
    kind = graphql.print_ast(part.type) if hasattr(part, "type") else ""
    default = getattr(part, "default_value", None)
    return f"{sorted(arguments)} {kind} {default and graphql.print_ast(default)}"


def test_schema_is_a_part_of_githubs(official: dict[str, Any]) -> None:
    """Names, nullability, arguments and defaults are GitHub's own, field by field."""
    text = graphql.print_schema(graph.schema())
    assert _differences(graphql.parse(text, no_location=True), official) == []


@pytest.mark.parametrize(
    ("ours", "difference"),
    [("type Repository { name: String }", "Repository.name"), ("type Ref { sha: String }", "Ref.sha"),
     ("type Repo { id: ID! }", "Repo"), ("enum PullRequestState { GONE }", "PullRequestState.GONE"),
     ("type Commit { file(name: String!): TreeEntry }", "Commit.file")],
)  # fmt: skip
def test_comparison_sees_every_kind_of_difference(official: dict[str, Any], ours: str, difference: str) -> None:
    """The comparison finds another nullability, field, type, value or argument."""
    assert _differences(graphql.parse(ours, no_location=True), official) == [difference]
