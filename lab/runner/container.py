"""The container of a job: its mounts, and each step started in it by `docker exec` (ContainerInfo.cs, StepHost.cs).

What an expression calls a path is the host's; what a variable holds whole, or begins with, is the container's.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# What the machine gives a step that runs on it, and a container has of its own.
_MACHINES = ("PATH", "HOME", "LANG")
_SECONDS = 120
# The user `runner` of GitHub's images.
_RUNNER = 1001


@dataclass(frozen=True)
class Container:
    """What the job says of its container: *image*, *volumes* as `host:container[:ro]` and *env*; *docker* is the
    client's program, *host* the DOCKER_HOST of the engine, which the container finds under its usual address."""

    image: str
    docker: str
    host: str
    volumes: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Started:
    """A container that runs. *mappings*: folders of the host and where the container has them, the deepest first."""

    container: Container
    id: str
    mappings: Sequence[tuple[Path, str]] = field(default=())

    def translated(self, text: str) -> str:
        """Return *text* as the container's path where it is a path of the host, as it is otherwise."""
        for folder, inside in self.mappings:
            if text == str(folder) or text.startswith(f"{folder}/"):
                return inside + text.removeprefix(str(folder))
        return text

    def command(self, argv: Sequence[str], folder: Path, names: Sequence[str]) -> list[str]:
        """Return what starts *argv* in the container with the variables *names*; docker gets their values from its own
        environment, so that none is in its arguments."""
        flags = [part for name in names if name not in _MACHINES for part in ("-e", name)]
        inside = [self.translated(part) for part in argv]
        return [
            self.container.docker, "-H", self.container.host, "exec", "-i", "--workdir", self.translated(str(folder)),
            *flags, self.id, *inside,
        ]  # fmt: skip

    def variables(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return *variables* with the container's paths."""
        return {name: self.translated(value) for name, value in variables.items()}


@contextlib.contextmanager
def started(
    container: Container | None, workspace: Path, action: Path, temp: Path, tools: Path
) -> Iterator[Started | None]:
    """Start *container* and remove it at the end, with all that runs in it; None where the job has none."""
    if container is None:
        yield None
        return
    name = workspace.name
    mappings = [
        (temp / "_github_home", "/github/home"), (temp / "_github_workflow", "/github/workflow"),
        (temp, "/__w/_temp"), (workspace, f"/__w/{name}/{name}"), (tools, "/__t"), (action, "/__w/_actions/action"),
    ]  # fmt: skip
    volumes = [f"{folder}:{inside}" for folder, inside in mappings]
    if container.host.startswith("unix://"):
        volumes.append(f"{container.host.removeprefix('unix://')}:/var/run/docker.sock")
    flags = [part for volume in (*volumes, *container.volumes) for part in ("-v", volume)]
    flags += [part for name, value in container.env.items() for part in ("-e", f"{name}={value}")]
    # Of GitHub's the network is one of the job's own; here it is the machine's, where the stand-ins listen.
    told = ["run", "-d", "--network", "host", "-e", "HOME=/github/home", "-e", "CI=true", "--entrypoint", "tail"]
    made = _docker(container, *told, *flags, container.image, "-f", "/dev/null")
    with contextlib.ExitStack() as rest:
        rest.callback(_docker, container, "rm", "--force", "--volumes", made)
        _give(workspace, _RUNNER)
        rest.callback(_give, workspace, os.geteuid())
        yield Started(container, made, mappings)


def _give(workspace: Path, user: int) -> None:
    """Make *user* the owner of the checkout: the runner is not the container's root. Only root can."""
    if os.geteuid() == 0:
        for path in (workspace, *workspace.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)


def _docker(container: Container, *arguments: str) -> str:
    argv = [container.docker, "-H", container.host, *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"docker {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()
