"""A small copy of the action whose packages lie in a folder, so that starting it needs no network."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .source import ROOT

UV = Path(sys.executable).parent / "uv"
BASE = getattr(sys, "_base_executable", sys.executable)
PROGRAM = """
import json, os, sys
import tiny

def main():
    print(json.dumps({
        "python": sys.executable, "arguments": sys.argv[1:], "tiny": tiny.VALUE, "path": sys.path[0],
        "isolated": sys.flags.isolated, "utf8": sys.flags.utf8_mode, "bytecode": not sys.dont_write_bytecode,
    }))
    return int(os.environ.get("STATUS", "0"))
"""


@dataclass(frozen=True)
class Started:
    """What came of a start: exit *status*, what was written to *out* and *err*."""

    status: int
    out: str
    err: str

    @property
    def facts(self) -> dict[str, object]:
        """What the program told of itself."""
        facts: dict[str, object] = json.loads(self.out)
        return facts


@dataclass(frozen=True)
class Action:
    """The copy in *folder*, packages in *wheels*, a runner's tool cache in *cache*."""

    folder: Path
    wheels: Path
    cache: Path

    def environment(self, **changes: str) -> dict[str, str]:
        """The job's variables: uv on PATH, packages from the folder alone."""
        path = os.pathsep.join([str(self.folder / "bin"), os.defpath])
        job = {"PATH": path, "HOME": str(self.folder), "RUNNER_TOOL_CACHE": str(self.cache), "PIP_NO_INDEX": "1"}
        job |= {"PIP_FIND_LINKS": str(self.wheels), "UV_CACHE_DIR": str(self.folder / "uv-cache")}
        job |= {"PIP_CONFIG_FILE": os.devnull, "GITHUB_ACTION_PATH": str(self.folder)}
        return {name: value for name, value in (job | changes).items() if value}

    def begin(self, *arguments: str, python: str = BASE, **changes: str) -> subprocess.Popen[str]:
        """Start bootstrap.py and do not wait."""
        command = [python, "-I", str(self.folder / "bootstrap.py"), *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment(**changes), stdout=pipe, stderr=pipe, text=True)

    def start(self, *arguments: str, python: str = BASE, **changes: str) -> Started:
        """Start bootstrap.py to its end."""
        with self.begin(*arguments, python=python, **changes) as process:
            out, err = process.communicate(timeout=120)
        return Started(process.returncode, out, err)

    def without_uv(self) -> None:
        """Take uv from PATH."""
        (self.folder / "bin" / "uv").unlink()

    def lock(self, hashes: Mapping[str, str]) -> None:
        """Write requirements.lock with the package's *hashes* by requirement."""
        lines = [f"{requirement} --hash=sha256:{digest}\n" for requirement, digest in hashes.items()]
        (self.folder / "requirements.lock").write_text("".join(lines))

    def environments(self) -> list[Path]:
        """What lies in the tool cache."""
        folder = self.cache / "ecr-publish"
        return sorted(folder.iterdir()) if folder.exists() else []


def copy(folder: Path) -> Action:
    """A copy of the action in *folder*, with a program and a package of a few lines."""
    action = Action(folder / "action", folder / "wheels", folder / "tool cache")
    (action.folder / "ecr_action").mkdir(parents=True)
    (action.folder / "bin").mkdir()
    action.wheels.mkdir()
    for name in ("bootstrap.py", "install.py", "entrypoint.py"):
        shutil.copy(ROOT / name, action.folder / name)
    (action.folder / "ecr_action" / "__init__.py").touch()
    (action.folder / "ecr_action" / "__main__.py").write_text(PROGRAM)
    (action.folder / "bin" / "uv").symlink_to(UV)
    action.lock({"tiny==1.0": wheel(action.wheels, "tiny", "1.0", {"tiny.py": "VALUE = 'installed'\n"})})
    (action.folder / "requirements-uv.lock").write_text(f"uv==9.0 --hash=sha256:{'0' * 64}\n")
    return action


def wheel(folder: Path, name: str, version: str, files: Mapping[str, str]) -> str:
    """Write a wheel into *folder*; returns its sha256 (hex)."""
    info = f"{name}-{version}.dist-info"
    contents = dict(files)
    contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    contents[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = [f"{path},sha256={_hash(text)},{len(text)}" for path, text in contents.items()]
    contents[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    target = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for path, text in contents.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (0o100755 if "/scripts/" in path else 0o100644) << 16
            archive.writestr(entry, text)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def source_package(folder: Path, *, ran: Path) -> str:
    """Write a source package into *folder* whose build makes the file *ran*; returns its sha256 (hex)."""
    backend = f"import pathlib\npathlib.Path({str(ran)!r}).touch()\nraise SystemExit(1)\n"
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    files = {
        "pyproject.toml": project,
        "backend.py": backend,
        "PKG-INFO": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
    }
    target = folder / "tiny-1.0.tar.gz"
    with tarfile.open(target, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"tiny-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return hashlib.sha256(target.read_bytes()).hexdigest()


def _hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def bare_python(folder: Path, *, pip: bool, ensurepip: bool = False) -> str:
    """An interpreter without uv, with or without pip; without ensurepip it is as Debian's without python3-venv."""
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    if pip:
        import pip as ours

        (site / "pip").symlink_to(Path(ours.__file__).parent)
    if not ensurepip:
        (site / "debian.pth").write_text("import sys; sys.modules['ensurepip'] = None\n")
    return str(folder / "bin" / "python")


def script(path: Path, text: str) -> None:
    """Write an executable sh script."""
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
