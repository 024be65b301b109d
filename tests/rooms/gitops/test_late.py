"""What GitHub shows late or otherwise, and what is made of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecr_action.errors import GitOpsBusy, GitOpsRefused
from lab.github import client, git, setup

from .place import DEV, NEEDLES, Place, bumped, place_in


def test_a_lost_commit_that_github_shows_late_is_found_when_the_lock_holds(place: Place) -> None:
    """The first look sees the branch as it was; the second mutation is stale, by our own commit."""
    room = place.room()
    place.github.fault(kind="stale", seconds=0.8)
    place.github.fault(operation="createCommitOnBranch", when="after", status=502)
    snapshot = room.read([DEV], NEEDLES)
    with pytest.raises(Exception, match="GitHub failed to answer"):
        room.commit(snapshot, bumped()(snapshot), "Bump")
    assert room.read([DEV], NEEDLES).head == snapshot.head, "the lab shows the branch late"
    place.github.clear_faults()
    elsewhere = replace(snapshot, head="1" * 40)
    made = room.commit(elsewhere, bumped()(snapshot), "Bump")
    assert made.oid == setup.head(place.bare)
    assert place.subjects() == ["Bump", "Initial commit"]


def test_line_ends_that_the_archive_converts_cost_no_call_for_each_file(github: client.GitHub) -> None:
    """``eol=crlf`` for all of 300 manifests: their blobs are had from the archive all the same."""
    files = {f"apps/app{number}.yaml": "image: registry/hello-node:old\nx: 1\n" for number in range(300)}
    place = place_in(github, files | {".gitattributes": "*.yaml text eol=crlf\n"})
    github.clear_calls()
    read = place.room().read([], NEEDLES)
    assert {file.path: file.content.decode() for file in read.files} == files
    assert place.calls() == ["repository", "trees", "tarball"]


def test_an_archive_that_can_not_be_had_is_no_lack_of_access(place: Place) -> None:
    """GitHub failed; the token is good."""
    place.github.fault(path="/tarball/", times=None, status=502)
    with pytest.raises(GitOpsBusy):
        place.room().read([], NEEDLES)


def test_a_github_that_fails_is_no_lack_of_a_token(place: Place) -> None:
    """Without a token too."""
    place.github.fault(operation="repository", times=None, status=502)
    with pytest.raises(GitOpsBusy):
        place.room("").read([DEV], NEEDLES)


@pytest.mark.parametrize("asked", [None, "gone"])
def test_a_repository_without_its_default_branch_is_not_empty(place: Place, asked: str | None) -> None:
    """Its other branches are read by their names; a missing one is told as such."""
    bare = git.Bare(place.bare)
    bare.run("branch", "live", "main")
    bare.run("symbolic-ref", "HEAD", "refs/heads/trunk")
    assert place.room(branch="live").read([DEV], NEEDLES).branch == "live"
    with pytest.raises(GitOpsRefused, match=f"no branch {asked}" if asked else "lacks its own default branch"):
        place.room(branch=asked).read([DEV], NEEDLES)


def test_a_field_with_an_index_names_a_file(place: Place) -> None:
    """``file#path[0]``: brackets of the field make no pattern of it."""
    assert [file.path for file in place.room().read([f"{DEV}#images[0].tag"], NEEDLES).files] == [DEV]
    assert place.calls() == ["repository"]
