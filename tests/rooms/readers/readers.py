"""Seven YAML readers, each as its own project ships it, and what they make of a text."""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError as RuamelError

from lab import debian
from lab.github import npm
from lab.paths import ROOT

HERE = Path(__file__).resolve().parent
NAMES = ("PyYAML", "ruamel", "yaml.v2", "yaml.v3", "sigs", "npm yaml", "js-yaml")
_GO_READERS = ("golang-gopkg-yaml.v2-dev", "golang-gopkg-yaml.v3-dev", "golang-k8s-sigs-yaml-dev")
# The type ("string", "number", "boolean", "null", "time", "error") and, of a string, the text.
Read = tuple[str, str]


def read(texts: Sequence[str], cache: Path = ROOT / "cache") -> Mapping[str, list[Read]]:
    """Reader -> for each of *texts* what stands under its key ``a``. What is missing is installed into *cache*."""
    ruamel = YAML(typ="safe", pure=True)
    ruamel.version = (1, 2)
    found: dict[str, list[Any]] = {
        "PyYAML": [_look(yaml.safe_load, text) for text in texts],
        "ruamel": [_look(ruamel.load, text) for text in texts],
        **_asked([str(go(cache))], texts),
        **_asked([_node(), str(HERE / "read.js")], texts, NODE_PATH=str(_npm(cache))),
    }
    return {name: [(str(kind), str(text)) for kind, text in found[name]] for name in NAMES}


def _look(load: Callable[[str], Any], text: str) -> Read:
    try:
        value = load(text)["a"]
    except (yaml.YAMLError, RuamelError, ValueError):
        return "error", ""
    if isinstance(value, str):
        return "string", value
    if isinstance(value, bool):
        return "boolean", ""
    kinds = ((type(None), "null"), ((int, float), "number"), (datetime.date, "time"))
    return next(name for kind, name in kinds if isinstance(value, kind)), ""


def _asked(command: list[str], texts: Sequence[str], **more: str) -> dict[str, list[Any]]:
    done = subprocess.run(
        command, input=json.dumps(list(texts)), capture_output=True, text=True, check=True, env={**os.environ, **more}
    )
    return dict(json.loads(done.stdout))


def _node() -> str:
    found = shutil.which("node")
    assert found, "node is not on PATH, so the readers of npm can't be asked"
    return found


def _npm(cache: Path) -> Path:
    npm.install("yaml", cache / "npm")
    return npm.install("js-yaml", cache / "npm").parent


def go(cache: Path) -> Path:
    """The program of ``read.go``, built with the distribution's own compiler and sources unless it is there."""
    source = HERE / "read.go"
    folder = cache / "go"
    program = folder / f"read-{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _build(source, program, folder, cache)
    return program


def _build(source: Path, program: Path, folder: Path, cache: Path) -> None:
    root = folder / "root"
    debian.unpack(["golang-go", *_GO_READERS], root, cache=cache)
    # golang-go is a link to the version of the release: ../lib/go-1.19/bin/go
    version = os.readlink(root / "usr" / "bin" / "go").split("/")[2].removeprefix("go-")
    debian.unpack([f"golang-{version}-go", f"golang-{version}-src"], root, cache=cache)
    goroot = root / "usr" / "lib" / f"go-{version}"
    settings = {
        "GOROOT": str(goroot),
        "GOPATH": str(root / "usr" / "share" / "gocode"),
        "GOCACHE": str(folder / "build"),
        "GO111MODULE": "off",
        "GOFLAGS": "",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
        "HOME": str(folder),
    }
    made = program.with_name("unfinished")
    command = [str(goroot / "bin" / "go"), "build", "-o", str(made), str(source)]
    done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made.replace(program)
    # The compiler has half a gigabyte, and is not needed again.
    shutil.rmtree(root)
    shutil.rmtree(folder / "build", ignore_errors=True)
