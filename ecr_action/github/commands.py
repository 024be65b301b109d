"""The only writer of stdout and of the runner's files: log lines, groups, annotations, masks, outputs, summary."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from actions_toolkit.command import Command
from actions_toolkit.file_command import prepare_key_value_message

from ecr_action.secret import Secret

# Of a longer summary GitHub shows nothing (documentation, "Adding a job summary": 1 MiB a step).
SUMMARY_LIMIT = 1024 * 1024
_CUT = b"\n\n_Cut here: GitHub takes 1 MiB of a step's summary._\n"
# The runner reads `::command` at the start of a line (white space before it counts not) and `##[command` anywhere.
_COMMAND = re.compile(r"(?m)^(\s*:):|(##)\[")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def harmless(text: str) -> str:
    """*text* for a log line: no carriage returns or control characters, nothing that the runner takes as a command."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _COMMAND.sub(_broken, _CONTROL.sub("\ufffd", lines))


def _broken(match: re.Match[str]) -> str:
    return f"{match[1]}\u200b:" if match[1] else f"{match[2]}\u200b["


def _fitted(text: str, room: int) -> bytes:
    """*text* in *room* bytes, with a note where it was cut; nothing where not even that has room."""
    encoded = text.encode()
    if len(encoded) <= room:
        return encoded
    left = room - len(_CUT)
    return encoded[:left].decode(errors="ignore").encode() + _CUT if left >= 0 else b""


class Runner:
    """A console inside a job: workflow commands on stdout, outputs and summary into the files that the runner named.

    Parameters: *stream* is the step's stdout; *output_file* and *summary_file* are GITHUB_OUTPUT and
    GITHUB_STEP_SUMMARY (None: not written); *verbose* shows debug lines.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        output_file: str | None = None,
        summary_file: str | None = None,
    ) -> None:
        self._stream = stream or sys.stdout
        self._output_file = output_file
        self._summary_file = summary_file
        self._secrets: set[str] = set()
        self._groups: list[str] = []
        self._paused = False

    def _write(self, text: str) -> None:
        if self._paused:
            self._paused = False
            self._command("group", self._groups[-1])
        self._stream.write(self._redacted(text) + "\n")
        self._stream.flush()

    def _redacted(self, text: str) -> str:
        for value in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(value, "***")
        return text

    def _command(self, name: str, text: str, **properties: object) -> None:
        given = {key: self._redacted(str(value)) for key, value in properties.items() if value not in (None, "")}
        self._write(str(Command(name, given, self._redacted(text))))

    def info(self, text: str) -> None:
        self._write(harmless(text))

    def debug(self, text: str) -> None:
        self._command("debug", text)

    def notice(self, text: str, *, title: str = "") -> None:
        self._command("notice", text, title=title)

    def warning(self, text: str, *, title: str = "", file: str | None = None, line: int | None = None) -> None:
        self._command("warning", text, title=title, file=file, line=line)

    def error(self, text: str, *, title: str = "", file: str | None = None, line: int | None = None) -> None:
        """An error annotation; *file* and *line* (1-based) place it."""
        self._command("error", text, title=title, file=file, line=line)

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        # Groups can't nest (GitHub's documentation, "Workflow commands"): the outer one goes on after the inner one.
        self._end_group()
        self._groups.append(" ".join(harmless(title).split()))
        self._command("group", self._groups[-1])
        try:
            yield
        finally:
            self._end_group()
            self._groups.pop()
            # Once there is something to say in it.
            self._paused = bool(self._groups)

    def _end_group(self) -> None:
        paused, self._paused = self._paused, False
        if self._groups and not paused:
            self._command("endgroup", "")

    def mask(self, secret: Secret) -> None:
        """Tell the runner to hide *secret*, line by line as it matches by line, before anything can show it."""
        for value in {secret.reveal(), *secret.reveal().splitlines()}:
            if len(value.strip()) < 4 or value in self._secrets:
                continue
            if "\n" not in value:
                self._stream.write(str(Command("add-mask", {}, value)) + "\n")
                self._stream.flush()
            self._secrets.add(value)

    def outputs(self, values: Mapping[str, str]) -> None:
        """Write the step's outputs."""
        if not self._output_file:
            return
        with open(self._output_file, "a", encoding="utf-8", newline="\n") as file:
            for name, value in values.items():
                file.write(prepare_key_value_message(name, self._redacted(value)) + "\n")

    def summary(self, markdown: str) -> None:
        """Append to the step's summary, cut where GitHub would refuse the whole; a step may add to it several times."""
        if not self._summary_file:
            return
        with open(self._summary_file, "ab") as file:
            file.write(_fitted(self._redacted(markdown), SUMMARY_LIMIT - file.tell()))

    def result(self, text: str) -> None:
        """Inside a job a result is a log line like any other."""
        self.info(text)


class Terminal(Runner):
    """A console at a prompt: the result alone on stdout, everything else as plain lines on stderr."""

    def __init__(self, stream: TextIO | None = None, results: TextIO | None = None) -> None:
        super().__init__(stream or sys.stderr)
        self._results = results or sys.stdout

    def _command(self, name: str, text: str, **properties: object) -> None:
        if name in {"debug", "endgroup"}:
            return
        words = {"group": "", "notice": "notice: ", "warning": "warning: ", "error": "error: "}[name]
        title = f"{properties['title']}: " if properties.get("title") else ""
        self._write(harmless(f"{words}{title}{text}"))

    def mask(self, secret: Secret) -> None:
        self._secrets.update(value for value in secret.reveal().splitlines() if len(value.strip()) >= 4)

    def result(self, text: str) -> None:
        """*text* exactly as it is, on stdout: it is what the command was asked for."""
        self._results.write(text if not text or text.endswith("\n") else text + "\n")
        self._results.flush()
