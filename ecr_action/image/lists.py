"""Inputs that hold lists, with the quoting of docker/build-push-action (its lists are read by csv-parse)."""

from __future__ import annotations


def entries(text: str) -> tuple[str, ...]:
    """Entries separated by lines and commas (``tags``). Raises ValueError where a quote is not closed."""
    return tuple(entry.strip() for record in _records(text) for entry in record if entry.strip())


def lines(text: str) -> tuple[str, ...]:
    """Entries separated by lines alone, commas kept (``build-args``, ``labels``). Raises ValueError as above."""
    return tuple(entry.strip() for entry in untrimmed(text))


def untrimmed(text: str) -> tuple[str, ...]:
    """As :func:`lines`, with the blanks at both ends of an entry kept (``secrets``)."""
    return tuple(entry for entry in (",".join(record) for record in _records(text)) if entry.strip())


def _records(text: str) -> list[list[str]]:
    """Records of fields. Only a quote at the start of a field opens a quoted one, and only a quote followed by a
    separator closes it; anywhere else a quote is a character like any other."""
    text = text.replace("\r\n", "\n")
    records: list[list[str]] = [[]]
    position = 0
    while position <= len(text):
        field, position = _field(text, position, fresh=not records[-1])
        records[-1].append(field)
        if position < len(text) and text[position] == "\n":
            records.append([])
        position += 1
    return [record for record in records if record]


def _field(text: str, start: int, *, fresh: bool) -> tuple[str, int]:
    begin = start
    while fresh and begin < len(text) and text[begin] in " \t":
        begin += 1
    if begin < len(text) and text[begin] == '"':
        closed = _quoted(text, begin)
        if closed:
            return closed
    end = start
    while end < len(text) and text[end] not in ",\n":
        end += 1
    return text[start:end], end


def _quoted(text: str, begin: int) -> tuple[str, int] | None:
    """The quoted field that opens at *begin* and where it ends; None where its quote closes before more text."""
    value, position = "", begin + 1
    while position < len(text):
        if text[position] != '"':
            value, position = value + text[position], position + 1
        elif text[position + 1 : position + 2] == '"':
            value, position = value + '"', position + 2
        else:
            end = position + 1
            while end < len(text) and text[end] in " \t":
                end += 1
            return (value, end) if end == len(text) or text[end] in ",\n" else None
    raise ValueError('has a quote (") that is not closed')
