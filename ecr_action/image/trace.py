"""BuildKit's progress as the engine's API sends it: base64 of a protobuf message, read as far as it is needed.

Messages ``StatusResponse``, ``Vertex`` and ``VertexLog`` of BuildKit's ``api/services/control/control.proto``; wire
format by the Protocol Buffers documentation, "Encoding".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ecr_action.image.progress import Log

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class NotReadable(ValueError):
    """The bytes are no such message."""


@dataclass
class Trace:
    """Feeds a :class:`Log` from the messages of one build; *scrub* takes out of a text what must not be shown."""

    scrub: Callable[[str], str] = str
    log: Log = field(default_factory=Log)
    _numbers: dict[bytes, int] = field(default_factory=dict)
    _rest: dict[int, str] = field(default_factory=dict)

    def feed(self, encoded: str) -> list[str]:
        """Lines to show for one message. A message that can't be read is left out: progress never fails a build."""
        try:
            message = list(_fields(base64.b64decode(encoded)))
            return [line for number, value in message for line in self._entry(number, value)]
        except (NotReadable, binascii.Error):
            return []

    def _entry(self, number: int, value: bytes | int) -> list[str]:
        if not isinstance(value, bytes):
            return []
        if number == 1:
            return self._vertex(dict(_fields(value)))
        return self._output(dict(_fields(value))) if number == 3 else []

    def _vertex(self, vertex: dict[int, bytes | int]) -> list[str]:
        # 1 digest, 3 name, 4 cached, 5 started, 6 completed, 7 error
        if 5 not in vertex:
            return []
        number = self._numbers.setdefault(_bytes(vertex, 1), len(self._numbers) + 1)
        lines = self.log.begin(number, self.scrub(_text(vertex, 3)))
        if self.log.parts[number].done or self.log.parts[number].error:
            return lines
        if vertex.get(7):
            return [*lines, *self.log.fail(number, self.scrub(_text(vertex, 7)))]
        if 6 in vertex:
            seconds = _seconds(_bytes(vertex, 6)) - _seconds(_bytes(vertex, 5))
            lines += self.log.finish(number, max(seconds, 0.0), cached=bool(vertex.get(4)))
        return lines

    def _output(self, said: dict[int, bytes | int]) -> list[str]:
        # 1 vertex, 4 msg; a message may end within a line.
        number = self._numbers.get(_bytes(said, 1), 0)
        *whole, rest = (self._rest.pop(number, "") + _text(said, 4)).split("\n")
        if rest:
            self._rest[number] = rest
        return [line for text in whole for line in self.log.output(number, self.scrub(text))]

    def finish(self) -> list[str]:
        """The lines that no line end ever came for."""
        lines = [line for number, text in self._rest.items() for line in self.log.output(number, self.scrub(text))]
        self._rest.clear()
        return lines


def _bytes(message: dict[int, bytes | int], number: int) -> bytes:
    value = message.get(number, b"")
    return value if isinstance(value, bytes) else b""


def _text(message: dict[int, bytes | int], number: int) -> str:
    return _bytes(message, number).decode(errors="replace")


def _seconds(timestamp: bytes) -> float:
    parts = dict(_fields(timestamp))
    whole, nanos = parts.get(1, 0), parts.get(2, 0)
    return (whole if isinstance(whole, int) else 0) + (nanos if isinstance(nanos, int) else 0) / 1e9


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        kind = key & 7
        if kind == _VARINT:
            value, position = _varint(data, position)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, position = _varint(data, position)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise NotReadable(f"wire type {kind}")
        if position + size > len(data):
            raise NotReadable("cut off")
        yield key >> 3, data[position : position + size]
        position += size


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift < 64:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7
    raise NotReadable("a number without an end")
