"""Who calls, and what they may do: access keys, sessions, registry passwords, identity and resource policies."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from . import policy
from .clock import Clock, iso
from .errors import AwsError
from .moto_backend import Moto, policies_of
from .store import Store

# "Amazon ECR private registry authentication": the token is valid for 12 hours.
PASSWORD_LIFE = 12 * 3600
ADMIN_KEY = "AKIALABADMIN0000000"
SESSION_POLICIES, ORGANIZATION = "session-policies", "organization"


class BadKey(Exception):
    """Credentials that AWS does not take; *kind* is ``missing``, ``unknown``, ``expired`` or ``signature``."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class BadPassword(Exception):
    """A registry password that was not given out for this region (*expired* false) or is older than 12 hours."""

    def __init__(self, *, expired: bool) -> None:
        super().__init__("expired" if expired else "unknown")
        self.expired = expired


@dataclass(frozen=True)
class Caller:
    """An authenticated caller; *kind* is ``admin``, ``role`` or ``user``, *name* the role's or user's own.

    session_policies: JSON texts that were given when the session began.
    """

    kind: str
    account: str
    arn: str
    user_id: str
    name: str = ""
    session_policies: tuple[str, ...] = ()

    @property
    def principals(self) -> dict[str, tuple[str, ...]]:
        """What a Principal element may say to mean this caller (IAM user guide, "Principal")."""
        return {"AWS": (*self.own_principals["AWS"], self.account, f"arn:aws:iam::{self.account}:root")}

    @property
    def own_principals(self) -> dict[str, tuple[str, ...]]:
        """The same without the caller's account, which only hands the decision to the account's own policies."""
        role = (f"arn:aws:iam::{self.account}:role/{self.name}",) if self.kind == "role" else ()
        return {"AWS": (self.arn, *role)}


@dataclass(frozen=True)
class Session:
    """Temporary credentials of an assumed role."""

    access_key: str
    secret: str
    token: str
    expires_at: float


