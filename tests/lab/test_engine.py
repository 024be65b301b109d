"""The engine, for real: it starts, builds, runs and leaves nothing, also after kill -9."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import bridge, client, remains
from lab.claim import Claim
from lab.engine import FULL, Candidate, EngineError, Host
from lab.lab import Lab
from lab.paths import ROOT, Paths
from lab.processes import Processes

DOCKERFILE = """FROM busybox:stable
COPY page /www/index.html
RUN test -s /www/index.html
CMD ["httpd", "-f", "-h", "/www"]
"""


class Room:
    """One private engine of its own, with the packages of the checkout's cache."""

    def __init__(self, root: Path) -> None:
        """Link the shared cache into *root* so that nothing is downloaded twice."""
        ROOT.joinpath("cache").mkdir(parents=True, exist_ok=True)
        (root / "cache").symlink_to(ROOT / "cache")
        self.said: list[str] = []
        self.paths = Paths(root, "engine-test")
        self.paths.run.mkdir(parents=True)
        self.processes = Processes(self.paths.run)
        self.host = Host(self.paths, self.processes, self.said.append)

    def client(self) -> client.Client:
        """Return a client of the engine as a job gets it."""
        host = f"unix://{self.paths.sockets}/docker.sock"
        variables = os.environ | client.environment(self.paths, host)
        return client.Client(str(self.paths.state / "bin/docker"), variables)

    def leftovers(self) -> list[str]:
        """Return what of the engine is still on the machine."""
        mounts = [str(point) for point in remains._mounts([self.paths.engine, self.paths.sockets])]
        places = [self.paths.sockets]
        places += remains.CGROUPS.glob(f"**/ecrlab-{self.paths.mark}")
        bridges = [bridge.NAME] if bridge.exists() else []
        return mounts + bridges + [str(place) for place in places if place.exists()] + self.processes.names()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """A room whose engine is stopped afterwards, whatever happened."""
    found = Room(tmp_path)
    # The bridge is the machine's: beside another lab this one would take it away.
    claim = Claim(found.paths)
    claim.take(lambda paths: Lab(paths).clean())
    yield found
    found.processes.sweep()
    found.host.sweep()
    claim.release()


def serve(docker: client.Client, folder: Path, port: int) -> bytes:
    """Build an image, run it with a published port, and return what it answers."""
    (folder / "page").write_text("hello from the lab\n")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    docker.run("buildx", "build", "--tag", "web", str(folder))
    docker.run("run", "--detach", "--name", "web", "--publish", f"127.0.0.1:{port}:80", "web")
    docker.run("exec", "web", "sh", "-c", "until wget -qO /dev/null http://127.0.0.1/; do sleep 0.1; done")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        return bytes(answer.read())


def test_it_builds_and_runs_twice_in_a_row_and_leaves_nothing(room: Room, tmp_path: Path) -> None:
    """Start, build from the base image, run with a published port, stop; the second time from kept data."""
    for turn in range(2):
        engine = room.host.up(reachable=False)
        assert (engine.private, bool(engine.buildx)) == (True, True)
        docker = room.client()
        assert bool(docker.run("image", "ls", "--quiet", "web")) == bool(turn)
        context = tmp_path / f"context{turn}"
        context.mkdir()
        if turn:
            docker.run("rm", "--force", "web")
        assert serve(docker, context, 18367 + turn) == b"hello from the lab\n"
        room.host.down()
        assert room.leftovers() == []


def test_the_base_image_is_taken_from_the_store_without_a_registry(room: Room) -> None:
    """A name that is in no store fails at the registry; busybox:stable never gets that far."""
    room.host.up(reachable=False)
    docker = room.client()
    # Nobody listens there, so a build that asks any registry fails.
    with pytest.raises(client.ClientError, match="failed to resolve source metadata"):
        docker.run("buildx", "build", "-", data=b"FROM 127.0.0.1:1/busybox:stable\n")
    docker.run("buildx", "build", "--no-cache", "-", data=b"FROM busybox:stable\nRUN true\n")
    log = (room.paths.run / "dockerd.log").read_text()
    assert "registry-1.docker.io" not in log


def test_what_kill_9_left_is_cleaned_at_the_next_start(room: Room) -> None:
    """Processes, mounts, bridge and sockets of a killed engine with a running container."""
    room.host.up(reachable=False)
    room.client().run("run", "--detach", "busybox:stable", "sleep", "300")
    container = remains.containers(f"ecrlab-{room.paths.mark}")
    assert len(container) == 1
    for name in room.processes.names():
        os.kill(json.loads((room.paths.run / f"{name}.json").read_text())["pid"], signal.SIGKILL)
    later = Processes(room.paths.run)
    later.sweep()
    done = Host(room.paths, later, room.said.append).sweep()
    told = " ".join(done)
    assert [word for word in ("processes", "unmounted", "bridge", "removed") if word not in told] == []
    assert remains.containers(f"ecrlab-{room.paths.mark}") == []
    assert room.leftovers() == []
    room.host.up(reachable=False)


def test_the_next_candidate_is_taken_when_one_does_not_run(room: Room) -> None:
    """A suite that does not exist is said, and the next one starts."""
    engine = room.host.up([Candidate("no-such-suite", FULL), Candidate("unstable", FULL)], reachable=False)
    assert "Debian's unstable" in engine.origin
    assert "no-such-suite" in room.said[0]


def test_no_candidate_runs(room: Room) -> None:
    """The error lists what was tried and why it failed, and nothing stays."""
    with pytest.raises(EngineError, match=r"no-such-suite \(docker\.io"):
        room.host.up([Candidate("no-such-suite", FULL)], reachable=False)
    assert room.leftovers() == []
