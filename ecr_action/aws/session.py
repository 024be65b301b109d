"""Credentials: from the job's identity token to a session of the role, kept fresh; else the SDK's default chain."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from ecr_action.aws import refusals, trust
from ecr_action.aws.calls import Answer, Refused, Service, translated
from ecr_action.errors import (
    AwsDenied,
    AwsRefused,
    AwsUnreachable,
    NoCredentials,
    ProviderMissing,
    TrustRefused,
    WrongAccount,
)
from ecr_action.protocols import Clock, Console, Identity
from ecr_action.secret import Secret

# No attempt to get credentials begins later than this; with the time-outs below and those of the identity token
# the whole stays under 90 seconds.
BUDGET_SECONDS = 45.0
# AssumeRole by a role's own session (STS API reference).
CHAINED_SECONDS = 3600
CONNECT_SECONDS, READ_SECONDS, STS_READ_SECONDS = 5, 60, 10
# botocore renews this long before the end (15 and 10 minutes), which a session of 15 minutes would do at every call.
ADVISORY_SHARE, MANDATORY_SHARE = 4, 6


class IdTokens(Protocol):
    """Where identity tokens come from; *available* is False where the job has no right to them."""

    @property
    def available(self) -> bool: ...
    def token(self, audience: str) -> Secret: ...


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the inputs say of credentials. *role* is an ARN, None = the default chain; *duration* in seconds.

    *audience*: None = by the role's partition. *allowed_accounts*: empty = any. *agent* goes with every call.
    """

    region: str
    role: str | None
    audience: str | None = None
    session_name: str = "GitHubActions"
    duration: int = 3600
    allowed_accounts: tuple[str, ...] = ()
    agent: str = "ecr-publish"


class Session:
    """Credentials in one Region; clients are made once each and may be used from several threads."""

    def __init__(self, boto: Any, settings: Settings, identity: Identity) -> None:
        self._boto = boto
        self._settings = settings
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self.identity = identity
        self.region = settings.region

    def client(self, name: str, region: str | None = None) -> Any:
        """The client of the service *name* in *region* (None: the session's own)."""
        with self._lock:
            known = (name, region or self.region)
            if known not in self._clients:
                self._clients[known] = _client(self._boto, name, self._settings, READ_SECONDS, region)
            return self._clients[known]

    def service(self, name: str, registry_id: str | None = None, *, region: str | None = None) -> Service:
        """The client of *name*, its errors translated."""
        bundle = self._boto._session.get_config_variable("ca_bundle")
        return Service(self.client(name, region), name, registry_id, bundle)


def connect(settings: Settings, tokens: IdTokens, console: Console, clock: Clock) -> Session:
    """Become whom the inputs name.

    With a role: by an identity token of the job; where the job has no right to one, by the default chain's own
    credentials; without a role the default chain as it is. Raises NoCredentials, NoIdToken, OidcUnreachable,
    TrustRefused, ProviderMissing, WrongAccount, AwsDenied, AwsRefused, AwsUnreachable.
    """
    if not settings.region:
        fix = "aws-region: us-east-1"
        raise AwsRefused("aws-region is empty, and AWS_REGION is not set either.", fix=fix)
    boto = _boto(settings)
    if settings.role and tokens.available:
        session = _by_identity_token(boto, settings.role, settings, tokens, console, clock)
    elif _ambient(boto, console):
        if settings.role:
            text = "The job may not ask for an identity token: the role is assumed with this machine's own credentials."
            console.info(text)
            words = f"the machine's own credentials ({boto.get_credentials().method})"
            session = _by_role(boto, settings.role, settings, words, console)
        else:
            session = _as_is(boto, settings)
    elif settings.role:
        tokens.token(_audience(settings.role, settings))
        raise AssertionError("a job without the right to identity tokens got one")
    else:
        raise _nothing()
    console.info(f"AWS account {session.identity.account}, {session.identity.how}")
    _check_account(session.identity, settings)
    return session


