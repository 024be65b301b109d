"""What the AWS rooms are tested with: a running lab, a console that remembers, a clock that does not wait."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ecr_action.aws.calls import Losses
from ecr_action.aws.images import EcrImages, EcrLogins
from ecr_action.aws.repository import EcrRepository
from ecr_action.aws.session import Session, Settings, connect
from ecr_action.github.oidc import GitHubIdToken
from ecr_action.secret import Secret
from lab.aws import setup
from tests.lab.aws.oci import Registry

ROOT = Path(__file__).resolve().parents[3]
ACCOUNT = "123456789012"
OWNER_ID, REPOSITORY_ID = "600000001", "700000001"


@dataclass
class Recorder:
    """A console that keeps what it is told, in order, as (kind, text)."""

    told: list[tuple[str, str]] = field(default_factory=list)

    def info(self, text: str) -> None:
        self.told.append(("info", text))

    def debug(self, text: str) -> None:
        self.told.append(("debug", text))

    def notice(self, text: str, *, title: str = "") -> None:
        self.told.append(("notice", text))

    def warning(self, text: str, *, title: str = "", file: str | None = None, line: int | None = None) -> None:
        self.told.append(("warning", text))

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        yield

    def mask(self, secret: Secret) -> None:
        self.told.append(("mask", secret.reveal()))

    def of(self, kind: str) -> list[str]:
        """The texts of one kind."""
        return [text for found, text in self.told if found == kind]

    def leaks(self) -> list[str]:
        """The texts in which a value stands that was masked."""
        masked = [value for value in self.of("mask") if value]
        return [text for kind, text in self.told if kind != "mask" and any(value in text for value in masked)]


@dataclass
class QuickClock:
    """Real time, but sleeping only moves the clock on."""

    slept: list[float] = field(default_factory=list)
    ahead: float = 0.0

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        return self.ahead

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ahead += seconds


@dataclass
class World:
    """A lab's process and what tests ask of it."""

    process: subprocess.Popen[str]
    endpoint: str
    host: str
    ca: Path
    address: str
    admins: dict[tuple[str, str], Any] = field(default_factory=dict)

    def control(self, method: str, name: str, body: object = None) -> Any:
        """Ask the lab's own address ``/_lab/<name>``."""
        data = json.dumps(body).encode() if body is not None else None
        asked = urllib.request.Request(f"{self.endpoint}/_lab/{name}", data, method=method)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.load(answer)

    def fault(self, operation: str, code: str = "", message: str = "", status: int = 400, **more: Any) -> None:
        """Let the next call of *operation* fail."""
        error = {"error": {"code": code, "message": message, "status": status}} if code else {}
        self.control("POST", "faults", {"operation": operation, **error, **more})

    def calls(self) -> list[str]:
        """The calls since the last clearing, as ``service:Operation``, but those that set roles up."""
        rows = self.control("GET", "calls")
        return [f"{row['service']}:{row['operation']}" for row in rows if row["service"] != "iam"]

    def admin(self, service: str, account: str = ACCOUNT) -> Any:
        """An administrator's client."""
        key = (service, account)
        if key not in self.admins:
            self.admins[key] = setup.admin_client(service, self.endpoint, account)
        return self.admins[key]

    def tokens(self, console: Recorder, clock: QuickClock, **job: Any) -> GitHubIdToken:
        """The identity tokens of *job*, asked for as a runner's job does."""
        given = self.control("POST", "oidc", job)
        return GitHubIdToken(given["url"], Secret(given["token"], "request token"), console, clock)

    def registry(self) -> Registry:
        """The registry, as the administrator."""
        row = self.admin("ecr").get_authorization_token()["authorizationData"][0]
        password = base64.b64decode(row["authorizationToken"]).decode().removeprefix("AWS:")
        return Registry(self.host, self.address, self.ca, password)


def start(folder: Path, address: str) -> World:
    """Start a lab with its state in *folder*, on free ports."""
    command = [sys.executable, "-m", "lab.aws", "--state", str(folder / "state"), "--ca-dir", str(folder / "ca")]
    process = subprocess.Popen(
        [*command, "--registry-port", "0", "--address", address], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    endpoint, host = process.stdout.readline().split()
    return World(process, endpoint, host, folder / "ca" / "ca.pem", address)


@dataclass
class Job:
    """One job: its console and clock, and what it has of AWS."""

    world: World
    console: Recorder = field(default_factory=Recorder)
    clock: QuickClock = field(default_factory=QuickClock)

    def connect(self, role: str | None, job: dict[str, Any] | None = None, **settings: Any) -> Session:
        """Credentials for *role* by an identity token of *job*."""
        tokens = self.world.tokens(self.console, self.clock, **(job or {}))
        return connect(Settings(region="us-east-1", role=role, **settings), tokens, self.console, self.clock)

    def without_tokens(self, role: str | None, **settings: Any) -> Session:
        """Credentials in a job that may not ask for identity tokens."""
        tokens = GitHubIdToken("", Secret("", "request token"), self.console, self.clock, event="push")
        return connect(Settings(region="us-east-1", role=role, **settings), tokens, self.console, self.clock)

    def parts(self, session: Session, registry_id: str | None = None) -> Parts:
        """Repository, images and logins on *session*."""
        ecr, losses = session.service("ecr", registry_id), Losses(self.console)
        return Parts(
            EcrRepository(ecr, losses, self.clock),
            EcrImages(ecr, losses, self.clock),
            EcrLogins(ecr, self.console, self.clock),
        )


@dataclass
class Parts:
    """What a publish uses of ECR."""

    repository: EcrRepository
    images: EcrImages
    logins: EcrLogins
