"""The configuration that lends docker ECR's login."""

from __future__ import annotations

import base64
import io
import json
import stat
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from ecr_action.errors import Interrupted
from ecr_action.github.commands import Runner
from ecr_action.image.login import logged_in
from ecr_action.protocols import Login
from ecr_action.secret import Secret

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
LOGIN = Login(host=HOST, user="AWS", password=Secret("s3cret-word", "password"), expires=datetime.now(timezone.utc))
CONSOLE = Runner(io.StringIO())


def config_in(environment: dict[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(Path(environment["DOCKER_CONFIG"], "config.json").read_text())
    return made


def make_user(home: Path, config: object) -> dict[str, str]:
    folder = home / ".docker"
    (folder / "cli-plugins").mkdir(parents=True)
    (folder / "contexts" / "meta").mkdir(parents=True)
    (folder / "buildx").mkdir()
    (folder / "ca.pem").write_text("authority")
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return {"HOME": str(home), "PATH": "/bin"}


def test_the_users_own_settings_stay(tmp_path: Path) -> None:
    """Logins, helpers, stores, headers, proxies and the context are the user's; ECR's login is added."""
    own = {
        "auths": {"ghcr.io": {"auth": "eDp5"}},
        "credsStore": "desktop",
        "credHelpers": {"gcr.io": "gcloud", HOST: "ecr-login"},
        "HttpHeaders": {"X-A": "b"},
        "proxies": {"default": {"httpProxy": "http://p"}},
        "currentContext": "far",
    }
    with logged_in(make_user(tmp_path, own), LOGIN, temp=tmp_path / "t", console=CONSOLE) as environment:
        made = config_in(environment)
    token = base64.b64encode(b"AWS:s3cret-word").decode()
    assert made == {
        **own,
        "auths": {"ghcr.io": {"auth": "eDp5"}, HOST: {"auth": token}},
        "credHelpers": {"gcr.io": "gcloud", HOST: ""},
    }


def test_plugins_contexts_and_builders_are_found(tmp_path: Path) -> None:
    """Everything else of the user's folder is there by links; builders are looked up in the user's own place."""
    user = make_user(tmp_path, {})
    with logged_in(user, LOGIN, temp=tmp_path / "t", console=CONSOLE) as environment:
        folder = Path(environment["DOCKER_CONFIG"])
        links = {path.name: path.resolve() for path in folder.iterdir() if path.is_symlink()}
        assert links == {name: tmp_path / ".docker" / name for name in ("cli-plugins", "contexts", "buildx", "ca.pem")}
        assert environment["BUILDX_CONFIG"] == str(tmp_path / ".docker" / "buildx")
        assert environment["PATH"] == "/bin"


def test_a_configuration_elsewhere(tmp_path: Path) -> None:
    """DOCKER_CONFIG is the user's folder where it is set, BUILDX_CONFIG stays where it is set."""
    (tmp_path / "other" / "buildx").mkdir(parents=True)
    (tmp_path / "other" / "config.json").write_text('{"HttpHeaders": {"X": "y"}}')
    user = {"HOME": "/nowhere", "DOCKER_CONFIG": str(tmp_path / "other"), "BUILDX_CONFIG": "/b"}
    with logged_in(user, LOGIN, temp=tmp_path / "t", console=CONSOLE) as environment:
        assert config_in(environment)["HttpHeaders"] == {"X": "y"}
        assert environment["BUILDX_CONFIG"] == "/b"


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    """The folder is the user's alone, and so is the file."""
    with logged_in({"HOME": str(tmp_path)}, LOGIN, temp=tmp_path / "t", console=CONSOLE) as environment:
        folder = Path(environment["DOCKER_CONFIG"])
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "config.json")]
    assert [oct(mode) for mode in modes] == ["0o700", "0o600"]


@pytest.mark.parametrize("error", [Interrupted("cancelled"), ValueError("x"), KeyboardInterrupt()])
def test_it_is_gone_afterwards(tmp_path: Path, error: BaseException) -> None:
    """Whatever ends the build, the password's file goes and the user's folder is as it was."""
    user = make_user(tmp_path, {"a": 1})
    before = sorted(str(path) for path in (tmp_path / ".docker").rglob("*"))

    def build() -> None:
        with logged_in(user, LOGIN, temp=tmp_path / "t", console=CONSOLE):
            raise error

    with pytest.raises(type(error)):
        build()
    assert list((tmp_path / "t").iterdir()) == []
    assert sorted(str(path) for path in (tmp_path / ".docker").rglob("*")) == before
    assert (tmp_path / ".docker" / "config.json").read_text() == '{"a": 1}'


def test_without_a_login_nothing_is_made(tmp_path: Path) -> None:
    """A build that pushes nothing runs with the user's own settings."""
    with logged_in({"HOME": "/h"}, None, temp=tmp_path / "t", console=CONSOLE) as environment:
        assert environment == {"HOME": "/h"}
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    "text", ['{"auths": {"ghcr.io": {"auth": "c3VwZXI6c2VjcmV0"}', "[1]", '{"auths": [], "credHelpers": null}']
)
def test_a_broken_configuration(tmp_path: Path, text: str) -> None:
    """It is not used; where that loses something a warning says so, and repeats nothing of what it holds."""
    stream = io.StringIO()
    with logged_in(make_user(tmp_path, text), LOGIN, temp=tmp_path / "t", console=Runner(stream)) as environment:
        assert list(config_in(environment)["auths"]) == [HOST]
    assert "c3Vw" not in stream.getvalue()
    assert ("::warning" in stream.getvalue()) is (text[-1] == "}" and "ghcr.io" in text)
