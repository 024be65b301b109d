"""STS: tokens, trust policies, sessions."""

from __future__ import annotations

import json
import time
import urllib.error
from typing import Any

import jwt
import pytest
from botocore.exceptions import ClientError

from lab.aws import setup

from .conftest import COUNTER, Lab, refusal

HOST = setup.ISSUER_HOST
DENIED = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)


@pytest.fixture
def trusting(lab: Lab) -> Any:
    """Make a role with a trust policy of the test's own; return its ARN."""

    def make(*subjects: str, seconds: int = 3600, **condition: Any) -> str:
        iam = lab.admin("iam")
        setup.open_id_provider(iam)
        policy = setup.trust(subjects or ["repo:o/*"], **condition)
        return setup.role(iam, f"role-{next(COUNTER)}", policy, [], seconds)

    return make


def refused(lab: Lab, role: str, token: str, **more: Any) -> tuple[str, str, int]:
    """Return how STS refuses."""
    with pytest.raises(ClientError) as error:
        lab.assume(role, token, **more)
    return refusal(error)


def test_the_platforms_role_is_assumed_with_a_token_of_its_organisation(lab: Lab) -> None:
    """A session has the role's name, and knows who it is."""
    role = setup.platform_role(lab.admin("iam"), "darede-labs")
    answer = lab.assume(role, lab.token(repository="darede-labs/any", event="pull_request"))
    arn = f"arn:aws:sts::123456789012:assumed-role/{setup.ROLE}/GitHubActions"
    assert answer["AssumedRoleUser"]["Arn"] == arn
    assert answer["SubjectFromWebIdentityToken"] == "repo:darede-labs/any:pull_request"
    assert abs(answer["Credentials"]["Expiration"].timestamp() - time.time() - 3600) < 30
    assert lab.client("sts", answer["Credentials"]).get_caller_identity()["Arn"] == arn


@pytest.mark.parametrize(
    ("job", "subject"),
    [
        ({"ref": "refs/heads/main"}, "repo:o/r:ref:refs/heads/main"),
        ({"ref": "refs/tags/v1"}, "repo:o/r:ref:refs/tags/v1"),
        ({"event": "pull_request"}, "repo:o/r:pull_request"),
        ({"event": "pull_request", "environment": "a:b"}, "repo:o/r:environment:a%3Ab"),
        (
            {"immutable_subject": True, "repository_id": "7", "repository_owner_id": "6"},
            "repo:o@6/r@7:ref:refs/heads/main",
        ),
        (
            {"sub_claims": ["repo", "context", "job_workflow_ref"], "environment": "prod"},
            "repo:o/r:environment:prod:job_workflow_ref:o/r/.github/workflows/ci.yml@refs/heads/main",
        ),
        (
            {"sub_claims": ["repository_owner", "repository_visibility"]},
            "repository_owner:o:repository_visibility:private",
        ),
        ({"sub_claims": ["repo"], "immutable_subject": True}, "repo:o@600000001/r@700000001"),
    ],
)
def test_the_subject_has_githubs_forms(lab: Lab, job: dict[str, Any], subject: str) -> None:
    """Branch, tag, pull request, environment, and the form with ids."""
    content = jwt.decode(lab.token(repository="o/r", **job), options={"verify_signature": False})
    assert (content["sub"], content["aud"]) == (subject, "sts.amazonaws.com")
    assert (content["iss"], content["exp"] - content["iat"]) == (f"https://{HOST}", 300)


def test_the_audience_is_the_owners_address_when_none_is_asked_for(lab: Lab) -> None:
    """A runner that names no audience gets GitHub's default."""
    content = jwt.decode(lab.token(None, repository="o/r"), options={"verify_signature": False})
    assert content["aud"] == "https://github.com/o"


