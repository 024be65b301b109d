"""The API port: AWS's JSON and query protocols, token requests, layers by signed address, and the lab's control."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote

import boto3

from . import policy, signature
from .call import Call
from .content import Content
from .control import Control
from .ecr import Ecr
from .errors import AwsError
from .identity import BadKey, Caller, Identities
from .ledger import Calls, Entry, Faults, Rates
from .moto_backend import Moto
from .oidc import Issuer
from .sts import Sts, as_xml, error_as_xml
from .web import Request, Response

JSON = "application/x-amz-json-1.1"
CREDENTIAL = re.compile(r"Credential=(?P<key>[^/,\s]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
SPACES = {"iam": "https://iam.amazonaws.com/doc/2010-05-08/", "sts": "https://sts.amazonaws.com/doc/2011-06-15/"}
QUERY = ("sts", "iam")
# A layer part of 20 MiB, in base64.
BODY_BYTES = 32 << 20
# Services that moto answers whole, behind the check of the caller and of its policies.
WHOLE_BY_MOTO = ("iam", "secretsmanager", "ssm")
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
    "Key and signing method. Consult the service documentation for details."
)
# How AWS names bad credentials, by protocol ("Common errors" of the ECR and of the STS API reference).
SCOPE = "Credential should be scoped to a valid region."
BAD_KEYS = {
    ("json", "region"): ("InvalidSignatureException", SCOPE, 400),
    ("query", "region"): ("SignatureDoesNotMatch", SCOPE, 403),
    ("json", "missing"): ("MissingAuthenticationTokenException", "Missing Authentication Token", 400),
    ("json", "unknown"): ("UnrecognizedClientException", "The security token included in the request is invalid.", 400),
    ("json", "expired"): ("ExpiredTokenException", "The security token included in the request is expired", 400),
    ("json", "signature"): ("InvalidSignatureException", MISMATCH, 400),
    ("query", "missing"): ("MissingAuthenticationToken", "Request is missing Authentication Token", 403),
    ("query", "unknown"): ("InvalidClientTokenId", "The security token included in the request is invalid.", 403),
    ("query", "expired"): ("ExpiredToken", "The security token included in the request is expired", 403),
    ("query", "signature"): ("SignatureDoesNotMatch", MISMATCH, 403),
}


@dataclass(frozen=True)
class AwsCall:
    """A call of an AWS API, before anyone asked who makes it."""

    service: str
    operation: str
    region: str
    key: str | None
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The parameters of a query call."""
        return {k: v[0] for k, v in parse_qs(self.body.decode(), keep_blank_values=True).items()}


