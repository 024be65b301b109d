"""Pull requests of the lab."""

from __future__ import annotations

from typing import Any

import pytest

from lab.github import setup
from tests.lab.github import documents

PULLS = "/repos/{owner}/{repo}/pulls"


@pytest.fixture
def pull(place: Any) -> dict[str, Any]:
    """An open pull request from `bump`, one commit ahead of main."""
    setup.branch(place.bare, "bump", place.head())
    setup.commit(place.bare, {"a": "1"}, "a", branch="bump")
    reply = place.send("POST", "/pulls", {"title": "t", "body": "b", "head": "bump", "base": "main"})
    assert reply.status == 201
    return dict(reply.json)


def test_pull_request_is_listed_by_head_and_base(place: Any, pull: dict[str, Any]) -> None:
    """A head is named with its owner; without it GitHub does not filter at all."""
    owner = place.full_name.split("/")[0]
    for query, count in ((f"head={owner}:bump", 1), (f"head={owner}:other", 0), ("head=other", 1),
                         ("base=main", 1), ("base=other", 0), ("state=closed", 0)):  # fmt: skip
        found = place.get(f"/pulls?{query}").json
        assert (query, len(found)) == (query, count)
    assert documents.problems("GET", PULLS, 200, place.get("/pulls").json) == []
    assert pull["head"]["sha"] == setup.head(place.bare, "bump")


@pytest.mark.parametrize(
    ("head", "text"),
    [("bump", "A pull request already exists for acme:bump."), ("same", "No commits between main and same")],
)
def test_second_or_empty_pull_request_is_refused(place: Any, pull: dict[str, Any], head: str, text: str) -> None:
    """Both refusals are 422 with the reason in `errors`."""
    assert pull["number"] == 1
    setup.branch(place.bare, "same", place.head())
    reply = place.send("POST", "/pulls", {"title": "t", "head": head, "base": "main"})
    assert (reply.status, reply.json["message"]) == (422, "Validation Failed")
    assert reply.json["errors"][0]["message"] == text


def test_head_forced_back_into_its_base_closes_for_good(place: Any, pull: dict[str, Any]) -> None:
    """The trap of updating a pull request's branch in two steps: GitHub closes it, and will not reopen it."""
    path = f"/pulls/{pull['number']}"
    place.send("PATCH", "/git/refs/heads/bump", {"sha": place.head(), "force": True})
    assert (place.get(path).json["state"], place.get(path).json["merged_at"]) == ("closed", None)
    assert place.send("PATCH", path, {"state": "open"}).status == 422


def test_base_that_takes_the_head_in_is_a_merge(place: Any, pull: dict[str, Any]) -> None:
    """A push of the pull request's commit to its base merges it."""
    place.send("PATCH", "/git/refs/heads/main", {"sha": pull["head"]["sha"]})
    seen = place.get(f"/pulls/{pull['number']}").json
    assert seen["state"] == "closed"
    assert seen["merged_at"] is not None


def test_open_pull_request_is_found_by_graphql(place: Any, pull: dict[str, Any]) -> None:
    """The read before a bump asks for the pull request of our branch in the same query."""
    query = """query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {
      pullRequests(headRefName: "bump", states: [OPEN], first: 1) {
        totalCount nodes { number headRefOid state } } } }"""
    owner, name = place.full_name.split("/")
    found = place.github.graphql(place.token, query, owner=owner, name=name)["data"]["repository"]["pullRequests"]
    node = {"number": pull["number"], "headRefOid": pull["head"]["sha"], "state": "OPEN"}
    assert found == {"totalCount": 1, "nodes": [node]}
