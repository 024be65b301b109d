"""Which environment a path belongs to: the names of folders and files say it, nothing else does."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

_KNOWN = {
    "dev": ("dev", "develop", "development"),
    "staging": ("stg", "stage", "staging", "hml", "homolog"),
    "prod": ("prd", "prod", "production"),
    "pre-prod": ("pre-prod", "preprod"),
    "non-prod": ("non-prod", "nonprod"),
    "qa": ("qa",),
    "uat": ("uat",),
    "sandbox": ("sandbox",),
}
_NAMES = {alias: name for name, aliases in _KNOWN.items() for alias in aliases}
# Folders that every environment shares, beside those of one.
_SHARED = {"base", "common", "shared"}
_TEAMS = ("team-", "squad-", "group-")
_SEPARATORS = re.compile(r"[-_.+~ ]+")
_VALUES = re.compile(r"values[-_.](?P<name>.+)")
_MANIFEST = re.compile(r"\.(?:ya?ml|json)$")


@dataclass(frozen=True)
class Found:
    """The environment that a path belongs to."""

    name: str


@dataclass(frozen=True)
class Unclear:
    """A path names several environments."""

    names: tuple[str, ...]


def normalise(name: str) -> str:
    """The one name of an environment: ``production`` is ``prod``, ``preprod`` is ``pre-prod``; others as they are."""
    lower = name.strip().lower()
    return _NAMES.get(lower, lower)


def environment_of(path: str, repository: str, own: Collection[str] = ()) -> Found | Unclear | None:
    """The environment that *path* names: None where it names none, Unclear where it names several.

    Parameters: *path* has ``/`` between its parts; *repository* is the image's (its name says nothing about an
    environment); *own* are further environments' names. A whole part decides; a token of a longer part counts where no
    whole part does.
    """
    names = _names(own)
    own_name = repository.rpartition("/")[2].lower()
    parts = list(_parts(path))
    whole = [names[part] for part in parts if part in names and part != own_name]
    inside = [name for part in parts if part not in names and (name := _inside(part, own_name, names))]
    found = tuple(dict.fromkeys(whole or inside))
    return None if not found else Found(found[0]) if len(found) == 1 else Unclear(found)


def _names(own: Collection[str]) -> dict[str, str]:
    return {**_NAMES, **{name.strip().lower(): normalise(name) for name in own if name.strip()}}


def _parts(path: str) -> Iterator[str]:
    """The folders, and the file's name without its suffix; of ``values-<name>`` the name."""
    *folders, file = path.lower().strip("/").split("/")
    yield from folders
    stem = _MANIFEST.sub("", file)
    values = _VALUES.fullmatch(stem)
    yield values["name"] if values else stem


def _inside(part: str, own_name: str, names: dict[str, str]) -> str | None:
    """The environment that a token of *part* names; None where tokens name two."""
    if part.startswith(_TEAMS):
        return None
    tokens = _without(_SEPARATORS.split(part), _SEPARATORS.split(own_name))
    if names.keys().isdisjoint(tokens) and not any("-" in name for name in names if name.split("-")[0] in tokens):
        return None
    found, at = set(), 0
    longest = max(len(_SEPARATORS.split(name)) for name in names)
    while at < len(tokens):
        for size in range(min(longest, len(tokens) - at), 0, -1):
            name = names.get("-".join(tokens[at : at + size]))
            if name:
                found.add(name)
                at += size - 1
                break
        at += 1
    return found.pop() if len(found) == 1 else None


def _without(tokens: list[str], own: list[str]) -> list[str]:
    """*tokens* without the run of them that is the repository's own name; what it stood between is not joined."""
    for at in range(len(tokens) - len(own) + 1):
        if tokens[at : at + len(own)] == own:
            return [*tokens[:at], "", *_without(tokens[at + len(own) :], own)]
    return tokens


@dataclass
class Environments:
    """The environments of all paths of a repository, for one image.

    Parameters: *repository* is the image's; *paths* every file of the tree that is known; *own* the environments that
    inputs name. A folder or ``values-*`` file beside that of a known environment is one of its own.
    """

    repository: str
    paths: Sequence[str] = ()
    own: Collection[str] = ()
    _beside: set[tuple[str, str]] = field(init=False)
    _cache: dict[str, Found | Unclear | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._beside = self._further()

    def of(self, path: str) -> Found | Unclear | None:
        """As :func:`environment_of`, with the folders and files beside known environments."""
        if path not in self._cache:
            extra = [name for where, name in _named(path) if (where, name) in self._beside]
            self._cache[path] = environment_of(path, self.repository, [*self.own, *extra])
        return self._cache[path]

    def _further(self) -> set[tuple[str, str]]:
        names = _names(self.own)
        own_name = self.repository.rpartition("/")[2].lower()
        there: dict[str, set[str]] = {}
        for path in self.paths:
            if _MANIFEST.search(path):
                for where, name in _named(path):
                    there.setdefault(where, set()).add(name)
        return {
            (where, name)
            for where, found in there.items()
            if any(name in names and name != own_name for name in found)
            for name in found - _SHARED - {own_name}
            if name not in names and _inside(name, own_name, names) is None and not name.startswith(".")
        }

    def known(self, paths: Iterable[str]) -> dict[str, str]:
        """The environments that *paths* name, each with one of the paths."""
        found: dict[str, str] = {}
        for path in paths:
            environment = self.of(path) if _MANIFEST.search(path) else None
            for name in _all(environment):
                found.setdefault(name, path)
        return found


def _all(environment: Found | Unclear | None) -> tuple[str, ...]:
    if isinstance(environment, Unclear):
        return environment.names
    return (environment.name,) if environment else ()


def _named(path: str) -> Iterator[tuple[str, str]]:
    """Each folder of *path*, and the name in a ``values-<name>`` file, with where it lies."""
    *folders, file = path.lower().strip("/").split("/")
    for index, folder in enumerate(folders):
        yield "/".join(folders[:index]), folder
    if values := _VALUES.fullmatch(_MANIFEST.sub("", file)):
        yield "/".join([*folders, "values-"]), values["name"]
