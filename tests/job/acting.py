"""Workflow files as users write them, run by act on one app of the lab.

`darede-labs/ecr-publish@v1` is the program of this checkout; `actions/checkout` act answers itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.runner import act
from lab.runner.act import ActResult
from lab.stage import ACTION, Stage

OURS = "darede-labs/ecr-publish@v1"
# What a checkout of the action has.
PROGRAM = ("action.yml", "bootstrap.py", "install.py", "entrypoint.py", "requirements.lock", "requirements-uv.lock")


def copy_program(folder: Path) -> Path:
    """Put what a checkout of the action has into *folder*, and return that."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PROGRAM:
        shutil.copy(ACTION / name, folder / name)
    shutil.copytree(ACTION / "ecr_action", folder / "ecr_action", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def dispatch(stage: Stage, ref: str = "refs/heads/main", **inputs: str) -> dict[str, Any]:
    """What GitHub tells a workflow that somebody has started by hand."""
    return {**stage.push_payload(ref), "inputs": inputs}


def run_workflow(
    stage: Stage,
    program: Path,
    name: str,
    payload: Mapping[str, Any],
    *,
    event: str = "push",
    variables: Mapping[str, str] | None = None,
    around: Mapping[str, str] | None = None,
    labels: Sequence[str] = ("ubuntu-latest",),
    job: str = "",
    matrix: Mapping[str, str] | None = None,
    actions: Mapping[str, Path] | None = None,
    **secrets: str,
) -> ActResult:
    """Run the workflow *name* of the app's checkout on *event*; it must succeed.

    *variables* are the `vars` context, *around* further variables of the machine, *labels* what the machine is called,
    *job* and *matrix* narrow what is run, *actions* are further ones by `owner/name@ref`; *secrets* are those of the
    repository beside AWS_ROLE_ARN and GITOPS_PAT.
    """
    ref = f"refs/pull/{payload['number']}/merge" if event == "pull_request" else str(payload["ref"])
    environment = {**stage.job(event, ref), "GITHUB_REPOSITORY": stage.name, "GITHUB_REF": ref, **(around or {})}
    known = {"AWS_ROLE_ARN": stage.role, "GITOPS_PAT": stage.gitops_token, "GITHUB_TOKEN": stage.token, **secrets}
    result = act.run(
        stage.app,
        event=event,
        payload=payload,
        environment=environment,
        secrets=known,
        workflow=f".github/workflows/{name}",
        actions={OURS: program, **(actions or {})},
        variables=variables,
        labels=labels,
        job=job,
        matrix=matrix,
        timeout=1800.0,
    )
    assert result.exit_code == 0, result.log
    return result
