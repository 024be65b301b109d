"""``bump`` at the prompt: the same pure functions, on local files."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ecr_action.converters import Wrong, boolean
from ecr_action.errors import EnvironmentUnclear, GitOpsParse, GitOpsRefused, InputProblems, NoReference, Problem
from ecr_action.github.commands import Runner
from ecr_action.gitops import edit
from ecr_action.gitops.edit import Target
from ecr_action.gitops.environments import Found, environment_of, normalise
from ecr_action.gitops_protocols import File
from ecr_action.image import reference, tags
from ecr_action.prompt import Command

_SUFFIXES = (".yaml", ".yml", ".json")


def bump(command: Command, console: Runner) -> int:
    """Edit the image in local files, in place; the unified diff is the result. Raises errors.Failure."""
    targets, problems = _targets(command)
    dry = _dry(command, problems)
    files, named, more = _files(command.paths)
    if not command.paths:
        problems.append(Problem("PATH", "is missing: which files or folders are to be edited?"))
    if problems or more:
        raise InputProblems([*problems, *more])
    environment = command.one("environment")
    try:
        result = edit.bump(
            _read(files),
            targets,
            environment=normalise(environment) if environment else None,
            # Without an environment a file named outright is meant as it is; with one its own environment counts.
            named=[path for path in named if "#" in path] if environment else named,
            paths=_manifests(files),
        )
    except EnvironmentUnclear as unclear:
        unclear.fix = _which(unclear.fix)
        raise
    except NoReference as nowhere:
        nowhere.fix = nowhere.fix.replace(" in gitops-files", "").replace("gitops-files: ", "")
        raise
    for notice in result.notices:
        console.notice(notice)
    for warning in result.warnings:
        console.warning(warning)
    if not dry:
        _write(result, files)
    console.result(edit.unified_diff(result))
    return 0


def _which(fix: str) -> str:
    """The lines of gitops-files that *fix* offers, as what is said at the prompt instead."""
    offered = re.findall(r"^  ([^:\n]+): (.+)$", fix, re.M)
    lines = [f"--environment {name}   # {file}" for name, file in offered]
    return "\n".join(["Say which files are meant, or name those files alone:", *lines])


def _dry(command: Command, problems: list[Problem]) -> bool:
    try:
        return boolean(command.one("dry-run", "false"))
    except Wrong as wrong:
        problems.append(Problem("--dry-run", wrong.what))
        return True


def _read(files: Mapping[str, Path]) -> list[File]:
    try:
        return [File(path=shown, content=real.read_bytes()) for shown, real in files.items()]
    except OSError as error:
        raise GitOpsParse(f"A file can't be read: {error}.") from error


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
        same = [other for other in targets if target and _names(other) == _names(target)]
        if target and same and target != same[0]:
            problems.append(Problem("--image", f"names {target.name} twice, with different tags."))
        targets += [target] if target and not same else []
    if "image" not in command.flags:
        problems.append(Problem("--image", "is missing.", "It has the form REGISTRY/REPOSITORY[:TAG[@DIGEST]]."))
    return targets, [*problems, *_contradictions(command)]


def _contradictions(command: Command) -> Iterator[Problem]:
    """``--tag`` and ``--digest`` are for images that carry none; one that none takes is told, not passed over."""
    images = [parsed for text in command.flags.get("image", ()) if (parsed := reference.parse(text))]
    for flag, carried in (("tag", [one.tag for one in images]), ("digest", [one.digest for one in images])):
        given = command.one(flag)
        other = next((value for value in carried if value != given), None)
        if given and other and all(carried):
            yield Problem(f"--{flag}", f"is {given!r}, and --image names {other}.", "Leave one of them out.")


def _names(target: Target) -> tuple[object, str]:
    """What *target* names: several hosts are one registry."""
    registry = reference.registry_of(target.registry) if target.registry else None
    return registry or target.registry, target.repository


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
    *place*. Folders above those say nothing about the file, but the last one's own name does. A link counts as what
    it leads to."""
    path = real.resolve()
    roots = [*_repositories(path), *(_with_its_name(root.resolve()) for root in (Path.cwd(), place))]
    for root in roots:
        if path.is_relative_to(root) and path != root:
            return path.relative_to(root).as_posix()
    return path.name


def _repositories(path: Path) -> Iterator[Path]:
    """The git work trees around *path*, the nearest first."""
    return (folder for folder in path.parents if (folder / ".git").exists())


def _with_its_name(root: Path) -> Path:
    return root.parent if isinstance(environment_of(root.name, ""), Found) else root


def _manifests(files: Mapping[str, Path]) -> list[str]:
    """Every manifest of the work trees that *files* lie in: other environments may live beside what was named."""
    roots = {root for real in files.values() for root in list(_repositories(real.resolve()))[:1]}
    return [found.resolve().relative_to(root).as_posix() for root in sorted(roots) for found in _below(root)]


def _below(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(name for name in folders if name not in (".git", ".github"))
        for name in sorted(names):
            file = Path(folder, name)
            # No links, which lead elsewhere, and nothing that is read without end.
            if name.endswith(_SUFFIXES) and not file.is_symlink() and file.is_file():
                yield file


def _write(result: edit.Result, files: Mapping[str, Path]) -> None:
    """Every file anew beside its old self, then all put in place: a full disk leaves the old ones.

    Raises GitOpsRefused, and then nothing was written.
    """
    ready: list[tuple[str, Path]] = []
    try:
        for change in result.edits:
            real = files[change.path].resolve()
            handle, beside = tempfile.mkstemp(prefix=".ecr-publish-", dir=real.parent)
            ready.append((beside, real))
            with open(handle, "wb") as file:
                file.write(change.content)
            os.chmod(beside, real.stat().st_mode & 0o7777)
    except OSError as error:
        for beside, _ in ready:
            os.unlink(beside)
        raise GitOpsRefused(f"Nothing was written: {error}.") from error
    for beside, real in ready:
        os.replace(beside, real)
