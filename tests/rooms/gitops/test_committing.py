"""What a commit does, and what each of GitHub's refusals becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ecr_action.errors import Failure, GitOpsAccess, GitOpsBusy, GitOpsRefused
from ecr_action.gitops_protocols import Snapshot, Stale
from lab.github import client, setup

from .place import DEV, FILES, NEEDLES, PROD, Place, bumped, place_in

MUTATION = "createCommitOnBranch"


def test_one_commit_holds_all_files_and_nothing_else(place: Place) -> None:
    """On top of the head that was read, with headline and body; the comment of each line stays."""
    before = setup.head(place.bare)
    made = place.write(place.room(), bumped(), patterns=[])
    assert place.calls() == ["repository", "trees", "tarball", MUTATION]
    assert made is not None
    assert made.oid == setup.head(place.bare)
    assert made.url.endswith(f"/{place.name}/commit/{made.oid}")
    diff = setup.diff(place.bare, before, made.oid)
    assert [line for line in diff.splitlines() if line[0] in "+-" and line[1] not in "+-"] == [
        "-image: registry/hello-node:old # dev",
        "+image: registry/hello-node:new # dev",
        "-image: registry/hello-node:old # prod",
        "+image: registry/hello-node:new # prod",
    ]
    message = place.github.request("GET", f"/repos/{place.name}/commits/main", place.token).json["commit"]["message"]
    assert message == "Bump\n\nBody"


def test_nothing_to_change_makes_no_commit(place: Place) -> None:
    """GitHub would make an empty one."""
    assert place.write(place.room(), lambda _: {}) is None
    assert place.calls() == ["repository"]
    assert len(place.subjects()) == 1


def test_bytes_are_written_as_they_are(place: Place) -> None:
    """No charset, no line ends, no final newline is changed."""
    content = b"\xef\xbb\xbf# caf\xe9\r\nimage: x"
    room = place.room()
    room.commit(room.read([DEV], NEEDLES), {DEV: content}, "Bump")
    assert place.read(DEV) == content


def test_an_executable_file_keeps_its_mode(place: Place) -> None:
    """Only its content is ours."""
    place.commit({DEV: ("100755", FILES[DEV])})
    assert place.write(place.room(), bumped()) is not None
    assert place.read(DEV) == b"image: registry/hello-node:new # dev\n"
    assert setup.mode(place.bare, DEV) == "100755"


def test_a_branch_that_moved_is_stale_and_untouched(place: Place) -> None:
    """GitHub's STALE_DATA."""
    room = place.room()
    snapshot = room.read([DEV], NEEDLES)
    place.commit({PROD: "theirs\n"})
    with pytest.raises(Stale):
        room.commit(snapshot, {DEV: b"ours\n"}, "Bump")
    assert place.subjects()[0] == "Somebody else"


def test_a_lost_lock_inside_github_is_stale_too(place: Place) -> None:
    """A text without a type."""
    moved = f"cannot lock ref 'refs/heads/main': is at {'a' * 40} but expected {'b' * 40}"
    place.github.fault(operation=MUTATION, message=moved)
    room = place.room()
    with pytest.raises(Stale):
        room.commit(room.read([DEV], NEEDLES), {DEV: b"ours\n"}, "Bump")


@pytest.mark.parametrize("kind", ["branch-protection", "ruleset", "merge-queue"])
def test_a_protected_branch_is_an_error_with_what_can_be_done_today(place: Place, kind: str) -> None:
    """Classic protection and rulesets have other types; each says what GitHub said."""
    place.github.repository(place.name, protected={"main": kind})
    with pytest.raises(GitOpsRefused) as refused:
        place.write(place.room(), bumped())
    words = "merge queue" if kind == "merge-queue" else "pull request"
    assert f"Changes must be made through {'the' if kind == 'merge-queue' else 'a'} {words}" in refused.value.what
    assert "Bypass list" in refused.value.fix
    assert "gitops-branch:" in refused.value.fix
    assert len(place.calls()) == 2


