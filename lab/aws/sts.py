"""The STS API: tokens are verified and trust policies evaluated, as AWS does and moto does not.

Follows the STS API reference (AssumeRoleWithWebIdentity, AssumeRole, GetCallerIdentity) and the IAM user guide
("Available keys for AWS OIDC federation"); texts as seen in public reports.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from moto.iam.models import Role

from . import policy
from .clock import Clock, iso
from .errors import AwsError
from .identity import Caller, Identities, Session
from .moto_backend import Moto
from .oidc import ISSUER, BadToken, Issuer

SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")
ROLE_ARN = re.compile(r"arn:(?P<partition>aws[\w-]*):iam::(?P<account>\d{12}):role/(?P<path>.*/)?(?P<name>[\w+=,.@-]+)")
# Claims of GitHub's tokens that STS knows as condition keys; all others are absent, so that a condition on
# them is false ("Available keys for AWS OIDC federation", as extended in January 2026).
CONDITION_CLAIMS = (
    "aud",
    "sub",
    "actor",
    "actor_id",
    "job_workflow_ref",
    "repository",
    "repository_id",
    "repository_owner_id",
    "workflow",
    "ref",
    "environment",
    "enterprise_id",
    "runner_environment",
)
# "Role chaining": an hour at most.
CHAIN_LIMIT = 3600
# API reference, AssumeRole: Policy.
SESSION_POLICY_CHARACTERS = 2048


@dataclass(frozen=True)
class Sts:
    """The operations; each takes the form's parameters and returns the result as nested text."""

    identities: Identities
    moto: Moto
    issuer: Issuer
    clock: Clock

    def answer(self, operation: str, form: Mapping[str, str], caller: Caller | None) -> dict[str, Any]:
        """Return the result of *operation*; AwsError for every refusal.

        caller: who signed the call; None for the calls that need no signature.
        """
        if operation == "AssumeRoleWithWebIdentity":
            return self._with_web_identity(form)
        if caller is None:
            raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        if operation == "AssumeRole":
            return self._assume(form, caller)
        if operation == "GetCallerIdentity":
            return {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}
        raise AwsError("InvalidAction", f"The lab does not answer sts:{operation}", 501)

    def _with_web_identity(self, form: Mapping[str, str]) -> dict[str, Any]:
        arn, name, seconds = _parameters(form)
        token = form.get("WebIdentityToken", "")
        if not 4 <= len(token) <= 20000:
            raise _validation("webIdentityToken", token, "Member must have length less than or equal to 20000")
        match = ROLE_ARN.fullmatch(arn)
        if match is None:
            raise AwsError("ValidationError", "Request ARN is invalid")
        content = self._verified(token, match["account"])
        role = self.moto.role(match["account"], match["name"])
        provider = f"arn:aws:iam::{match['account']}:oidc-provider/{_host(content['iss'])}"
        context = _context(content)
        asked = policy.Question("sts:AssumeRoleWithWebIdentity", arn, {"Federated": (provider,)}, context)
        if role is None or not _trusts(role, asked):
            raise AwsError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
        _check_duration(role, seconds)
        policies = self._session_policies(form, match["account"])
        session = self.identities.start_session(match["account"], role.name, role.id, name, seconds, policies)
        return {
            "SubjectFromWebIdentityToken": str(content.get("sub", "")),
            "Audience": str(content.get("aud", "")),
            **_assumed(role, name, match["account"]),
            "Credentials": _credentials(session),
            "Provider": provider,
        }

    def _session_policies(self, form: Mapping[str, str], account: str) -> list[str]:
        """Return the policies that limit the session (API reference: Policy, PolicyArns)."""
        text = form.get("Policy", "")
        if len(text) > SESSION_POLICY_CHARACTERS:
            raise _validation("policy", text, "Member must have length less than or equal to 2048")
        arns = [value for key, value in form.items() if re.fullmatch(r"PolicyArns\.member\.\d+\.arn", key)]
        managed = [self.moto.managed_policy(account, arn) for arn in arns]
        try:
            documents = [*([json.loads(text)] if text else []), *managed]
        except ValueError as error:
            raise AwsError("MalformedPolicyDocument", "Syntax errors in policy.") from error
        if None in documents:
            raise AwsError("MalformedPolicyDocument", "The requested managed policies do not exist.")
        return [json.dumps(document) for document in documents]

    def _verified(self, token: str, account: str) -> dict[str, Any]:
        try:
            content = self.issuer.verify(token)
        except BadToken as error:
            raise self._refusal(error, account) from error
        audiences = self.moto.provider_audiences(account, _host(ISSUER))
        if audiences is None:
            raise AwsError("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {ISSUER}")
        if content.get("aud") not in audiences:
            raise AwsError("InvalidIdentityToken", "Incorrect token audience")
        return content

    def _refusal(self, error: BadToken, account: str) -> AwsError:
        if error.kind == "malformed":
            return AwsError("InvalidIdentityToken", "The ID Token provided is not a valid JWT.")
        if error.kind == "expired":
            now, end = (_compact(t) for t in (self.clock.now(), error.expired_at))
            text = f"Token expired: current date/time {now} must be before the expiration date/time {end}"
            return AwsError("ExpiredTokenException", text)
        if self.moto.provider_audiences(account, _host(ISSUER)) is None:
            text = f"No OpenIDConnect provider found in your account for {ISSUER}"
            return AwsError("InvalidIdentityToken", text)
        return AwsError(
            "InvalidIdentityToken",
            "Couldn't retrieve verification key from your identity provider,  please reference "
            "AssumeRoleWithWebIdentity documentation for requirements",
        )

    def _assume(self, form: Mapping[str, str], caller: Caller) -> dict[str, Any]:
        arn, name, seconds = _parameters(form)
        match = ROLE_ARN.fullmatch(arn)
        if match is None:
            raise AwsError("ValidationError", f"{arn} is invalid")
        role = self.moto.role(match["account"], match["name"])
        context = {"sts:ExternalId": form["ExternalId"]} if "ExternalId" in form else {}
        asked = policy.Question("sts:AssumeRole", arn, caller.principals, context)
        if role is None or not _trusts(role, asked) or not self._may_assume(caller, arn, role):
            text = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            raise AwsError("AccessDenied", text, 403)
        if caller.kind == "role" and seconds > CHAIN_LIMIT:
            text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
            raise AwsError("ValidationError", text)
        _check_duration(role, seconds)
        policies = self._session_policies(form, match["account"])
        session = self.identities.start_session(match["account"], role.name, role.id, name, seconds, policies)
        return {**_assumed(role, name, match["account"]), "Credentials": _credentials(session)}

    def _may_assume(self, caller: Caller, arn: str, role: Role) -> bool:
        """Tell whether the caller's side allows it too (needed unless the trust policy names that very role)."""
        trust = str(role.assume_role_policy_document)
        text = trust if arn.split(":")[4] == caller.account and caller.name and f"/{caller.name}" in trust else None
        try:
            self.identities.authorize(caller, "sts:AssumeRole", arn, None, text or _everyone(caller, arn))
        except AwsError:
            return False
        return True


