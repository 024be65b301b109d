"""Run an image as GitHub's runner runs a `uses: docker://` step (ContainerActionHandler.cs).

No action.yml is read, so that inputs are the user's alone, as `INPUT_<NAME>`. The workspace belongs to the runner's
user, and the image runs as its own.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.runner import context, files
from lab.runner.context import Event

_SECONDS = 600
# The user `runner` of GitHub's images.
_RUNNER = 1001
_FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")


@dataclass(frozen=True)
class Ran:
    """What it left: exit status, log (unmasked), outputs and summary as the runner reads them."""

    exit_code: int
    log: str
    outputs: Mapping[str, str]
    summary: str


def run(
    image: str, *, docker: Sequence[str], inputs: Mapping[str, str], event: Event, workspace: Path, temp: Path,
    environment: Mapping[str, str], volumes: Sequence[str] = (), arguments: Sequence[str] = (),
) -> Ran:  # fmt: skip
    """Run *image* once on *event*.

    Parameters: *docker* is the client's command; *inputs* the step's `with:`; *environment* the job's own variables;
    *temp* an empty folder of the machine's; *volumes* as `host:container[:ro]`; *arguments* the step's `args:`.
    """
    folders = {name: temp / name for name in ("home", "workflow", "file_commands")}
    for folder in folders.values():
        folder.mkdir()
    about = context.variables(event, Path("/github/workspace"), temp, temp, folders["workflow"] / "event.json")
    told = {name: f"/github/file_commands/{name}" for name in _FILES}
    variables = {
        **about, **environment, **told, "HOME": "/github/home", "GITHUB_EVENT_PATH": "/github/workflow/event.json",
        **{f"INPUT_{name.upper().replace(' ', '_')}": value for name, value in inputs.items()},
    }  # fmt: skip
    for name in _FILES:
        (folders["file_commands"] / name).touch()
    mounts = [f"{folder}:/github/{name}" for name, folder in folders.items()]
    flags = [part for volume in (*mounts, f"{workspace}:/github/workspace", *volumes) for part in ("-v", volume)]
    # Values reach the container by the client's environment, so that none is in an argument list.
    flags += [part for name in variables for part in ("-e", name)]
    argv = [*docker, "run", "--rm", "--network", "host", "--workdir", "/github/workspace", *flags, image, *arguments]
    _give(workspace, _RUNNER)
    try:
        # The client finds its engine by its own flags; PATH is the image's.
        own = {"PATH": os.environ["PATH"], **variables}
        done = subprocess.run(argv, env=own, capture_output=True, timeout=_SECONDS, check=False)
    finally:
        _give(workspace, os.geteuid())
    said = files.read({name: (folders["file_commands"] / name).read_bytes() for name in _FILES})
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    return Ran(done.returncode, text, said.outputs, said.summary)


def _give(workspace: Path, user: int) -> None:
    """Make *user* the owner of the checkout. Only root can."""
    if os.geteuid() == 0:
        for path in (workspace, *workspace.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)
