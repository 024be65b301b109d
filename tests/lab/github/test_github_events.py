"""Example payloads of GitHub's webhooks, with changes."""

from __future__ import annotations

import pytest

from lab.github.events import example


def test_change_is_applied_to_a_fresh_copy() -> None:
    """One test's change is not seen by the next."""
    changed = example("push", **{"ref": "refs/heads/main", "repository.default_branch": "trunk"})
    assert (changed["ref"], changed["repository"]["default_branch"]) == ("refs/heads/main", "trunk")
    assert example("push")["repository"]["default_branch"] == "master"


def test_list_element_and_new_last_part_can_be_set() -> None:
    """A list element is named by its index; the last part may be new."""
    changed = example("pull_request", "labeled", **{"pull_request.labels.0.name": "x", "installation": {"id": 1}})
    assert changed["pull_request"]["labels"][0]["name"] == "x"
    assert changed["installation"] == {"id": 1}


def test_action_chooses_the_example() -> None:
    """An event with several actions is found by the one named."""
    assert example("release", "published")["action"] == "published"
    assert example("release", "deleted")["action"] == "deleted"


@pytest.mark.parametrize(
    ("event", "action", "changes", "named"),
    [("schedule", None, {}, "schedule"), ("push", "opened", {}, "opened"),
     ("push", None, {"repositroy.default_branch": "x"}, "repositroy"), ("push", None, {"ref.x": 1}, "'ref' is no")],
)  # fmt: skip
def test_unknown_name_is_an_error_that_says_it(event: str, action: str | None, changes: object, named: str) -> None:
    """A typo in a test's change does not pass silently."""
    with pytest.raises(KeyError, match=named):
        example(event, action, **changes)  # type: ignore[arg-type]
