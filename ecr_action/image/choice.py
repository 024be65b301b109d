"""Which engine builds: buildx where it is there, else the engine's own API."""

from __future__ import annotations

from dataclasses import dataclass

from ecr_action.errors import EngineLacks
from ecr_action.image.failures import INSTALL_BUILDX


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What was found: the *buildx* version (empty: none that works), and what the attempt *said*."""

    buildx: str = ""
    said: str = ""


def choose(wanted: str, probe: Probe) -> str:
    """``buildx`` or ``docker`` for the input ``engine`` (*wanted*: ``auto``, ``buildx``, ``docker``).

    Raises EngineLacks where buildx is asked for and not there.
    """
    if wanted == "buildx" and not probe.buildx:
        raise EngineLacks(
            "'engine: buildx' is asked for, and 'docker buildx version' does not work here.",
            why=probe.said,
            fix=f"{INSTALL_BUILDX}\nor: engine: auto",
        )
    if wanted == "auto":
        return "buildx" if probe.buildx else "docker"
    return wanted
