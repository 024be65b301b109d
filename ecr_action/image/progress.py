"""What a builder says while it works: lines for a plain log, and the steps with their times.

BuildKit's plain progress (``#5 [2/3] RUN make``, ``#5 0.31 ok``, ``#5 DONE 1.2s``) is read by :class:`Plain`; any
other source drives a :class:`Log` itself.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ecr_action.protocols import Step

KEPT_LINES = 20
_LINE = re.compile(r"#(\d+) (.*)")
_DONE = re.compile(r"DONE ([0-9.]+)s")
_OUTPUT = re.compile(r"\d+\.\d+ (.*)")
_LOCATION = re.compile(r"(?P<file>\S.*):(?P<line>[1-9][0-9]*)")
_RULER = "-" * 20
# Steps of the builder's own about its own files, of interest to nobody.
_INTERNAL = re.compile(r"\[(?:internal|auth)\]|resolve image config for|resolving provenance|copy /context /")
_CACHE = re.compile(r"(?:im|ex)porting cache")
# The end of what takes long and is told as a bar: of these the last line is shown.
_MILESTONE = re.compile(r"(?:transferring context:|exporting layers|pushing layers|pushing .+ with docker).* done")


@dataclass
class Part:
    """One step as it goes: *lines* are the last of its output, *error* the builder's words where it failed."""

    name: str
    seconds: float = 0.0
    cached: bool = False
    done: bool = False
    error: str = ""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))


@dataclass
class Log:
    """The steps of a build by their number, in order, and what was said outside of them."""

    parts: dict[int, Part] = field(default_factory=dict)
    outside: deque[str] = field(default_factory=lambda: deque(maxlen=200))

    def begin(self, number: int, name: str) -> list[str]:
        """A step shows up, or is named again after another one spoke: shown once."""
        if number in self.parts:
            return []
        self.parts[number] = Part(name)
        return [] if _INTERNAL.match(name) else [f"#{number} {name}"]

    def output(self, number: int, text: str) -> list[str]:
        """A line of a command's output, of a bar that redraws itself the last state."""
        shown = [part for part in text.split("\r") if part.strip()]
        if not shown:
            return []
        if number in self.parts:
            self.parts[number].lines.append(shown[-1])
        return [f"#{number} {shown[-1]}"]

    def finish(self, number: int, seconds: float, *, cached: bool = False) -> list[str]:
        """A step is done, after *seconds*, or taken from the cache."""
        part = self.parts.setdefault(number, Part(""))
        part.seconds, part.cached, part.done = seconds, cached, True
        if _INTERNAL.match(part.name):
            return []
        return [f"#{number} CACHED" if cached else f"#{number} DONE {seconds:.1f}s"]

    def fail(self, number: int, error: str) -> list[str]:
        """A step failed with the builder's words *error*."""
        part = self.parts.setdefault(number, Part(""))
        part.error = error
        if _CACHE.match(part.name):
            return [f"#{number} not there: {error}" if "not found" in error else f"#{number} not used: {error}"]
        return [f"#{number} ERROR: {error}"]

    def say(self, line: str) -> list[str]:
        """The builder's own word, of no step."""
        said = line.rstrip().rpartition("\r")[2]
        self.outside.append(said)
        # The summary of a failed build repeats the step's output: the failure's own message has it.
        return [said] if said.startswith("ERROR:") or (said and not self.broken) else []

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that are done and of interest."""
        done = [part for part in self.parts.values() if part.done and not _INTERNAL.match(part.name)]
        return tuple(Step(name=part.name, seconds=part.seconds, cached=part.cached) for part in done)

    @property
    def failed(self) -> Part | None:
        """The step that failed; of several the first, since the builder cancels the others. A build goes on without
        a cache, so that a cache is to blame only where nothing else is."""
        failed = [part for part in self.parts.values() if part.error]
        return next((part for part in failed if not _CACHE.match(part.name)), failed[0] if failed else None)

    @property
    def broken(self) -> bool:
        """Whether a step of the build itself has failed, not just a cache."""
        return any(part.error and not _CACHE.match(part.name) for part in self.parts.values())

    @property
    def error(self) -> str:
        """The builder's last word: its line that begins with ``ERROR:``, else what the failed step said."""
        said = [line[6:].strip() for line in self.outside if line.startswith("ERROR:")]
        if said:
            return said[-1]
        failed = self.failed
        last = next((line for line in reversed(self.outside) if line.strip()), "")
        return failed.error if failed else last

    @property
    def location(self) -> tuple[str, int] | None:
        """File and line (1-based) that the builder blames, as it prints them above the quoted Dockerfile."""
        lines = list(self.outside)
        for line, ruler in zip(lines, lines[1:]):  # noqa: B905, RUF007
            match = _LOCATION.fullmatch(line)
            if match and ruler == _RULER:
                return match["file"], int(match["line"])
        return None


class Plain:
    """Reads plain progress line by line into *log* and gives the lines worth showing, none of them in a group.

    Parameters: *scrub* takes out of a text what must not be shown.
    """

    def __init__(self, scrub: Callable[[str], str] = str) -> None:
        self.log = Log()
        self._scrub = scrub

    def feed(self, line: str) -> list[tuple[str, str]]:
        """What to show of *line* (without its end); transfers, repeated names and blank lines are left out."""
        return [("", shown) for shown in self._read(self._scrub(line))]

    def finish(self) -> list[tuple[str, str]]:
        """Nothing is kept back."""
        return []

    def _read(self, line: str) -> list[str]:
        match = _LINE.fullmatch(line)
        if not match:
            return self.log.say(line)
        number, text = int(match[1]), match[2]
        if number not in self.log.parts:
            return self.log.begin(number, text)
        return self._known(number, text)

    def _known(self, number: int, text: str) -> list[str]:
        if text == "CACHED":
            return self.log.finish(number, 0.0, cached=True)
        if done := _DONE.fullmatch(text):
            return self.log.finish(number, float(done[1]))
        if text.startswith("ERROR:"):
            return self.log.fail(number, text[6:].strip())
        if output := _OUTPUT.fullmatch(text):
            return self.log.output(number, output[1])
        # "..." is a change of the speaker; anything else is a transfer's progress, or the step's name again.
        if _MILESTONE.fullmatch(text) and "dockerignore" not in self.log.parts[number].name:
            return [f"#{number} {text}"]
        return []
