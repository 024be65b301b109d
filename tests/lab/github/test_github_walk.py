"""Every operation of the lab is called, and every answer compared with GitHub's documents."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import graphql
import pytest

from lab.github import graph, routes, setup
from lab.github.client import Reply
from tests.lab.github import checked
from tests.lab.github.test_github_merge import opened

RUN = {"id": 5, "status": "in_progress", "conclusion": None, "name": "CI"}


def _calls(place: Any) -> list[tuple[str, str, Any]]:
    head, bump = place.head(), setup.head(place.bare, "bump")
    tree = place.get(f"/git/trees/{head}").json
    blob = next(row["sha"] for row in tree["tree"] if row["type"] == "blob")
    return [
        ("GET", "", None), ("GET", "/branches/main", None), ("GET", "/commits", None),
        ("GET", f"/commits/{head}/pulls", None), ("GET", "/commits/main", None),
        ("GET", f"/compare/{head}...bump", None), ("GET", "/contents/", None), ("GET", "/contents/app", None),
        ("PUT", "/contents/new", {"message": "m", "content": ""}),
        ("GET", "/tarball", None), ("GET", "/tarball/main", None), ("GET", "/rules/branches/main", None),
        ("GET", "/git/trees/main", None), ("POST", "/git/trees", {"tree": []}),
        ("GET", f"/git/blobs/{blob}", None), ("POST", "/git/blobs", {"content": "x"}),
        ("POST", "/git/commits", {"message": "m", "tree": tree["sha"], "parents": [head]}),
        ("GET", "/git/ref/heads/main", None), ("GET", "/git/matching-refs/heads/", None),
        ("POST", "/git/refs", {"ref": "refs/heads/new", "sha": head}),
        ("PATCH", "/git/refs/heads/new", {"sha": bump}), ("DELETE", "/git/refs/heads/new", None),
        ("GET", "/pulls", None), ("GET", "/pulls/1", None), ("PATCH", "/pulls/1", {"title": "u"}),
        ("POST", "/issues/1/labels", {"labels": ["x"]}), ("PUT", "/issues/1/labels", {"labels": ["y"]}),
        ("GET", "/issues/1/labels", None), ("GET", "/actions/runs", None), ("GET", "/actions/runs/5", None),
        ("PUT", "/pulls/1/merge", {}), ("GET", "/pulls/1/merge", None),
    ]  # fmt: skip


def test_every_route_answers_as_documented(place: Any) -> None:
    """One good answer of each REST operation; a new route without an example fails."""
    place.github.clear_calls()
    opened(place)
    place.github.repository(place.full_name, runs=[RUN | {"head_sha": place.head()}])
    for method, path, body in _calls(place):
        reply = place.github.request(method, place.api + path, place.token, body)
        assert (method, path, reply.status < 400) == (method, path, True)
    called = {row["route"] for row in place.github.calls()} - {None}
    assert {f"{route.method} {route.path}" for route in routes.ROUTES} - called == set()


def test_checking_client_sees_what_is_wrong(place: Any) -> None:
    """The comparison that all these tests rest on finds a wrong field, a wrong status, and an unknown operation."""
    good = place.get("/branches/main")
    wrong = Reply(200, good.headers, good.body.replace(b'"protected"', b'"guarded"'))
    assert checked.rest_problems("GET", f"{place.api}/branches/main", good) == []
    assert checked.rest_problems("GET", f"{place.api}/branches/main", wrong) != []
    assert checked.rest_problems("GET", f"{place.api}/branches/main", Reply(206, good.headers, good.body)) != []
    assert checked.rest_problems("GET", f"{place.api}/nonsense", good) != []
    assert checked.graphql_problems("{ viewer { login } }", {"viewer": {"login": 1}}) != []
    assert checked.graphql_problems("{ viewer { nonsense } }", {"viewer": {}}) != []


def test_every_field_of_the_schema_is_answered(place: Any) -> None:
    """Each object that the lab knows is asked for all its fields; no resolver is missing."""
    opened(place)
    owner, name = place.full_name.split("/")
    for kind, wrap in OBJECTS.items():
        fields = " ".join(_plain_fields(kind))
        query = "{ " + wrap.replace("OWNER", owner).replace("NAME", name).replace("FIELDS", fields) + " }"
        answer = place.github.graphql(place.token, query)
        assert (kind, answer.get("errors")) == (kind, None)


_REPOSITORY = 'repository(owner: "OWNER", name: "NAME") '
_COMMIT = _REPOSITORY + '{ object(expression: "bump") { ... on Commit '
OBJECTS = {
    "Repository": _REPOSITORY + "{ FIELDS }",
    "Ref": _REPOSITORY + "{ defaultBranchRef { FIELDS repository { id } target { oid } } }",
    "Commit": _COMMIT + '{ FIELDS tree { oid } file(path: "a") { oid } } } }',
    "GitActor": _COMMIT + "{ author { FIELDS } committer { FIELDS } } } }",
    "Tree": _COMMIT + "{ tree { FIELDS entries { oid } } } } }",
    "TreeEntry": _COMMIT + "{ tree { entries { FIELDS object { oid } } } } } }",
    "Blob": _REPOSITORY + '{ object(expression: "main:README.md") { ... on Blob { FIELDS } } }',
    "PullRequest": _REPOSITORY + "{ pullRequest(number: 1) { FIELDS author { login } mergeCommit { oid } } }",
    "PageInfo": _COMMIT + "{ history(first: 1) { pageInfo { FIELDS } } } } }",
    "RateLimit": "rateLimit { FIELDS }",
    "User": "viewer { FIELDS }",
}  # fmt: skip


def _plain_fields(kind: str) -> list[str]:
    found = graph.schema().type_map[kind]
    assert isinstance(found, graphql.GraphQLObjectType)
    return [name for name, field in found.fields.items() if graphql.is_leaf_type(graphql.get_named_type(field.type))]


def test_runs_of_a_commit_are_found(place: Any) -> None:
    """By commit and state; a token without `actions: read` is refused."""
    head = place.head()
    place.github.repository(place.full_name, runs=[RUN | {"head_sha": head}])
    assert [row["id"] for row in place.get(f"/actions/runs?head_sha={head}").json["workflow_runs"]] == [5]
    assert place.get(f"/actions/runs?head_sha={'0' * 40}").json["total_count"] == 0
    assert place.get("/actions/runs?status=completed").json["total_count"] == 0
    place.github.token("runless", "bot", {place.full_name: "read"}, "actions", permissions={"contents": "read"})
    reply = place.github.request("GET", f"{place.api}/actions/runs", "runless")
    assert (reply.status, reply.headers["x-accepted-github-permissions"]) == (403, "actions=read")


def test_archive_rewrites_what_attributes_ask_for(place: Any) -> None:
    """export-subst puts the commit's id into a file, and export-ignore hides a folder: the archive is not the blobs."""
    files = {".gitattributes": "v export-subst\nsecret export-ignore\n", "v": "$Format:%H$\n", "secret/x": "1"}
    setup.commit(place.bare, files, "attributes")
    link = place.get("/tarball/main").headers["location"]
    with tarfile.open(fileobj=io.BytesIO(place.github.request("GET", link).body)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        member = archive.extractfile(next(name for name in archive.getnames() if name.endswith("/v")))
        assert member is not None
        assert member.read().decode() == f"{place.head()}\n"
    assert not [name for name in names if name.startswith("secret")]


def test_archive_link_ends_after_five_minutes(place: Any) -> None:
    """A link that was kept too long leads nowhere."""
    link = place.get("/tarball/main").headers["location"]
    place.github.advance(299)
    assert place.github.request("GET", link).status == 200
    place.github.advance(2)
    assert place.github.request("GET", link).status == 404


def test_enterprise_server_has_its_own_addresses(place: Any) -> None:
    """The runner's variables name /api/v3 and /api/graphql; a redirect stays below them."""
    told = place.github._ask("GET", "environment?server=enterprise")
    assert (told["GITHUB_API_URL"], told["GITHUB_GRAPHQL_URL"]) == (
        f"{place.github.url}/api/v3", f"{place.github.url}/api/graphql")  # fmt: skip
    place.github.repository(place.full_name, renamed_from=[f"{place.full_name}-gone"])
    reply = place.github.request("GET", f"/api/v3/repos/{place.full_name}-gone", place.token)
    assert reply.headers["location"].startswith(f"{place.github.url}/api/v3/repositories/")
    assert place.github.request("GET", reply.headers["location"], place.token).json["full_name"] == place.full_name


@pytest.mark.parametrize("path", ["/git/trees/main", "/pulls/1", "/contents/none", "/git/ref/heads/none"])
def test_archived_repository_reads_and_refuses_writes(place: Any, path: str) -> None:
    """Reads go on; each write is 403 with the reason."""
    place.github.repository(place.full_name, archived=True)
    assert place.get(path).status in (200, 404)
    reply = place.send("POST", "/pulls", {"title": "t", "head": "x", "base": "main"})
    assert (reply.status, reply.json["message"]) == (403, "Repository was archived so is read-only.")
