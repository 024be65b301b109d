"""``bump`` at the prompt: the same pure functions, on local files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from ecr_action.errors import GitOpsRefused, InputProblems, Problem
from ecr_action.github.commands import Runner
from ecr_action.gitops import edit
from ecr_action.gitops.edit import Target
from ecr_action.gitops.environments import normalise
from ecr_action.image import reference, tags
from ecr_action.prompt import Command
from ecr_action.protocols import File

_SUFFIXES = (".yaml", ".yml", ".json")


def bump(command: Command, console: Runner) -> int:
    """Edit the image in local files, in place; the unified diff is the result. Raises errors.Failure."""
    targets, problems = _targets(command)
    files, named, more = _files(command.paths)
    if not command.paths:
        problems.append(Problem("PATH", "is missing: which files or folders are to be edited?"))
    if problems or more:
        raise InputProblems([*problems, *more])
    environment = command.one("environment")
    result = edit.bump(
        [File(path=shown, content=real.read_bytes()) for shown, real in files.items()],
        targets,
        environment=normalise(environment) if environment else None,
        # Without an environment a file named outright is meant as it is; with one its own environment counts.
        named=[path for path in named if "#" in path] if environment else named,
    )
    for notice in result.notices:
        console.notice(notice)
    if command.one("dry-run", "false") != "true":
        _write(result, files)
    console.result(edit.unified_diff(result))
    return 0


def _targets(command: Command) -> tuple[list[Target], list[Problem]]:
    """One target for each ``--image``, which may carry its own tag and digest."""
    targets: list[Target] = []
    problems: list[Problem] = []
    pin = command.one("pin", "tag")
    if pin not in ("tag", "digest"):
        problems.append(Problem("--pin", f"is {pin!r}; it takes tag or digest."))
    for text in command.flags.get("image", ()):
        target, wrong = _target(text, command, pin)
        problems += wrong
        targets += [target] if target else []
    if "image" not in command.flags:
        problems.append(Problem("--image", "is missing.", "It has the form REGISTRY/REPOSITORY[:TAG[@DIGEST]]."))
    return targets, problems


def _target(text: str, command: Command, pin: str) -> tuple[Target | None, list[Problem]]:
    parsed = reference.parse(text)
    if parsed is None:
        return None, [Problem("--image", f"is {text!r}, which is no image.", "Write REGISTRY/REPOSITORY[:TAG].")]
    tag = parsed.tag or command.one("tag")
    digest = parsed.digest or command.one("digest") or None
    problems = []
    if not tag:
        problems.append(Problem("--tag", f"is missing for {text}."))
    elif not tags.is_tag(tag):
        problems.append(Problem("--tag", f"is {tag!r}, which is no tag."))
    if digest and not reference.DIGEST.fullmatch(digest):
        problems.append(Problem("--digest", f"is {digest!r}; a digest is sha256: and 64 hex digits."))
    if pin == "digest" and not digest:
        problems.append(Problem("--digest", f"is missing for {text}: '--pin digest' writes it."))
    return Target(registry=parsed.host, repository=parsed.path, tag=tag, digest=digest, pin=pin), problems


def _files(paths: tuple[str, ...]) -> tuple[dict[str, Path], list[str], list[Problem]]:
    """The files that *paths* name, by the path that is shown; those named outright; what is wrong.

    A folder means every YAML and JSON file below it.
    """
    found: dict[str, Path] = {}
    named: list[str] = []
    problems = []
    for path in paths:
        place, mark, field = (path, "", "") if os.path.exists(path) else path.partition("#")
        if not os.path.exists(place):
            problems.append(Problem(path, "does not exist."))
        for real in _below(Path(place)):
            shown = _shown(real, Path(place))
            if found.setdefault(shown, real).resolve() != real.resolve():
                shown = str(real.resolve()).lstrip("/")
                found[shown] = real
            named += [f"{shown}{mark}{field}"] if real == Path(place) else []
    return found, named, problems


def _shown(real: Path, place: Path) -> str:
    """*real* as the rules for environments see it: from its repository, else from the working folder, else from
    *place*; the folders above those say nothing about the file."""
    path = Path(os.path.normpath(real.absolute()))
    roots = [*(folder for folder in path.parents if (folder / ".git").exists()), Path.cwd(), place.absolute()]
    for root in roots:
        if path.is_relative_to(root) and path != root:
            return path.relative_to(root).as_posix()
    return path.name


def _below(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(name for name in folders if name not in (".git", ".github"))
        for name in sorted(names):
            file = Path(folder, name)
            if name.endswith(_SUFFIXES) and not file.is_symlink():
                yield file


def _write(result: edit.Result, files: Mapping[str, Path]) -> None:
    """Every file anew beside its old self, then all put in place: a full disk leaves the old ones.

    Raises GitOpsRefused, and then nothing was written.
    """
    ready: list[tuple[Path, Path]] = []
    try:
        for change in result.edits:
            real = files[change.path].resolve()
            beside = real.with_name(f".{real.name}.ecr-publish")
            ready.append((beside, real))
            beside.write_bytes(change.content)
            beside.chmod(real.stat().st_mode & 0o7777)
    except OSError as error:
        for beside, _ in ready:
            beside.unlink(missing_ok=True)
        raise GitOpsRefused(f"Nothing was written: {error}.") from error
    for beside, real in ready:
        beside.replace(real)
