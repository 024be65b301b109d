"""The services of a repository that holds several: what the input says, and where the commit has each of them. Pure."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecr_action import building, converters
from ecr_action.converters import Wrong, lines_of
from ecr_action.errors import Problem
from ecr_action.gitops.tree import is_glob, matches
from ecr_action.image.reference import repository_problem

_LINE = "A line is a folder, a pattern such as services/*, or NAME=FOLDER."
_ENTRY = 'An entry is like {"service": "api", "context": "services/api"}.'
# What an entry may say of its service beside its name: inputs of the action, read as these are.
READERS: Mapping[str, Callable[[str], Any]] = {
    "context": converters.folder,
    "repository": converters.repository_name,
    "file": converters.optional,
    "target": converters.optional,
    "platforms": converters.platforms,
    "build-args": converters.build_args,
    "build-contexts": building.contexts,
}


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What one line says: the *folder* (or a pattern of folders) and, if told, the service's *name*.

    *own* are the inputs of this service as they are written, by name.
    """

    folder: str
    name: str = ""
    own: tuple[tuple[str, str], ...] = ()

    def stands_for(self, folder: str) -> bool:
        """Whether *folder* fits the pattern that this one is."""
        return is_glob(self.folder) and matches(self.folder, folder)


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service: its *name*, *context* and *repository*; *own*: further inputs of its build, as written."""

    name: str
    context: str
    repository: str
    own: tuple[tuple[str, str], ...] = ()


def declared(value: str) -> tuple[Declared, ...]:
    """The lines of the input, or the entries where it is a JSON list. Raises Wrong."""
    text = value.strip()
    if text.startswith(("[{", "{")) or re.match(r"\[\s*[{\"\]]", text):
        return _entries(text)
    found = []
    for line in lines_of(value):
        name, equals, folder = line.partition("=")
        found.append(_declared(folder if equals else line, name.strip() if equals else "", ()))
    return tuple(found)


def _entries(text: str) -> tuple[Declared, ...]:
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Wrong("is no JSON, though it begins like it.", _ENTRY) from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Wrong("is JSON, and no list of objects.", _ENTRY)
    return tuple(_entry(number, entry) for number, entry in enumerate(entries))


def _entry(number: int, entry: Mapping[str, Any]) -> Declared:
    for name, value in entry.items():
        if name != "service" and name not in READERS:
            raise Wrong(f"has {name!r} in its entry [{number}].", f"There are service, {', '.join(READERS)}.")
        if not isinstance(value, str) or not value.strip():
            raise Wrong(f"has no text as {name!r} in its entry [{number}].", _ENTRY)
        try:
            READERS.get(name, converters.stripped)(value)
        except Wrong as wrong:
            raise Wrong(f"has in its entry [{number}] {name!r}, which {wrong.what}", wrong.fix) from wrong
    if not {"service", "context"} <= set(entry):
        raise Wrong(f"has an entry [{number}] without 'service' or 'context'.", _ENTRY)
    own = tuple((name, value) for name, value in entry.items() if name not in ("service", "context"))
    return _declared(entry["context"], entry["service"].strip(), own)


def _declared(folder: str, name: str, own: tuple[tuple[str, str], ...]) -> Declared:
    path = posixpath.normpath(folder.strip() or ".")
    if path.startswith(("/", "..")):
        raise Wrong(f"has {folder.strip()!r}; a folder is one of the checkout.", _LINE)
    made = Declared(folder=path, name=name, own=own)
    if is_glob(path) and name:
        raise Wrong(f"has {name!r} for the folders {path!r}, which may be several.", _LINE)
    if path == "." and not name:
        raise Wrong("has the checkout itself, which has no name.", "Write 'NAME=.'")
    return made


def services(
    lines: Sequence[Declared], paths: Collection[str], *, base: str, context: str, dockerfiles: bool
) -> tuple[tuple[Service, ...], tuple[Problem, ...]]:
    """The services that *lines* declare, in their order, and what is wrong with them.

    Parameters: *paths* are the commit's files, relative to *context*, which the lines' folders are relative to; *base*
    is what the names of their ECR repositories begin with; *dockerfiles*: each has a Dockerfile of its own in its
    folder, unless its entry has a ``file``.
    """
    folders = {parent for path in paths for parent in _parents(path)}
    found: list[Service] = []
    problems: list[Problem] = []
    for line in lines:
        own = dockerfiles and "file" not in dict(line.own)
        meant = [folder for folder in sorted(folders) if folder == line.folder or line.stands_for(folder)]
        fitting = [folder for folder in meant if not own or _join(folder, "Dockerfile") in paths]
        if not fitting:
            with_file = " with a Dockerfile" if own else ""
            problems.append(Problem("services", f"has {line.folder!r}, and the commit has no such folder{with_file}."))
        found += [_service(line, folder, base, context) for folder in fitting]
    return tuple(found), (*problems, *_wrong(found))


def _service(line: Declared, folder: str, base: str, context: str) -> Service:
    name = line.name or folder.rpartition("/")[2]
    own = dict(line.own)
    repository = own.pop("repository", "") or f"{base}/{name}"
    return Service(name=name, context=_join(context, folder), repository=repository, own=tuple(own.items()))


def _wrong(found: Sequence[Service]) -> list[Problem]:
    """What can't be: two of one name or repository, or a name that is no part of one."""
    problems = []
    for service in found:
        if said := repository_problem(service.repository):
            what = f"has {service.context!r}, whose repository would be {service.repository!r}: it {said}."
            problems.append(Problem("services", what, f"Write a name of its own: my-service={service.context}"))
    for field in ("name", "repository"):
        values = [getattr(service, field) for service in found]
        for value in sorted({value for value in values if values.count(value) > 1}):
            where = " and ".join(service.context for service in found if getattr(service, field) == value)
            what = f"has two services of the {field} {value!r}: {where}."
            problems.append(Problem("services", what, "Write NAME=FOLDER for one of them."))
    return problems


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return [".", *("/".join(parts[: end + 1]) for end in range(len(parts)))]


def _join(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))
