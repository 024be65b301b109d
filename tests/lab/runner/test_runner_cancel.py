"""A cancelled job: which process hears of it, what it hears, and what becomes of the rest of the job.

No test waits: where a signal must be obeyed the time for it is long, where it is ignored the time is over at once.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from lab.runner.process import Patience

LONG, SHORT = 600.0, 0.05
PYTHON = f"{sys.executable} -u {{0}}"
DEAF = "import signal, time\nfor one in %s: signal.signal(one, signal.SIG_IGN)\nprint('ready')\ntime.sleep(600)\n"
BOTH, FIRST = "(signal.SIGINT, signal.SIGTERM)", "(signal.SIGINT,)"


def cancelled(run: Any, *steps: Any, interrupt: float = LONG, terminate: float = LONG) -> Any:
    """Run *steps* and cancel the job when one of them has written `ready`."""
    event = threading.Event()

    def heard(line: str) -> None:
        if line == "ready":
            event.set()

    patience = Patience(interrupt, terminate, SHORT)
    return run(*steps, cancelled=event, patience=patience, echo=heard)


def test_the_times_are_the_runners_own() -> None:
    """7.5 seconds after SIGINT, 2.5 after SIGTERM, five for output that stays open (ProcessInvoker.cs)."""
    assert Patience() == Patience(interrupt=7.5, terminate=2.5, drain=5.0)


CLEAN_UP = """
import signal, sys, time
def stop(number, frame):
    print("heard", number)
    open({file!r}, "a").write("said=clean\\n")
    sys.exit(5)
signal.signal(signal.{name}, stop)
print("ready")
time.sleep(600)
"""


@pytest.mark.parametrize(("name", "number", "interrupt"), [("SIGINT", 2, LONG), ("SIGTERM", 15, SHORT)])
def test_a_process_may_clean_up(run: Any, name: str, number: int, interrupt: float) -> None:
    """It hears SIGINT first and SIGTERM where it did not end by that; what it then writes for the runner counts."""
    step = "import os\n" + CLEAN_UP.replace("{file!r}", "os.environ['GITHUB_OUTPUT']").replace("{name}", name)
    step = step.replace("import signal, sys, time", "import signal, sys, time\nsignal.signal(2, signal.SIG_IGN)")
    result = cancelled(run, {"run": step, "shell": PYTHON}, interrupt=interrupt)
    assert (result.conclusion, result.exit_code) == ("cancelled", 5)
    assert result.outputs == {"said": "clean"}
    assert result.raw == f"ready\nheard {number}\n".encode()
    assert [one.message for one in result.annotations] == ["The operation was canceled."]


@pytest.mark.parametrize(
    ("deaf", "code", "times"), [(FIRST, 128 + 15, (SHORT, LONG)), (BOTH, 128 + 9, (SHORT, SHORT))]
)
def test_a_deaf_process_is_ended(run: Any, deaf: str, code: int, times: tuple[float, float]) -> None:
    """Who ignores SIGINT gets SIGTERM, who ignores both is killed."""
    result = cancelled(run, {"run": DEAF % deaf, "shell": PYTHON}, interrupt=times[0], terminate=times[1])
    assert (result.conclusion, result.exit_code) == ("cancelled", code)


CHILD = (
    "import signal, sys, time\n"
    "signal.signal(2, lambda *_: sys.exit(9))\n"
    "signal.signal(15, lambda *_: sys.exit(8))\n"
)
PARENT = f"""
import signal, subprocess, sys, time
asked = []
signal.signal(signal.SIGINT, lambda *_: asked.append(1))
child = subprocess.Popen([sys.executable, "-u", "-c", {CHILD + "print('ready'); time.sleep(600)"!r}])
while not asked:
    time.sleep(0.02)
child.terminate()
sys.exit(child.wait())
"""


def test_only_the_steps_own_process_hears_of_it(run: Any) -> None:
    """Its children hear nothing: who has some ends them."""
    assert cancelled(run, {"run": PARENT, "shell": PYTHON}).exit_code == 8


def test_a_shell_hands_itself_over_by_exec(run: Any) -> None:
    """`sh` waits for its program before it obeys, and the program hears nothing; by `exec` it is the step's process."""
    program = f"{sys.executable} -u -c '{CHILD}print(\"ready\"); time.sleep(600)'"
    assert cancelled(run, f"exec {program}").exit_code == 9
    assert cancelled(run, f"{program}\ntrue", interrupt=SHORT).exit_code == 128 + 15


def test_what_still_runs_at_the_end_is_ended(run: Any) -> None:
    """Orphans are known by a variable in their environment, in whatever session they are."""
    step = {"run": f'setsid {sys.executable} -u -c "$CODE" & wait', "env": {"CODE": DEAF % BOTH}}
    result = cancelled(run, step, interrupt=SHORT)
    assert result.conclusion == "cancelled"
    assert [line for line in result.log.splitlines() if line.startswith("Terminate orphan process: pid (")]


def test_steps_after_a_cancelled_one(run: Any) -> None:
    """always() and cancelled() run, and are not cancelled again; success() and failure() do not."""
    names = ("always", "cancelled", "success", "failure")
    later = [{"run": f"sleep 0.3; echo {name}", "if": f"{name}()"} for name in names]
    told = {"run": "echo ${{ steps.main.outcome }}", "if": "always()"}
    result = cancelled(run, {"run": DEAF % FIRST, "shell": PYTHON}, *later, told, interrupt=SHORT)
    assert result.raw == b"ready\nalways\ncancelled\ncancelled\n"