@dataclass(frozen=True)
class Api:
    """Answers everything that reaches the API port."""

    ecr: Ecr
    sts: Sts
    issuer: Issuer
    identities: Identities
    moto: Moto
    content: Content
    calls: Calls
    faults: Faults
    control: Control
    rates: Rates

    def answer(self, request: Request) -> Response:
        """Return the answer to *request*."""
        first = request.path.split("/")[1]
        others: dict[str, Callable[[Request], Response]] = {
            "_lab": self.control.answer,
            "oidc": self._token,
            "layers": self._layer,
        }
        return others.get(first, self._aws)(request)

    def _aws(self, request: Request) -> Response:
        call = _parsed(request)
        entry = self.calls.begin(call.service, call.operation)
        entry.received = len(call.body)
        identity = str(uuid.uuid4())
        protocol = "query" if call.service in QUERY else "json"
        try:
            after = self.faults.before(f"{call.service}:{call.operation}")
            response = self._called(call, request, entry, identity)
            if after:
                after.strike()
        except BadKey as error:
            response = _error(call, AwsError(*BAD_KEYS[protocol, error.kind]), identity, entry)
        except AwsError as error:
            response = _error(call, error, identity, entry)
        response.headers["x-amzn-RequestId"] = identity
        entry.status = response.status
        entry.sent = len(response.body) if isinstance(response.body, bytes) else 0
        return response

    def _called(self, call: AwsCall, request: Request, entry: Entry, identity: str) -> Response:
        if call.region not in _regions():
            raise BadKey("region")
        caller = None
        if call.key or call.operation != "AssumeRoleWithWebIdentity":
            caller = self.identities.caller(call.key, call.headers.get("X-Amz-Security-Token"))
            entry.caller = caller.arn
            if not signature.is_signed(request, call.body, self.identities.secret_of(str(call.key)) or ""):
                raise BadKey("signature")
            _check_age(call)
        if call.service == "sts":
            entry.target = call.form.get("RoleArn", "")
            result = self.sts.answer(call.operation, call.form, caller)
            return Response(200, as_xml(call.operation, result, identity), {"Content-Type": "text/xml"})
        assert caller is not None
        if call.service == "ecr":
            parameters = _object(call.body)
            entry.target = str(parameters.get("repositoryName") or "")
            self.rates.check(call.operation, caller.account, call.region)
            answer = self.ecr.answer(Call(caller, call.region, call.operation, parameters, call.headers))
            return Response(200, json.dumps(answer).encode(), {"Content-Type": JSON})
        if call.service in WHOLE_BY_MOTO:
            return self._by_moto(call, caller)
        text = f"The lab does not answer {call.service}:{call.operation}"
        raise AwsError("UnknownOperationException", text, 501)

    def _by_moto(self, call: AwsCall, caller: Caller) -> Response:
        action = f"{call.service}:{call.operation}"
        try:
            self.identities.authorize(caller, action, _resource(call, caller))
        except AwsError as error:
            if call.service == "iam":
                raise AwsError("AccessDenied", error.message, 403) from error
            raise
        if call.service == "iam":
            _check_trust_policy(call)
        answer = self.moto.call(caller.account, call.region, call.service, call.operation, call.headers, call.body)
        return Response(answer.status, answer.body, {"Content-Type": answer.content_type})

    def _token(self, request: Request) -> Response:
        entry = self.calls.begin("oidc", "GET token")
        document = self.issuer.documents().get(request.path)
        if document:
            entry.operation, entry.status = "GET document", 200
            return _json(200, document)
        job = request.path.rsplit("/", 1)[-1]
        audience = request.query.get("audience")
        try:
            after = self.faults.before("oidc:GET token")
            token = self.issuer.issue(job, request.headers.get("Authorization", ""), audience)
            if after:
                after.strike()
        except AwsError as error:
            entry.status, entry.error = error.status, error.code
            return _json(error.status, {"message": error.message})
        entry.status = 200 if token else 401
        return _json(200, {"value": token}) if token else _json(401, {"message": "Bad credentials"})

    def _layer(self, request: Request) -> Response:
        _, _, repository, digest = unquote(request.path).split("/")
        entry = self.calls.begin("layers", "GET layer", digest)
        expires = int(request.query.get("expires") or 0)
        good = self.ecr.layers.layer_signature(int(repository), digest, expires)
        if request.query.get("signature") != good or expires < self.ecr.clock.now():
            entry.status = 403
            return Response(403, b"<Error><Code>AccessDenied</Code></Error>", {"Content-Type": "application/xml"})
        try:
            self.faults.before("layers:GET layer")
        except AwsError as error:
            entry.status = error.status
            return Response(error.status, f"<Error><Code>{error.code}</Code></Error>".encode())
        asked = {"Range": request.headers["Range"]} if "Range" in request.headers else {}
        answer = self.content.ask("GET", f"/v2/r{repository}/blobs/{digest}", asked)
        entry.status, entry.sent = answer.status, answer.length or 0
        kept = {k: answer.headers[k] for k in ("Content-Range", "Accept-Ranges") if k in answer.headers}
        body = answer if answer.length else answer.read()
        return Response(answer.status, body, {"Content-Type": "application/octet-stream", **kept})


def _check_age(call: AwsCall) -> None:
    """Refuse a call that was signed long ago, by the machine's own clock, which clients sign by."""
    query = call.service in QUERY
    text = signature.untimely(call.headers.get("X-Amz-Date", ""), time.time(), 15 if query else 5)
    if text:
        raise AwsError(*(("SignatureDoesNotMatch", text, 403) if query else ("InvalidSignatureException", text, 400)))


def _object(body: bytes) -> dict[str, Any]:
    """Return the parameters of a JSON call; SerializationException for what is no object."""
    try:
        parameters = json.loads(body or b"{}")
    except ValueError as error:
        raise AwsError("SerializationException", "could not parse request body into json") from error
    if not isinstance(parameters, dict):
        raise AwsError("SerializationException", "Start of structure or map found where not expected.")
    return parameters


