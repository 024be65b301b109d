"""Claims, subjects, and the statements that admit a job."""

from __future__ import annotations

import base64
import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action import errors
from ecr_action.aws import trust
from ecr_action.aws.trust import Subject

ROLE = "arn:aws:iam::123456789012:role/path/to/ecr-push"
CLAIMS = {
    "iss": "https://token.actions.githubusercontent.com",
    "aud": "sts.amazonaws.com",
    "sub": "repo:darede-labs@7/hello@9:ref:refs/heads/main",
    "repository": "darede-labs/hello",
    "repository_owner_id": "7",
}


def token(claims: Any) -> str:
    """A JWT of *claims*, with a signature that means nothing."""
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"header.{part}.signature"


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.booleans()))
def test_claims_are_read_from_any_token(claims: dict[str, Any]) -> None:
    """Whatever the length of the part, and whatever stands in it."""
    assert trust.claims_of(token(claims)) == claims


@given(st.text() | st.builds(lambda text: f"a.{text}.b", st.text()))
def test_what_is_no_token_has_no_claims(text: str) -> None:
    """Any text is read without an exception."""
    assert isinstance(trust.claims_of(text), dict)


@pytest.mark.parametrize(
    ("sub", "subject"),
    [
        ("repo:o/r:ref:refs/heads/main", Subject("o", "r", "ref:refs/heads/main")),
        ("repo:o/r:ref:refs/tags/v1", Subject("o", "r", "ref:refs/tags/v1")),
        ("repo:o@1/r@2:ref:refs/heads/a/b", Subject("o", "r", "ref:refs/heads/a/b", "1", "2")),
        ("repo:o@1/r@2:environment:prod", Subject("o", "r", "environment:prod", "1", "2")),
        ("repo:o@1/r@2:pull_request", Subject("o", "r", "pull_request", "1", "2")),
        ("repo:o/r:environment:a:job_workflow_ref:x", Subject("o", "r", "environment:a:job_workflow_ref:x")),
        ("repository_owner:o:repository_visibility:private", None),
        ("repository_id:7", None),
        ("repo:o/r", None),
        ("", None),
    ],
)
def test_subjects_are_taken_apart(sub: str, subject: Subject | None) -> None:
    """Both forms, environments, pull requests and templates."""
    assert trust.parse_sub(sub) == subject


@pytest.mark.parametrize(
    ("context", "environment", "custom"),
    [
        ("ref:refs/heads/main", None, False),
        ("pull_request", None, False),
        ("environment:a%3Ab", "a:b", False),
        ("environment:prod:job_workflow_ref:o/r/.github/workflows/x.yml@refs/heads/main", "prod", True),
        ("ref:refs/heads/main:actor:me", None, True),
    ],
)
def test_a_subject_knows_its_environment_and_template(context: str, environment: str | None, custom: bool) -> None:
    """The environment is read as GitHub shows it; further claims are a template."""
    subject = Subject("o", "r", context)
    assert (subject.environment, subject.custom) == (environment, custom)


@pytest.mark.parametrize(
    ("role", "audience", "provider"),
    [
        (ROLE, "sts.amazonaws.com", "arn:aws:iam::123456789012:oidc-provider/"),
        ("arn:aws-cn:iam::123456789012:role/r", "sts.amazonaws.com.cn", "arn:aws-cn:iam::123456789012:oidc-provider/"),
        (
            "arn:aws-us-gov:iam::123456789012:role/r",
            "sts.amazonaws.com",
            "arn:aws-us-gov:iam::123456789012:oidc-provider/",
        ),
    ],
)
def test_partitions(role: str, audience: str, provider: str) -> None:
    """China has an audience of its own; the provider is of the role's partition and account."""
    assert trust.default_audience(role) == audience
    statement = trust.exact_statement(CLAIMS, role)
    assert statement["Principal"]["Federated"] == provider + "token.actions.githubusercontent.com"


@pytest.mark.parametrize(
    "issuer",
    ["https://ghe.example.com/_services/token", "https://token.actions.acme.ghe.com", "https://x/acme-slug"],
)
def test_other_issuers_name_their_keys(issuer: str) -> None:
    """The condition keys begin with the issuer's host and path."""
    statement = trust.exact_statement({**CLAIMS, "iss": issuer}, ROLE)
    host = issuer.removeprefix("https://")
    assert set(statement["Condition"]["StringEquals"]) == {f"{host}:aud", f"{host}:sub"}


NAMES = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
IDS = st.integers(1, 10**9).map(str)


