"""BuildKit's progress as the engine's API sends it."""

from __future__ import annotations

import base64

import pytest

from ecr_action.image.trace import Trace
from ecr_action.protocols import Step


def number(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def entry(tag: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return number(tag << 3) + number(value)
    return number(tag << 3 | 2) + number(len(value)) + value


def at(seconds: int, nanos: int = 0) -> bytes:
    return entry(1, seconds) + entry(2, nanos)


def vertex(digest: bytes, name: str, *more: bytes) -> bytes:
    return entry(1, entry(1, digest) + entry(3, name.encode()) + b"".join(more))


def said(digest: bytes, text: bytes) -> bytes:
    return entry(3, entry(1, digest) + entry(3, 1) + entry(4, text))


def feed(*messages: bytes) -> tuple[Trace, list[str]]:
    trace = Trace()
    lines = [line for message in messages for line in trace.feed(base64.b64encode(message).decode())]
    return trace, lines + trace.finish()


STARTED, DONE = entry(5, at(1700000000, 250000000)), entry(6, at(1700000002))


def test_steps_as_they_go() -> None:
    """A step shows when it starts, its output line by line, then its time; a queued one does not show."""
    trace, lines = feed(
        vertex(b"sha256:q", "[2/2] RUN later") + vertex(b"sha256:a", "[1/2] RUN make", STARTED),
        said(b"sha256:a", b"one\ntw"),
        said(b"sha256:a", b"o\n10%\r100%\nend"),
        vertex(b"sha256:a", "[1/2] RUN make", STARTED, DONE),
        vertex(b"sha256:a", "[1/2] RUN make", STARTED, DONE),
        vertex(b"sha256:c", "[2/2] COPY x y", entry(4, 1), STARTED, DONE),
    )
    assert lines == [
        "#1 [1/2] RUN make",
        "#1 one",
        "#1 two",
        "#1 100%",
        "#1 DONE 1.8s",
        "#2 [2/2] COPY x y",
        "#2 CACHED",
        "#1 end",
    ]
    assert trace.log.steps == (
        Step(name="[1/2] RUN make", seconds=1.75, cached=False),
        Step(name="[2/2] COPY x y", seconds=1.75, cached=True),
    )


def test_a_failed_step() -> None:
    """The step's error is the builder's."""
    trace, lines = feed(
        vertex(b"a", "[1/1] RUN x", STARTED), vertex(b"a", "[1/1] RUN x", STARTED, DONE, entry(7, b"exit code: 3"))
    )
    assert lines == ["#1 [1/1] RUN x", "#1 ERROR: exit code: 3"]
    assert trace.log.error == "exit code: 3"


@pytest.mark.parametrize(
    "message", [b"\x0a\x05ab", b"\xff" * 12, b"\x0b", b"\x0a", b"", entry(2, b"status"), entry(9, 7), b"\x0d\0\0\0\0"]
)
def test_what_can_not_be_read_is_left_out(message: bytes) -> None:
    """Progress of another version, or cut off, fails nothing and shows nothing."""
    assert feed(message)[1] == []


def test_what_is_no_base64_is_left_out() -> None:
    """Neither is text that is not even encoded as it should be."""
    assert Trace().feed("A") == []
