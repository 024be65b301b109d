"""What `uses:` names: the folder of an action, or GitHub's refusal of a spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from lab.runner.action import ActionError

_FILES = ("action.yml", "action.yaml", "Dockerfile")


def find(uses: str, workspace: Path, actions: Mapping[str, Mapping[str, Path]]) -> Path:
    """Return the folder that *uses* names: a path from *workspace*, or one of *actions* (by `owner/name` and ref).

    Raises ActionError in GitHub's words: of the workflow's parser (WorkflowTemplateConverter.cs), of the service that
    resolves actions (public threads), of the runner (ActionManager.cs).
    """
    if uses.startswith("docker://"):
        raise ActionError(f"{uses} is an image, which this runner does not start")
    if uses.startswith(("./", ".\\")):
        return _local((workspace / uses).resolve())
    name, *refs = uses.split("@")
    parts = [part for part in re.split(r"[/\\]", name) if part]
    if len(parts) < 2 or len(refs) != 1 or not refs[0]:
        raise ActionError(f"Expected format {{org}}/{{repo}}[/path]@ref. Actual '{uses}'")
    return _remote("/".join(parts[:2]), "/".join(parts[2:]), refs[0], actions)


def _local(folder: Path) -> Path:
    if not _is_action(folder):
        raise ActionError(
            f"Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under '{folder}'. "
            "Did you forget to run actions/checkout before running your local action?"
        )
    return folder


def _remote(repository: str, path: str, ref: str, actions: Mapping[str, Mapping[str, Path]]) -> Path:
    # Owners and repositories are compared without case, branches and tags with it.
    known = {name.lower(): refs for name, refs in actions.items()}.get(repository.lower())
    if known is None:
        raise ActionError(f"Unable to resolve action. Repository not found: {repository}")
    if ref not in known:
        raise ActionError(f"Unable to resolve action `{repository}@{ref}`, unable to find version `{ref}`")
    folder = known[ref] / path
    if not _is_action(folder):
        name = "/".join(part for part in (repository, path) if part)
        raise ActionError(f"Can't find 'action.yml', 'action.yaml' or 'Dockerfile' for action '{name}@{ref}'.")
    return folder


def _is_action(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _FILES)
