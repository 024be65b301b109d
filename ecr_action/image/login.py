"""A DOCKER_CONFIG of our own that adds ECR's login to the user's, for as long as it is needed."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ecr_action.protocols import Console, Login

CONFIG = "config.json"


def user_folder(environment: Mapping[str, str]) -> Path:
    """The folder that docker reads its configuration from in *environment*."""
    return Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME") or "/root", ".docker"))


def user_config(environment: Mapping[str, str], console: Console) -> dict[str, Any]:
    """The user's ``config.json``; empty where there is none, or none that can be read, with a warning."""
    file = user_folder(environment) / CONFIG
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        text = f"{file} can't be read, so its logins are not used: {_reason(error)}"
        console.warning(text, title="Docker's configuration")
        return {}
    return config if isinstance(config, dict) else {}


def with_login(config: Mapping[str, Any], login: Login) -> dict[str, Any]:
    """*config* with *login* for its host.

    An empty entry in ``credHelpers`` is what makes docker read ``auths`` for a host although the user keeps
    passwords in a store (``credsStore``), or has a helper for that host.
    """
    auths, helpers = _table(config, "auths"), _table(config, "credHelpers")
    return {
        **config,
        "auths": {**auths, login.host: {"auth": _token(login)}},
        "credHelpers": {**helpers, login.host: ""},
    }


@contextlib.contextmanager
def logged_in(
    environment: Mapping[str, str], login: Login | None, *, temp: Path, console: Console
) -> Iterator[dict[str, str]]:
    """*environment* for docker's own programs, with *login* beside the user's own logins; removed at the end.

    Everything else in the user's folder (plugins, contexts, builders, certificates) is linked, so that it is found.
    Parameters: *temp* is RUNNER_TEMP. The folder has mode 0700, the file with the password 0600.
    """
    if login is None:
        yield dict(environment)
        return
    folder: Path | None = None
    try:
        os.makedirs(temp, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="ecr-publish-login-", dir=temp))
        own = user_folder(environment)
        _link(own, folder)
        _write(folder / CONFIG, with_login(user_config(environment, console), login))
        yield {**environment, "DOCKER_CONFIG": str(folder), **_builders(environment, own)}
    finally:
        if folder:
            # The password first: whatever else can't be removed is only links.
            (folder / CONFIG).unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)


def scrubber(login: Login | None) -> Callable[[str], str]:
    """What takes the password of *login* out of a text, also in the form that docker keeps it in."""
    if login is None or not login.password:
        return lambda text: text
    hidden = (_token(login), login.password.reveal())

    def scrub(text: str) -> str:
        for value in hidden:
            text = text.replace(value, "***")
        return text

    return scrub


def _token(login: Login) -> str:
    return base64.b64encode(f"{login.user}:{login.password.reveal()}".encode()).decode()


def _builders(environment: Mapping[str, str], own: Path) -> dict[str, str]:
    # Through a link buildx would work as well, but it writes the folder's name into its records.
    there = "BUILDX_CONFIG" not in environment and (own / "buildx").is_dir()
    return {"BUILDX_CONFIG": str(own / "buildx")} if there else {}


def _link(own: Path, folder: Path) -> None:
    try:
        names = os.listdir(own)
    except OSError:
        return
    for name in names:
        if name != CONFIG:
            os.symlink(os.path.abspath(own / name), folder / name)


def _write(file: Path, config: Mapping[str, Any]) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as opened:
        json.dump(config, opened)


def _table(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = config.get(name)
    return dict(value) if isinstance(value, dict) else {}


def _reason(error: Exception) -> str:
    # A JSON error may quote what it read, and that is where passwords are.
    return (error.strerror or "") if isinstance(error, OSError) else "it is no JSON."
