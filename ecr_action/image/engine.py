"""The engine that builds, made for this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ecr_action.image import buildx
from ecr_action.image.choice import Probe, choose
from ecr_action.protocols import Clock, Console, Engine


def engine(name: str, *, environment: Mapping[str, str], temp: Path, console: Console, clock: Clock) -> Engine:
    """The engine for the input ``engine`` (*name*: ``auto``, ``buildx``, ``docker``).

    Parameters: *environment* is what child processes get and where the engine's address is found, *temp*
    RUNNER_TEMP. Nothing is asked of the engine itself yet. Raises EngineLacks.
    """
    probe = Probe() if name == "docker" else buildx.probe(environment)
    if choose(name, probe) == "buildx":
        return buildx.BuildxEngine(environment=environment, temp=temp, console=console, version=probe.buildx)
    from ecr_action.image.dockerd import DockerEngine

    if name == "auto":
        console.info(f"buildx is not there ({probe.said or 'not found'}): the engine's own API builds.")
    return DockerEngine(environment=environment, console=console, clock=clock)