class Identities:
    """The one door: authenticates keys and passwords, authorizes actions."""

    def __init__(self, store: Store, clock: Clock, moto: Moto, account: str) -> None:
        self._store = store
        self._clock = clock
        self._moto = moto
        self._account = account
        self.admin_secret = store.setting("admin-secret", secrets.token_urlsafe(30))

    def admin_key(self, account: str) -> str:
        """Return the access key of the lab's administrator in *account*."""
        return ADMIN_KEY if account == self._account else f"AKIALABADMIN{account}"

    def secret_of(self, access_key: str) -> str | None:
        """Return the secret that *access_key* signs with, None for an unknown key."""
        if access_key.startswith("AKIALABADMIN"):
            return self.admin_secret
        row = self._store.row("select secret from sessions where access_key = ?", access_key)
        if row:
            return str(row["secret"])
        user = self._moto.user_of_key(access_key)
        keys = user.access_keys if user else []
        return next((str(k.secret_access_key) for k in keys if k.access_key_id == access_key), None)

    def caller(self, access_key: str | None, token: str | None) -> Caller:
        """Return the owner of *access_key*; *token* is the session token sent along. Raises BadKey."""
        if not access_key:
            raise BadKey("missing")
        if access_key.startswith("AKIALABADMIN"):
            account = access_key.removeprefix("AKIALABADMIN")
            account = account if len(account) == 12 else self._account
            return Caller("admin", account, f"arn:aws:iam::{account}:root", account)
        row = self._store.row("select * from sessions where access_key = ?", access_key)
        if row:
            return self._session_caller(dict(row), token)
        user = self._moto.user_of_key(access_key)
        if user is None:
            raise BadKey("unknown")
        return Caller("user", user.account_id, user.arn, user.id, user.name)

    def _session_caller(self, row: dict[str, Any], token: str | None) -> Caller:
        if not secrets.compare_digest(row["token"], token or ""):
            raise BadKey("unknown")
        if row["expires_at"] <= self._clock.now():
            raise BadKey("expired")
        arn = f"arn:aws:sts::{row['account']}:assumed-role/{row['role']}/{row['name']}"
        user_id, kept = f"{row['role_id']}:{row['name']}", self._store.documents(("", ""), SESSION_POLICIES)
        policies = kept.get(row["access_key"], {}).get("texts", ())
        return Caller("role", row["account"], arn, user_id, row["role"], tuple(policies))

    def start_session(
        self, account: str, role: str, role_id: str, name: str, seconds: int, policies: Sequence[str] = ()
    ) -> Session:
        """Give out credentials for *role* that live for *seconds*, limited by session *policies* (JSON texts)."""
        letters = base64.b32encode(secrets.token_bytes(10)).decode()
        session = Session(
            access_key=f"ASIA{letters}",
            secret=secrets.token_urlsafe(30),
            token=base64.b64encode(secrets.token_bytes(360)).decode(),
            expires_at=self._clock.now() + seconds,
        )
        values = (session.access_key, session.secret, session.token, account, role, role_id, name)
        self._store.run("insert into sessions values (?, ?, ?, ?, ?, ?, ?, ?)", *values, session.expires_at)
        if policies:
            self._store.keep(("", ""), SESSION_POLICIES, session.access_key, {"texts": list(policies)})
        return session

    def new_password(self, caller: Caller, region: str) -> tuple[str, float]:
        """Return a password of *caller* for the registries of *region*, and its end in seconds since the epoch."""
        expires_at = self._clock.now() + PASSWORD_LIFE
        # The real one is this long: a client that cuts or wraps it shall fail here too.
        content = {"payload": secrets.token_urlsafe(1200), "version": "2", "type": "DATA_KEY"}
        password = base64.b64encode(json.dumps({**content, "expiration": int(expires_at)}).encode()).decode()
        values = (_hash(password), json.dumps(asdict(caller)), region, expires_at)
        self._store.run("insert into passwords values (?, ?, ?, ?)", *values)
        return password, expires_at

    def password_caller(self, password: str, region: str) -> Caller:
        """Return whom *password* was given to, to be used in *region*. Raises BadPassword."""
        row = self._store.row("select * from passwords where hash = ?", _hash(password))
        if row is None or row["region"] != region:
            raise BadPassword(expired=False)
        if row["expires_at"] <= self._clock.now():
            raise BadPassword(expired=True)
        told = json.loads(row["caller"])
        return Caller(**{**told, "session_policies": tuple(told.get("session_policies", ()))})

    def authorize(
        self,
        caller: Caller,
        action: str,
        resource: str = "*",
        context: dict[str, str | list[str]] | None = None,
        resource_policy: str | None = None,
    ) -> None:
        """Raise AccessDeniedException unless the policies let *caller* do *action* on *resource* (an ARN).

        resource_policy: JSON of the policy that stands on the resource, if it has one.
        """
        if caller.kind == "admin" and _account_of(resource) in ("", caller.account):
            return
        keys = {**_global_keys(caller, self._clock.now()), **(context or {})}
        asked = policy.Question(action, resource, {}, keys)
        by_identity = policy.evaluate(self._documents(caller), asked)
        on_resource = [json.loads(resource_policy)] if resource_policy else []
        asked = policy.Question(action, resource, caller.principals, keys)
        by_resource = policy.evaluate(on_resource, asked)
        if by_resource is policy.Verdict.ALLOW and _account_of(resource) == caller.account:
            by_resource = policy.evaluate(on_resource, replace(asked, principals=caller.own_principals))
        reason = _reason(caller, action, resource, by_identity, by_resource)
        reason = policy.limited(self._limits(caller), policy.Question(action, resource, {}, keys), reason)
        if reason:
            sentence = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource} {reason}"
            raise AwsError("AccessDeniedException", sentence)

    def _limits(self, caller: Caller) -> dict[str, list[dict[str, Any]]]:
        """Return the policies that allow nothing and only limit, by their kind as refusals name it."""
        if caller.kind == "admin":
            return {}
        kept = self._store.documents((caller.account, ""), ORGANIZATION).get("policy")
        role = self._moto.role(caller.account, caller.name) if caller.kind == "role" else None
        boundary = self._moto.boundary(caller.account, role) if role else None
        found = {
            "service control policy": [kept] if kept else [],
            "permissions boundary": [boundary] if boundary else [],
            "session policy": [json.loads(text) for text in caller.session_policies],
        }
        return {kind: documents for kind, documents in found.items() if documents}

    def govern(self, account: str, document: dict[str, Any] | None) -> None:
        """Put *account* under a service control policy; None takes it away."""
        if document is None:
            self._store.drop((account, ""), ORGANIZATION, "policy")
        else:
            self._store.keep((account, ""), ORGANIZATION, "policy", document)

    def _documents(self, caller: Caller) -> list[dict[str, Any]]:
        if caller.kind == "admin":
            return [{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}]
        if caller.kind == "role":
            role = self._moto.role(caller.account, caller.name)
            return policies_of(role) if role else []
        user = self._moto.user(caller.account, caller.name)
        return policies_of(user) if user else []


def _reason(
    caller: Caller, action: str, resource: str, by_identity: policy.Verdict, by_resource: policy.Verdict
) -> str | None:
    """Return why the request is refused, None when it is not ("Policy evaluation logic", both accounts)."""
    if by_identity is policy.Verdict.DENY:
        return "with an explicit deny in an identity-based policy"
    if by_resource is policy.Verdict.DENY:
        return "with an explicit deny in a resource-based policy"
    same_account = _account_of(resource) in ("", caller.account)
    allowed = policy.Verdict.ALLOW
    if by_identity is not allowed and not (same_account and by_resource is allowed):
        return f"because no identity-based policy allows the {action} action"
    if not same_account and by_resource is not allowed:
        return f"because no resource-based policy allows the {action} action"
    return None


def _global_keys(caller: Caller, now: float) -> dict[str, str | list[str]]:
    arn = f"arn:aws:iam::{caller.account}:role/{caller.name}" if caller.kind == "role" else caller.arn
    return {
        "aws:PrincipalArn": arn,
        "aws:PrincipalAccount": caller.account,
        "aws:userid": caller.user_id,
        "aws:CurrentTime": iso(now),
        "aws:EpochTime": str(int(now)),
        "aws:SourceIp": "127.0.0.1",
    }


def _account_of(arn: str) -> str:
    return arn.split(":")[4] if arn.count(":") >= 5 else ""


def _hash(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
