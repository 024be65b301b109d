"""Merging, auto-merge and closing of pull requests."""

from __future__ import annotations

from typing import Any

import pytest

from lab.github import setup

ENABLE = """
mutation($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) {
    actor { login } pullRequest { autoMergeRequest { mergeMethod enabledBy { login } } viewerCanDisableAutoMerge } }
}
"""
DISABLE = """
mutation($input: DisablePullRequestAutoMergeInput!) {
  disablePullRequestAutoMerge(input: $input) { pullRequest { autoMergeRequest { mergeMethod } } }
}
"""
STATE = """
query($owner: String!, $name: String!, $number: Int!) { repository(owner: $owner, name: $name) {
  autoMergeAllowed mergeCommitAllowed squashMergeAllowed deleteBranchOnMerge
  pullRequest(number: $number) {
    id number state isDraft merged isCrossRepository mergeStateStatus mergeable viewerCanEnableAutoMerge
    viewerCanDisableAutoMerge baseRefName baseRefOid headRefName headRefOid author { login } mergeCommit { oid }
    autoMergeRequest { mergeMethod enabledBy { login } } title body url } } }
"""


def opened(place: Any, base: str = "main", files: dict[str, str] | None = None) -> dict[str, Any]:
    """Open a pull request from `bump`, one commit ahead of main."""
    setup.branch(place.bare, "bump", place.head())
    setup.commit(place.bare, files or {"a": "1"}, "a", branch="bump")
    reply = place.send("POST", "/pulls", {"title": "t", "body": "b", "head": "bump", "base": base})
    assert reply.status == 201
    return dict(reply.json)


def state(place: Any, number: int) -> dict[str, Any]:
    """Return the pull request by GraphQL."""
    owner, name = place.full_name.split("/")
    answer = place.github.graphql(place.token, STATE, owner=owner, name=name, number=number)
    return dict(answer["data"]["repository"]["pullRequest"])


def configure(place: Any, **settings: Any) -> None:
    """Change settings of the repository."""
    place.github.repository(place.full_name, **settings)


