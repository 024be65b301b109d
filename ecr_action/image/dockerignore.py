"""What a context leaves out: ``.dockerignore`` by Docker's rules.

Documentation "Build context", section ".dockerignore files": patterns as of Go's ``filepath.Match``, ``**`` for any
number of folders, ``!`` for exceptions; the last pattern that matches a path, or a folder above it, decides.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass


class BadPattern(ValueError):
    """A line of the file is no pattern; the text quotes it."""


@dataclass(frozen=True)
class Pattern:
    """One line: *text* without its ``!``, the *expression* it means, whether it is an *exception*."""

    text: str
    expression: re.Pattern[str]
    exception: bool


@dataclass(frozen=True)
class Ignore:
    """The patterns of one file, in order."""

    patterns: tuple[Pattern, ...] = ()

    def excludes(self, path: str) -> bool:
        """Whether *path* (relative to the context, with slashes) is left out."""
        lineage = [path]
        while "/" in lineage[-1]:
            lineage.append(lineage[-1].rpartition("/")[0])
        for pattern in reversed(self.patterns):
            if any(pattern.expression.fullmatch(one) for one in lineage):
                return not pattern.exception
        return False

    def may_include_below(self, folder: str) -> bool:
        """Whether an exception could bring back something below the excluded *folder*."""
        return any(_reaches(pattern.text, folder) for pattern in self.patterns if pattern.exception)


def parse(text: str) -> Ignore:
    """The patterns of a ``.dockerignore`` file. Raises BadPattern."""
    patterns = []
    for line in text.removeprefix("\ufeff").split("\n"):
        # A comment begins in the first column; anything indented is a pattern.
        if line.startswith("#") or not line.strip():
            continue
        exception, pattern = _cleaned(line.strip())
        if pattern:
            patterns.append(Pattern(pattern, _expression(pattern, line.strip()), exception))
    return Ignore(tuple(patterns))


def _cleaned(line: str) -> tuple[bool, str]:
    exception = line.startswith("!")
    pattern = line[1:].strip() if exception else line
    if not pattern:
        raise BadPattern(f"{line!r} is an exception of nothing")
    pattern = posixpath.normpath(pattern)
    # normpath keeps two leading slashes, as POSIX allows; Go's Clean has one.
    return exception, pattern.lstrip("/") if pattern.startswith("/") else pattern


def _reaches(pattern: str, folder: str) -> bool:
    literal = re.split(r"[*?\[\\]", pattern, maxsplit=1)[0]
    if literal != pattern:
        literal = literal.rpartition("/")[0]
    return not literal or f"{literal}/".startswith(f"{folder}/") or f"{folder}/".startswith(f"{literal}/")


def _expression(pattern: str, line: str) -> re.Pattern[str]:
    made, position = "", 0
    while position < len(pattern):
        part, position = _part(pattern, position, line)
        made += part
    return re.compile(made, re.DOTALL)


def _part(pattern: str, position: int, line: str) -> tuple[str, int]:
    """The expression of what stands at *position*, and the position after it."""
    character, rest = pattern[position], pattern[position + 1 :]
    if character == "*" and rest.startswith("*"):
        return _any_depth(pattern, position)
    if character == "*":
        return "[^/]*", position + 1
    if character == "?":
        return "[^/]", position + 1
    if character == "[":
        return _class(pattern, position, line)
    if character == "\\":
        if not rest:
            raise BadPattern(f"{line!r} ends in a backslash")
        return re.escape(rest[0]), position + 2
    return re.escape(character), position + 1


def _any_depth(pattern: str, position: int) -> tuple[str, int]:
    after = position + 2
    slash = pattern.startswith("/", after)
    if after + slash == len(pattern):
        return ".*", after + slash
    # `**name` without a slash: a leading one is taken as a suffix by Docker where nothing else is special.
    if position == 0 and not slash and not re.search(r"[*?\[\\]", pattern[after:]):
        return ".*", after
    return "(?:.*/)?", after + slash


def _class(pattern: str, position: int, line: str) -> tuple[str, int]:
    """A character class as Go reads it: ``[^...]`` negates, ``!`` is a character, backslashes escape."""
    negated = pattern.startswith("^", position + 1)
    position += 2 if negated else 1
    ranges = ""
    while not (ranges and pattern.startswith("]", position)):
        low, position = _member(pattern, position, line)
        high = low
        if pattern.startswith("-", position):
            high, position = _member(pattern, position + 1, line)
        if low > high:
            raise BadPattern(f"{line!r} has a range that runs backwards")
        ranges += f"{re.escape(low)}-{re.escape(high)}"
    return f"[{'^' if negated else ''}{ranges}]", position + 1


def _member(pattern: str, position: int, line: str) -> tuple[str, int]:
    character = pattern[position : position + 1]
    if character == "\\":
        position += 1
        character = pattern[position : position + 1]
    elif character in ("-", "]"):
        raise BadPattern(f"{line!r} has a character class that is not well formed")
    if not character:
        raise BadPattern(f"{line!r} has a [ that is not closed")
    return character, position + 1