def test_a_token_request_needs_the_jobs_own_token(lab: Lab) -> None:
    """The request token is checked."""
    given = lab.control("POST", "oidc", {})
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(urllib.request.Request(given["url"], headers={"Authorization": "bearer x"}), timeout=60)


def test_the_form_with_ids_is_refused_by_a_policy_without_them(lab: Lab, trusting: Any) -> None:
    """repo:o/* does not fit repo:o@6/r@7."""
    token = lab.token(repository="o/r", immutable_subject=True)
    assert refused(lab, trusting("repo:o/*:*"), token) == DENIED
    assert lab.assume(trusting("repo:o/*:*", "repo:o@600000001/*:*"), token)["Credentials"]


@pytest.mark.parametrize(
    ("condition", "job", "admitted"),
    [
        ({"StringLike": {f"{HOST}:sub": "repo:o/r:ref:refs/heads/ma?n"}}, {}, True),
        ({"StringEquals": {f"{HOST}:sub": "repo:o/r:ref:refs/heads/*"}}, {}, False),
        ({"StringEqualsIgnoreCase": {f"{HOST}:sub": "REPO:O/R:ref:refs/heads/main"}}, {}, True),
        ({"ForAnyValue:StringLike": {f"{HOST}:sub": ["repo:x/*", "repo:o/r:*"]}}, {}, True),
        ({"StringNotLike": {f"{HOST}:ref": "refs/heads/*"}}, {}, False),
        ({"StringNotEquals": {f"{HOST}:ref": "refs/heads/other"}}, {}, True),
        ({"StringEquals": {f"{HOST}:repository_id": "7"}}, {"repository_id": "7"}, True),
        ({"StringEquals": {f"{HOST}:repository_id": "7"}}, {"repository_id": "8"}, False),
        ({"StringEquals": {f"{HOST}:repository_owner": "o"}}, {}, False),
        ({"StringEquals": {f"{HOST}:environment": "prod"}}, {}, False),
        ({"StringEquals": {f"{HOST}:aud": "sts.amazonaws.com", f"{HOST}:actor": "octocat"}}, {}, True),
    ],
)
def test_conditions_of_a_trust_policy(
    lab: Lab, trusting: Any, condition: dict[str, Any], job: dict[str, Any], admitted: bool
) -> None:
    """Operators, and claims that STS knows or (repository_owner) does not know."""
    role = trusting("repo:o/*", **condition)
    token = lab.token(repository="o/r", **job)
    if admitted:
        assert lab.assume(role, token)["Credentials"]
    else:
        assert refused(lab, role, token) == DENIED


def test_a_missing_role_is_not_told_from_a_refusal(lab: Lab, trusting: Any) -> None:
    """STS says the same."""
    trusting()
    assert refused(lab, "arn:aws:iam::123456789012:role/never", lab.token()) == DENIED


def test_a_token_for_another_audience_is_refused(lab: Lab, trusting: Any) -> None:
    """The audience must be one of the provider's."""
    found = refused(lab, trusting(), lab.token("someone", repository="o/r"))
    assert found == ("InvalidIdentityToken", "Incorrect token audience", 400)


def test_an_account_without_the_provider_says_so(lab: Lab) -> None:
    """The provider is looked for in the role's own account."""
    found = refused(lab, "arn:aws:iam::210987654321:role/any", lab.token())
    text = f"No OpenIDConnect provider found in your account for https://{HOST}"
    assert found == ("InvalidIdentityToken", text, 400)


def test_a_token_that_is_none_is_refused(lab: Lab, trusting: Any) -> None:
    """Text that is no JWT."""
    found = refused(lab, trusting(), "not-a-token")
    assert found == ("InvalidIdentityToken", "The ID Token provided is not a valid JWT.", 400)


