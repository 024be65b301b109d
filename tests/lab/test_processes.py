"""Background processes of the lab: start, stop, and what a killed lab left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.processes import Identity, ProcessError, Processes

SLEEP = ["sleep", "300"]
# A leader that starts a child, says its process id in a file, and outlives TERM when asked to.
FAMILY = """
import pathlib, signal, subprocess, sys, time
if "deaf" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "300"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(300)
"""


@pytest.fixture
def running(tmp_path: Path):
    """Processes in a folder of their own, all ended afterwards."""
    found = Processes(tmp_path / "run")
    yield found
    found.sweep()


def family(running: Processes, folder: Path, *arguments: str) -> tuple[int, int]:
    """Start a leader with a child and return both process ids."""
    told = folder / "child"
    argv = [sys.executable, "-c", FAMILY, str(told), *arguments]
    leader = running.start("family", argv, ready=lambda: told.exists() and told.read_text() != "")
    return leader, int(told.read_text())


def is_gone(pid: int) -> bool:
    """Tell whether *pid* ends within a second or so; a killed process takes a moment."""
    for _ in range(30):
        if Identity.of(pid) is None:
            return True
        time.sleep(0.05)
    return False


def test_start_returns_when_ready_and_stop_ends_it(running: Processes) -> None:
    """A process is alive between start and stop, and its record is gone with it."""
    pid = running.start("one", SLEEP, ready=lambda: True)
    assert (running.alive("one"), running.names()) == (True, ["one"])
    assert running.stop("one")
    assert (running.alive("one"), running.names(), is_gone(pid)) == (False, [], True)


def test_one_that_dies_before_it_is_ready_raises_with_its_last_lines(running: Processes) -> None:
    """The error carries what the process said, and nothing stays recorded."""
    with pytest.raises(ProcessError, match=r"(?s)ended with 3 before it was ready.*no such flag"):
        running.start("bad", ["sh", "-c", "echo no such flag >&2; exit 3"], ready=lambda: False)
    assert running.names() == []


def test_one_that_never_gets_ready_is_ended(running: Processes) -> None:
    """After the time-out nothing of it is left running."""
    with pytest.raises(ProcessError, match=r"not ready after 0\.2 s"):
        running.start("slow", SLEEP, ready=lambda: False, timeout=0.2)
    assert not running.alive("slow")


def test_an_interrupt_while_waiting_ends_it(running: Processes, tmp_path: Path) -> None:
    """Control-C between start and ready leaves no process."""
    seen: list[int] = []

    def interrupted() -> bool:
        seen.append(json.loads((tmp_path / "run/one.json").read_text())["pid"])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        running.start("one", SLEEP, ready=interrupted)
    assert is_gone(seen[0])


def test_stop_ends_children_and_those_that_ignore_term(running: Processes, tmp_path: Path) -> None:
    """KILL follows TERM, for the whole session."""
    leader, child = family(running, tmp_path, "deaf")
    assert running.stop("family", timeout=0.3)
    assert is_gone(leader)
    assert is_gone(child)


def test_another_instance_finds_and_ends_what_was_left(running: Processes, tmp_path: Path) -> None:
    """A later lab ends the processes of a killed one and says so."""
    pid = running.start("one", SLEEP, ready=lambda: True)
    later = Processes(tmp_path / "run")
    assert later.alive("one")
    assert later.sweep() == ["ended one, left by an earlier lab"]
    assert is_gone(pid)
    assert later.sweep() == []


def test_the_child_of_a_killed_leader_is_ended(running: Processes, tmp_path: Path) -> None:
    """A server killed with -9 leaves its own children in its session; sweep finds them."""
    leader, child = family(running, tmp_path)
    os.kill(leader, signal.SIGKILL)
    assert is_gone(leader)
    assert Identity.of(child) is not None
    assert Processes(tmp_path / "run").sweep() == ["ended family, left by an earlier lab"]
    assert is_gone(child)


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another"}])
def test_a_recycled_process_id_is_never_signalled(tmp_path: Path, change: dict[str, object]) -> None:
    """A record whose start time or boot differs names somebody else's process."""
    with subprocess.Popen(SLEEP, start_new_session=True) as bystander:
        identity = Identity.of(bystander.pid)
        assert identity is not None
        record = {"pid": identity.pid, "started": identity.started, "boot": identity.boot} | change
        (tmp_path / "one.json").write_text(json.dumps(record))
        running = Processes(tmp_path)
        assert (running.alive("one"), running.stop("one"), bystander.poll()) == (False, False, None)
        bystander.kill()


def test_a_torn_record_is_nobody(tmp_path: Path) -> None:
    """A record cut off while it was written is dropped, not an error."""
    (tmp_path / "one.json").write_text('{"pid": 1')
    assert (Processes(tmp_path).alive("one"), Processes(tmp_path).sweep()) == (False, [])
