"""Semantic versions (SemVer 2.0.0): what is one, which of two is the newer, how one is written as an image tag."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"(?:0|[1-9][0-9]*)"
_PART = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_PRE = rf"{_PART}(?:\.{_PART})*"
_BUILD = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_CORE = rf"v?(?P<major>{_NUMBER})\.(?P<minor>{_NUMBER})\.(?P<patch>{_NUMBER})(?:-(?P<pre>{_PRE}))?"
# SemVer 2.0.0, items 2, 9 and 10; the leading `v` is git's and GitHub's custom, not SemVer's.
_VERSION = re.compile(rf"{_CORE}(?:\+(?P<build>{_BUILD}))?")
_TAG = re.compile(rf"{_CORE}(?:_(?P<build>{_BUILD}))?")


@dataclass(frozen=True)
class Version:
    """``major.minor.patch-pre+build``; *pre* and *build* are empty where there is none.

    ``<`` and its like compare by precedence (SemVer item 11), which knows no build; ``==`` compares all of it.
    """

    major: int
    minor: int
    patch: int
    pre: str = ""
    build: str = ""

    @property
    def text(self) -> str:
        """As SemVer writes it: no ``v``, the build after ``+``."""
        return f"{self._core}+{self.build}" if self.build else self._core

    @property
    def tag(self) -> str:
        """As an image tag: with the ``v``, the build after ``_``, since a tag has no ``+``."""
        return f"v{self._core}_{self.build}" if self.build else f"v{self._core}"

    @property
    def prerelease(self) -> bool:
        """Whether it comes before the release of its numbers."""
        return bool(self.pre)

    @property
    def _core(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}" + (f"-{self.pre}" if self.pre else "")

    @property
    def precedence(self) -> tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]:
        """A key to sort by (SemVer item 11): numbers below words, a release above its pre-releases."""
        parts = self.pre.split(".") if self.pre else []
        words = tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts)
        return self.major, self.minor, self.patch, not self.pre, words

    def __lt__(self, other: Version) -> bool:
        return self.precedence < other.precedence

    def __le__(self, other: Version) -> bool:
        return self.precedence <= other.precedence

    def __gt__(self, other: Version) -> bool:
        return self.precedence > other.precedence

    def __ge__(self, other: Version) -> bool:
        return self.precedence >= other.precedence

    def __str__(self) -> str:
        return self.text


def parse(text: str) -> Version | None:
    """*text* (``1.2.3``, ``v1.2.3-rc.1+7``) as a version, or None where it is none."""
    return _made(_VERSION.fullmatch(text))


def of_tag(tag: str) -> Version | None:
    """The version that an image tag names (``v1.2.3``, ``1.2.3-rc.1_7``), or None where it names none."""
    return _made(_TAG.fullmatch(tag))


def _made(match: re.Match[str] | None) -> Version | None:
    if not match:
        return None
    # int() refuses numbers of more than 4,300 digits, and a tag has 128 characters.
    if len(match[0]) > 256:
        return None
    numbers = (int(match["major"]), int(match["minor"]), int(match["patch"]))
    return Version(*numbers, match["pre"] or "", match["build"] or "")
