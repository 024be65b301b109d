"""From nothing to a plan: packages not installed yet, by pip and by uv, and installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.processes import BenchmarkError, Command, Sides, rows
from benchmarks.results import Measured
from benchmarks.scene import Scene
from lab.paths import ROOT
from lab.runner import shim
from lab.stage import ACTION

_PLAN = ("plan", "--format", "json")
_LOCKS = ("requirements.lock", "requirements-uv.lock")


def wheels() -> Path:
    """The packages of both lock files in a folder, fetched where they are missing. Raises BenchmarkError."""
    folder = ROOT / "cache" / "bench" / "wheels"
    locks = [ACTION / name for name in _LOCKS]
    done, wanted = folder / ".complete", "".join(lock.read_text(encoding="utf-8") for lock in locks)
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    try:
        for lock in locks:
            fetch = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
            subprocess.run([sys.executable, "-m", "pip", *fetch, "--requirement", str(lock)], check=True)
    except subprocess.CalledProcessError as error:
        raise BenchmarkError(f"the packages can't be fetched, which needs a package index once: {error}") from error
    done.write_text(wanted, encoding="utf-8")
    return folder


def startup(scene: Scene, rounds: int) -> Measured:
    """Each against what one would script: an environment made of the same lock file, and boto3 imported in it."""
    stage, packages, uv = scene.app(), wheels(), str(Path(sys.executable).parent)

    def job(tools: bool) -> tuple[Path, dict[str, str]]:
        folder = Path(tempfile.mkdtemp(prefix="start-", dir=scene.folder))
        path = os.pathsep.join([*([uv] if tools else []), _without_uv(os.environ.get("PATH", os.defpath))])
        told = {"RUNNER_TOOL_CACHE": str(folder / "tools"), "HOME": str(folder), "PATH": path}
        told |= {"XDG_CACHE_HOME": str(folder / "cache"), "UV_CACHE_DIR": str(folder / "uv"), "TMPDIR": str(folder)}
        told |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(packages), "UV_FIND_LINKS": str(packages)}
        return folder, told | {"UV_NO_INDEX": "1", "UV_OFFLINE": "1"}

    def ours(tools: bool) -> Command:
        return scene.step(stage, *_PLAN, variables=job(tools)[1])

    def careful(tools: bool) -> Command:
        folder, told = job(tools)
        how = "uv" if tools else "pip"
        return scene.script("install.sh", stage, how, sys.executable, str(ACTION / _LOCKS[0]), str(folder), **told)

    cold = Sides({"ours": lambda: ours(False), "careful": lambda: careful(False)}).run(rounds)
    with_uv = Sides({"ours": lambda: ours(True), "careful": lambda: careful(True)}).run(rounds)
    python = next((shim.TOOL_CACHE / "ecr-publish").glob("*/bin/python"), Path(sys.executable))
    start = "import boto3; boto3.client('ecr', 'us-east-1')"
    imported = Command([str(python), "-I", "-c", start], stage.app, os.environ)
    warm = Sides({"ours": lambda: scene.step(stage, *_PLAN), "careful": lambda: imported}).run(rounds)
    made = [*rows("start-up, cold", cold), *rows("start-up, cold with uv", with_uv), *rows("start-up, warm", warm)]
    return Measured(tuple(made))


def _without_uv(path: str) -> str:
    return os.pathsep.join(part for part in path.split(os.pathsep) if not Path(part, "uv").exists())
