"""The context on the disk: whether it and the Dockerfile are there, before anything is started."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ecr_action.errors import Problem
from ecr_action.image.arguments import BuildRequest

# Enough to find a misplaced Dockerfile, and no more than a moment in the largest checkout.
_FOLDERS_LOOKED_AT = 2000
_SUGGESTIONS = 5
_NO_SOURCES = {".git", "node_modules", ".venv", "vendor"}


# What buildx needs to reach GitHub's cache; the runner gives them to JavaScript actions alone (actions/runner#3046).
_CACHE_VARIABLES = ("ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL")
_CACHE_FIX = (
    "Add before this step:\n- uses: crazy-max/ghaction-github-runtime@v3\n"
    "or keep the cache in the registry: type=registry,ref=<repository>:buildcache,mode=max,image-manifest=true"
)


def preflight(request: BuildRequest, environment: Mapping[str, str]) -> tuple[Problem, ...]:
    """What is wrong with the files and variables that *request* names: each problem says what was looked at.

    Parameters: *environment* is the job's.
    """
    return (*_sources(request), *_secrets(request, environment), *_caches(request, environment))


def caches_of_github(*lists: Sequence[str]) -> bool:
    """Whether one of the cache entries is GitHub's own cache."""
    return any("type=gha" in entry.split(",") for entries in lists for entry in entries)


def _caches(request: BuildRequest, environment: Mapping[str, str]) -> Iterator[Problem]:
    missing = [name for name in _CACHE_VARIABLES if not environment.get(name)]
    for name, entries in (("cache-from", request.cache_from), ("cache-to", request.cache_to)):
        if missing and caches_of_github(entries):
            what = (
                f"has type=gha, and this job has no {' and no '.join(missing)}: the runner keeps them from this action."
            )
            yield Problem(name, what, _CACHE_FIX)


def _secrets(request: BuildRequest, environment: Mapping[str, str]) -> Iterator[Problem]:
    for secret in request.secrets:
        if secret.variable and not environment.get(secret.variable):
            what = f"{secret.id!r} takes the variable {secret.variable}, which is not set or empty in this job."
            yield Problem("secret-envs", what, f"Give it to the step: env: {secret.variable}: ...")
        if secret.path and not (Path(request.workspace) / secret.path).is_file():
            yield Problem("secret-files", f"{secret.id!r} names {secret.path!r}, and there is no such file.")
    for entry in request.ssh:
        _, _, places = entry.partition("=")
        if not places and not environment.get("SSH_AUTH_SOCK"):
            fix = "Add before this step:\n- uses: webfactory/ssh-agent@v0.9.1"
            yield Problem("ssh", f"has {entry!r}, and no agent runs in this job (SSH_AUTH_SOCK is not set).", fix)
        for place in filter(None, places.split(",")):
            if not (Path(request.workspace) / place).exists():
                yield Problem("ssh", f"names {place!r}, which is not there.")


def _sources(request: BuildRequest) -> tuple[Problem, ...]:
    """What is wrong with ``context`` and ``file``: each names the path looked at and what lies near."""
    workspace = Path(request.workspace)
    if not any(_entries(workspace)):
        fix = "Add before this step:\n- uses: actions/checkout@v5"
        return (Problem("context", f"can't be found: the workspace {workspace} is empty.", fix),)
    context = workspace / request.context
    if not context.is_dir():
        what = "is a file, not a folder" if context.exists() else "names a folder that is not there"
        return (Problem("context", f"{what}: {request.context!r} (looked for {context}).", _context_fix(workspace)),)
    file = workspace / request.dockerfile
    if file.is_file():
        return ()
    name = "file" if request.file else "context"
    what = "is a folder" if file.is_dir() else "is not there"
    verb = "names" if request.file else "leads to"
    said = f"{verb} the Dockerfile {request.dockerfile!r}, which {what} (looked for {file})."
    return (Problem(name, said, _file_fix(workspace, file)),)


def _context_fix(workspace: Path) -> str:
    found = sorted({os.path.dirname(path) or "." for path in _dockerfiles(workspace)}, key=_by_depth)
    return _choices(f"context: {folder}" for folder in found[:_SUGGESTIONS])


def _file_fix(workspace: Path, file: Path) -> str:
    found = sorted(_dockerfiles(workspace), key=_by_depth)
    # The one that differs in case alone is the likeliest.
    own = [path for path in found if str(workspace / path).lower() == str(file).lower()]
    others = [path for path in found if path not in own]
    return _choices(f"file: {path}" for path in (*own, *others)[:_SUGGESTIONS])


def _choices(lines: Iterator[str]) -> str:
    given = list(lines)
    if not given:
        return "There is no Dockerfile in the checkout."
    return "Did you mean one of these?\n" + "\n".join(given) if len(given) > 1 else f"Did you mean '{given[0]}'?"


def _by_depth(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _dockerfiles(workspace: Path) -> Iterator[str]:
    """Paths, relative to *workspace*, of files that are named as Dockerfiles are."""
    for count, (folder, folders, files) in enumerate(os.walk(workspace)):
        folders[:] = sorted(name for name in folders if name not in _NO_SOURCES)
        for name in files:
            lowered = name.lower()
            is_one = lowered in ("dockerfile", "containerfile") or lowered.startswith("dockerfile.")
            if (is_one or lowered.endswith(".dockerfile")) and not lowered.endswith(".dockerignore"):
                yield os.path.relpath(os.path.join(folder, name), workspace)
        if count >= _FOLDERS_LOOKED_AT:
            return


def _entries(folder: Path) -> Iterator[str]:
    try:
        yield from os.listdir(folder)
    except OSError:
        return
