"""The composite step's script finds a Python that will do, in every sh."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from .source import ROOT
from .starting import script

SCRIPT: str = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"][0]["run"]
SHELLS = {
    "sh": ["sh"],
    "dash": ["dash"],
    "bash": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "zsh": ["zsh", "--emulate", "sh"],
}
TITLE = "::error title=ecr-publish could not start::"
OLD = 'case "$*" in *exit*) exit 1 ;; *) printf 3.8.10 ;; esac'


@pytest.fixture(params=[name for name, command in SHELLS.items() if shutil.which(command[0])])
def shell(request: pytest.FixtureRequest) -> list[str]:
    """Each sh of this machine, called as a runner calls it."""
    name, *options = SHELLS[request.param]
    return [str(shutil.which(name)), *options, "-e"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An empty folder that is all of PATH."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "run.sh").write_text(SCRIPT)
    (tmp_path / "bootstrap.py").write_text("import sys; print('started', sys.flags.isolated, sys.argv)")
    return tmp_path / "bin"


def run(shell: list[str], path: Path, **more: str) -> tuple[int, str, str]:
    """Run the script; exit status, stdout, stderr."""
    environment = {"PATH": str(path), "GITHUB_ACTION_PATH": str(path.parent), "RUNNER_TOOL_CACHE": "/nowhere"} | more
    done = subprocess.run(
        [*shell, str(path.parent / "run.sh")], env=environment, capture_output=True, text=True, check=False, timeout=30
    )
    return done.returncode, done.stdout, done.stderr


def started(path: Path) -> tuple[int, str, str]:
    """What a start that went well looks like."""
    return 0, f"started 1 ['{path.parent}/bootstrap.py']\n", ""


def test_python3_of_the_path(shell: list[str], path: Path) -> None:
    """The job's own Python is taken, and nothing is printed."""
    (path / "python3").symlink_to(sys.executable)
    assert run(shell, path) == started(path)


def test_a_newer_one_beside_an_older(shell: list[str], path: Path) -> None:
    """An old python3 does not hide a newer one that has its version in its name."""
    script(path / "python3", OLD)
    script(path / "python3.11", "echo shim: not installed >&2; exit 127")
    (path / "python3.10").symlink_to(sys.executable)
    assert run(shell, path) == started(path)


def test_the_tool_caches(shell: list[str], path: Path) -> None:
    """Where PATH has none, the tool cache's is taken, also from a folder with a space."""
    folder = path.parent / "tool cache" / "Python" / "3.12.4" / "x64" / "bin"
    folder.mkdir(parents=True)
    (folder / "python3").symlink_to(sys.executable)
    assert run(shell, path, RUNNER_TOOL_CACHE=str(path.parent / "tool cache")) == started(path)


def test_none_at_all(shell: list[str], path: Path) -> None:
    """A machine without Python is told so in one annotation, with the step to add."""
    status, out, err = run(shell, path)
    assert (status, err, out.count("\n")) == (1, "", 1)
    assert out.startswith(f"{TITLE}ecr-publish needs Python 3.10 or newer. There is no Python on this machine.%0AFix: ")
    assert "%0A- uses: actions/setup-python@v6%0A  with:%0A" in out


def test_only_older_ones(shell: list[str], path: Path) -> None:
    """The older ones that were found are named."""
    script(path / "python3", OLD)
    script(path / "python", OLD.replace("3.8.10", "2.7.18"))
    script(path / "python3.13", "echo shim: not installed >&2; exit 127")
    status, out, err = run(shell, path)
    assert (status, err) == (1, "")
    assert out.startswith(f"{TITLE}ecr-publish needs Python 3.10 or newer. Found only older ones: 3.8.10 2.7.18")


def test_nothing_in_the_inputs_reaches_the_script(shell: list[str], path: Path) -> None:
    """Text of the inputs is data: the script has no place where a shell would read it."""
    (path / "python3").symlink_to(sys.executable)
    hostile = '{"tags": "$(touch pwned) `touch pwned` \\"; touch pwned; \\""}'
    assert run(shell, path, ECR_PUBLISH_INPUTS=hostile) == started(path)
    assert not (Path(os.getcwd()) / "pwned").exists()
