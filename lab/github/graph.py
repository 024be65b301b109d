"""GraphQL: GitHub's own schema, in part, and its way of reporting errors inside an answer of status 200."""

from __future__ import annotations

import functools
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import graphql

from lab.github import graph_pulls, graph_refs, merging, shapes, writing
from lab.github.access import Refused, SamlRequired, level, refuse_saml
from lab.github.graph_objects import Object, Reader
from lab.github.state import Repository, Viewer
from lab.github.world import World
from lab.github.writing import Failed


@functools.cache
def schema() -> graphql.GraphQLSchema:
    """Return the schema, read once."""
    return graphql.build_schema((Path(__file__).with_name("schema.graphql")).read_text(encoding="utf-8"))


def operation(document: str) -> str | None:
    """Return the first top-level field of a document (`createCommitOnBranch`, `repository`), None if unreadable."""
    try:
        definitions = graphql.parse(document, no_location=True).definitions
    except graphql.GraphQLError:
        return None
    for definition in definitions:
        if isinstance(definition, graphql.OperationDefinitionNode):
            return next((s.name.value for s in definition.selection_set.selections
                         if isinstance(s, graphql.FieldNode)), None)  # fmt: skip
    return None


def is_mutation(body: dict[str, Any]) -> bool:
    """Tell whether a request's document holds a mutation."""
    try:
        definitions = graphql.parse(str(body.get("query")), no_location=True).definitions
    except graphql.GraphQLError:
        return False
    return any(getattr(one, "operation", None) == graphql.OperationType.MUTATION for one in definitions)


def execute(world: World, viewer: Viewer, base: str, body: dict[str, Any]) -> dict[str, Any]:
    """Answer one GraphQL request. Raises Refused 400 where there is no query."""
    document, variables = body.get("query"), body.get("variables") or {}
    if not isinstance(document, str) or not isinstance(variables, dict):
        raise Refused(400, "A query attribute must be specified and must be a string.")
    try:
        parsed = graphql.parse(document)
    except graphql.GraphQLError as error:
        return {"errors": [_error(error)]}
    problems = graphql.validate(schema(), parsed) or null_problems(parsed, variables)
    if problems:
        return {"errors": [_error(problem) for problem in problems]}
    root = _root(world, viewer, Reader(world, viewer, base))
    result = graphql.execute_sync(schema(), parsed, root, variable_values=variables,
                                  operation_name=body.get("operationName"))  # fmt: skip
    answer: dict[str, Any] = {} if result.data is None and result.errors else {"data": result.data}
    return answer | ({"errors": [_error(error) for error in result.errors]} if result.errors else {})


def null_problems(parsed: graphql.DocumentNode, variables: dict[str, Any]) -> list[graphql.GraphQLError]:
    """Return GitHub's own error for every field of an input variable that must not be null and is."""
    found = []
    for definition in parsed.definitions:
        for variable in getattr(definition, "variable_definitions", None) or ():
            kind = graphql.type_from_ast(schema(), variable.type)
            named = graphql.get_named_type(kind) if kind else None
            given = variables.get(variable.variable.name.value)
            if isinstance(named, graphql.GraphQLInputObjectType) and isinstance(given, dict):
                found += [
                    graphql.GraphQLError(
                        f"Variable ${variable.variable.name.value} of type {kind} was provided invalid value for "
                        f"{name} (Expected value to not be null)", variable)
                    for name, field in named.fields.items()
                    if isinstance(field.type, graphql.GraphQLNonNull) and given.get(name) is None
                ]  # fmt: skip
    return found


