"""AWS's error answers, read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action import errors
from ecr_action.aws import permissions, refusals
from ecr_action.aws.refusals import Denial, Refusal

WHO = "arn:aws:sts::123456789012:assumed-role/ecr-push/GitHubActions"
ARN = "arn:aws:ecr:us-east-1:123456789012:repository/hello"
START = f"User: {WHO} is not authorized to perform: ecr:PutImage on resource: {ARN} "
ALLOWS = "allows the ecr:PutImage action"


@pytest.mark.parametrize(
    ("rest", "kind", "explicit"),
    [
        (f"because no identity-based policy {ALLOWS}", "identity", False),
        (f"because no resource-based policy {ALLOWS}", "resource", False),
        (f"because no service control policy {ALLOWS}", "scp", False),
        (f"because no resource control policy {ALLOWS}", "rcp", False),
        (f"because no permissions boundary {ALLOWS}", "boundary", False),
        (f"because no session policy {ALLOWS}", "session", False),
        (f"because no VPC endpoint policy {ALLOWS}", "endpoint", False),
        ("with an explicit deny in an identity-based policy", "identity", True),
        ("with an explicit deny in a service control policy", "scp", True),
        ("with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o/p-1", "scp", True),
        ("with an explicit deny in a resource control policy", "rcp", True),
        ("with an explicit deny", "", True),
    ],
)
def test_the_sentence_is_read(rest: str, kind: str, explicit: bool) -> None:
    """Who, what, where, and which kind of policy."""
    found = refusals.denial(Refusal("ecr:PutImage", "AccessDeniedException", START + rest))
    assert found == Denial(WHO, "ecr:PutImage", ARN, kind, explicit)


@pytest.mark.parametrize(
    ("message", "action", "resource"),
    [
        (START.strip(), "ecr:PutImage", ARN),
        (f"User: {WHO} is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no "
         f"identity-based policy allows the ecr:GetAuthorizationToken action", "ecr:GetAuthorizationToken", "*"),
        (f"User: {WHO} is not authorized to perform: kms:CreateGrant", "kms:CreateGrant", "*"),
        ("Access Denied", "ecr:PutImage", "*"),
        ("", "ecr:PutImage", "*"),
    ],
)  # fmt: skip
def test_shorter_sentences_are_read_as_far_as_they_go(message: str, action: str, resource: str) -> None:
    """Without a resource it is any; without a sentence the call itself."""
    found = refusals.denial(Refusal("ecr:PutImage", "AccessDeniedException", message))
    assert (found.action, found.resource, found.kind, found.explicit) == (action, resource, found.kind, False)


@given(st.text(), st.text(), st.integers(100, 599))
def test_any_answer_is_a_failure(code: str, message: str, status: int) -> None:
    """Whatever AWS sends, there is a text for it."""
    assert str(refusals.failure(Refusal("ecr:PutImage", code, message, status)))


@pytest.mark.parametrize(
    ("kind", "explicit", "beginning", "statement"),
    [
        ("identity", False, "Add to the policy of the role ecr-push:", {"Action": "ecr:PutImage", "Resource": ARN}),
        ("", False, "Add to the policy of the role ecr-push:", {"Action": "ecr:PutImage", "Resource": ARN}),
        ("resource", False, "Add to the policy of the repository",
         {"Action": "ecr:PutImage", "Principal": {"AWS": "arn:aws:iam::123456789012:role/ecr-push"}}),
        ("scp", False, "Allow it in a service control policy", {"Action": "ecr:PutImage", "Resource": ARN}),
        ("boundary", False, "Allow it in the role's permissions boundary", {"Action": "ecr:PutImage", "Resource": ARN}),
        ("endpoint", False, "Allow it in the policy of the VPC endpoint", {"Action": "ecr:PutImage", "Resource": ARN}),
        ("identity", True, "An explicit deny in an identity-based policy", None),
        ("scp", True, "An explicit deny in a service control policy of the organization", None),
        ("", True, "An explicit deny in a policy", None),
    ],
)  # fmt: skip
def test_the_fix_fits_the_kind_of_policy(
    kind: str, explicit: bool, beginning: str, statement: dict[str, object] | None
) -> None:
    """Where the statement belongs; none where it would not help."""
    text = refusals.missing_statement(Denial(WHO, "ecr:PutImage", ARN, kind, explicit))
    assert text.startswith(beginning)
    if statement is None:
        assert "{" not in text
    else:
        assert json.loads(text[text.index("{") :]) == {"Effect": "Allow", **statement}


@pytest.mark.parametrize("action", ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer"])
def test_reading_in_another_account_is_allowed_as_a_whole(action: str) -> None:
    """All that taking an image calls, in one statement; or a role of that account."""
    there = "arn:aws:ecr:us-east-1:210987654321:repository/app"
    text = refusals.missing_statement(Denial(WHO, action, there, "resource", False))
    assert "image-role-to-assume: arn:aws:iam::210987654321:role/NAME" in text
    statement = json.loads(text[text.index("{") :])
    assert statement["Action"] == ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer"]


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDeniedException", 400, errors.AwsDenied),
        ("AccessDenied", 403, errors.AwsDenied),
        ("ThrottlingException", 400, errors.AwsUnreachable),
        ("TooManyRequestsException", 429, errors.AwsUnreachable),
        ("ServerException", 500, errors.AwsUnreachable),
        ("Whatever", 503, errors.AwsUnreachable),
        ("", 502, errors.AwsUnreachable),
        ("LimitExceededException", 400, errors.AwsRefused),
        ("ExpiredToken", 403, errors.AwsRefused),
        ("ExpiredTokenException", 400, errors.AwsRefused),
        ("InvalidParameterException", 400, errors.AwsRefused),
    ],
)
def test_answers_have_their_kind(code: str, status: int, kind: type[errors.Failure]) -> None:
    """Denied, passing, or refused; only what passes says so."""
    failure = refusals.failure(Refusal("ecr:PutImage", code, "text", status))
    assert type(failure) is kind
    assert failure.transient == (kind is errors.AwsUnreachable)


def test_names_of_one_error_in_two_protocols_have_one_text() -> None:
    """STS and ECR word the same thing differently."""
    for one, other in (
        ("ExpiredToken", "ExpiredTokenException"),
        ("InvalidClientTokenId", "UnrecognizedClientException"),
    ):
        texts = {refusals.failure(Refusal("x:Y", code, "text")).why for code in (one, other)}
        assert len(texts) == 1
        assert texts != {""}


@pytest.mark.parametrize("permission", permissions.optional(), ids=lambda p: p.action)
def test_a_lost_permission_is_named_with_its_statement(permission: permissions.Permission) -> None:
    """What is lost, and the statement that gives it back."""
    message = f"User: {WHO} is not authorized to perform: {permission.action} on resource: {ARN}"
    text = refusals.notice(Refusal(permission.action, "AccessDeniedException", message))
    assert text.startswith(f"{permission.action} is denied: {permission.lost}.")
    statement = json.loads(text[text.index("{") :])
    assert statement == {"Effect": "Allow", "Action": permission.action, "Resource": ARN}


@pytest.mark.parametrize("permission", permissions.required(), ids=lambda p: p.action)
def test_a_required_permission_says_what_for(permission: permissions.Permission) -> None:
    """The use of the call stands in the failure."""
    message = f"User: {WHO} is not authorized to perform: {permission.action} on resource: {ARN}"
    failure = refusals.denied(Refusal(permission.action, "AccessDeniedException", message))
    assert f"which is needed to {permission.use}" in failure.what
    assert failure.what.startswith("The role ecr-push may not call ")


def test_actions_are_declared_once() -> None:
    """No action twice; login and creation templates are for everything, as they know no repository."""
    actions = [permission.action for permission in permissions.PERMISSIONS]
    assert sorted(set(actions)) == sorted(actions)
    wide = [permission.action for permission in permissions.PERMISSIONS if permission.resource == "*"]
    assert wide == ["ecr:GetAuthorizationToken", "ecr:DescribeRepositoryCreationTemplates"]


@pytest.mark.parametrize(("actions", "value"), [(["a:B"], "a:B"), (["a:B", "a:C"], ["a:B", "a:C"])])
def test_statements_are_policy_language(actions: list[str], value: object) -> None:
    """One action by itself, several as a list."""
    assert json.loads(permissions.statement(actions, ARN)) == {"Effect": "Allow", "Action": value, "Resource": ARN}
