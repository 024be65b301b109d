"""A job in a container: which paths its steps see, and which are the host's."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.busybox import IMAGE
from lab.lab import Lab
from lab.paths import ROOT, Paths
from lab.runner.container import Container
from lab.runner.process import Patience


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    """A container of the lab's base image, which has `sh` and no `bash`.

    `make fidelity` tries several copies of the checkout at once, and a machine has one lab at a time.
    """
    ROOT.mkdir(exist_ok=True)
    with (ROOT / "runner.lock").open("w") as lock, contextlib.ExitStack() as rest:
        fcntl.flock(lock, fcntl.LOCK_EX)
        environment = rest.enter_context(Lab(Paths(name="runner"), parts=("engine",)))
        docker = shutil.which("docker", path=environment["PATH"])
        assert docker is not None
        yield Container(IMAGE, docker, environment["DOCKER_HOST"])


def test_a_step_sees_the_containers_paths(run: Any, container: Container, tmp_path: Path) -> None:
    """GitHub's own variables, the working folder, and each variable that begins with a folder of the host."""
    names = ("GITHUB_WORKSPACE", "GITHUB_ACTION_PATH", "RUNNER_TEMP", "RUNNER_TOOL_CACHE", "GITHUB_EVENT_PATH", "HOME")
    step = "".join(f'echo "${name}"; test -e "${name}"\n' for name in names)
    result = run(
        {"run": step + 'pwd; echo "$OWN"; echo "$TEXT"; echo "said=x" >> "$GITHUB_OUTPUT"',
         "env": {"OWN": "${{ github.action_path }}/own", "TEXT": "at ${{ runner.temp }}"}}, container=container,
    )  # fmt: skip
    *lines, text = result.raw.decode().splitlines()
    assert lines == [
        "/__w/workspace/workspace", "/__w/_actions/action", "/__w/_temp", "/__t", "/github/workflow/event.json",
        "/github/home", "/__w/workspace/workspace", "/__w/_actions/action/own",
    ]  # fmt: skip
    assert "__w" not in text
    assert text.startswith("at /")
    assert (result.exit_code, result.outputs) == (0, {"said": "x"})


@pytest.mark.parametrize("expression", ["github.action_path", "github.workspace", "runner.temp"])
def test_an_expressions_path_is_the_hosts_and_not_there(run: Any, container: Container, expression: str) -> None:
    """In the text of a script nothing is translated."""
    result = run(f"ls ${{{{ {expression} }}}}", container=container)
    assert result.exit_code == 1
    assert b"No such file or directory" in result.raw


def test_a_shell_that_the_image_has_not(run: Any, container: Container) -> None:
    """`bash` is found in the container or nowhere."""
    result = run({"run": "true", "shell": "bash"}, container=container)
    assert result.exit_code in (126, 127)
    assert b'"bash": executable file not found in $PATH' in result.raw


def test_a_step_hears_no_signal_and_goes_with_its_container(run: Any, container: Container) -> None:
    """Signals reach `docker exec` alone, so that nothing in the container can clean up."""
    event = threading.Event()
    result = run(
        "trap 'echo heard' INT TERM; echo ready; while :; do sleep 0.1; done", container=container, cancelled=event,
        patience=Patience(0.5, 0.5, 0.05), echo=lambda line: event.set() if line == "ready" else None,
    )  # fmt: skip
    assert (result.conclusion, result.raw) == ("cancelled", b"ready\n")