def _parsed(request: Request) -> AwsCall:
    body = request.read(BODY_BYTES)
    credential = CREDENTIAL.search(request.headers.get("Authorization", ""))
    headers = {k: v for k, v in request.headers.items() if k.lower() != "authorization"}
    headers = {k.title() if k.lower().startswith(("x-amz", "content-type")) else k: v for k, v in headers.items()}
    target = headers.get("X-Amz-Target", "")
    form = {} if target else parse_qs(body.decode(errors="replace"))
    operation = target.rsplit(".", 1)[-1] or form.get("Action", [""])[0]
    if credential:
        return AwsCall(credential["service"], operation, credential["region"], credential["key"], headers, body)
    unsigned = {"AmazonEC2ContainerRegistry_V20150921": "ecr"}.get(target.split(".")[0], "sts")
    return AwsCall(unsigned, operation, "us-east-1", None, headers, body)


@lru_cache(maxsize=1)
def _regions() -> frozenset[str]:
    """Return the regions that a call may be signed for, those of all partitions."""
    session = boto3.session.Session()
    return frozenset(r for p in session.get_available_partitions() for r in session.get_available_regions("ecr", p))


def _resource(call: AwsCall, caller: Caller) -> str:
    """Return the ARN that a call to a service of moto is about, as well as it can be told."""
    if call.service == "iam":
        name = call.form.get("RoleName")
        return f"arn:aws:iam::{caller.account}:role/{name}" if name else "*"
    parameters = json.loads(call.body or b"{}")
    name = str(parameters.get("SecretId") or parameters.get("Name") or "*")
    if name.startswith("arn:"):
        return name
    kind = {"secretsmanager": "secret:", "ssm": "parameter/"}[call.service]
    return f"arn:aws:{call.service}:{call.region}:{caller.account}:{kind}{name.lstrip('/')}"


def _check_trust_policy(call: AwsCall) -> None:
    """Refuse what IAM refuses to store: trust in GitHub's issuer that is scoped to nothing."""
    text = call.form.get("AssumeRolePolicyDocument") if call.operation == "CreateRole" else None
    text = call.form.get("PolicyDocument") if call.operation == "UpdateAssumeRolePolicy" else text
    if text is None:
        return
    host = "token.actions.githubusercontent.com"
    statements = json.loads(text).get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        federated = principal.get("Federated", "") if isinstance(principal, dict) else ""
        providers = federated if isinstance(federated, list) else [federated]
        ours = [p for p in providers if p.endswith(f":oidc-provider/{host}")]
        if ours and statement.get("Effect") == "Allow" and not _is_scoped(statement, host):
            raise AwsError(
                "MalformedPolicyDocument",
                f"Trust policy with trusted principal {ours[0]} must evaluate, using StringEquals, StringLike or "
                f"StringEqualsIgnoreCase, {host}:sub or {host}:job_workflow_ref which is not scoped to all.",
            )


def _is_scoped(statement: dict[str, dict[str, dict[str, object]]], host: str) -> bool:
    for operator, keys in statement.get("Condition", {}).items():
        if operator.rpartition(":")[2] not in ("StringEquals", "StringLike", "StringEqualsIgnoreCase"):
            continue
        for key, wanted in keys.items():
            patterns = wanted if isinstance(wanted, list) else [wanted]
            if key in (f"{host}:sub", f"{host}:job_workflow_ref") and not any(
                policy.matches(str(p), "") or str(p).strip("*?") == "" for p in patterns
            ):
                return True
    return False


def _json(status: int, value: object) -> Response:
    return Response(status, json.dumps(value).encode(), {"Content-Type": "application/json; charset=utf-8"})


def _error(call: AwsCall, error: AwsError, identity: str, entry: Entry) -> Response:
    entry.error = error.code
    if call.service in QUERY:
        body = error_as_xml(error, identity, SPACES[call.service])
        return Response(error.status, body, {"Content-Type": "text/xml"})
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    return Response(error.status, body, {"Content-Type": JSON, "x-amzn-ErrorType": error.code})
