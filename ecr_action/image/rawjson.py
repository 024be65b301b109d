"""BuildKit's progress as buildx gives it with ``--progress=rawjson``: a JSON object a line (docker's reference).

Stages run side by side; their lines are told stage by stage, so that each can have a group of its own in the log: one
has the floor until none of its steps runs any more, and the lines of the others wait.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ecr_action.image.progress import Log

# ``[build 2/5] RUN make``, ``[linux/arm64 build 2/5] RUN make``; without a name where there is but one stage.
_STAGE = re.compile(r"\[(?P<stage>[^\]]*?) ?\d+/\d+\] ")
_KEYS = ("vertexes", "statuses", "logs", "warnings")
# RFC 3339, with up to nine digits of a second.
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?(?:Z|([+-]\d\d:\d\d))")
# The output of a command in a message: encoded, so that nothing can be taken out of it.
_DATA = re.compile(r'("data"\s*:\s*)"[^"]*"')
_SHOWN = re.compile(r"transferring context:|exporting layers|pushing layers|pushing .+ with docker")
# In this one it is there for sure.
_SINCE = (0, 14)

Line = tuple[str, str]


def is_known_to(version: str) -> bool:
    """Whether the buildx of this *version* (``v0.29.1``) has it; one that can't be told has not."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return bool(found) and (int(found[1]), int(found[2])) >= _SINCE if found else False


def stage_of(name: str) -> str:
    """The stage of a step by its name, empty for one of none, or of the only one."""
    found = _STAGE.match(name)
    return found["stage"] if found else ""


class RawJson:
    """Reads the lines into *log*, and gives (stage, line) in the order in which they are to be shown.

    Parameters: *scrub* takes out of a text what must not be shown: the lines themselves have it encoded.
    """

    def __init__(self, scrub: Callable[[str], str] = str) -> None:
        self.log = Log()
        self._scrub = scrub
        self._numbers: dict[str, int] = {}
        self._rest: dict[int, bytes] = {}
        self._waiting: dict[str, list[str]] = {}
        self._floor = ""

    def feed(self, line: str) -> list[Line]:
        """What to show now. A line of another form is the builder's own word outside of the progress."""
        message = _message(line)
        if message is None:
            return self._said(line)
        try:
            self._read(message)
        # A form that no builder has yet is no reason to leave it alone with the build.
        except (ValueError, TypeError, AttributeError, OverflowError):
            return self._said(_DATA.sub(r'\1"..."', line))
        return self._released()

    def finish(self) -> list[Line]:
        """All that still waits."""
        for number in list(self._rest):
            self._tell(number, self._last_words(number))
        waiting = [(stage, line) for stage, lines in self._waiting.items() for line in lines]
        self._waiting.clear()
        return waiting

    def _said(self, line: str) -> list[Line]:
        return [*self.finish(), *(("", shown) for shown in self.log.say(self._scrub(line)))]

    def _read(self, message: Mapping[str, Any]) -> None:
        for vertex in message.get("vertexes") or ():
            self._vertex(vertex)
        for status in message.get("statuses") or ():
            self._status(status)
        for said in message.get("logs") or ():
            self._output(said)

    def _vertex(self, vertex: Mapping[str, Any]) -> None:
        if not vertex.get("started"):
            return
        number = self._numbers.setdefault(str(vertex.get("digest")), len(self._numbers) + 1)
        self._tell(number, self.log.begin(number, self._scrub(str(vertex.get("name", "")))))
        part = self.log.parts[number]
        # A step can be asked for twice, the second time out of the cache.
        part.cached = part.cached or bool(vertex.get("cached"))
        if part.done or part.error:
            return
        if vertex.get("error"):
            self._tell(number, [*self._last_words(number), *self.log.fail(number, self._scrub(str(vertex["error"])))])
        elif vertex.get("completed"):
            seconds = max(_seconds(vertex["completed"]) - _seconds(vertex["started"]), 0.0)
            done = self.log.finish(number, seconds, cached=part.cached)
            self._tell(number, [*self._last_words(number), *done])

    def _status(self, status: Mapping[str, Any]) -> None:
        number, name = self._numbers.get(str(status.get("vertex")), 0), str(status.get("id", ""))
        part = self.log.parts.get(number)
        if part is None or not status.get("completed") or not _SHOWN.match(name) or "dockerignore" in part.name:
            return
        size = status.get("current") or 0
        took = _seconds(status["completed"]) - _seconds(status.get("started") or status["completed"])
        words = [f"#{number} {self._scrub(name)}", *([f"{size / 1e6:.1f} MB"] if size else []), f"{took:.1f}s done"]
        self._tell(number, [" ".join(words)])

    def _output(self, said: Mapping[str, Any]) -> None:
        number = self._numbers.get(str(said.get("vertex")), 0)
        data = base64.b64decode(said.get("data") or "", validate=True)
        # A piece can end within a character, and within a secret: whole lines are read.
        *whole, rest = (self._rest.pop(number, b"") + data).split(b"\n")
        if rest:
            self._rest[number] = rest
        for line in whole:
            self._tell(number, self._lines(number, line))

    def _last_words(self, number: int) -> list[str]:
        return self._lines(number, self._rest.pop(number, b""))

    def _lines(self, number: int, line: bytes) -> list[str]:
        return self.log.output(number, self._scrub(line.decode(errors="replace")))

    def _tell(self, number: int, lines: list[str]) -> None:
        part = self.log.parts.get(number)
        if lines:
            self._waiting.setdefault(stage_of(part.name) if part else "", []).extend(lines)

    def _released(self) -> list[Line]:
        released: list[Line] = []
        while True:
            released += [(self._floor, line) for line in self._waiting.pop(self._floor, [])]
            if not self._waiting or self._runs(self._floor):
                return released
            self._floor = next(iter(self._waiting))

    def _runs(self, stage: str) -> bool:
        parts = self.log.parts.values()
        return bool(stage) and any(not (p.done or p.error) for p in parts if stage_of(p.name) == stage)


def _message(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and any(key in found for key in _KEYS) else None


def _seconds(text: str) -> float:
    """Of an RFC 3339 time since 1970. Raises ValueError."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time")
    whole, fraction, offset = found.groups()
    return datetime.fromisoformat(f"{whole}.{(fraction or '0').ljust(6, '0')}{offset or '+00:00'}").timestamp()
