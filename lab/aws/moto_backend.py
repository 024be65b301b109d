"""moto inside this process: repositories, lifecycle and repository policies, roles, secrets.

moto keeps everything in memory, so each call that changed something is written to a journal and seen again at
the next start, with the same random numbers (its ids and keys) and the time of the first call.
"""

from __future__ import annotations

import datetime
import json
import secrets
import threading
from dataclasses import dataclass
from typing import Any

from moto.ecr.models import Repository, ecr_backends
from moto.iam.models import Role, User, iam_backends
from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

from .clock import Clock
from .errors import AwsError
from .store import Store

READS = ("Get", "List", "Describe", "Batch", "Simulate")
# Of the headers of a call, moto needs these.
HEADERS = ("Content-Type", "X-Amz-Target")


@dataclass(frozen=True)
class MotoAnswer:
    """What moto says: HTTP status, content type and body."""

    status: int
    content_type: str
    body: bytes


class Moto:
    """One call at a time reaches moto, which is not made for threads."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Bring moto to the state that the journal describes."""
        self._store = store
        self._clock = clock
        self._lock = threading.RLock()
        self._client = Client(DomainDispatcherApplication(create_backend_app))
        for row in store.rows("select * from journal order by id"):
            place = (row["account"], row["region"], row["service"])
            self._send(place, json.loads(row["headers"]), row["body"], row["seed"], row["at"])

    def call(
        self, account: str, region: str, service: str, operation: str, headers: dict[str, str], body: bytes
    ) -> MotoAnswer:
        """Let moto answer one call of *account*; a change that succeeded is written to the journal."""
        kept = {k: v for k, v in headers.items() if k in HEADERS}
        seed, now = secrets.randbits(62), self._clock.now()
        with self._lock:
            answer = self._send((account, region, service), kept, body, seed, now)
            if answer.status < 300 and not operation.startswith(READS):
                values = (now, seed, account, region, service, json.dumps(kept), body)
                self._store.run(
                    "insert into journal (at, seed, account, region, service, headers, body) "
                    "values (?, ?, ?, ?, ?, ?, ?)",
                    *values,
                )
        return answer

    def _send(
        self, place: tuple[str, str, str], headers: dict[str, str], body: bytes, seed: int, at: float
    ) -> MotoAnswer:
        account, region, service = place
        scope = f"LAB/20260101/{region}/{service}/aws4_request"
        signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        sent = {**headers, "Authorization": signed, "x-moto-account-id": account}
        mock_random.seed(seed)
        before = _dated(account, region)
        answer = self._client.open("/", method="POST", headers=sent, data=body)
        moment = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).replace(tzinfo=None)
        for key, thing in _dated(account, region).items():
            if key not in before:
                _date(thing, moment)
        content = answer.get_data()
        if answer.status_code < 300 and headers.get("X-Amz-Target", "").endswith(".CreateRepository"):
            content = _with_creation(content, at)
        return MotoAnswer(answer.status_code, answer.headers.get("Content-Type", ""), content)

    def ecr(self, account: str, region: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return moto's result of an operation of ECR; AwsError for its refusals."""
        target = f"AmazonEC2ContainerRegistry_V20150921.{operation}"
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
        answer = self.call(account, region, "ecr", operation, headers, json.dumps(parameters).encode())
        result: dict[str, Any] = json.loads(answer.body or b"{}")
        if answer.status >= 300:
            code = str(result.get("__type", "ServerException")).split("#")[-1]
            raise AwsError(code, str(result.get("message") or result.get("Message")), answer.status)
        return result

    def scanning(self, account: str, region: str) -> dict[str, Any]:
        """Return the scanning configuration of a registry: ``scanType`` and ``rules``."""
        with self._lock:
            return dict(ecr_backends[account][region].registry_scanning_configuration)

    def repository(self, account: str, region: str, name: str) -> Repository | None:
        """Return moto's repository, None when there is none of that name."""
        with self._lock:
            return ecr_backends[account][region].repositories.get(name)

    def repository_tags(self, account: str, region: str, arn: str) -> dict[str, str]:
        """Return the resource tags of a repository."""
        with self._lock:
            return dict(ecr_backends[account][region].tagger.get_tag_dict_for_resource(arn))

    def role(self, account: str, name: str) -> Role | None:
        """Return the role called *name*, None when there is none."""
        with self._lock:
            return next((r for r in iam_backends[account]["aws"].roles.values() if r.name == name), None)

    def boundary(self, account: str, role: Role) -> dict[str, Any] | None:
        """Return the policy that is the permissions boundary of *role*, None when it has none."""
        return self.managed_policy(account, str(role.permissions_boundary_arn or ""))

    def managed_policy(self, account: str, arn: str) -> dict[str, Any] | None:
        """Return the default version of a managed policy, None when there is none of that ARN."""
        with self._lock:
            found = iam_backends[account]["aws"].managed_policies.get(arn)
            versions = found.versions if found else []
            return next((json.loads(v.document) for v in versions if v.is_default_version), None)

    def user_of_key(self, access_key: str) -> User | None:
        """Return the IAM user, of any account, that *access_key* belongs to."""
        with self._lock:
            for account in list(iam_backends):
                for user in iam_backends[account]["aws"].users.values():
                    if any(k.access_key_id == access_key for k in user.access_keys):
                        return user
        return None

    def user(self, account: str, name: str) -> User | None:
        """Return the IAM user called *name*, None when there is none."""
        with self._lock:
            return iam_backends[account]["aws"].users.get(name)

    def provider_audiences(self, account: str, issuer: str) -> list[str] | None:
        """Return the client ids of the OpenID Connect provider for *issuer* (without https://), or None."""
        with self._lock:
            for provider in iam_backends[account]["aws"].open_id_providers.values():
                if provider.url == issuer:
                    return list(provider.client_id_list)
        return None


def policies_of(identity: Role | User) -> list[dict[str, Any]]:
    """Return the identity policies of a role or user: inline and attached ones."""
    inline = [json.loads(text) for text in identity.policies.values()]
    attached = [
        json.loads(version.document)
        for policy in identity.managed_policies.values()
        for version in policy.versions
        if version.is_default_version
    ]
    return inline + attached


def _dated(account: str, region: str) -> dict[int, Any]:
    iam = iam_backends[account]["aws"]
    repositories = ecr_backends[account][region].repositories if region else {}
    groups: tuple[dict[str, Any], ...] = (iam.roles, iam.users, iam.open_id_providers, repositories)
    return {id(thing): thing for group in groups for thing in group.values()}


def _date(thing: Any, moment: datetime.datetime) -> None:
    name = "created_at" if isinstance(thing, Repository) else "create_date"
    setattr(thing, name, moment)


def _with_creation(content: bytes, at: float) -> bytes:
    answer = json.loads(content)
    answer["repository"]["createdAt"] = round(at, 3)
    return json.dumps(answer).encode()
