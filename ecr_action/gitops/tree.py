"""Paths of a repository: which ones a pattern means, and which ones are never written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

SUFFIXES = (".yaml", ".yml", ".json")
SYMLINK, SUBMODULE = "120000", "160000"


def is_glob(pattern: str) -> bool:
    """Whether *pattern* may mean several files."""
    return any(character in path_of(pattern) for character in "*?[")


def path_of(pattern: str) -> str:
    """The file or folder that a named *pattern* means, without ``#field``."""
    return pattern.partition("#")[0].removeprefix("./").rstrip("/")


def matches(pattern: str, path: str) -> bool:
    """Whether *path* is meant.

    ``*``, ``?`` and ``[a-z]`` stay within a part, ``**`` goes over any number of parts, a folder means all of it.
    """
    inside = "/**" if is_glob(pattern) and pattern.endswith("/") else ""
    return bool(_compiled(path_of(pattern) + inside).fullmatch(path))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    if not is_glob(pattern):
        return re.compile(re.escape(pattern) + r"(/.*)?", re.DOTALL)
    # Each ** multiplies the ways to fit a path: a row of them means no more than one.
    pattern, out, at = re.sub(r"(\*\*/){2,}", "**/", pattern), "", 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            out, at = out + r"(?:.*/)?", at + 3
        elif pattern.startswith("**", at):
            out, at = out + r".*", at + 2
        elif pattern[at] == "*":
            out, at = out + r"[^/]*", at + 1
        elif pattern[at] == "?":
            out, at = out + r"[^/]", at + 1
        elif pattern[at] == "[" and (found := re.match(r"\[!?[^\]/]+\]", pattern[at:])):
            out, at = out + _one_of(found[0]), at + len(found[0])
        else:
            out, at = out + re.escape(pattern[at]), at + 1
    return re.compile(out, re.DOTALL)


def _one_of(brackets: str) -> str:
    inside = brackets[1:-1].removeprefix("!")
    escaped = "".join(character if character == "-" else re.escape(character) for character in inside)
    expression = f"(?!/)[{'^' if brackets.startswith('[!') else ''}{escaped}]"
    try:
        re.compile(expression)
    except re.error:
        return re.escape(brackets)
    return expression


def wanted(path: str, mode: str, patterns: Sequence[str]) -> bool:
    """Whether a file may be edited at all and is meant by *patterns* (every manifest where there are none)."""
    if mode in (SYMLINK, SUBMODULE) or path.lower().startswith(".github/") or not path.lower().endswith(SUFFIXES):
        return False
    # GitHub tells a name that is no UTF-8 with this character: a commit would make a second file.
    if "\ufffd" in path:
        return False
    return not patterns or any(matches(pattern, path) for pattern in patterns)
