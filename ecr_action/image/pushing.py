"""What the engine tells of a push: a line for each layer, and the digest at the end. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64})")
_THERE = ("Layer already exists", "Mounted from")


class Layers:
    """The layers of one push; *digest* is the image's, once it is told."""

    def __init__(self) -> None:
        self.digest = ""
        self._begun: dict[str, float] = {}
        self._bytes: dict[str, int] = {}
        self._done: set[str] = set()

    def feed(self, message: Mapping[str, Any], now: float) -> str | None:
        """Take one message of the engine, at *now* (seconds); the line of a layer that is done with it, once.

        The last bytes that are told of a layer are its size as it is packed, or, with the classic image store, before
        that. The digest is told in ``aux``, or, with the containerd store, in the last line alone.
        """
        status, layer = str(message.get("status", "")), str(message.get("id") or "")
        found = _DIGEST.search(status)
        self.digest = str((message.get("aux") or {}).get("Digest") or (found[1] if found else self.digest))
        if not layer or layer in self._done:
            return None
        detail = message.get("progressDetail") or {}
        if detail.get("current"):
            self._bytes[layer] = max(int(detail["current"]), self._bytes.get(layer, 0))
        if status.startswith(_THERE):
            self._done.add(layer)
            return f"{layer}: {status}"
        if not status.startswith("Pushed"):
            # "Preparing" and "Waiting" take as long as the layers before this one.
            if status.startswith("Pushing"):
                self._begun.setdefault(layer, now)
            return None
        self._done.add(layer)
        return f"{layer}: {self._pushed(layer, now)}"

    def _pushed(self, layer: str, now: float) -> str:
        size, seconds = self._bytes.get(layer, 0), now - self._begun.get(layer, now)
        if not size:
            return "Pushed"
        # What took no time that a clock can tell has no rate.
        rate = f" in {seconds:.1f} s, {in_bytes(size / seconds)}/s" if seconds >= 0.05 else ""
        return f"Pushed {in_bytes(size)}{rate}"


def in_bytes(count: float) -> str:
    """*count* bytes as docker writes sizes: decimal units, three digits."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