def test_a_token_that_someone_else_signed_is_refused(lab: Lab, trusting: Any) -> None:
    """Claims alone admit nobody."""
    head, body, signature = lab.token(repository="o/r").split(".")
    forged = f"{head}.{body}.{signature[:-8]}AAAAAAAA"
    assert refused(lab, trusting(), forged)[0] == "InvalidIdentityToken"
    unsigned = jwt.encode({"iss": f"https://{HOST}", "aud": "sts.amazonaws.com"}, "", algorithm="none")
    assert refused(lab, trusting(), unsigned)[0] == "InvalidIdentityToken"


def test_an_expired_token_is_named(lab: Lab, trusting: Any) -> None:
    """ExpiredTokenException tells both times."""
    content = jwt.decode(lab.token(repository="o/r"), options={"verify_signature": False})
    old = lab.control("POST", "token", {**content, "iat": 1755351253, "exp": 1755351553})["value"]
    code, text, status = refused(lab, trusting(), old)
    assert (code, status) == ("ExpiredTokenException", 400)
    assert text.endswith("must be before the expiration date/time 20250816T133913Z")


def test_the_duration_has_bounds(lab: Lab, trusting: Any) -> None:
    """900 s at least, the role's maximum at most."""
    token = lab.token(repository="o/r")
    text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    assert refused(lab, trusting(), token, DurationSeconds=3601) == ("ValidationError", text, 400)
    assert refused(lab, trusting(), token, DurationSeconds=900, RoleSessionName="a b")[0] == "ValidationError"
    session = lab.assume(trusting(seconds=7200), token, DurationSeconds=7200)["Credentials"]
    assert abs(session["Expiration"].timestamp() - time.time() - 7200) < 30


def test_a_chain_lasts_an_hour_at_most(lab: Lab, trusting: Any) -> None:
    """AssumeRole by a role's session: the trust policy names it, longer than 3600 s is refused."""
    first = trusting()
    keys = lab.assume(first, lab.token(repository="o/r"))["Credentials"]
    statement = {"Effect": "Allow", "Principal": {"AWS": first}, "Action": "sts:AssumeRole"}
    second = setup.role(lab.admin("iam"), f"role-{next(COUNTER)}", {"Statement": [statement]}, [], 7200)
    sts = lab.client("sts", keys)
    assert sts.assume_role(RoleArn=second, RoleSessionName="chained")["Credentials"]
    with pytest.raises(ClientError, match="1 hour session limit for roles assumed by role chaining"):
        sts.assume_role(RoleArn=second, RoleSessionName="chained", DurationSeconds=7200)
    with pytest.raises(ClientError) as error:
        sts.assume_role(RoleArn=trusting(), RoleSessionName="chained")
    assert refusal(error)[0] == "AccessDenied"


def test_a_callers_own_policy_is_asked_too(lab: Lab, trusting: Any) -> None:
    """Trust in the account hands the decision to the account's policies; trust in the role decides by itself."""
    first, iam = trusting(), lab.admin("iam")
    sts = lab.client("sts", lab.assume(first, lab.token(repository="o/r"))["Credentials"])
    statement = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}
    second = setup.role(iam, f"role-{next(COUNTER)}", {"Statement": [statement]}, [])
    with pytest.raises(ClientError) as error:
        sts.assume_role(RoleArn=second, RoleSessionName="chained")
    assert refusal(error)[0] == "AccessDenied"
    own = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": second}}
    iam.put_role_policy(RoleName=first.rsplit("/", 1)[1], PolicyName="chain", PolicyDocument=json.dumps(own))
    assert sts.assume_role(RoleArn=second, RoleSessionName="chained")["Credentials"]


def test_a_trust_policy_that_is_scoped_to_nothing_is_not_stored(lab: Lab) -> None:
    """IAM wants sub or job_workflow_ref in a policy that trusts GitHub."""
    iam = lab.admin("iam")
    for subjects in (["*"], ["?*"]):
        with pytest.raises(iam.exceptions.MalformedPolicyDocumentException, match="which is not scoped to all"):
            setup.role(iam, "open", setup.trust(subjects), [])
