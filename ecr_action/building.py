"""Texts of the build's inputs become values here, with docker/build-push-action's names and list syntax.

A line that may hold something secret is named by its number, never repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ecr_action.aws import secret_arn
from ecr_action.converters import Wrong, boolean, entries_of, lines_of, platforms, untrimmed_of
from ecr_action.image.arguments import PUSHED, BuildSecret, output_type, size_in_bytes
from ecr_action.secret import Secret

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def hosts(value: str) -> tuple[str, ...]:
    """``NAME:ADDRESS`` or ``NAME=ADDRESS``. Raises Wrong."""
    return _each(entries_of(value), r"[^\s:=]+[:=]\S+", "NAME:ADDRESS, like db:10.0.0.7")


def entitlements(value: str) -> tuple[str, ...]:
    """Rights of the build. Raises Wrong."""
    return _each(entries_of(value), r"[a-z]+[a-z.]*(=\S+)?", "a right like network.host or security.insecure")


def pairs(value: str) -> tuple[str, ...]:
    """``KEY=VALUE`` lines, as they are. Raises Wrong."""
    return _each(lines_of(value), r"[^\s=]+=.*", "KEY=VALUE")


def contexts(value: str) -> tuple[str, ...]:
    """``NAME=PLACE`` lines; the checkout itself is ``.``, which others call ``{{defaultContext}}``. Raises Wrong."""
    found = _each(lines_of(value), r"[^\s=]+=.+", "NAME=FOLDER or NAME=docker-image://IMAGE")
    whole = [re.sub(r"\{\{\s*defaultContext\s*\}\}:(?=.)", "", entry) for entry in found]
    return tuple(re.sub(r"\{\{\s*defaultContext\s*\}\}:?", ".", entry) for entry in whole)


def attests(value: str) -> tuple[str, ...]:
    """``type=sbom|provenance,...`` lines. Raises Wrong."""
    return _each(lines_of(value), r"(?:.+,)?type=(?:sbom|provenance)(?:,.+)?", "type=sbom,... or type=provenance,...")


def caches(value: str) -> tuple[str, ...]:
    """Caches, as ``type=registry,ref=...`` or a reference alone. Raises Wrong."""
    found = lines_of(value)
    for number, entry in enumerate(found, 1):
        if "=" in entry and not re.search(r"(?:^|,)type=[a-z0-9]+", entry):
            raise Wrong(f"line {number} has no type.", "A line is like 'type=registry,ref=<repository>:buildcache'.")
    return found


def part(value: str) -> str:
    """One platform, or nothing. Raises Wrong."""
    found = platforms(value)
    if len(found) > 1:
        raise Wrong(f"is {', '.join(found)}; a part is one of the platforms.", "Give each a job of its own.")
    return found[0] if found else ""


CALLS = ("build", "check", "outline", "targets")
_OUTPUTS = ("local", "tar", "oci", "docker", *PUSHED)


def call(value: str) -> str | None:
    """A question about the Dockerfile; None for a build. Raises Wrong."""
    text = value.strip().lower() or "build"
    if text not in CALLS:
        raise Wrong(f"is {value.strip()!r}; it takes {', '.join(CALLS)}.")
    return None if text == "build" else text


def outputs(value: str) -> tuple[str, ...]:
    """``type=local,dest=...`` lines; of the image that is pushed only how it is packed. Raises Wrong."""
    found = tuple(line.strip() for line in value.splitlines() if line.strip())
    for entry in found:
        kind = output_type(entry)
        if entry == "-" or re.search(r"(?:^|,)dest=-(?:,|$)", entry):
            raise Wrong(f"has {entry!r}: standard output is the log.", "Write a file: type=tar,dest=out.tar")
        if kind not in _OUTPUTS:
            raise Wrong(f"has {entry!r}; a line is type={'|'.join(_OUTPUTS)},... or a folder.")
        if kind in PUSHED and (mine := re.search(r"(?:^|,)([\s\"]*(?:name|push-by-digest|dest)=[^,]*)", entry, re.I)):
            fix = "Leave it out: the image is pushed to this step's repository under its tags."
            raise Wrong(f"has {entry!r} with {mine[1]!r}.", fix)
    return found


def attestation(value: str) -> str | None:
    """``true``, ``false``, or fields such as ``mode=max``; None where nothing is given. Raises Wrong."""
    text = value.strip()
    if "=" in text:
        return text
    try:
        return str(boolean(text)).lower() if text else None
    except Wrong:
        raise Wrong(f"is {text!r}; it takes true, false or fields such as mode=max") from None


def size(value: str) -> str | None:
    """A size as docker takes it, such as ``64m``. Raises Wrong."""
    text = value.strip()
    try:
        return text if text and size_in_bytes(text) else None
    except ValueError:
        raise Wrong(f"is {text!r}, which is no size.", "It is a number with b, k, m or g, like 128m.") from None


def ulimits(value: str) -> tuple[str, ...]:
    """``NAME=SOFT[:HARD]`` lines. Raises Wrong."""
    return _each(lines_of(value), r"[a-z]+=-?[0-9]+(:-?[0-9]+)?", "NAME=SOFT:HARD, like nofile=1024:2048")


def ssh(value: str) -> tuple[str, ...]:
    """``default`` or ``ID=PATH``. Raises Wrong, also for a key in the place of its path."""
    if "PRIVATE KEY" in value:
        fix = "Load it into an agent in a step before (webfactory/ssh-agent) and write 'ssh: default'."
        raise Wrong("holds a key itself; it takes an agent's socket or the path of a key.", fix)
    return _each(entries_of(value), r"[A-Za-z0-9_.-]+(=.+)?", "default or ID=PATH")


def secrets(value: str) -> tuple[BuildSecret, ...]:
    """``ID=VALUE`` lines, blanks of the value kept; a value may be a secret's ARN. Raises Wrong, without a value."""
    return _secrets(untrimmed_of(value), "ID=VALUE; quote a value of several lines", _valued)


