"""updateRefs of the lab: several references at once, each from where it has to be, all or none."""

from __future__ import annotations

from typing import Any

import pytest

from lab.github import git, setup

MUTATION = "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }"


def update(place: Any, *rows: tuple[str, str, str, bool], token: str | None = None) -> dict[str, Any]:
    """Move branches, each (name, before, after, force); the whole answer."""
    node = place.get("").json["node_id"]
    updates = [
        {"name": f"refs/heads/{name}", "beforeOid": before, "afterOid": after, "force": force}
        for name, before, after, force in rows
    ]
    given = {"repositoryId": node, "refUpdates": updates}
    answer: dict[str, Any] = place.github.graphql(token or place.token, MUTATION, input=given)
    return answer


def branches(place: Any) -> dict[str, str]:
    """Branch -> commit."""
    names = git.Bare(place.bare).references("refs/heads/")
    return {name.removeprefix("refs/heads/"): oid for name, oid in names.items()}


def test_a_branch_is_made_moved_by_force_and_another_deleted_in_one_call(place: Any) -> None:
    """Forty zeros are a reference that is not there."""
    old = place.head()
    assert "errors" not in update(place, ("mine", git.ZERO, old, False))
    new = setup.commit(place.bare, {"a": "1"}, "Second")
    answer = update(place, ("mine", old, new, False), ("other", git.ZERO, new, False))
    assert "errors" not in answer
    answer = update(place, ("mine", new, old, True), ("other", new, git.ZERO, False))
    assert "errors" not in answer
    assert branches(place) == {"main": new, "mine": old}


@pytest.mark.parametrize("case", ["moved", "there", "backwards", "default", "unknown", "protected"])
def test_one_update_that_can_not_be_made_stops_all(place: Any, case: str) -> None:
    """Neither the branch that moved meanwhile, nor the one beside it."""
    old = place.head()
    new = setup.commit(place.bare, {"a": "1"}, "Second")
    setup.branch(place.bare, "mine", new)
    place.github.repository(place.full_name, protected={"guarded": "ruleset"})
    rows = {
        "moved": ("mine", old, old, True),
        "there": ("mine", git.ZERO, old, True),
        "backwards": ("mine", new, old, False),
        "default": ("main", new, git.ZERO, True),
        "unknown": ("mine", new, "1" * 40, True),
        "protected": ("guarded", git.ZERO, new, True),
    }
    answer = update(place, ("beside", git.ZERO, new, False), rows[case])
    assert len(answer["errors"]) == 1
    assert branches(place) == {"main": new, "mine": new}


def test_a_reader_moves_nothing(place: Any) -> None:
    """It takes contents: write."""
    place.github.token("reads-refs", "reader", {place.full_name: "read"}, "fine-grained")
    answer = update(place, ("mine", git.ZERO, place.head(), False), token="reads-refs")
    assert answer["errors"][0]["type"] == "FORBIDDEN"