def connect_beside(ours: Session, settings: Settings, tokens: IdTokens, console: Console, clock: Clock) -> Session:
    """Become the role of *settings* beside *ours*: by an identity token, else by our own role (role chaining).

    Raises what :func:`connect` does.
    """
    role = settings.role or ""
    refused: TrustRefused | ProviderMissing | None = None
    if tokens.available:
        try:
            return connect(settings, tokens, console, clock)
        except (TrustRefused, ProviderMissing) as error:
            refused = error
    chained = replace(settings, duration=min(settings.duration, CHAINED_SECONDS))
    try:
        session = _by_role(ours._boto, role, chained, "the role of this run", console)
    except AwsDenied as denied:
        raise (refused or denied) from denied
    console.info(f"AWS account {session.identity.account}, {session.identity.how}")
    return session


def _boto(settings: Settings) -> Any:
    import boto3.session

    with translated("the AWS configuration"):
        return boto3.session.Session(region_name=settings.region)


def _client(boto: Any, name: str, settings: Settings, read: int, region: str | None = None, **more: Any) -> Any:
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read,
        user_agent_extra=settings.agent,
        **{"retries": {"mode": "standard", "total_max_attempts": 5}, **more},
    )
    with translated(f"the client of {name}"):
        return boto.client(name, region_name=region, config=config)


def _audience(role: str, settings: Settings) -> str:
    return settings.audience or trust.default_audience(role)


# -- by identity token -----------------------------------------------------------------------------------------------


def _by_identity_token(
    boto: Any, role: str, settings: Settings, tokens: IdTokens, console: Console, clock: Clock
) -> Session:
    from botocore import UNSIGNED

    sts = _client(
        boto, "sts", settings, STS_READ_SECONDS, signature_version=UNSIGNED, retries={"total_max_attempts": 1}
    )

    def assume() -> Answer:
        return _with_web_identity(sts, role, settings, tokens, console, clock)

    how = f"role {trust.parse_role(role).name} by the job's identity token"
    return _session_of(boto, assume, how, settings, console)


def _with_web_identity(
    sts: Any, role: str, settings: Settings, tokens: IdTokens, console: Console, clock: Clock
) -> Answer:
    """One answer of AssumeRoleWithWebIdentity, with a fresh token for each attempt."""
    start, seen = clock.monotonic(), Counter[str]()
    while True:
        token = tokens.token(_audience(role, settings))
        failure, wait = _attempt(sts, role, settings, token, seen, clock)
        if isinstance(failure, dict):
            return failure
        if wait is None or clock.monotonic() - start + wait > BUDGET_SECONDS:
            raise failure
        console.info(f"{failure.what} Asking again in {wait:.0f} s.")
        clock.sleep(wait)


def _attempt(
    sts: Any, role: str, settings: Settings, token: Secret, seen: Counter[str], clock: Clock
) -> tuple[Any, float | None]:
    """The answer; or the failure and the seconds until another attempt makes sense (None: it doesn't)."""
    try:
        with translated("sts:AssumeRoleWithWebIdentity"):
            return sts.assume_role_with_web_identity(
                RoleArn=role,
                RoleSessionName=settings.session_name,
                WebIdentityToken=token.reveal(),
                DurationSeconds=settings.duration,
            ), None
    except AwsUnreachable as failure:
        seen["unreachable"] += 1
        return failure, trust.wait_before_retry("", "", passing=True, attempts=seen["unreachable"])
    except Refused as refused:
        told = refused.refusal
        seen[told.code] += 1
        passing = refusals.passing(told)
        wait = trust.wait_before_retry(told.code, told.message, passing=passing, attempts=seen[told.code])
        if passing:
            return refusals.failure(told), wait
        claims = trust.claims_of(token.reveal())
        return trust.rejected(claims, role, told.code, told.message, _skew(refused.date, clock)), wait


def _skew(date: str, clock: Clock) -> float | None:
    """Seconds that *clock* is ahead of the ``Date`` that AWS sent."""
    try:
        return (clock.now() - parsedate_to_datetime(date)).total_seconds()
    except (TypeError, ValueError):
        return None


# -- by what the machine has -----------------------------------------------------------------------------------------


def _ambient(boto: Any, console: Console) -> bool:
    """Whether the default chain finds credentials; their secrets are masked then."""
    try:
        with translated("the default credential chain"):
            found = boto.get_credentials()
            frozen = found.get_frozen_credentials() if found else None
    except Refused as refused:
        raise refusals.failure(refused.refusal) from refused
    if not frozen or not frozen.access_key:
        return False
    for value, name in ((frozen.secret_key, "secret access key"), (frozen.token, "session token")):
        if value:
            console.mask(Secret(value, name))
    return True


