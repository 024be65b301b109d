"""Workflow commands in the lines of a step (`::error title=x::text`), read as actions/runner reads them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from lab.runner.masks import Masks

LEVELS = ("error", "warning", "notice")
# ExecutionContext.cs: the runner keeps ten issues of a kind, each of at most 4,096 characters.
MOST_ANNOTATIONS, MOST_CHARACTERS = 10, 4096
_KNOWN = frozenset(
    (*LEVELS, "add-mask", "debug", "group", "endgroup", "echo", "stop-commands", "set-env", "add-path", "set-output",
     "save-state", "add-matcher", "remove-matcher")
)  # fmt: skip
_UNESCAPE = {"%0D": "\r", "%0A": "\n"}
_SECOND = re.compile(r"\s*::(?P<info>.+?)::(?P<data>.*)", re.DOTALL)
_FIRST = re.compile(r"##\[(?P<info>[^\]]+)\](?P<data>.*)", re.DOTALL)


@dataclass(frozen=True)
class Command:
    """One command with unescaped properties and data."""

    name: str
    properties: dict[str, str]
    data: str


@dataclass(frozen=True)
class Annotation:
    """What a person sees beside the run; *line* is None where none was given."""

    level: str
    title: str
    file: str
    line: int | None
    message: str


def parse(line: str, known: Collection[str] = _KNOWN) -> Command | None:
    """Return the command of a *known* (lower-case) name in *line*, None for a text.

    `::name k=v,k=v::data` counts at the line's start, the old `##[name k=v;]data` anywhere (ActionCommand.cs).
    """
    for pattern, separator, names, data in (
        (_SECOND.match, ",", _UNESCAPE | {"%3A": ":", "%2C": ","}, _UNESCAPE),
        (_FIRST.search, ";", _UNESCAPE | {"%3B": ";", "%5D": "]"}, _UNESCAPE | {"%3B": ";", "%5D": "]"}),
    ):
        match = pattern(line)
        name, _, rest = match["info"].partition(" ") if match else ("", "", "")
        if match and name.lower() in known:
            return Command(name, _pairs(rest.strip(), separator, names), _unescape(match["data"], data))
    return None


def _pairs(text: str, separator: str, table: dict[str, str]) -> dict[str, str]:
    pairs = (part.split("=", 1) for part in text.split(separator) if "=" in part)
    return {key.lower(): _unescape(value, table) for key, value in pairs if key and value}


def _unescape(text: str, table: dict[str, str]) -> str:
    # The percent sign last, or `%2525` would become `%`.
    for code, character in table.items():
        text = text.replace(code, character)
    return text.replace("%25", "%")


@dataclass
class Reader:
    """Turns the lines of a step into the log that a person sees, and keeps what commands asked for."""

    masks: Masks
    debug: bool = False
    annotations: list[Annotation] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    failed: bool = False
    _stopped: str | None = None

    def line(self, text: str) -> None:
        """Take one line as the step wrote it."""
        command = parse(text, _KNOWN if self._stopped is None else {self._stopped.lower()})
        if command is None or self._stopped is not None:
            self._stopped = None if command else self._stopped
            self.show(text)
        else:
            self._obey(command, text)

    def show(self, text: str) -> None:
        """Append to the log, masked."""
        self.lines.extend(self.masks.hide(text).split("\n"))

    def issue(self, level: str, message: str, properties: dict[str, str] | None = None) -> None:
        """Add an annotation, and its line in the log."""
        given = properties or {}
        shown = self.masks.hide(message)[:MOST_CHARACTERS]
        self.show(f"##[{level}]{message}")
        if sum(one.level == level for one in self.annotations) < MOST_ANNOTATIONS:
            number = given.get("line", "")
            self.annotations.append(Annotation(
                level, self.masks.hide(given.get("title", "")), self.masks.hide(given.get("file", "")),
                int(number) if number.isdigit() else None, shown))  # fmt: skip

    def _obey(self, command: Command, text: str) -> None:
        name = command.name.lower()
        if name == "add-mask" and not command.data.strip():
            self.issue("warning", "Can't add secret mask for empty string in ##[add-mask] command.")
        elif name == "add-mask":
            self.masks.add(command.data)
        elif name in LEVELS:
            self.issue(name, command.data, command.properties)
        elif name == "stop-commands":
            self._stopped = command.data
            self.show(text)
        elif name in ("group", "endgroup"):
            self.show(f"##[{name}]{command.data}")
        elif name == "debug" and self.debug:
            self.show(f"##[debug]{command.data}")
        elif name in ("set-env", "add-path"):
            self.failed = True
            self.issue("error", f"The `{name}` command is disabled. Please upgrade to using Environment Files.")
