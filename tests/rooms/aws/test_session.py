"""Credentials, against the lab's STS: it verifies tokens and evaluates trust policies."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ecr_action import errors
from lab.aws import setup

from .world import ACCOUNT, OWNER_ID, REPOSITORY_ID, Job, World

ASSUME = "sts:AssumeRoleWithWebIdentity"
NO_KEYS = (
    "Couldn't retrieve verification key from your identity provider,  please reference "
    "AssumeRoleWithWebIdentity documentation for requirements"
)
LEGACY = {"repository": "other-org/hello"}
IMMUTABLE = {"repository": "darede-labs/hello", "immutable_subject": True}


def test_a_role_by_an_identity_token(job: Job, platform_role: str, world: World) -> None:
    """One token, one call of STS, and we are the role under the name of the session."""
    session = job.connect(platform_role, session_name="ecr-publish-7")
    assert session.identity.account == ACCOUNT
    assert session.identity.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/{setup.ROLE}/ecr-publish-7"
    assert world.calls() == ["oidc:GET token", ASSUME]


def test_secrets_are_masked_and_appear_nowhere(job: Job, platform_role: str) -> None:
    """Request token, identity token, secret key, session token and registry password are masked; the key's id not."""
    session = job.connect(platform_role)
    login = job.parts(session).logins.login()
    frozen = session._boto.get_credentials().get_frozen_credentials()
    masked = job.console.of("mask")
    assert {frozen.secret_key, frozen.token, login.password.reveal()} <= set(masked)
    assert sum(text.startswith("eyJ") and text.count(".") == 2 for text in masked) == 1
    assert frozen.access_key not in masked
    assert job.console.leaks() == []


@pytest.mark.parametrize(
    ("claims", "sub"),
    [
        (LEGACY, "repo:other-org/hello:ref:refs/heads/main"),
        (IMMUTABLE, f"repo:darede-labs@{OWNER_ID}/hello@{REPOSITORY_ID}:ref:refs/heads/main"),
        ({**LEGACY, "environment": "prod"}, "repo:other-org/hello:environment:prod"),
        ({**IMMUTABLE, "environment": "a:b"}, f"repo:darede-labs@{OWNER_ID}/hello@{REPOSITORY_ID}:environment:a%3Ab"),
        ({**LEGACY, "event": "pull_request"}, "repo:other-org/hello:pull_request"),
    ],
)
def test_the_refusal_has_the_statement_that_admits_the_job(
    job: Job, platform_role: str, world: World, claims: dict[str, Any], sub: str
) -> None:
    """Whatever the form of sub: it is named, and each statement of the message, put into the policy, lets us in."""
    with pytest.raises(errors.TrustRefused) as refused:
        job.connect(platform_role, claims)
    failure = refused.value
    for named in (sub, "sts.amazonaws.com", claims["repository"], ACCOUNT):
        assert named in failure.what
    assert ("form with ids" in failure.why) == ("immutable_subject" in claims)
    assert f'org_id: "{OWNER_ID}"' in failure.fix
    statements = objects(failure.fix)
    assert len(statements) == 2
    for number, statement in enumerate(statements):
        role = f"by-message-{abs(hash(sub)) % 10**6}-{number}"
        arn = setup.role(world.admin("iam"), role, {"Version": "2012-10-17", "Statement": [statement]}, [])
        assert job.connect(arn, claims).identity.account == ACCOUNT
    assert not any(token in str(failure) for token in job.console.of("mask"))


def test_the_exact_statement_admits_no_other_job(job: Job, platform_role: str, world: World) -> None:
    """The first statement of a refusal is for this branch alone."""
    with pytest.raises(errors.TrustRefused) as refused:
        job.connect(platform_role, LEGACY)
    statement = objects(refused.value.fix)[0]
    arn = setup.role(world.admin("iam"), "exactly", {"Version": "2012-10-17", "Statement": [statement]}, [])
    assert job.connect(arn, LEGACY)
    with pytest.raises(errors.TrustRefused):
        job.connect(arn, {**LEGACY, "ref": "refs/heads/other"})


