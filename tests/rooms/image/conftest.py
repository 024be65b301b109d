"""An engine and a registry for the tests of this folder, and what they ask of them."""

from __future__ import annotations

import base64
import io
import itertools
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from ecr_action.github.commands import Runner
from ecr_action.image.arguments import BuildRequest
from ecr_action.image.engine import engine
from ecr_action.protocols import Engine, Login
from ecr_action.secret import Secret
from lab.aws import setup
from lab.lab import Lab
from lab.paths import Paths
from lab.second import SecondEngine

COUNTER = itertools.count(1)


class Watch:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass
class Room:
    """A workspace, an engine and a registry; *log* is what the console got."""

    environment: dict[str, str]
    workspace: Path
    temp: Path
    stream: io.StringIO = field(default_factory=io.StringIO)

    @property
    def host(self) -> str:
        return self.environment["LAB_REGISTRY"]

    @property
    def log(self) -> str:
        return self.stream.getvalue()

    @property
    def console(self) -> Runner:
        return Runner(self.stream)

    def engine(self, name: str) -> Engine:
        return engine(name, environment=self.environment, temp=self.temp, console=self.console, clock=Watch())

    def write(self, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            file = self.workspace / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def request(self, **changes: Any) -> BuildRequest:
        return BuildRequest(workspace=str(self.workspace), **changes)

    def docker(self, *arguments: str, check: bool = True) -> str:
        command = ["docker", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout

    @property
    def ecr(self) -> Any:
        return setup.admin_client("ecr", self.environment["AWS_ENDPOINT_URL"])

    def repository(self, **settings: Any) -> str:
        """A new repository's name."""
        name = f"room/image-{time.time_ns()}-{next(COUNTER)}"
        self.ecr.create_repository(repositoryName=name, **settings)
        return name

    def login(self) -> Login:
        row = self.ecr.get_authorization_token()["authorizationData"][0]
        user, _, password = base64.b64decode(row["authorizationToken"]).decode().partition(":")
        return Login(host=self.host, user=user, password=Secret(password, "password"), expires=row["expiresAt"])

    def manifest(self, repository: str, tag: str) -> tuple[str, dict[str, Any]]:
        """Digest and manifest of an image as ECR has it."""
        answer = self.ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}])
        (image,) = answer["images"]
        return image["imageId"]["imageDigest"], json.loads(image["imageManifest"])

    def leftovers(self) -> list[str]:
        return [str(path) for path in self.temp.rglob("*")]


@pytest.fixture(scope="package")
def lab_environment() -> Iterator[dict[str, str]]:
    """The environment of a lab with an engine and AWS."""
    with Lab(Paths(name="image"), ("engine", "aws")) as environment:
        yield environment


@pytest.fixture
def room(lab_environment: dict[str, str], tmp_path: Path) -> Room:
    """An empty workspace beside the lab's engine and registry."""
    workspace, temp, home = tmp_path / "workspace", tmp_path / "temp", tmp_path / "home"
    for folder in (workspace, temp, home):
        folder.mkdir()
    return Room({**lab_environment, "HOME": str(home)}, workspace, temp)


@pytest.fixture
def second(room: Room) -> Iterator[SecondEngine]:
    """A fresh second engine, which *room* uses from now on."""
    engine = SecondEngine()
    try:
        engine.up()
        room.environment.update(engine.variables)
        yield engine
    finally:
        engine.down()