def enable(place: Any, pull: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Call enablePullRequestAutoMerge."""
    answer: dict[str, Any] = place.github.graphql(place.token, ENABLE, input={"pullRequestId": pull["node_id"]} | given)
    return answer


def waiting(place: Any) -> dict[str, Any]:
    """Open a pull request that waits for the check `build`, in a repository with auto-merge."""
    configure(place, allow_auto_merge=True, protected={"main": "branch-protection"}, required={"main": ["build"]})
    return opened(place)


def test_merge_makes_a_commit_of_two_parents(place: Any) -> None:
    """The base gets a merge commit by the caller, committed by GitHub, and the pull request is merged."""
    base, pull = place.head(), opened(place)
    reply = place.send("PUT", f"/pulls/{pull['number']}/merge", {"sha": pull["head"]["sha"]})
    assert (reply.status, reply.json["merged"], reply.json["sha"]) == (200, True, place.head())
    logged = setup.log(place.bare)[0]
    assert (logged.subject, logged.committer) == ("Merge pull request #1 from acme/bump", "GitHub <noreply@github.com>")
    parents = [row["sha"] for row in place.get("/commits/main").json["parents"]]
    assert parents == [base, pull["head"]["sha"]]
    assert place.get("/pulls/1").json["merged_by"]["login"] == "ada"
    assert place.get("/pulls/1/merge").status == 204
    assert (state(place, 1)["state"], state(place, 1)["mergeCommit"]["oid"]) == ("MERGED", place.head())


def test_squash_makes_one_commit_and_a_setting_deletes_the_branch(place: Any) -> None:
    """`squash` has the base as its only parent; delete_branch_on_merge removes the head."""
    configure(place, delete_branch_on_merge=True, allow_merge_commit=False)
    base, pull = place.head(), opened(place)
    refused = place.send("PUT", "/pulls/1/merge", {"merge_method": "merge"})
    assert (refused.status, refused.json["message"]) == (405, "Merge commits are not allowed on this repository.")
    assert place.send("PUT", "/pulls/1/merge", {"merge_method": "squash"}).status == 200
    assert [row["sha"] for row in place.get("/commits/main").json["parents"]] == [base]
    assert place.get(f"/git/ref/heads/{pull['head']['ref']}").status == 404


def test_merge_is_refused_in_githubs_words(place: Any) -> None:
    """A moved head is 409; conflict, missing check and merge queue are 405."""
    opened(place, files={"README.md": "theirs\n"})
    moved = place.send("PUT", "/pulls/1/merge", {"sha": place.head()})
    assert (moved.status, moved.json["message"]) == (409, "Head branch was modified. Review and try the merge again.")
    configure(place, required={"main": ["build"]})
    check = place.send("PUT", "/pulls/1/merge", {})
    assert (check.status, check.json["message"]) == (405, 'Required status check "build" is expected.')
    configure(place, required={}, protected={"main": "merge-queue"})
    assert place.send("PUT", "/pulls/1/merge", {}).json["message"] == "Changes must be made through the merge queue"
    configure(place, protected={})
    setup.commit(place.bare, {"README.md": "ours\n"}, "other")
    conflict = place.send("PUT", "/pulls/1/merge", {})
    assert (conflict.status, conflict.json["message"]) == (405, "Pull Request is not mergeable")
    assert (state(place, 1)["mergeStateStatus"], state(place, 1)["mergeable"]) == ("DIRTY", "CONFLICTING")


def test_auto_merge_merges_when_the_check_is_there(place: Any) -> None:
    """What waits is BLOCKED, and merged by itself as soon as the required check has passed."""
    pull = waiting(place)
    assert (state(place, 1)["mergeStateStatus"], state(place, 1)["viewerCanEnableAutoMerge"]) == ("BLOCKED", True)
    answer = enable(place, pull, mergeMethod="SQUASH", expectedHeadOid=pull["head"]["sha"], commitHeadline="bump!")
    assert answer["data"]["enablePullRequestAutoMerge"]["pullRequest"] == {
        "autoMergeRequest": {"mergeMethod": "SQUASH", "enabledBy": {"login": "ada"}},
        "viewerCanDisableAutoMerge": True,
    }
    assert place.get("/pulls/1").json["auto_merge"]["merge_method"] == "squash"
    configure(place, checks={pull["head"]["sha"]: {"build": "success"}})
    assert state(place, 1)["state"] == "MERGED"
    assert setup.log(place.bare)[0].subject == "bump!"


def test_auto_merge_is_switched_off_again(place: Any) -> None:
    """disablePullRequestAutoMerge, once."""
    pull = waiting(place)
    enable(place, pull)
    off = place.github.graphql(place.token, DISABLE, input={"pullRequestId": pull["node_id"]})
    assert off["data"]["disablePullRequestAutoMerge"]["pullRequest"]["autoMergeRequest"] is None
    again = place.github.graphql(place.token, DISABLE, input={"pullRequestId": pull["node_id"]})
    assert again["errors"][0]["type"] == "UNPROCESSABLE"


@pytest.mark.parametrize(
    ("settings", "text"),
    [({"allow_auto_merge": False}, "Auto merge is not allowed for this repository"),
     ({"protected": {}, "required": {}}, "Pull request Protected branch rules not configured for this branch"),
     ({"required": {}}, "Pull request Pull request is in clean status"),
     ({"required": {}, "failing": True}, "Pull request Pull request is in unstable status"),
     ({"allow_merge_commit": False, "allow_squash_merge": False},
      "Merge method merge commits are not allowed on this repository"),
     ({"conflict": True}, "Can't enable auto-merge for this pull request"),
     ({"closed": True}, "Pull request Pull request is closed")],
)  # fmt: skip
def test_auto_merge_has_conditions(place: Any, settings: dict[str, Any], text: str) -> None:
    """Each condition that is not met has its own text, type UNPROCESSABLE, in an answer of status 200."""
    pull = waiting(place)
    if settings.pop("failing", False):
        settings["checks"] = {pull["head"]["sha"]: {"lint": "failure"}}
    if settings.pop("conflict", False):
        setup.commit(place.bare, {"a": "2"}, "conflict")
    if settings.pop("closed", False):
        place.send("PATCH", "/pulls/1", {"state": "closed"})
    configure(place, **settings)
    answer = enable(place, pull)
    assert [(row["type"], row["message"]) for row in answer["errors"]] == [("UNPROCESSABLE", text)]
    assert state(place, 1)["viewerCanEnableAutoMerge"] is False


def test_auto_merge_asks_for_the_head_and_for_write_access(place: Any) -> None:
    """Another expectedHeadOid is refused, and so is a reader."""
    pull = waiting(place)
    assert enable(place, pull, expectedHeadOid=place.head())["errors"][0]["type"] == "UNPROCESSABLE"
    place.github.token(f"read-{place.full_name}", "eve", {place.full_name: "read"})
    answer = place.github.graphql(f"read-{place.full_name}", ENABLE, input={"pullRequestId": pull["node_id"]})
    assert answer["errors"][0]["type"] == "FORBIDDEN"


def test_merge_queue_takes_what_is_green_already(place: Any) -> None:
    """With a queue auto-merge means to join it, whatever the method says."""
    configure(place, allow_auto_merge=True, allow_merge_commit=False, protected={"main": "merge-queue"})
    assert "errors" not in enable(place, opened(place))


def test_deleted_head_closes_and_cannot_be_reopened(place: Any) -> None:
    """The branch is gone, and with it what could be merged."""
    opened(place)
    assert place.send("DELETE", "/git/refs/heads/bump", None).status == 204
    assert place.get("/pulls/1").json["state"] == "closed"
    reply = place.send("PATCH", "/pulls/1", {"state": "open"})
    assert (reply.status, reply.json["errors"][0]["message"]) == (
        422, "state cannot be changed. The bump branch has been deleted.")  # fmt: skip


def test_closed_one_reopens_unless_its_branch_was_forced(place: Any) -> None:
    """A closed pull request opens again with new commits on top, not with other ones."""
    pull = opened(place)
    for forced in (False, True):
        place.send("PATCH", "/pulls/1", {"state": "closed"})
        if forced:
            setup.branch(place.bare, "bump", place.head())
        setup.commit(place.bare, {"b": str(forced)}, "b", branch="bump")
        reply = place.send("PATCH", "/pulls/1", {"state": "open"})
        assert reply.status == (422 if forced else 200)
    assert pull["number"] == 1
    why = reply.json["errors"][0]["message"]
    assert why == "state cannot be changed. The bump branch was force-pushed or recreated."


def test_labels_are_set_and_made(place: Any) -> None:
    """POST adds, PUT replaces; a label that the repository lacks is made."""
    opened(place)
    assert [row["name"] for row in place.send("POST", "/issues/1/labels", {"labels": ["gitops"]}).json] == ["gitops"]
    place.send("POST", "/issues/1/labels", ["prod"])
    assert [row["name"] for row in place.get("/issues/1/labels").json] == ["gitops", "prod"]
    place.send("PUT", "/issues/1/labels", {"labels": ["prod"]})
    assert [row["name"] for row in place.get("/pulls/1").json["labels"]] == ["prod"]


def test_commit_tells_its_parents_and_pull_requests(place: Any) -> None:
    """By both APIs: what a commit came from, and the pull request that it belongs to."""
    pull = opened(place)
    head, base = pull["head"]["sha"], place.head()
    query = """query($owner: String!, $name: String!, $oid: GitObjectID!) { repository(owner: $owner, name: $name) {
      object(oid: $oid) { ... on Commit { parents(first: 2) { totalCount nodes { oid } }
        associatedPullRequests(first: 5) { nodes { number } } } } } }"""
    owner, name = place.full_name.split("/")
    found = place.github.graphql(place.token, query, owner=owner, name=name, oid=head)["data"]["repository"]["object"]
    assert found == {"parents": {"totalCount": 1, "nodes": [{"oid": base}]},
                     "associatedPullRequests": {"nodes": [{"number": 1}]}}  # fmt: skip
    assert [row["number"] for row in place.get(f"/commits/{head}/pulls").json] == [1]
    assert place.get(f"/commits/{base}/pulls").json == []


def test_commits_are_listed_by_branch_and_path(place: Any) -> None:
    """GET /commits: newest first, of one branch, of one path, in pages."""
    base, pull = place.head(), opened(place)
    listed = [row["sha"] for row in place.get("/commits?sha=bump").json]
    assert listed == [pull["head"]["sha"], base]
    assert [row["sha"] for row in place.get("/commits?sha=bump&path=a").json] == [pull["head"]["sha"]]
    assert [row["sha"] for row in place.get("/commits?sha=bump&per_page=1&page=2").json] == [base]
    assert place.get("/commits?sha=gone").status == 404


def test_required_check_refuses_a_direct_commit(place: Any) -> None:
    """A commit that does not exist yet has passed no check; who may bypass is let through."""
    configure(place, required={"main": ["build"]})
    error = place.commit({"a": "1"})["errors"][0]
    assert (error["type"], error["message"]) == (
        "BRANCH_PROTECTION_RULE_VIOLATION", 'Required status check "build" is expected.')  # fmt: skip
    side = setup.commit(place.bare, {"b": "1"}, "b", branch="main")
    setup.branch(place.bare, "main", place.get(f"/commits/{side}").json["parents"][0]["sha"])
    assert place.send("PATCH", "/git/refs/heads/main", {"sha": side}).status == 422
    assert [row["type"] for row in place.get("/rules/branches/main").json] == ["required_status_checks"]
    configure(place, bypass=["ada"])
    assert "errors" not in place.commit({"a": "1"})
