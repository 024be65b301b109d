"""The lab as a whole: one at a time, stopped by whatever ends it, and taken over from the dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import hosts
from lab.claim import Claim, ClaimError
from lab.lab import ADDRESS, Lab
from lab.paths import ROOT, Paths
from lab.processes import Processes

CHECKOUT = Path(__file__).resolve().parents[2]
HOLDER = """
import sys, time, pathlib
from lab.lab import Lab
from lab.paths import Paths
with Lab(Paths(pathlib.Path(sys.argv[1]), "holder"), ("github",)):
    pathlib.Path(sys.argv[1], "up").touch()
    time.sleep(300)
"""


def wait_for(path: Path) -> None:
    """Wait until *path* is there, 60 seconds at most."""
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.05)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A root of labs that shares the checkout's packages; what was left running there is ended."""
    (ROOT / "cache").mkdir(parents=True, exist_ok=True)
    (tmp_path / "cache").symlink_to(ROOT / "cache")
    yield tmp_path
    for run in tmp_path.glob("*/run"):
        Processes(run).sweep()


@pytest.fixture
def holder(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that has a lab up."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(root)], cwd=CHECKOUT) as process:
        wait_for(root / "up")
        yield process
        process.kill()


def test_up_gives_an_environment_and_down_leaves_the_hosts_file_as_it_was(root: Path) -> None:
    """Twice in a row, with the servers at the addresses they had; the names resolve only meanwhile."""
    before = hosts.HOSTS.read_bytes()
    seen = []
    for _ in range(2):
        lab = Lab(Paths(root, "one"), ("aws", "github"))
        with lab as environment:
            assert f"{ADDRESS} {environment['LAB_REGISTRY']}" in hosts.HOSTS.read_text()
            assert (lab.is_up(), lab.environment) == (True, environment)
            seen.append((environment["AWS_ENDPOINT_URL"], environment["GITHUB_API_URL"]))
        assert (lab.is_up(), lab.environment, hosts.HOSTS.read_bytes()) == (False, {}, before)
        assert Processes(lab.paths.run).names() == []
    assert seen[0] == seen[1]


def test_a_second_lab_is_refused_by_the_name_of_the_first(root: Path, holder: subprocess.Popen[bytes]) -> None:
    """The error says whose lab is up and how to end it; the other lab is not touched."""
    with pytest.raises(ClaimError, match=rf"'holder'.*process {holder.pid}.*--name holder down"):
        Lab(Paths(root, "one"), ("github",)).up()
    with pytest.raises(ClaimError, match=f"end process {holder.pid}"):
        Lab(Paths(root, "holder")).down()
    assert Processes(root / "holder/run").alive("github")


def test_the_lab_of_a_killed_owner_is_taken_over(root: Path, holder: subprocess.Popen[bytes]) -> None:
    """Its servers are ended and it is said."""
    holder.kill()
    holder.wait()
    assert Processes(root / "holder/run").alive("github")
    said: list[str] = []
    with Lab(Paths(root, "one"), ("github",), say=said.append):
        assert not Processes(root / "holder/run").alive("github")
    assert said == [
        f"taking over from the lab 'holder' of {root}, whose owner is gone",
        "cleaned: ended github, left by an earlier lab",
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_up_stops_all(root: Path, number: signal.Signals) -> None:
    """In the middle of the start everything started is stopped, and the right to be the lab is free."""
    argv = [sys.executable, "-m", "lab", "--root", str(root), "--name", "one", "--parts", "github,engine"]
    with subprocess.Popen([*argv, "up"], cwd=CHECKOUT, env=os.environ) as process:
        wait_for(root / "one/run/containerd.json")
        process.send_signal(number)
        assert process.wait(30) in {128 + number}
    assert Processes(root / "one/run").names() == []
    assert not Paths(root, "one").sockets.exists()
    claim = Claim(Paths(root, "two"))
    claim.take(lambda paths: pytest.fail(f"left by {paths}"))
    claim.release()


def test_a_lab_left_running_is_found_and_ended_by_another_process(root: Path) -> None:
    """``up``, ``status``, ``env``, ``up`` again, ``down``, each a process of its own."""

    def run(command: str) -> tuple[int, str]:
        argv = [sys.executable, "-m", "lab", "--root", str(root), "--name", "one", "--parts", "github"]
        done = subprocess.run([*argv, command], cwd=CHECKOUT, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    assert run("status")[0] == 1
    assert run("up") == (0, "")
    assert run("status") == (0, "engine: down\naws: down\ngithub: up\n")
    assert "export GITHUB_API_URL=http://127.0.0.1:" in run("env")[1]
    assert run("up") == (0, "the lab is up already\n")
    with pytest.raises(ClaimError, match="left running"):
        Lab(Paths(root, "two"), ("github",)).up()
    assert run("down") == (0, "")
    assert run("env") == (1, "")