@pytest.mark.parametrize(
    ("prefix", "kind", "box"),
    [
        ("ghp_", "pat", "scope 'repo'"),
        ("github_pat_", "fine-grained", "Contents: Read and write"),
        ("ghs_", "app", "Contents: read and write"),
    ],
)
@pytest.mark.parametrize("level", ["read", "none"])
def test_a_token_without_access_names_its_kind_and_the_box_to_tick(
    place: Place, prefix: str, kind: str, box: str, level: str
) -> None:
    """The three kinds of token, each with what its owner has to do."""
    token = f"{prefix}{level}_{place.name}"
    place.github.token(token, "eve", {place.name: "read"} if level == "read" else {}, kind)
    with pytest.raises(GitOpsAccess) as refused:
        place.write(place.room(token), bumped())
    assert box in refused.value.fix
    assert place.name in refused.value.what
    assert token not in str(refused.value)
    assert len(place.subjects()) == 1


@pytest.mark.parametrize("by", ["integration", "personal access token"])
def test_a_refused_mutation_names_what_the_call_needs(place: Place, by: str) -> None:
    """GitHub's headers say what was missing."""
    place.github.fault(
        operation=MUTATION, type="FORBIDDEN", message=f"Resource not accessible by {by}",
        headers={"x-accepted-github-permissions": "contents=write", "x-oauth-scopes": "gist"},
    )  # fmt: skip
    with pytest.raises(GitOpsAccess) as refused:
        place.write(place.room(), bumped())
    assert "contents=write" in refused.value.why
    assert "gist" in refused.value.why


def test_an_unknown_token_is_told_as_such(place: Place) -> None:
    """Revoked or expired; no word of the token itself."""
    with pytest.raises(GitOpsAccess) as refused:
        place.room("ghp_nobody").read([DEV], NEEDLES)
    assert "Bad credentials" in refused.value.what
    assert "ghp_nobody" not in str(refused.value)


def test_no_token_at_all_is_the_line_to_write(place: Place) -> None:
    """GraphQL answers nobody without one."""
    with pytest.raises(GitOpsAccess) as refused:
        place.room("").read([DEV], NEEDLES)
    assert refused.value.fix == "gitops-token: ${{ secrets.GITOPS_PAT }}"


def test_an_archived_repository_is_an_error_before_anything_is_decided(place: Place) -> None:
    """Nothing can be written to it."""
    place.github.repository(place.name, archived=True)
    with pytest.raises(GitOpsRefused, match="archived"):
        place.write(place.room(), bumped())


def test_a_repository_archived_meanwhile_is_the_same_error(place: Place) -> None:
    """The mutation's own refusal."""
    room = place.room()
    snapshot = room.read([DEV], NEEDLES)
    place.github.repository(place.name, archived=True)
    with pytest.raises(GitOpsRefused, match="archived"):
        room.commit(snapshot, {DEV: b"ours\n"}, "Bump")


LIMITS: list[tuple[dict[str, Any], float]] = [
    ({"status": 403, "body": {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."},
      "headers": {"retry-after": "7"}}, 7),
    ({"status": 429, "body": {"message": "Too Many Requests"}, "headers": {"retry-after": "7"}}, 7),
    ({"status": 429, "body": {"message": "Too Many Requests"}}, 60),
    ({"status": 403, "body": {"message": "You have exceeded a secondary rate limit."}}, 60),
    ({"message": "API rate limit exceeded for user ID 1.", "type": "RATE_LIMITED"}, 60),
    ({"message": "API rate limit already exceeded for user ID 1.", "type": "RATE_LIMIT"}, 60),
    ({"message": "was submitted too quickly", "type": "UNPROCESSABLE"}, 60),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "seconds"), LIMITS)