def _valued(name: str, text: str) -> BuildSecret:
    if not text.strip():
        fix = "Set it under Settings > Secrets and variables > Actions."
        raise Wrong(f"the secret {name!r} is empty: it is not set, or hidden from this run.", fix)
    if secret_arn.is_of_a_store(text):
        text = text.strip()
        if secret_arn.parse(text) is None:
            raise Wrong(f"{name!r} is an ARN, and none of a secret.", secret_arn.FORM)
    return BuildSecret(id=name, value=Secret(text, f"secrets: {name}"))


def secret_envs(value: str) -> tuple[BuildSecret, ...]:
    """``ID=VARIABLE`` entries. Raises Wrong."""
    return _secrets(entries_of(value), "ID=VARIABLE", _of_a_variable)


def _of_a_variable(name: str, variable: str) -> BuildSecret:
    if not _VARIABLE.fullmatch(variable):
        # A value in the place of a variable's name is a secret.
        raise Wrong(f"what follows {name}= is no variable's name.", "Values go into 'secrets:'.")
    return BuildSecret(id=name, variable=variable)


def secret_files(value: str) -> tuple[BuildSecret, ...]:
    """``ID=PATH`` lines. Raises Wrong."""
    return _secrets(lines_of(value), "ID=PATH", _of_a_file)


def _of_a_file(name: str, path: str) -> BuildSecret:
    if not path:
        raise Wrong(f"{name} has no path.")
    return BuildSecret(id=name, path=path)


def _secrets(lines: tuple[str, ...], form: str, make: Callable[[str, str], BuildSecret]) -> tuple[BuildSecret, ...]:
    """What *make* reads in each line, which is a name and a text. Raises Wrong with all lines that are none."""
    found, wrong, fixes = [], [], []
    for number, line in enumerate(lines, 1):
        try:
            found.append(make(*_named(line, form)))
        except Wrong as problem:
            wrong.append(f"line {number}: {problem.what}")
            fixes += [problem.fix] if problem.fix else []
    if wrong:
        raise Wrong(" ".join(wrong), " ".join(dict.fromkeys(fixes)))
    return _once(found)


def _named(line: str, form: str) -> tuple[str, str]:
    name, equals, text = line.partition("=")
    if not equals or not _ID.fullmatch(name.strip()):
        raise Wrong("it has no name before '='.", f"A line is {form}.")
    return name.strip(), text


def _once(found: list[BuildSecret]) -> tuple[BuildSecret, ...]:
    ids = [secret.id for secret in found]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise Wrong(f"has {twice[0]!r} twice.")
    return tuple(found)


def _each(found: tuple[str, ...], pattern: str, form: str) -> tuple[str, ...]:
    for entry in found:
        if not re.fullmatch(pattern, entry, re.S):
            raise Wrong(f"has {entry!r}; an entry is {form}.")
    return found
