"""A push that is a GitOps commit of ours starts nothing; everything else does."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_action import loop
from ecr_action.github import context
from ecr_action.github.context import Nothing
from ecr_action.gitops import pulls
from ecr_action.gitops.message import Origin, Shipped, compose
from tests.builders import REPOSITORY, SHA, make_checkout, variables

_SHIPPED = [Shipped(name="h/app", repository="app", tag="1", digest="sha256:1")]
OURS = compose(_SHIPPED, Origin(repository=REPOSITORY, sha=SHA, run_url="https://x/1"), environment="dev", ships="- a")
SQUASHED = f"{OURS}\nCo-authored-by: Ada <ada@example.com>\n"
BULLETS = f"Release (#3)\n\n* Add a thing\n\n* {OURS}"
AMID = f"About trailers\n\n{OURS}\n\nand more\n\nthan that"
QUOTED = "Revert a bump\n\n" + "\n".join(f"> {line}" for line in OURS.split("\n"))
MERGE = "Merge pull request #5 from darede-labs/ecr-publish/app/dev\n\nDeploy app"
MAIN = "refs/heads/main"


def stopped(
    message: str, *commits: str, event: str = "push", ref: str = MAIN, checkout: bool = True, **payload: Any
) -> bool:
    """Whether nothing is done on a push whose head has *message*, and which brought *commits* beside it."""
    rows = [{"id": f"{number:040x}", "message": text} for number, text in enumerate(commits)]
    told = {"ref": ref, "after": SHA, "repository": {"full_name": REPOSITORY, "default_branch": "main"}, **payload}
    told |= {"head_commit": {"id": SHA, "message": message}, "commits": [*rows, {"id": SHA, "message": message}]}
    made = context.read(variables(event, ref), told, make_checkout(message=message) if checkout else None)
    return isinstance(loop.guarded(made).source, Nothing)


@pytest.mark.parametrize("message", [OURS, OURS.strip(), OURS.replace("\n", "\r\n"), SQUASHED])
@pytest.mark.parametrize("checkout", [True, False])
def test_our_own_commit_is_not_published(message: str, checkout: bool) -> None:
    """As it is, or as the squash of a pull request; with the checkout's word or the event's."""
    assert stopped(message, checkout=checkout)


@pytest.mark.parametrize("message", ["Add a thing", "", BULLETS, AMID, QUOTED])
def test_other_commits_are_published(message: str) -> None:
    """Also those that speak of one of ours, and a squash in which one of ours is among others."""
    assert not stopped(message)


def test_a_merge_of_our_pull_request_is_not_published() -> None:
    """Where it brought nothing else."""
    assert stopped(MERGE, OURS)
    assert not stopped(MERGE, OURS, "Somebody's change")
    assert not stopped(MERGE)
    assert not stopped("Add a thing", OURS)


def test_each_commit_of_a_push_counts() -> None:
    """A branch that is moved to one where ours is the last commit brings the others too."""
    assert not stopped(OURS, "feat: pay by card", "fix: rounding")
    assert stopped(OURS, OURS)


def test_a_squash_or_merge_with_the_pull_requests_own_words_is_not_published() -> None:
    """GitHub's settings take title and description; a message of the user's own may have bullets."""
    origin = Origin(repository=REPOSITORY, sha=SHA, run_url="https://x/1")
    assert stopped(f"Deploy app 1 to dev (#12)\n\n{pulls.body(_SHIPPED, origin, 'dev')}")
    title = OURS.partition("\n")[0]
    assert stopped(f"{title} (#12)\n\nSome words", OURS)
    assert stopped(
        compose(_SHIPPED, origin, environment="dev", template="Deploy {tag}\n\n* by {actor}\n* see the wiki")
    )


def test_a_branch_that_is_there_for_a_moment_starts_nothing() -> None:
    """The one that a pull request's commit is made on."""
    assert stopped("Add a thing", ref="refs/heads/ecr-publish/scratch/812-ab12")
    assert not stopped("Add a thing", ref="refs/heads/ecr-publish/app/dev")


def test_what_is_no_consequence_of_our_commit_goes_on() -> None:
    """A release of it, a schedule, a person."""
    assert not stopped(OURS, ref="refs/tags/v1.0.0")
    for event in ("schedule", "workflow_dispatch"):
        assert not stopped(OURS, event=event)


def test_a_workflow_that_runs_after_another_one() -> None:
    """The push that started the first one counts."""
    for started, message, expected in (("push", OURS, True), ("push", "x", False), ("schedule", OURS, False)):
        told = {"event": started, "head_commit": {"message": message}, "head_branch": "main"}
        assert stopped(OURS, event="workflow_run", workflow_run=told) is expected