@pytest.mark.parametrize("operation", ["repository", MUTATION])
def test_a_rate_limit_is_waited_for_and_told(
    place: Place, fault: dict[str, Any], seconds: float, operation: str
) -> None:
    """With status 403, 429 or 200; as long as GitHub says, else a minute."""
    place.github.fault(operation=operation, **fault)
    assert place.write(place.room(), bumped()) is not None
    assert seconds <= sum(place.clock.slept) <= seconds + 1
    assert any("rate limit" in line for line in place.said.lines)
    assert len(place.subjects()) == 2


def test_a_rate_limit_without_an_end_is_busy_and_not_a_lack_of_access(place: Place) -> None:
    """After ten minutes at most, in words that say so."""
    place.github.fault(
        operation=MUTATION, times=None, status=403, body={"message": "API rate limit exceeded for user ID 1."},
        headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(place.clock.now().timestamp()) + 3000)},
    )  # fmt: skip
    with pytest.raises(GitOpsBusy) as busy:
        place.write(place.room(), bumped())
    assert "rate limit" in busy.value.what
    assert sum(place.clock.slept) <= 600


LOST: list[dict[str, Any]] = [
    {"status": 200, "body": "{}"},
    {"status": 502},
    {"status": 504, "body": "<html>timeout</html>"},
    {"message": "Something went wrong while executing your query. Please include `AB:CD` when reporting this issue."},
]


@pytest.mark.parametrize("fault", LOST)
def test_a_commit_whose_answer_was_lost_is_found_and_not_made_twice(place: Place, fault: dict[str, Any]) -> None:
    """GitHub ends requests after ten seconds, whether or not they did their work."""
    place.github.fault(operation=MUTATION, when="after", **fault)
    made = place.write(place.room(), bumped())
    assert made is not None
    assert made.oid == setup.head(place.bare)
    assert place.subjects() == ["Bump", "Initial commit"]


def test_a_lost_answer_is_found_below_a_commit_of_somebody_else(place: Place) -> None:
    """Who committed on top of ours meanwhile."""
    room = place.room()
    snapshot = room.read([DEV], NEEDLES)
    place.github.fault(operation=MUTATION, when="after", status=502)
    # The other one commits between two attempts to look what became of ours.
    place.github.fault(operation="repository", status=503)
    place.clock.meanwhile = lambda: place.commit({PROD: "theirs\n"})
    made = room.commit(snapshot, bumped()(snapshot), "Bump\n\nBody\n")
    assert place.subjects() == ["Somebody else", "Bump", "Initial commit"]
    assert made.oid == setup.log(place.bare)[1].oid


@pytest.mark.parametrize("fault", LOST)
def test_a_commit_that_was_not_made_is_made_again(place: Place, fault: dict[str, Any]) -> None:
    """One commit in the end."""
    place.github.fault(operation=MUTATION, **fault)
    made = place.write(place.room(), bumped())
    assert made is not None
    assert place.subjects() == ["Bump", "Initial commit"]


@pytest.mark.parametrize("fault", LOST)
def test_a_read_that_failed_on_the_way_is_repeated(place: Place, fault: dict[str, Any]) -> None:
    """It changes nothing, so that it may be."""
    place.github.fault(operation="repository", times=2, **fault)
    assert place.write(place.room(), bumped()) is not None


def test_github_out_of_order_is_an_error_that_says_so(place: Place) -> None:
    """After a bounded number of attempts."""
    place.github.fault(operation="repository", times=None, status=503)
    with pytest.raises(GitOpsBusy) as busy:
        place.room().read([DEV], NEEDLES)
    assert busy.value.transient
    assert sum(place.clock.slept) < 60


@pytest.mark.parametrize("body", ["<html>proxy</html>", "", '"text"', "[]"])
def test_an_answer_that_is_not_githubs_is_an_error_of_ours(place: Place, body: str) -> None:
    """A proxy's page with status 200."""
    place.github.fault(operation="repository", times=None, status=200, body=body)
    with pytest.raises(Failure) as failed:
        place.room().read([DEV], NEEDLES)
    assert isinstance(failed.value, GitOpsBusy)


