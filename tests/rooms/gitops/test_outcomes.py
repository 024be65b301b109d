"""Refusals that the lab comes to by itself, from what is set there, and not because it is told to answer so."""

from __future__ import annotations

import shutil

import pytest

from ecr_action.errors import BranchProtected, GitOpsAccess, GitOpsRefused

from .place import DEV, FILES, NEEDLES, PROD, Place, bumped

MUTATION = "createCommitOnBranch"


def test_a_check_that_no_new_commit_can_have_passed_protects_the_branch(place: Place) -> None:
    """It is named."""
    place.github.repository(place.name, required={"main": ["build"]})
    with pytest.raises(BranchProtected, match='Required status check "build" is expected'):
        place.write(place.room(), bumped())
    assert place.subjects() == ["Initial commit"]


def test_a_token_without_single_sign_on_is_told_what_its_organization_asks_for(place: Place) -> None:
    """It works elsewhere; the owner of a classic one authorizes it."""
    place.github.token(place.token, "ada", {place.name: "write"}, unauthorized=["acme"])
    with pytest.raises(GitOpsAccess) as refused:
        place.write(place.room(), bumped())
    assert "SAML" in refused.value.why
    assert "single sign-on" in refused.value.fix


def test_rights_that_were_taken_away_meanwhile_are_missed_at_the_commit(place: Place) -> None:
    """Read with them, refused without; nothing is tried again."""
    room = place.room()
    snapshot = room.read([DEV], NEEDLES)
    place.github.token(place.token, "ada", {place.name: "read"})
    with pytest.raises(GitOpsAccess, match="may not write"):
        room.commit(snapshot, {DEV: b"ours\n"}, "Bump")
    place.calls()


def test_a_repository_that_is_gone_meanwhile_is_no_bug_of_ours(place: Place) -> None:
    """Deleted between the read and the commit."""
    room = place.room()
    snapshot = room.read([DEV], NEEDLES)
    shutil.rmtree(place.bare)
    with pytest.raises(GitOpsAccess, match="no such repository"):
        room.commit(snapshot, {DEV: b"ours\n"}, "Bump")


def test_a_tree_that_github_does_not_list_to_its_end_asks_for_names(place: Place) -> None:
    """A file that is missing in the list would be missed by the bump."""
    place.github.fault(path="/git/trees/", status=200, body={"sha": "1" * 40, "tree": [], "truncated": True})
    with pytest.raises(GitOpsRefused) as refused:
        place.room().read([], NEEDLES)
    assert refused.value.fix.startswith("gitops-files:")


def test_so_many_commits_a_minute_and_the_next_one_waits(place: Place) -> None:
    """GitHub's own limit for what makes content: obeyed as it is told, and the commit is made after it."""
    place.github.limits(content=1)
    assert place.write(place.room(), bumped()) is not None
    place.clock.meanwhile = lambda: place.github.advance(place.clock.slept[-1])
    assert place.write(place.room(), bumped(), patterns=[PROD]) is not None
    assert 1 <= sum(place.clock.slept) <= 70
    assert place.calls().count(MUTATION) == 3
    assert place.read(PROD).decode() == FILES[PROD].replace(":old", ":new")
