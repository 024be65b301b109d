"""A unified diff as git writes it, of two texts whose lines changed in place."""

from __future__ import annotations

from collections.abc import Iterator

_CONTEXT = 3
# (old line, new line) of an unchanged line; a changed one comes as (old, None) and (None, new).
_Row = tuple["str | None", "str | None"]


def unified(path: str, before: bytes, after: bytes) -> str:
    """The difference of two contents of *path*, with three lines of context; empty where they are equal.

    It takes time in proportion to the lines, where a general one takes their square: lines are replaced one by one or
    added, never moved.
    """
    rows = _rows(_lines(before), _lines(after))
    changed = [index for index, (old, new) in enumerate(rows) if old is None or new is None]
    if not changed:
        return ""
    pieces = [f"--- {_quoted('a/' + path)}\n", f"+++ {_quoted('b/' + path)}\n"]
    numbers = _numbers(rows)
    for start, end in _hunks(changed, len(rows)):
        old = sum(row[0] is not None for row in rows[start:end])
        new = sum(row[1] is not None for row in rows[start:end])
        first, second = numbers[start]
        pieces.append(f"@@ -{_range(first, old)} +{_range(second, new)} @@\n")
        pieces += [_line(row) for row in rows[start:end]]
    return "".join(pieces)


def _lines(content: bytes) -> list[str]:
    pieces = content.decode("utf-8", "replace").split("\n")
    return [f"{piece}\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])


def _rows(old: list[str], new: list[str]) -> list[_Row]:
    rows: list[_Row] = []
    left = right = 0
    more = len(new) - len(old)
    while left < len(old) and right < len(new):
        if old[left] == new[right]:
            rows.append((old[left], new[right]))
        elif more > 0 and right + 1 < len(new) and old[left] == new[right + 1]:
            rows.append((None, new[right]))
            more, left = more - 1, left - 1
        else:
            rows += [(old[left], None), (None, new[right])]
        left, right = left + 1, right + 1
    return [*rows, *((line, None) for line in old[left:]), *((None, line) for line in new[right:])]


def _numbers(rows: list[_Row]) -> list[tuple[int, int]]:
    """For each row how many old and how many new lines come before it."""
    counts, old, new = [], 0, 0
    for row in rows:
        counts.append((old, new))
        old, new = old + (row[0] is not None), new + (row[1] is not None)
    return counts


def _hunks(changed: list[int], total: int) -> Iterator[tuple[int, int]]:
    start, end = changed[0], changed[0]
    for index in changed[1:]:
        if index - end > 2 * _CONTEXT:
            yield max(start - _CONTEXT, 0), end + _CONTEXT + 1
            start = index
        end = index
    yield max(start - _CONTEXT, 0), min(end + _CONTEXT + 1, total)


def _range(before: int, count: int) -> str:
    return f"{before + 1}" if count == 1 else f"{before + 1 if count else before},{count}"


def _line(row: _Row) -> str:
    old, new = row
    mark, line = (" ", old) if old is not None and new is not None else ("-", old) if old is not None else ("+", new)
    text = f"{mark}{line}"
    return text if text.endswith("\n") else f"{text}\n\\ No newline at end of file\n"


def _quoted(path: str) -> str:
    """Git's way with a name that has control characters, quotes or backslashes."""
    if path.isprintable() and not set(path) & set('"\\'):
        return path
    return '"' + path.encode("unicode_escape").decode("ascii").replace('"', '\\"') + '"'
