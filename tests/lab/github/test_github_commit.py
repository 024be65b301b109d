"""createCommitOnBranch of the lab: GitHub's semantics, types and texts."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from lab.github import setup


def error(answer: dict[str, Any]) -> tuple[str | None, str]:
    """Return type and message of the one error in an answer that made no commit."""
    assert answer.get("data") in (None, {"createCommitOnBranch": None})
    assert len(answer["errors"]) == 1
    return answer["errors"][0].get("type"), answer["errors"][0]["message"]


def test_commit_changes_adds_and_deletes_in_one_commit_of_the_tokens_owner(place: Any) -> None:
    """One commit holds all changes; its author owns the token, its committer is GitHub."""
    before = place.head()
    answer = place.commit({"app/deploy.yaml": "image: y\n", "new/a.txt": "a"}, delete=("README.md",))
    made = answer["data"]["createCommitOnBranch"]["commit"]
    assert made["oid"] == place.head()
    assert (made["author"]["name"], made["committer"]["name"]) == ("ada", "GitHub")
    latest, first = setup.log(place.bare)
    assert (latest.subject, latest.committer, first.oid) == ("bump", "GitHub <noreply@github.com>", before)
    assert latest.author.endswith("+ada@users.noreply.github.com>")
    assert setup.read(place.bare, "app/deploy.yaml") == b"image: y\n"
    assert setup.mode(place.bare, "new/a.txt") == "100644"
    assert setup.mode(place.bare, "README.md") is None


def test_body_follows_the_headline_after_a_blank_line(place: Any) -> None:
    """The message is headline, blank line, body, without a change."""
    place.commit({"a": "a"}, message={"headline": "one", "body": "two\n\nthree"})
    assert place.get(f"/commits/{place.head()}").json["commit"]["message"] == "one\n\ntwo\n\nthree"


def test_stale_head_is_refused_in_githubs_words_with_status_200(place: Any) -> None:
    """An expectedHeadOid that is no longer the head is STALE_DATA, with two blanks in its text."""
    old = place.head()
    place.commit({"a": "1"})
    kind, message = error(place.commit({"a": "2"}, expected=old))
    assert kind == "STALE_DATA"
    assert message == f'Expected branch to point to "{old}" but it did not.  Pull and try again.'
    assert setup.read(place.bare, "a") == b"1"


def test_null_head_of_a_missing_branch_is_refused_as_an_invalid_variable(place: Any) -> None:
    """What a program that did not look for its branch sends is answered by the schema."""
    kind, message = error(place.commit({"a": "1"}, expectedHeadOid=None))
    assert kind is None
    assert message == (
        "Variable $input of type CreateCommitOnBranchInput! was provided invalid value for expectedHeadOid "
        "(Expected value to not be null)"
    )


def test_missing_branch_is_not_made(place: Any) -> None:
    """The mutation needs a branch with a commit."""
    branch = {"repositoryNameWithOwner": place.full_name, "branchName": "gone"}
    assert error(place.commit({"a": "1"}, branch=branch))[0] == "NOT_FOUND"


def test_no_changes_make_an_empty_commit(place: Any) -> None:
    """Two empty lists are a commit with the same tree: not deciding it is the caller's mistake."""
    before = place.head()
    place.commit({})
    assert place.head() != before
    assert setup.diff(place.bare, before, "HEAD") == ""


@pytest.mark.parametrize("key", ["additions", "deletions"])
def test_null_list_passes_the_schema_and_then_fails(place: Any, key: str) -> None:
    """An explicit null instead of a left out list ends in GitHub's general error."""
    before = place.head()
    kind, message = error(place.commit(fileChanges={key: None}))
    assert kind is None
    assert message.startswith("Something went wrong while executing your query")
    assert place.head() == before


@pytest.mark.parametrize(
    ("files", "delete"),
    [
        ({"/a": "1"}, ()), ({"a//b": "1"}, ()), ({"../a": "1"}, ()), ({".git/config": "1"}, ()), ({"": "1"}, ()),
        ({"README.md": "1"}, ("README.md",)), ({}, ("missing",)), ({}, ("app",)), ({"app": "1"}, ()),
        ({"README.md/x": "1"}, ()),
    ],
)  # fmt: skip
def test_impossible_changes_abort_the_whole_commit(place: Any, files: Any, delete: Any) -> None:
    """A bad path, a path given twice, a missing deletion: nothing is committed, not even the good part."""
    before = place.head()
    error(place.commit(files | {"good": "1"}, delete=delete))
    assert place.head() == before


def test_existing_mode_is_kept_so_that_a_link_stays_a_link(place: Any) -> None:
    """A symbolic link is given the new content as its target; an executable stays one."""
    setup.commit(place.bare, {"link": ("120000", "README.md"), "run": ("100755", "#!")}, "modes")
    place.commit({"link": "app", "run": "#!/bin/sh"})
    assert (setup.mode(place.bare, "link"), setup.mode(place.bare, "run")) == ("120000", "100755")
    assert setup.read(place.bare, "link") == b"app"


