"""What GitHub's refusals mean: a table of types, statuses and texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action.errors import BranchProtected, Failure, GitOpsAccess, GitOpsBusy, GitOpsRefused
from ecr_action.github.answers import ApiError
from ecr_action.gitops.outcomes import failure, is_stale

OLD, NEW = "a" * 40, "b" * 40
STALE = [
    ("STALE_DATA", "anything"),
    ("", f'Expected branch to point to "{OLD}" but it did not.  Pull and try again.'),
    ("", f"cannot lock ref 'refs/heads/main': is at {NEW} but expected {OLD}"),
]
TABLE: list[tuple[int, str, str, type[Failure], str]] = [
    (401, "", "Bad credentials", GitOpsAccess, "gh secret set"),
    (200, "FORBIDDEN", "Resource not accessible by integration", GitOpsAccess, "GitHub App"),
    (200, "NOT_FOUND", "Could not resolve to a Repository with the name 'o/r'.", GitOpsAccess, "gitops-repository"),
    (200, "INSUFFICIENT_SCOPES", "Your token has not been granted the required scopes", GitOpsAccess, "o/r"),
    (403, "", "Resource not accessible by personal access token", GitOpsAccess, "o/r"),
    (404, "", "Not Found", GitOpsAccess, "gitops-repository: o/r"),
    (200, "UNPROCESSABLE", "Repository was archived so is read-only.", GitOpsRefused, "gh repo unarchive o/r"),
    (403, "", "Repository was archived so is read-only.", GitOpsRefused, "gh repo unarchive o/r"),
    (200, "BRANCH_PROTECTION_RULE_VIOLATION", "Protected", BranchProtected, "gitops-mode: auto"),
    (200, "UNPROCESSABLE", "Repository rule violations found\n\nChanges must be made through a pull request.",
     BranchProtected, "Bypass list"),
    (200, "", "Changes must be made through the merge queue", BranchProtected, "gitops-branch"),
    (200, "UNPROCESSABLE", "The path is malformed", GitOpsRefused, "again"),
    (429, "", "", GitOpsBusy, "hour"),
    (403, "", "You have exceeded a secondary rate limit.", GitOpsBusy, "hour"),
    (200, "RATE_LIMITED", "API rate limit exceeded", GitOpsBusy, "hour"),
    (502, "", "", GitOpsBusy, "again"),
    (0, "", "no answer from GitHub: Timeout", GitOpsBusy, "again"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "message"), STALE)
def test_a_branch_that_moved_is_stale(type_: str, message: str) -> None:
    """By GitHub's type, or by its words."""
    assert is_stale(ApiError(200, message, type_))


@pytest.mark.parametrize(("status", "type_", "message", "kind", "fix"), TABLE)
def test_each_refusal_has_its_failure_and_a_way_out(
    status: int, type_: str, message: str, kind: type[Failure], fix: str
) -> None:
    """With GitHub's own words in it."""
    refusal = ApiError(status, message, type_)
    assert not is_stale(refusal)
    failed = failure(refusal, "o/r", "main", "ghs_canary")
    assert type(failed) is kind
    assert fix in failed.fix
    assert ("archived" if "archived" in message else (message or str(status)).strip(".")) in str(failed)
    assert "canary" not in str(failed)


def test_a_forbidden_call_with_a_limit_in_its_headers_is_a_limit() -> None:
    """403 has both meanings."""
    assert ApiError(403, "slow down", headers={"retry-after": "5"}).limited
    assert not ApiError(403, "Resource not accessible by integration").limited


def test_what_a_read_does_not_find_may_be_there_later() -> None:
    """A commit that does not find it is another matter: it was there a moment ago."""
    missing = ApiError(200, "Could not resolve to a Repository with the name 'o/r'.", "NOT_FOUND")
    assert failure(missing, "o/r", "", "ghp_x").transient
    assert not failure(missing, "o/r", "main", "ghp_x").transient


def test_a_refusal_of_a_read_names_no_branch_that_was_not_given() -> None:
    """The default one is not known by then."""
    assert failure(ApiError(200, "odd"), "o/r", "", "t").what == "GitHub refused a call on o/r: odd."


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("ghp_x", "scope 'repo'"),
        ("github_pat_x", "Repository access o/r"),
        ("ghs_x", "reaches its own repository alone"),
        ("unknown", "Contents: Read and write"),
    ],
)
def test_the_boxes_to_tick_are_those_of_the_kind_of_token(token: str, words: str) -> None:
    """Each kind has its own page."""
    assert words in failure(ApiError(404, "Not Found"), "o/r", "", token).fix


@given(st.integers(0, 599), st.text(max_size=20), st.text())
def test_any_answer_is_a_failure_with_a_fix_and_without_the_token(status: int, type_: str, message: str) -> None:
    """Whatever GitHub comes up with."""
    failed = failure(ApiError(status, message, type_), "o/r", "main", "ghp_\u2603canary")
    assert failed.fix
    assert "canary" not in str(failed).replace(message, "")