def _by_role(boto: Any, role: str, settings: Settings, words: str, console: Console) -> Session:
    sts = Service(_client(boto, "sts", settings, STS_READ_SECONDS), "sts")

    def assume() -> Answer:
        return sts.ask(
            "AssumeRole", RoleArn=role, RoleSessionName=settings.session_name, DurationSeconds=settings.duration
        )

    return _session_of(boto, assume, f"role {trust.parse_role(role).name} by {words}", settings, console)


def _as_is(boto: Any, settings: Settings) -> Session:
    sts = Service(_client(boto, "sts", settings, STS_READ_SECONDS), "sts")
    told = sts.ask("GetCallerIdentity")
    how = f"by the default credential chain ({boto.get_credentials().method})"
    return Session(boto, settings, Identity(account=told["Account"], arn=told["Arn"], how=how))


def _nothing() -> NoCredentials:
    return NoCredentials(
        "This run needs AWS credentials: role-to-assume is empty, and the SDK's default chain finds none.",
        why="Where role-to-assume is written as a secret, the secret is empty: it is not set in this repository, its "
        "environment or the organization, or it is hidden from this run (a fork's pull request; a run that "
        "Dependabot started has secrets of its own).",
        fix="role-to-assume: ${{ secrets.AWS_ROLE_ARN }}\n"
        "Set it with: gh secret set AWS_ROLE_ARN --body arn:aws:iam::123456789012:role/NAME",
    )


# -- sessions --------------------------------------------------------------------------------------------------------


def _session_of(boto: Any, assume: Callable[[], Answer], how: str, settings: Settings, console: Console) -> Session:
    """A session with the credentials of *assume*, which is called again before they end."""
    import boto3.session
    from botocore.credentials import RefreshableCredentials
    from botocore.session import Session as BotoSession

    def metadata(answer: Answer) -> dict[str, str]:
        return _metadata(answer, console)

    first = assume()
    credentials = RefreshableCredentials.create_from_metadata(
        metadata=metadata(first),
        refresh_using=lambda: metadata(assume()),
        method="assume-role",
        advisory_timeout=min(15 * 60, settings.duration // ADVISORY_SHARE),
        mandatory_timeout=min(10 * 60, settings.duration // MANDATORY_SHARE),
    )
    inner = BotoSession()
    # botocore's only way to give a session credentials that renew themselves.
    inner._credentials = credentials  # type: ignore[attr-defined]
    # The service models that were loaded for STS serve the other clients too.
    inner.register_component("data_loader", boto._session.get_component("data_loader"))
    arn = str(first["AssumedRoleUser"]["Arn"])
    identity = Identity(account=arn.split(":")[4], arn=arn, how=how)
    return Session(boto3.session.Session(botocore_session=inner, region_name=settings.region), settings, identity)


def _metadata(answer: Answer, console: Console) -> dict[str, str]:
    """Credentials as botocore's refresher takes them; the two secret parts masked, the key's id not."""
    given = answer["Credentials"]
    console.mask(Secret(given["SecretAccessKey"], "secret access key"))
    console.mask(Secret(given["SessionToken"], "session token"))
    expiration = given["Expiration"]
    if isinstance(expiration, datetime):
        expiration = expiration.astimezone(timezone.utc).isoformat()
    return {
        "access_key": given["AccessKeyId"],
        "secret_key": given["SecretAccessKey"],
        "token": given["SessionToken"],
        "expiry_time": str(expiration),
    }


def _check_account(identity: Identity, settings: Settings) -> None:
    if settings.allowed_accounts and identity.account not in settings.allowed_accounts:
        allowed, more = ", ".join(settings.allowed_accounts), ",".join((*settings.allowed_accounts, identity.account))
        raise WrongAccount(
            f"The credentials are account {identity.account}'s ({identity.arn}); allowed-account-ids has {allowed}.",
            why="Nothing was read or written there.",
            fix=f"role-to-assume: a role of account {settings.allowed_accounts[0]}\n"
            f"Or, if {identity.account} is meant: allowed-account-ids: '{more}'",
        )
