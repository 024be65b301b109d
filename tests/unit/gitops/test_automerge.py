"""Auto-merge: what stands in the way is asked first, and told with what to do about it."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_action.gitops import automerge


def found(*, allowed: bool = True, status: str = "BLOCKED", may: bool = True, **methods: bool) -> dict[str, Any]:
    """What GitHub answers with."""
    pull = {"id": "PR_1", "viewerCanEnableAutoMerge": may, "mergeStateStatus": status, "autoMergeRequest": None}
    return {
        "autoMergeAllowed": allowed,
        "squashMergeAllowed": methods.get("squash", True),
        "mergeCommitAllowed": methods.get("merge", True),
        "pullRequest": pull,
    }


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (found(), ""),
        (found(status="UNKNOWN"), ""),
        (found(status="BEHIND"), ""),
        (found(allowed=False, status="CLEAN", may=False), "Allow auto-merge"),
        (found(status="CLEAN", may=False), "Require a review"),
        (found(status="UNSTABLE"), "Require a review"),
        (found(status="DIRTY", may=False), "conflicts with main"),
        (found(may=False), "ruleset of main"),
    ],
)
def test_each_obstacle_has_its_way_out(answer: dict[str, Any], words: str) -> None:
    """The first one that has to go; none, and it can be switched on."""
    assert words in automerge.obstacle(answer, "main")
    assert bool(automerge.obstacle(answer, "main")) is bool(words)


@pytest.mark.parametrize(
    ("squash", "merge", "method"),
    [(True, True, "SQUASH"), (False, True, "MERGE"), (False, False, "REBASE"), (True, False, "SQUASH")],
)
def test_the_method_is_one_that_is_allowed(squash: bool, merge: bool, method: str) -> None:
    """A squash first: one commit on the base."""
    assert automerge.request(found(squash=squash, merge=merge)) == {"pullRequestId": "PR_1", "mergeMethod": method}


def test_githubs_own_words_are_told_where_they_say_more() -> None:
    """Or translated where they say less."""
    assert "Require a review" in automerge.in_the_way("Pull request Pull request is in clean status", "main")
    assert automerge.in_the_way("Something else.", "main") == "GitHub says: Something else."
