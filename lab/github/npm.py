"""What is taken from npm into a cache folder: GitHub's documents, JavaScript's YAML readers, Backstage's parts."""

from __future__ import annotations

import fcntl
import json
import subprocess
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".lab" / "cache" / "npm"

# Pinned: a newer document may rename a field, and then a test would fail for no change of ours.
VERSIONS = {
    "@backstage/plugin-scaffolder-common": "1.5.9",
    "@kubernetes-models/argo-cd": "2.7.2",
    "@octokit/webhooks-examples": "7.6.1",
    "@octokit/graphql-schema": "15.26.1",
    "@octokit/openapi": "23.0.2",
    "js-yaml": "4.1.0",
    "kubernetes-models": "4.5.1",
    "nunjucks": "3.2.4",
    "yaml": "2.9.1",
}


def install(package: str, cache: Path = CACHE) -> Path:
    """Install one of the pinned *package*s below *cache* unless it is there, and return its folder.

    Safe when several processes ask at once. Raises RuntimeError with npm's own words when it fails.
    """
    folder = cache / "node_modules" / package
    if _installed(folder) == VERSIONS[package]:
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _installed(folder) != VERSIONS[package]:
            _npm_install(f"{package}@{VERSIONS[package]}", cache)
    return folder


def _installed(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / "package.json").read_text())["version"])
    except (OSError, ValueError, KeyError):
        return None


def _npm_install(what: str, cache: Path) -> None:
    argv = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(cache), what]
    try:
        result = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    except FileNotFoundError:
        raise RuntimeError(f"npm is not on PATH, so {what} cannot be installed") from None
    if result.returncode:
        raise RuntimeError(f"npm install {what} failed:\n{result.stderr}")
