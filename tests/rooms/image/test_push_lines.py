"""What the log says of a push by the engine's own API."""

from __future__ import annotations

import re
import secrets

from .conftest import Room

LINE = re.compile(r"Pushed( [0-9.]+ [kM]?B( in [0-9.]+ s, [0-9.]+ [kM]?B/s)?)?")


def test_each_layer_of_a_push_has_one_line(room: Room) -> None:
    """With its bytes as far as they are told; the second time it is there already."""
    room.write({"Dockerfile": "FROM busybox:stable\nCOPY big /big\n", "big": secrets.token_hex(3_000_000)})
    reference = f"{room.host}/{room.repository()}:v1"
    for _ in range(2):
        room.engine("docker").build(room.request(), reference, room.login())
    told = [line for line in room.log.splitlines() if re.match(r"[0-9a-f]{12}: ", line)]
    first, second = ([line.partition(": ")[2] for line in told[start : start + 2]] for start in (0, 2))
    assert (len(told), second) == (4, ["Layer already exists"] * 2), told
    # Of what takes less than a moment the engine tells no bytes.
    assert all(LINE.fullmatch(line) for line in first), told