@pytest.mark.parametrize(
    ("protection", "kind", "text"),
    [
        ("branch-protection", "BRANCH_PROTECTION_RULE_VIOLATION", "Changes must be made through a pull request"),
        ("ruleset", "UNPROCESSABLE", "Repository rule violations found"),
        ("merge-queue", "UNPROCESSABLE", "Changes must be made through the merge queue"),
    ],
)
def test_protected_branch_is_refused(place: Any, protection: str, kind: str, text: str) -> None:
    """Each kind of protection has its own type and text."""
    place.github.repository(place.full_name, protected={"main": protection})
    found, message = error(place.commit({"a": "1"}))
    assert found == kind
    assert text in message


@pytest.mark.parametrize(
    ("kind", "by"),
    [("pat", "personal access token"), ("fine-grained", "personal access token"), ("app", "integration"),
     ("actions", "integration")],
)  # fmt: skip
def test_reader_may_not_write(place: Any, kind: str, by: str) -> None:
    """A token that sees the repository but may not push is FORBIDDEN, in the words for its kind."""
    place.github.token(f"read-{kind}", "reader", {place.full_name: "read"}, kind)
    answer = place.commit({"a": "1"}, token=f"read-{kind}")
    assert error(answer) == ("FORBIDDEN", f"Resource not accessible by {by}")
    reply = place.github.request("POST", f"{place.api}/git/blobs", f"read-{kind}", {"content": "x"})
    assert (reply.status, reply.json["message"]) == (403, f"Resource not accessible by {by}")


def test_stranger_cannot_tell_a_hidden_repository_from_a_missing_one(place: Any) -> None:
    """Without access both APIs answer as if the repository did not exist."""
    place.github.token("stranger", "eve", {})
    text = f"Could not resolve to a Repository with the name '{place.full_name}'."
    assert error(place.commit({"a": "1"}, token="stranger")) == ("NOT_FOUND", text)
    hidden = place.github.request("GET", place.api, "stranger")
    missing = place.github.request("GET", "/repos/acme/nothing", "stranger")
    assert (hidden.status, hidden.json) == (missing.status, missing.json)
    assert (hidden.status, hidden.json["message"]) == (404, "Not Found")


def test_archived_repository_is_read_only(place: Any) -> None:
    """An archived repository is read, and refuses both ways of writing."""
    place.github.repository(place.full_name, archived=True)
    kind, message = error(place.commit({"a": "1"}))
    assert (kind, message.rstrip(".")) == ("UNPROCESSABLE", "Repository was archived so is read-only")
    assert place.send("POST", "/git/blobs", {"content": "x"}).status == 403
    assert place.get("").json["archived"] is True


def test_answer_lost_after_the_commit(place: Any) -> None:
    """A 502 may hide a commit that was made; the next try finds its expected head gone."""
    old = place.head()
    place.github.fault(operation="createCommitOnBranch", repository=place.full_name, when="after", status=502)
    assert place.commit({"a": "1"}) == {"message": "Server Error"}
    assert setup.read(place.bare, "a") == b"1"
    assert error(place.commit({"a": "1"}, expected=old))[0] == "STALE_DATA"


def test_fault_can_speak_for_any_refusal(place: Any) -> None:
    """The lock that was lost inside GitHub has a text of its own and no type; the call after it succeeds."""
    text = f"is at {'1' * 40} but expected {'2' * 40}"
    place.github.fault(operation="createCommitOnBranch", message=text, times=1)
    assert error(place.commit({"a": "1"})) == (None, text)
    assert place.commit({"a": "1"})["data"]["createCommitOnBranch"] is not None


def test_reads_stay_stale_for_a_while_after_a_commit(place: Any) -> None:
    """While reads are stale every way of reading shows the earlier head, but the commit is there."""
    old = place.head()
    place.github.fault(kind="stale", seconds=30)
    place.commit({"a": "1"})
    query = """query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {
      ref(qualifiedName: "main") { target { oid } } defaultBranchRef { target { oid } } } }"""
    owner, name = place.full_name.split("/")
    seen = place.github.graphql(place.token, query, owner=owner, name=name)["data"]["repository"]
    assert seen == {"ref": {"target": {"oid": old}}, "defaultBranchRef": {"target": {"oid": old}}}
    assert place.get("/git/ref/heads/main").json["object"]["sha"] == old
    assert place.get("/branches/main").json["commit"]["sha"] == old
    assert place.head() != old
    place.github.clear_faults()
    assert place.get("/branches/main").json["commit"]["sha"] == place.head()


def test_of_commits_on_one_head_exactly_one_lands(place: Any) -> None:
    """Eight writers who saw the same head: one commit, seven refusals that say why."""
    old, answers = place.head(), list[dict[str, Any]]()
    writers = [
        threading.Thread(target=lambda n=n: answers.append(place.commit({f"f{n}": "1"}, expected=old)))
        for n in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    landed = [answer for answer in answers if "errors" not in answer]
    assert len(landed) == 1
    refused = [error(answer) for answer in answers if "errors" in answer]
    assert all(kind == "STALE_DATA" or "but expected" in text for kind, text in refused)
    assert len(setup.log(place.bare)) == 2