def test_a_new_role_is_tried_once_more(job: Job, platform_role: str, world: World) -> None:
    """AccessDenied is asked again after 2 seconds, with a token of its own; a second one is the answer."""
    world.fault(ASSUME, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
    assert job.connect(platform_role)
    assert job.clock.slept == [2.0]
    assert world.calls() == ["oidc:GET token", ASSUME] * 2
    with pytest.raises(errors.TrustRefused):
        job.connect(platform_role, LEGACY)
    assert job.clock.slept == [2.0, 2.0]


@pytest.mark.parametrize(
    ("code", "message", "status"),
    [
        ("InvalidIdentityToken", NO_KEYS, 400),
        ("IDPCommunicationError", "The identity provider can't be reached", 400),
        ("Throttling", "Rate exceeded", 400),
        ("ServiceUnavailable", "", 503),
    ],
)
def test_what_passes_is_asked_again_with_fresh_tokens(
    job: Job, platform_role: str, world: World, code: str, message: str, status: int
) -> None:
    """Three faults that pass, then the role; each attempt had a token of its own."""
    world.fault(ASSUME, code, message, status, times=3)
    assert job.connect(platform_role)
    assert job.clock.slept == [1.0, 2.0, 4.0]
    tokens = [text for text in job.console.of("mask") if text.startswith("eyJ")]
    assert len(set(tokens)) == len(tokens) == 4


def test_a_cut_connection_is_asked_again(job: Job, platform_role: str, world: World) -> None:
    """No answer at all is a fault that passes."""
    world.fault(ASSUME, cut=True)
    assert job.connect(platform_role)
    assert job.clock.slept == [1.0]


def test_nobody_there_is_asked_again_then_told(job: Job, platform_role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection passes as a fault of the network, for the time allowed."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(errors.AwsUnreachable) as refused:
        job.connect(platform_role)
    assert "HTTPS_PROXY" in refused.value.fix
    assert 30 < job.clock.monotonic() < 60


@pytest.mark.parametrize("code", ["ExpiredTokenException", "IDPRejectedClaim"])
def test_an_expired_token_is_replaced_once(job: Job, platform_role: str, world: World, code: str) -> None:
    """Once a fresh token; expired again is a matter of clocks, and the skew is named."""
    world.fault(ASSUME, code, "Token expired", 400)
    assert job.connect(platform_role)
    world.fault(ASSUME, code, "Token expired", 400, times=2)
    with pytest.raises(errors.AwsRefused) as refused:
        job.connect(platform_role)
    assert "clock" in refused.value.why


def test_attempts_end_within_the_time_allowed(job: Job, platform_role: str, world: World) -> None:
    """A fault that does not pass ends the attempts within 90 seconds, and is told as passing."""
    world.fault(ASSUME, "InvalidIdentityToken", NO_KEYS, 400, times=1000)
    with pytest.raises(errors.AwsUnreachable) as refused:
        job.connect(platform_role)
    assert 30 < job.clock.monotonic() < 60
    assert refused.value.transient


def test_a_missing_provider_and_an_unknown_audience_are_told(job: Job, world: World, platform_role: str) -> None:
    """Neither is asked again; each has the command that mends it."""
    with pytest.raises(errors.ProviderMissing) as refused:
        job.connect("arn:aws:iam::210987654321:role/elsewhere")
    assert "210987654321" in refused.value.what
    assert "create-open-id-connect-provider" in refused.value.fix
    with pytest.raises(errors.ProviderMissing) as refused:
        job.connect(platform_role, audience="somebody")
    assert "'somebody'" in refused.value.what
    assert refused.value.fix.startswith("audience: sts.amazonaws.com\n")
    assert job.clock.slept == []


def test_a_duration_above_the_role_s_is_named(job: Job, platform_role: str) -> None:
    """The input to change is in the fix."""
    with pytest.raises(errors.AwsRefused) as refused:
        job.connect(platform_role, duration=7200)
    assert "role-duration-seconds: '3600'" in refused.value.fix


def test_another_account_is_refused(job: Job, platform_role: str, world: World) -> None:
    """allowed-account-ids is compared without a further call, before anything is done there."""
    with pytest.raises(errors.WrongAccount) as refused:
        job.connect(platform_role, allowed_accounts=("210987654321",))
    assert ACCOUNT in refused.value.what
    assert world.calls() == ["oidc:GET token", ASSUME]
    assert job.connect(platform_role, allowed_accounts=("210987654321", ACCOUNT))


def test_a_job_without_the_permission_is_told_the_lines(job: Job, platform_role: str) -> None:
    """No id-token variables, no credentials of the machine's own: the permissions block."""
    with pytest.raises(errors.NoIdToken) as refused:
        job.without_tokens(platform_role)
    assert "permissions:\n  id-token: write\n  contents: read" in refused.value.fix
    assert "calling job" in refused.value.why


def test_the_machine_s_own_credentials_assume_the_role(
    job: Job, world: World, platform_role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without id-token variables the default chain's credentials are used, and that is said."""
    keys = setup.admin_credentials(world.endpoint)
    for variable, value in keys.items():
        monkeypatch.setenv(variable, value)
    policy = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    role = setup.role(world.admin("iam"), "runner-role", {"Version": "2012-10-17", "Statement": [policy]}, [])
    world.control("DELETE", "calls")
    session = job.without_tokens(role)
    assert session.identity.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/runner-role/GitHubActions"
    assert any("machine's own credentials" in text for text in job.console.of("info"))
    assert keys["AWS_SECRET_ACCESS_KEY"] in job.console.of("mask")
    assert world.calls() == ["sts:AssumeRole"]


def test_without_a_role_the_default_chain_is_taken(job: Job, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its account is asked for, and compared too."""
    for variable, value in setup.admin_credentials(world.endpoint).items():
        monkeypatch.setenv(variable, value)
    assert job.connect(None).identity.arn == f"arn:aws:iam::{ACCOUNT}:root"
    assert world.calls() == ["sts:GetCallerIdentity"]
    with pytest.raises(errors.WrongAccount):
        job.connect(None, allowed_accounts=("210987654321",))


def test_an_empty_secret_is_told(job: Job) -> None:
    """No role and no credentials: the secret is empty, and why it may be."""
    with pytest.raises(errors.NoCredentials) as refused:
        job.connect(None)
    assert "secret is empty" in refused.value.why
    assert "fork" in refused.value.why
    assert "Dependabot" in refused.value.why


def test_a_profile_that_is_not_there_is_told(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's own complaints are failures too."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(errors.AwsRefused) as refused:
        job.connect(None)
    assert "nobody" in refused.value.what


def test_credentials_are_renewed_by_a_fresh_token(job: Job, world: World, full_role: str) -> None:
    """A session about to end is renewed by the next call, once, with a new identity token; later calls don't ask."""
    now = time.time()
    world.control("POST", "clock", {"offset": -3590})
    try:
        session = job.connect(full_role)
    finally:
        world.control("POST", "clock", {"offset": 0})
    world.control("DELETE", "calls")
    ecr = session.service("ecr")
    for _ in range(2):
        ecr.ask("GetAuthorizationToken")
    assert time.time() - now < 10
    assert world.calls() == ["oidc:GET token", ASSUME, "ecr:GetAuthorizationToken", "ecr:GetAuthorizationToken"]


def test_the_shortest_session_is_not_renewed_at_every_call(job: Job, world: World, full_role: str) -> None:
    """15 minutes are less than what botocore keeps in hand by itself."""
    ecr = job.connect(full_role, duration=900).service("ecr")
    world.control("DELETE", "calls")
    ecr.ask("GetAuthorizationToken")
    assert world.calls() == ["ecr:GetAuthorizationToken"]


def objects(text: str) -> list[dict[str, Any]]:
    """The JSON objects that stand in *text* on lines of their own."""
    found, decoder = [], json.JSONDecoder()
    at = text.find("\n{")
    while at >= 0:
        value, end = decoder.raw_decode(text, at + 1)
        found.append(value)
        at = text.find("\n{", end)
    return found