@pytest.mark.parametrize("body", ["<html>proxy</html>", ""])
def test_an_archive_that_is_none_is_an_error_of_ours(place: Place, body: str) -> None:
    """Cut, or another page."""
    place.github.fault(path="/tarball/", times=None, status=200, body=body)
    with pytest.raises(GitOpsBusy):
        place.room().read([], NEEDLES)


def test_a_renamed_repository_is_written_under_its_present_name(github: client.GitHub, place: Place) -> None:
    """GitHub answers a query for the old name; further calls go to the name that it told."""
    upper = place.name.upper()
    assert place.write(place.room(name=upper), bumped(), patterns=["overlays/**"]) is not None
    paths = [row["path"] for row in github.calls() if row["path"].startswith("/repos/")]
    assert paths
    assert all(path.startswith(f"/repos/{place.name}/") for path in paths)


def test_the_token_is_masked_before_anything_is_asked(place: Place) -> None:
    """By the runner's own command."""
    place.room()
    assert place.said.masked == [place.token]


NEW = {"manifests/pod.yaml": b"image: new\n", "manifests/service.yaml": b"kind: Service\n"}


def test_an_empty_repository_is_begun_and_then_gets_all_files_at_once(github: client.GitHub) -> None:
    """GitHub makes no commit of several files where there is none yet."""
    place = place_in(github, empty=True)
    made = place.write(place.room(), lambda _: NEW, patterns=[])
    assert made is not None
    assert place.subjects() == ["Bump", "Initial commit"]
    assert {path: place.read(path) for path in NEW} == NEW
    assert place.read("README.md") == f"# {place.name.rpartition('/')[2]}\n".encode()


def test_a_readme_of_ours_is_what_an_empty_repository_begins_with(github: client.GitHub) -> None:
    """Not one that is changed a moment later."""
    place = place_in(github, empty=True)
    place.write(place.room(branch="live"), lambda _: NEW | {"README.md": b"ours\n"}, patterns=[])
    assert [row.subject for row in setup.log(place.bare, "live")] == ["Bump", "Initial commit"]
    assert setup.read(place.bare, "README.md", "live~1") == b"ours\n"


def test_who_begins_an_empty_repository_at_the_same_time_loses_nothing(github: client.GitHub) -> None:
    """It is read again, and what is decided then holds."""
    place = place_in(github, empty=True)
    seen: list[str] = []

    def decide(snapshot: Snapshot) -> Mapping[str, bytes]:
        seen.append(snapshot.head)
        if not snapshot.head:
            place.commit({"README.md": "theirs\n"})
        return NEW

    assert place.write(place.room(), decide, patterns=[]) is not None
    assert (seen[0], len(seen)) == ("", 2)
    assert place.subjects() == ["Bump", "Somebody else"]
    assert place.read("README.md") == b"theirs\n"


@pytest.mark.parametrize("fault", [{"status": 502}, {"status": 502, "when": "after"}])
def test_a_beginning_that_got_no_answer_is_looked_at_again(github: client.GitHub, fault: dict[str, Any]) -> None:
    """It may have been made."""
    place = place_in(github, empty=True)
    github.fault(method="PUT", **fault)
    assert place.write(place.room(), lambda _: NEW, patterns=[]) is not None
    assert place.subjects() == ["Bump", "Initial commit"]


def test_a_token_that_may_not_begin_a_repository_is_told_so(github: client.GitHub) -> None:
    """As with any other commit."""
    place = place_in(github, empty=True)
    github.fault(method="PUT", status=403, body={"message": "Resource not accessible by personal access token"})
    with pytest.raises(GitOpsAccess):
        place.write(place.room(), lambda _: NEW, patterns=[])
