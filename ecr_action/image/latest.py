"""Moving tags without compare-and-swap: put, look for what is newer, until nothing is. Pure.

PutImage has no conditional form, so that two runs can each put a tag where the other does not expect it. Whoever put
it last looks afterwards, and finds every newer commit that was published by then; one published later looks itself.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Put:
    """The tags are to stand on the image of *commit*."""

    commit: str


@dataclass(frozen=True)
class Newer:
    """Asks for the newest commit after *commit* that is published; None where there is none."""

    commit: str


def settle(commit: str, *, put: bool = True) -> Generator[Put | Newer, str | None, None]:
    """The steps that leave the tags on the newest published commit; the answer to a Put is None.

    Parameters: *commit* is ours, published already; *put* is False where the tags stand on it from an earlier run.
    """
    if put:
        yield Put(commit)
    newest = yield Newer(commit)
    while newest is not None:
        yield Put(newest)
        newest = yield Newer(newest)


def newest(after: Sequence[str], published: Collection[str]) -> str | None:
    """The last of *after* (commits, oldest first) that is *published*."""
    return next((commit for commit in reversed(after) if commit in published), None)