@given(NAMES, NAMES, IDS, IDS, st.booleans(), NAMES)
def test_the_organization_is_admitted_and_no_other(
    owner: str, name: str, owner_id: str, repository_id: str, ids: bool, more: str
) -> None:
    """Every repository of the owner in both forms; no owner whose name or id only begins alike."""
    sub = f"repo:{owner}@{owner_id}/{name}@{repository_id}:x" if ids else f"repo:{owner}/{name}:x"
    statement = trust.organization_statement({**CLAIMS, "sub": sub, "repository_owner_id": owner_id}, ROLE)
    assert statement is not None
    patterns = statement["Condition"]["StringLike"]["token.actions.githubusercontent.com:sub"]

    def admitted(text: str) -> bool:
        return any(fnmatchcase(text, pattern) for pattern in patterns)

    assert admitted(sub)
    assert admitted(f"repo:{owner}/{more}:ref:refs/heads/main")
    assert admitted(f"repo:{owner}@{owner_id}/{more}@5:environment:prod")
    assert not admitted(f"repo:{owner}{more}/{name}:ref:refs/heads/main")
    assert not admitted(f"repo:{owner}-{more}@{owner_id}/{name}@5:ref:refs/heads/main")
    assert not admitted(f"repo:{owner}@{owner_id}0/{name}@5:ref:refs/heads/main")


def test_a_dollar_sign_stays_one() -> None:
    """A branch called ``${aws:username}`` is no policy variable."""
    claims = {**CLAIMS, "sub": "repo:o/r:ref:refs/heads/${aws:username}"}
    statement = trust.exact_statement(claims, ROLE)
    key = "token.actions.githubusercontent.com:sub"
    assert statement["Condition"]["StringEquals"][key] == "repo:o/r:ref:refs/heads/${$}{aws:username}"


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({}, ["ids", "2026-07-15", "'repo:darede-labs/*:*'", "never matches"]),
        ({"sub": "repo:o/r:environment:prod"}, ["environment 'prod'", "instead of the branch"]),
        ({"sub": "repo:o/r:pull_request"}, ["pull request"]),
        ({"sub": "repository_id:7"}, ["template"]),
        ({"job_workflow_ref": "o/w/.github/workflows/x.yml@main", "workflow_ref": "o/r/y.yml"}, ["called workflow"]),
    ],
)
def test_the_reason_fits_the_claims(claims: dict[str, str], words: list[str]) -> None:
    """Each form of sub has an explanation of its own."""
    failure = trust.refusal({**CLAIMS, **claims}, ROLE)
    for word in words:
        assert word in failure.why


def test_the_refusal_names_all() -> None:
    """sub, aud, repository, account and role; the platform's configuration line."""
    failure = trust.refusal(CLAIMS, ROLE)
    for named in (CLAIMS["sub"], CLAIMS["aud"], CLAIMS["repository"], "123456789012", "ecr-push"):
        assert named in failure.what
    assert 'github:\n  enable_oidc: true\n  org: "darede-labs"\n  org_id: "7"' in failure.fix


def test_a_template_has_the_exact_statement_alone() -> None:
    """An organization-wide statement by repo: would not match it."""
    fix = trust.refusal({**CLAIMS, "sub": "repository_owner:o:actor:me"}, ROLE).fix
    assert "StringEquals" in fix
    assert "StringLike" not in fix
    assert "org_id" not in fix


@given(
    st.dictionaries(st.sampled_from([*CLAIMS, "job_workflow_ref"]), st.text() | st.none() | st.integers()), st.text()
)
def test_any_claims_and_role_give_a_text(claims: dict[str, Any], role: str) -> None:
    """Strange claims are told, not stumbled over."""
    assert isinstance(trust.refusal(claims, role), errors.TrustRefused)


@pytest.mark.parametrize(
    ("skew", "words"),
    [(None, "Run the job again"), (5.0, "Run"), (-900.0, "900 seconds behind"), (120.0, "120 seconds ahead")],
)
def test_a_wrong_clock_is_named(skew: float | None, words: str) -> None:
    """The difference and its direction."""
    assert words in str(trust.rejected(CLAIMS, ROLE, "ExpiredTokenException", "expired", skew))


@pytest.mark.parametrize(
    ("code", "message", "passing", "waits"),
    [
        ("AccessDenied", "", False, [2.0, None]),
        ("ExpiredTokenException", "", False, [1.0, None]),
        ("ExpiredToken", "", False, [1.0, None]),
        ("IDPRejectedClaim", "", False, [1.0, None]),
        ("InvalidIdentityToken", "Couldn't retrieve verification key from", False, [1.0, 2.0, 4.0, 8.0, 8.0]),
        ("InvalidIdentityToken", "No OpenIDConnect provider found", False, [None]),
        ("InvalidIdentityToken", "Incorrect token audience", False, [None]),
        ("ValidationError", "", False, [None]),
        ("Anything", "", True, [1.0, 2.0, 4.0, 8.0, 8.0]),
    ],
)
def test_only_what_passes_is_tried_again(code: str, message: str, passing: bool, waits: list[float | None]) -> None:
    """The waits before the second, third, ... attempt."""
    found = [
        trust.wait_before_retry(code, message, passing=passing, attempts=number) for number in range(1, len(waits) + 1)
    ]
    assert found == waits
