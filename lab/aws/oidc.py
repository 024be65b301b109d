"""The OpenID Connect issuer of a workflow run: token requests as a runner makes them, and the check of tokens.

Follows GitHub's OpenID Connect reference ("OIDC token claims", "Example subject claims").
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .clock import Clock
from .store import Store

ISSUER = "https://token.actions.githubusercontent.com"
# GitHub's example token has exp - iat = 300 s.
LIFE = 300
KEY_ID = "lab"


class BadToken(Exception):
    """A token that is not one of the issuer's; *kind* is ``malformed``, ``foreign``, ``signature`` or ``expired``."""

    def __init__(self, kind: str, expired_at: float = 0) -> None:
        super().__init__(kind)
        self.kind = kind
        self.expired_at = expired_at


def claims(job: dict[str, Any]) -> dict[str, Any]:
    """Return the claims for *job*, apart from audience and times.

    job: ``repository`` (owner/name), ``ref``, ``sha``, ``event``, ``environment``, ``immutable_subject`` (the form
    of ``sub`` with ids), ``repository_id``, ``repository_owner_id``, ``actor``, ``workflow``, ``run_id``,
    ``visibility``; ``claims`` adds to or replaces what follows from them; ``sub_claims`` is the template of ``sub``.
    """
    repository = str(job.get("repository", "darede-labs/hello-web"))
    owner = repository.split("/")[0]
    ref, event = str(job.get("ref", "refs/heads/main")), str(job.get("event", "push"))
    workflow = str(job.get("workflow", "ci"))
    file = f"{repository}/.github/workflows/{workflow}.yml@{ref}"
    made = {
        "sub": _subject(job, repository, ref, event),
        "repository": repository,
        "repository_id": str(job.get("repository_id", "700000001")),
        "repository_owner": owner,
        "repository_owner_id": str(job.get("repository_owner_id", "600000001")),
        "repository_visibility": str(job.get("visibility", "private")),
        "ref": ref,
        "ref_type": "tag" if ref.startswith("refs/tags/") else "branch",
        "ref_protected": "false",
        "sha": str(job.get("sha", "0" * 40)),
        "base_ref": "",
        "head_ref": "",
        "workflow": workflow,
        "workflow_ref": file,
        "job_workflow_ref": file,
        "event_name": event,
        "actor": str(job.get("actor", "octocat")),
        "actor_id": str(job.get("actor_id", "500000001")),
        "run_id": str(job.get("run_id", "1")),
        "run_number": str(job.get("run_number", "1")),
        "run_attempt": str(job.get("run_attempt", "1")),
        "runner_environment": "github-hosted",
    }
    if job.get("environment"):
        made["environment"] = str(job["environment"])
    made |= job.get("claims", {})
    return {**made, "sub": _templated(made, job["sub_claims"])} if job.get("sub_claims") else made


def _templated(made: dict[str, str], keys: list[str]) -> str:
    """Return ``sub`` by a template ("Customizing the subject claims for an organization or repository").

    ``repo`` and ``context`` are the two parts of the form that is the default; a claim that is empty stays out.
    """
    repository, _, context = made["sub"].removeprefix("repo:").partition(":")
    parts = {"repo": f"repo:{repository}", "context": context}
    parts |= {key: f"{key}:{made[key].replace(':', '%3A')}" for key in keys if key not in parts and made.get(key)}
    return ":".join(parts[key] for key in keys if key in parts)


def _subject(job: dict[str, Any], repository: str, ref: str, event: str) -> str:
    owner, name = repository.split("/", 1)
    if job.get("immutable_subject"):
        owner += f"@{job.get('repository_owner_id', '600000001')}"
        name += f"@{job.get('repository_id', '700000001')}"
    if job.get("environment"):
        what = f"environment:{str(job['environment']).replace(':', '%3A')}"
    else:
        what = "pull_request" if event == "pull_request" else f"ref:{ref}"
    return f"repo:{owner}/{name}:{what}"


class Issuer:
    """Signs tokens for registered jobs, and knows its own."""

    def __init__(self, store: Store, clock: Clock, origin: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._origin = origin
        self._key = store.setting("oidc-key", _new_key())
        private = serialization.load_pem_private_key(self._key.encode(), password=None)
        assert isinstance(private, rsa.RSAPrivateKey)
        self._public = private.public_key()

    def register(self, job: dict[str, Any], identity: str | None = None, token: str | None = None) -> dict[str, str]:
        """Return what a runner gives to *job*: ``url`` to ask for tokens at, and the ``token`` to ask with."""
        identity = identity or uuid.uuid4().hex
        token = token or secrets.token_urlsafe(32)
        values = (identity, token, json.dumps(claims(job)))
        self._store.run("insert or replace into jobs values (?, ?, ?)", *values)
        return {"url": f"{self._origin()}/oidc/{identity}?api-version=2.0", "token": token}

    def issue(self, identity: str, authorization: str, audience: str | None) -> str | None:
        """Return a token for the job *identity*; None when *authorization* (a header) does not hold its token.

        audience: as asked for; without one, GitHub puts the owner's URL.
        """
        row = self._store.row("select * from jobs where id = ?", identity)
        kind, _, sent = authorization.partition(" ")
        if row is None or kind.lower() != "bearer" or not secrets.compare_digest(sent.strip(), row["token"]):
            return None
        content = json.loads(row["claims"])
        now = int(self._clock.now())
        default = f"https://github.com/{content['repository_owner']}"
        standard = {"iss": ISSUER, "jti": str(uuid.uuid4()), "iat": now, "nbf": now - 300, "exp": now + LIFE}
        return self.sign({"aud": audience or default, **standard, **content})

    def sign(self, content: dict[str, Any]) -> str:
        """Return *content* as a token signed by the issuer's key."""
        return jwt.encode(content, self._key, algorithm="RS256", headers={"kid": KEY_ID})

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of *token*; BadToken unless the issuer signed it and its time has come and not gone."""
        try:
            content = jwt.decode(token, options={"verify_signature": False})
            algorithm = jwt.get_unverified_header(token).get("alg")
        except jwt.PyJWTError as error:
            raise BadToken("malformed") from error
        if content.get("iss") != ISSUER:
            raise BadToken("foreign")
        checks = {"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
        try:
            verified: dict[str, Any] = jwt.decode(token, self._public, algorithms=["RS256"], options=checks)  # type: ignore[arg-type]
        except jwt.PyJWTError as error:
            raise BadToken("signature" if algorithm == "RS256" else "malformed") from error
        if float(verified.get("exp", 0)) <= self._clock.now():
            raise BadToken("expired", float(verified.get("exp", 0)))
        if float(verified.get("iat", 0)) > self._clock.now() + 300:
            raise BadToken("signature")
        return verified

    def documents(self) -> dict[str, Any]:
        """Return the discovery document and the key set, by path."""
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._public))
        return {
            "/oidc/.well-known/openid-configuration": {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/.well-known/jwks"},
            "/oidc/.well-known/jwks": {"keys": [{**key, "kid": KEY_ID, "alg": "RS256", "use": "sig"}]},
        }


def _new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