def _error(error: graphql.GraphQLError) -> dict[str, Any]:
    row: dict[str, Any] = {}
    cause = error.original_error
    if isinstance(cause, Failed) and cause.type:
        row["type"] = cause.type
    if error.path:
        row["path"] = error.path
    if error.locations:
        row["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    return row | {"message": error.message}


def _root(world: World, viewer: Viewer, reader: Reader) -> Object:
    return {
        "repository": lambda _info, owner, name, followRenames=True: reader.repository(
            visible(world, viewer, f"{owner}/{name}", followRenames)
        ),
        "node": lambda _info, id: node(world, viewer, reader, id),
        "viewer": {"__typename": "User", "id": shapes.node_id("U", viewer.id), "login": viewer.login},
        "rateLimit": lambda _info, **_: rate_limit(world, viewer),
        "createCommitOnBranch": lambda _info, input: create_commit(world, viewer, reader, input),
        "updateRefs": lambda _info, input: graph_refs.update(
            world, viewer, _repository_of(world, viewer, input["repositoryId"]), input
        ),
        "enablePullRequestAutoMerge": lambda _info, input: graph_pulls.enable_auto_merge(
            reader, *_pull_of(world, viewer, input["pullRequestId"]), input
        ),
        "disablePullRequestAutoMerge": lambda _info, input: graph_pulls.disable_auto_merge(
            reader, *_pull_of(world, viewer, input["pullRequestId"]), input
        ),
    }


def visible(world: World, viewer: Viewer, full_name: str, renames: bool = True) -> Repository:
    """Return a repository that *viewer* may read; *renames*: under a former name too.

    Raises Failed NOT_FOUND, whether it is missing or hidden, and FORBIDDEN where single sign-on stands before it.
    """
    repo = world.state.repository(full_name) or (world.state.renamed(full_name) if renames else None)
    if repo is None or level(viewer, repo) is None:
        raise Failed("NOT_FOUND", f"Could not resolve to a Repository with the name '{full_name}'.")
    try:
        refuse_saml(viewer, repo)
    except SamlRequired as refused:
        raise Failed("FORBIDDEN", refused.message) from None
    return repo


def _repository_of(world: World, viewer: Viewer, identifier: str) -> Repository:
    """Return the repository of a node id. Raises Failed NOT_FOUND."""
    try:
        number, *rest = shapes.parts_of(identifier)
        repo = world.state.by_id(int(number))
    except ValueError:
        repo, rest = None, []
    if repo is None or rest or not identifier.startswith("R_") or level(viewer, repo) is None:
        raise Failed("NOT_FOUND", f"Could not resolve to a node with the global id of '{identifier}'")
    return repo


def _pull_of(world: World, viewer: Viewer, identifier: str) -> tuple[Repository, int]:
    """Return repository and number of a pull request's node id. Raises Failed NOT_FOUND."""
    missing = Failed("NOT_FOUND", f"Could not resolve to a node with the global id of '{identifier}'")
    try:
        number, pull = shapes.parts_of(identifier)
        repo = world.state.by_id(int(number))
    except ValueError:
        raise missing from None
    known = repo and level(viewer, repo) and any(row["number"] == int(pull) for row in repo.pulls)
    if repo is None or not known or not identifier.startswith("PR_"):
        raise missing
    return repo, int(pull)


def rate_limit(world: World, viewer: Viewer) -> Object:
    """Return the points left to *viewer*; every query of the lab costs one."""
    used = world.meter.used(viewer, "graphql")
    reset = datetime.fromtimestamp(world.meter.reset, timezone.utc)
    limit = world.meter.limit(viewer)
    return {
        "cost": 1, "limit": limit, "used": used, "remaining": max(limit - used, 0),
        "resetAt": reset.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip


def node(world: World, viewer: Viewer, reader: Reader, identifier: str) -> Object | None:
    """Return a repository, reference, pull request or git object by its node id."""
    missing = Failed("NOT_FOUND", f"Could not resolve to a node with the global id of '{identifier}'")
    try:
        number, *rest = shapes.parts_of(identifier)
        repo = world.state.by_id(int(number))
    except ValueError:
        raise missing from None
    if repo is None or level(viewer, repo) is None:
        raise missing
    kind = identifier.partition("_")[0]
    if kind == "R":
        return reader.repository(repo)
    if kind == "PR":
        return graph_pulls.numbered(reader, repo, int(rest[0]))
    return reader.ref(repo, rest[0]) if kind == "REF" else reader.object(repo, rest[0])


def create_commit(world: World, viewer: Viewer, reader: Reader, given: dict[str, Any]) -> Object:
    """Resolve createCommitOnBranch. Raises Failed."""
    repo, branch = _branch(world, viewer, given["branch"])
    writing.check_writable(repo, viewer)
    oid = writing.commit_on_branch(world, repo, viewer, writing.request(given, branch))
    with repo.lock:
        merging.settle(world, repo)
    return {
        "clientMutationId": given.get("clientMutationId"), "commit": lambda _info: reader.commit(repo, oid),
        "ref": lambda _info: reader.ref(repo, f"refs/heads/{branch}"),
    }  # fmt: skip


def _branch(world: World, viewer: Viewer, given: dict[str, Any]) -> tuple[Repository, str]:
    if given.get("id"):
        number, *rest = shapes.parts_of(given["id"])
        repo = world.state.by_id(int(number)) if number.isdigit() else None
        if repo is None or level(viewer, repo) is None or not rest:
            raise Failed("NOT_FOUND", f"Could not resolve to a node with the global id of '{given['id']}'")
        return repo, rest[0].removeprefix("refs/heads/")
    name, branch = given.get("repositoryNameWithOwner"), given.get("branchName")
    if not name or not branch:
        raise Failed("UNPROCESSABLE", "A branch is named by its id, or by repositoryNameWithOwner and branchName")
    return visible(world, viewer, name), branch.removeprefix("refs/heads/")
