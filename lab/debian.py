"""Debian packages unpacked into a folder: nothing is installed, nothing of the system changes.

apt does the transport and the verification (signed InRelease, hashes of the index and of each package), in
state folders of its own. A package that was downloaded once stays at that version until the cache is removed.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.paths import ROOT

APT = Path("/etc/apt")
OS_RELEASE = Path("/etc/os-release")
RECORD = ".unpacked.json"
INDEX_LIFE_SECONDS = 24 * 3600.0
ROLLING = frozenset({"stable", "testing", "unstable", "sid"})


@dataclass(frozen=True)
class Wanted:
    """Where packages come from: None is the machine's own *suite* or *architecture*."""

    suite: str | None = None
    architecture: str | None = None


class DebianError(Exception):
    """A package could not be had; the text holds apt's last lines."""


def unpack(
    packages: Sequence[str],
    into: Path,
    *,
    suite: str | None = None,
    cache: Path = ROOT / "cache",
    architecture: str | None = None,
) -> dict[str, str]:
    """Unpack *packages* into *into* and return the version of each.

    suite: a suite of the same mirror, for example ``trixie``; None is the machine's own.
    cache: folder for indexes and packages, shared safely by processes.
    architecture: as dpkg says it, for example ``arm64``; None is the machine's own.
    Raises DebianError when there is no mirror, the suite or a package is missing, or a signature is wrong.
    """
    try:
        folder = cache / "debian" / "-".join(filter(None, (suite or "own", architecture)))
        files = _packages(packages, folder, Wanted(suite, architecture))
    except FileNotFoundError as error:
        raise DebianError(f"not a Debian family machine: {error}") from error
    versions = {name: _run("dpkg-deb", "-f", str(file), "Version").strip() for name, file in files.items()}
    into.mkdir(parents=True, exist_ok=True)
    with _locked(into):
        kept = _record(into)
        for name, file in files.items():
            if kept.get(name) != versions[name]:
                _run("dpkg", "-x", str(file), str(into))
        _write(into / RECORD, json.dumps(kept | versions))
    return versions


def source(apt: Path = APT, os_release: Path = OS_RELEASE) -> dict[str, str]:
    """Return the fields of the installed source that holds this machine's distribution.

    apt: the folder of ``sources.list`` and ``sources.list.d``, in both formats of sources.list(5).
    Third party archives have other suites or no ``main``; security archives a suffixed suite.
    Raises DebianError when there is none.
    """
    suites = ROLLING | {_codename(os_release)}
    for entry in _sources(apt):
        own = suites.intersection(entry.get("Suites", "").split())
        if own and "main" in entry.get("Components", "").split() and "deb" in entry.get("Types", "").split():
            return entry | {"Types": "deb", "Suites": sorted(own)[0]}
    raise DebianError(f"no archive of this distribution in {apt}/sources.list and {apt}/sources.list.d")


def _packages(names: Sequence[str], folder: Path, wanted: Wanted) -> dict[str, Path]:
    for part in ("lists/partial", "archives/partial", "packages", "none"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        missing = [name for name in names if not _kept(folder, name)]
        if missing:
            _download(missing, folder, wanted)
    return {name: _kept(folder, name)[0] for name in names}


def _kept(folder: Path, name: str) -> list[Path]:
    return sorted((folder / "packages").glob(f"{name}_*.deb"))


def _download(names: Sequence[str], folder: Path, wanted: Wanted) -> None:
    fresh = _refresh(folder, wanted)
    try:
        _fetch(names, folder, wanted)
    except DebianError:
        # An index from earlier may name versions that the mirror has replaced since.
        if fresh:
            raise
        _refresh(folder, wanted, always=True)
        _fetch(names, folder, wanted)


def _refresh(folder: Path, wanted: Wanted, *, always: bool = False) -> bool:
    done = folder / "refreshed"
    if not always and done.exists() and time.time() - done.stat().st_mtime < INDEX_LIFE_SECONDS:
        return False
    entry = source()
    fields = entry | ({"Suites": wanted.suite} if wanted.suite else {})
    known = ("Types", "URIs", "Suites", "Components", "Signed-By")
    text = "".join(f"{name}: {fields[name]}\n" for name in known if name in fields)
    _write(folder / "lab.sources", text)
    _apt("apt-get", folder, "update", wanted=wanted)
    done.touch()
    return True


def _fetch(names: Sequence[str], folder: Path, wanted: Wanted) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        _apt("apt-get", folder, "download", *names, wanted=wanted, cwd=temporary)
        for file in Path(temporary).glob("*.deb"):
            file.rename(folder / "packages" / file.name)


def _apt(program: str, folder: Path, *arguments: str, wanted: Wanted, cwd: str | None = None) -> str:
    options = {
        "Dir::Etc::sourcelist": str(folder / "lab.sources"),
        "Dir::Etc::sourceparts": str(folder / "none"),
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": str(folder / "none"),
        "Dir::State": str(folder),
        "Dir::State::lists": str(folder / "lists"),
        "Dir::State::status": "/dev/null",
        "Dir::Cache": str(folder),
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        # Without it a mirror that cannot be reached is a warning, and an old index is used.
        "APT::Update::Error-Mode": "any",
        # The folder may be readable by this user alone.
        "APT::Sandbox::User": "",
    }
    if wanted.architecture:
        options |= {"APT::Architecture": wanted.architecture, "APT::Architectures": wanted.architecture}
    flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    return _run(program, "-q", *flags, *arguments, cwd=cwd)


def _run(*command: str, cwd: str | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=_environment())
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise DebianError(f"{' '.join(command[:1])} ended with {done.returncode}: {last}")
    return done.stdout


def _environment() -> Mapping[str, str]:
    return os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def _codename(os_release: Path) -> str:
    for line in os_release.read_text().splitlines():
        name, _, value = line.partition("=")
        if name == "VERSION_CODENAME":
            return value.strip('"')
    return "unstable"


def _sources(apt: Path) -> Iterator[dict[str, str]]:
    for file in (apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))):
        if file.suffix == ".list" and file.is_file():
            yield from _one_line(file.read_text())
        elif file.suffix == ".sources":
            yield from _deb822(file.read_text())


def _one_line(text: str) -> Iterator[dict[str, str]]:
    for line in text.splitlines():
        kind, _, rest = line.partition("#")[0].strip().partition(" ")
        options = ""
        if rest.lstrip().startswith("["):
            options, _, rest = rest.lstrip()[1:].partition("]")
        uri, *words = rest.split() or [""]
        if kind == "deb" and len(words) > 1:
            entry = {"Types": "deb", "URIs": uri, "Suites": words[0], "Components": " ".join(words[1:])}
            signed = [word[len("signed-by=") :] for word in options.split() if word.startswith("signed-by=")]
            yield entry | ({"Signed-By": signed[0].replace(",", " ")} if signed else {})


def _deb822(text: str) -> Iterator[dict[str, str]]:
    for stanza in "\n".join(line for line in text.splitlines() if not line.startswith("#")).split("\n\n"):
        entry: dict[str, str] = {}
        last = ""
        for line in stanza.splitlines():
            if line[:1].isspace():
                entry[last] = f"{entry.get(last, '')}\n{line}"
            elif ":" in line:
                last, _, value = line.partition(":")
                entry[last] = value.strip()
        if entry and entry.get("Enabled", "yes").lower() != "no":
            yield entry


def _record(into: Path) -> dict[str, str]:
    try:
        return dict(json.loads((into / RECORD).read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def _write(file: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as temporary:
        temporary.write(text)
    os.replace(temporary.name, file)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    # The kernel drops the lock with its holder: a killed lab leaves none behind.
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