def _everyone(caller: Caller, arn: str) -> str | None:
    """Return a resource policy that stands for a trust policy already found to allow, in another account."""
    if arn.split(":")[4] == caller.account:
        return None
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
    return json.dumps({"Statement": statement})


def _trusts(role: Role, asked: policy.Question) -> bool:
    document = json.loads(str(role.assume_role_policy_document))
    return policy.evaluate([document], asked) is policy.Verdict.ALLOW


def _parameters(form: Mapping[str, str]) -> tuple[str, str, int]:
    arn, name = form.get("RoleArn", ""), form.get("RoleSessionName", "")
    duration = form.get("DurationSeconds", "3600")
    if not duration.isdecimal():
        raise AwsError("MalformedInput", "DurationSeconds is no integer")
    seconds = int(duration)
    if len(arn) < 20:
        raise _validation("roleArn", arn, "Member must have length greater than or equal to 20")
    if not SESSION_NAME.fullmatch(name):
        raise _validation("roleSessionName", name, r"Member must satisfy regular expression pattern: [\w+=,.@-]*")
    if seconds < 900:
        raise _validation("durationSeconds", str(seconds), "Member must have value greater than or equal to 900")
    if seconds > 43200:
        raise _validation("durationSeconds", str(seconds), "Member must have value less than or equal to 43200")
    return arn, name, seconds


def _validation(name: str, value: str, constraint: str) -> AwsError:
    start = f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: "
    return AwsError("ValidationError", start + constraint)


def _check_duration(role: Role, seconds: int) -> None:
    if seconds > int(role.max_session_duration or 3600):
        text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise AwsError("ValidationError", text)


def _context(content: dict[str, Any]) -> dict[str, str | list[str]]:
    host = _host(content["iss"])
    return {f"{host}:{claim}": content[claim] for claim in CONDITION_CLAIMS if claim in content}


def _assumed(role: Role, name: str, account: str) -> dict[str, Any]:
    arn = f"arn:aws:sts::{account}:assumed-role/{role.name}/{name}"
    return {"AssumedRoleUser": {"AssumedRoleId": f"{role.id}:{name}", "Arn": arn}}


def _credentials(session: Session) -> dict[str, str]:
    return {
        "AccessKeyId": session.access_key,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "Expiration": iso(session.expires_at),
    }


def _host(issuer: str) -> str:
    return issuer.removeprefix("https://")


def _compact(seconds: float) -> str:
    return iso(seconds).replace("-", "").replace(":", "")


def as_xml(operation: str, result: dict[str, Any], request_id: str) -> bytes:
    """Return *result* as STS writes it."""
    inner = f"<{operation}Result>{_elements(result)}</{operation}Result>"
    tail = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    space = "https://sts.amazonaws.com/doc/2011-06-15/"
    return f'<{operation}Response xmlns="{space}">{inner}{tail}</{operation}Response>'.encode()


def _elements(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"<{k}>{_elements(v)}</{k}>" for k, v in value.items())
    return escape(str(value))


def error_as_xml(error: AwsError, request_id: str, space: str = "https://sts.amazonaws.com/doc/2011-06-15/") -> bytes:
    """Return *error* as the query APIs (STS, IAM) write it."""
    kind = "Sender" if error.status < 500 else "Receiver"
    inner = f"<Type>{kind}</Type><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    return (
        f'<ErrorResponse xmlns="{space}"><Error>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>'
    ).encode()
