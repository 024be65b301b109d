"""Paths of a repository: which ones a pattern means, and which ones are never written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

SUFFIXES = (".yaml", ".yml", ".json")
SYMLINK, SUBMODULE = "120000", "160000"


def is_glob(pattern: str) -> bool:
    """Whether *pattern* may mean several files."""
    return any(character in pattern for character in "*?[")


def path_of(pattern: str) -> str:
    """The file that a named *pattern* means, without ``#field``."""
    return pattern.partition("#")[0].removeprefix("./")


def matches(pattern: str, path: str) -> bool:
    """Whether *path* is meant: ``*`` and ``?`` within a part, ``**`` over any number of parts, a folder means all of
    it."""
    return bool(_compiled(pattern.removeprefix("./").rstrip("/")).fullmatch(path))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    if not is_glob(pattern):
        return re.compile(re.escape(path_of(pattern)) + r"(/.*)?")
    out, at = "", 0
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
            inside = found[0][1:-1].replace("\\", r"\\")
            negated = "^" + inside[1:] if inside.startswith("!") else inside.replace("^", r"\^", 1)
            out, at = f"{out}[{negated}]", at + len(found[0])
        else:
            out, at = out + re.escape(pattern[at]), at + 1
    return re.compile(out)


def wanted(path: str, mode: str, patterns: Sequence[str]) -> bool:
    """Whether a file may be edited at all and is meant by *patterns* (every manifest where there are none)."""
    if mode in (SYMLINK, SUBMODULE) or path.startswith(".github/") or not path.lower().endswith(SUFFIXES):
        return False
    return not patterns or any(matches(pattern, path) for pattern in patterns)
