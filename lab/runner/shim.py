"""Start the steps of a composite action as GitHub's runner does.

What is copied is the behaviour of actions/runner where it differs from a plain shell, and from `act`: inputs reach a
step only through its `env:`, in the user's spelling and all as strings; no `INPUT_*`; workflow commands, masks and the
files of the runner are read as the runner reads them.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import processes
from lab.runner import context, expressions, jobs, process
from lab.runner import files as runner_files
from lab.runner.action import Action, ActionError, Step, read
from lab.runner.commands import Annotation, Reader
from lab.runner.container import Container, Started, started
from lab.runner.masks import Masks
from lab.runner.process import Ended, Output, Patience

TOOL_CACHE = Path(__file__).resolve().parents[2] / ".lab" / "cache" / "tools"
FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
PATIENCE = Patience()
# The runner's own below RUNNER_TEMP.
_FOLDERS = ("_runner_file_commands", "_github_workflow", "_github_home")
# A composite `run` step has neither: inputs come through `env:`, and only node and container actions get the token.
_WITHHELD = re.compile(r"INPUT_.*|ACTIONS_RUNTIME_TOKEN|ACTIONS_RUNTIME_URL|ACTIONS_RESULTS_URL|ACTIONS_CACHE_URL")


@dataclass(frozen=True)
class StepResult:
    """What a `uses:` step left behind.

    *log* is what a person reads (masked), *raw* the bytes that the processes wrote; *outputs* are what later steps of
    the job read, *job_outputs* what reaches another job: those that hold a hidden value are gone. *written* holds the
    runner's files as the steps wrote them (by variable name, `GITHUB_OUTPUT` and so on, one after the other),
    *leftovers* the paths below RUNNER_TEMP that the action did not remove, *conclusion* is success, failure or
    cancelled.
    """

    exit_code: int
    log: str
    raw: bytes
    outputs: dict[str, str]
    job_outputs: dict[str, str]
    summary: str
    annotations: list[Annotation]
    masks: list[str]
    written: dict[str, bytes]
    leftovers: list[str]
    conclusion: str


@dataclass
class _Job:
    """The state of one run."""

    action: Action
    inputs: dict[str, str]
    token: str
    environment: dict[str, str]
    workspace: Path
    temp: Path
    reader: Reader
    timeout: float
    echo: Callable[[str], None] | None
    cancelling: threading.Event
    patience: Patience
    started: Started | None = None
    given: dict[str, str] = field(init=False)
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: bool = False
    cancelled: bool = False
    exit_code: int = 0
    raw: bytes = b""
    summaries: list[str] = field(default_factory=list)
    shown: int = 0
    written: dict[str, bytes] = field(default_factory=lambda: dict.fromkeys(FILES, b""))

    def __post_init__(self) -> None:
        self.given = dict(self.environment)

    def contexts(self, step_env: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return what an expression may name."""
        variables = {**self.environment, **(step_env or {})}
        github = {
            key.removeprefix("GITHUB_").lower(): value
            for key, value in self.environment.items() if key.startswith("GITHUB_")
        }  # fmt: skip
        return {
            "inputs": self.inputs, "steps": self.steps, "env": variables,
            "github": github | {"token": self.token, "action_path": str(self.action.path)},
            "runner": {"os": self.environment["RUNNER_OS"], "temp": str(self.temp)},
            "toJSON": expressions.to_json, "always": lambda: True, "cancelled": lambda: self.cancelled,
            "success": lambda: not self.failed and not self.cancelled,
            "failure": lambda: self.failed and not self.cancelled,
        }  # fmt: skip

    @property
    def own(self) -> dict[str, str]:
        """The variables that are the runner's alone."""
        return {name: value for name, value in self.given.items() if name.startswith(("GITHUB_", "RUNNER_"))}

    def cancel(self) -> threading.Event:
        """What cancels the next step: a job is cancelled once, the steps that run all the same are left alone."""
        return threading.Event() if self.cancelled else self.cancelling

    def hear(self, chunk: bytes) -> None:
        """Keep what a process wrote as it is."""
        self.raw += chunk

    def line(self, line: bytes) -> None:
        """Take a line that a process wrote."""
        self.reader.line(line.decode("utf-8", errors="replace"))
        self.tell()

    def tell(self) -> None:
        """Hand the new lines of the log to whoever listens."""
        for line in self.reader.lines[self.shown :]:
            if self.echo:
                self.echo(line)
        self.shown = len(self.reader.lines)


def run(
    action: Path,
    *,
    with_: Mapping[str, str],
    event: str,
    payload: Mapping[str, Any],
    repository: str,
    workspace: Path,
    environment: Mapping[str, str],
    ref: str | None = None,
    sha: str | None = None,
    token: str = "",
    secrets: Collection[str] = (),
    timeout: float = 600.0,
    echo: Callable[[str], None] | None = None,
    cancelled: threading.Event | None = None,
    patience: Patience = PATIENCE,
    container: Container | None = None,
) -> StepResult:
    """Run the composite action in the folder *action* once, as a `uses:` step of a job on *event*.

    *with_* is the step's `with:` after evaluation; *environment* the job's own variables (they win over the runner's
    defaults, so GITHUB_API_URL and the like go here; PATH and HOME are the machine's unless given); *token* is
    `github.token`, *secrets* every value of the `secrets` context: both are hidden from the first line on. *timeout*
    in seconds for each step, *echo* gets every line of the log as it comes. *cancelled*: the job is cancelled when it
    is set, with the *patience* that the runner has. *container*: the job runs in one, and PATH, HOME and LANG are its
    own. RUNNER_TEMP is new and removed at the end.
    Raises ActionError, ExpressionError where the runner would refuse the action itself.
    """
    loaded = read(action.resolve())
    masks = Masks([token, *secrets])
    with _runner_temp() as temp:
        job = _Job(
            loaded, {}, token, _environment(event, payload, repository, workspace, environment, ref, sha, temp),
            workspace, temp, Reader(masks, debug=environment.get("RUNNER_DEBUG") == "1"), timeout, echo,
            cancelled or threading.Event(), patience,
        )  # fmt: skip
        tools = Path(job.environment["RUNNER_TOOL_CACHE"])
        with contextlib.ExitStack() as rest:
            rest.callback(_end_orphans, job)
            job.started = rest.enter_context(started(container, workspace, loaded.path, temp, tools))
            _take_inputs(job, with_)
            for step in loaded.steps:
                _run_step(job, step)
        outputs = {name: expressions.interpolate(text, job.contexts()) for name, text in loaded.outputs.items()}
        leftovers = sorted(str(path.relative_to(temp)) for path in temp.rglob("*") if _own(path.relative_to(temp)))
    kept = jobs.kept(outputs, job.reader)
    if jobs.are_too_large(kept):
        job.reader.issue("error", "The outputs of the job are larger than 1 MB.")
        job.failed, job.exit_code, kept = True, job.exit_code or 1, {}
    job.tell()
    return StepResult(
        job.exit_code, "\n".join(job.reader.lines) + "\n", job.raw, outputs, kept,
        "".join(job.summaries[: runner_files.MOST_SUMMARIES]), job.reader.annotations, list(masks.values), job.written,
        leftovers, "cancelled" if job.cancelled else "failure" if job.failed else "success",
    )  # fmt: skip


@contextlib.contextmanager
def _runner_temp() -> Iterator[Path]:
    """Make RUNNER_TEMP, and wipe it whatever is in it."""
    path = Path(tempfile.mkdtemp(prefix="runner-temp-"))
    try:
        for folder in _FOLDERS:
            (path / folder).mkdir()
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _own(path: Path) -> bool:
    return path.parts[0] not in _FOLDERS and not path.name.startswith("_script_")


def _environment(
    event: str, payload: Mapping[str, Any], repository: str, workspace: Path, environment: Mapping[str, str],
    ref: str | None, sha: str | None, temp: Path,
) -> dict[str, str]:  # fmt: skip
    tools = Path(environment.get("RUNNER_TOOL_CACHE", TOOL_CACHE))
    tools.mkdir(parents=True, exist_ok=True)
    about = context.event(event, payload, repository, workspace, ref, sha)
    machine = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    own = context.variables(about, workspace, temp, tools, temp / "_github_workflow" / "event.json")
    job = machine | own | dict(environment) | {process.TRACKING: f"github_{uuid.uuid4()}"}
    return {key: value for key, value in job.items() if not _WITHHELD.fullmatch(key)}


def _take_inputs(job: _Job, with_: Mapping[str, str]) -> None:
    """Fill the inputs as ActionRunner does: the user's first, in his spelling, then defaults of what he left out."""
    job.inputs.update((name, str(value)) for name, value in with_.items())
    given, declared = {name.lower() for name in with_}, {name.lower() for name in job.action.inputs}
    unknown = [name for name in with_ if name.lower() not in declared]
    if unknown:
        names = ", ".join(f"'{name}'" for name in unknown)
        valid = ", ".join(f"'{name}'" for name in job.action.inputs)
        job.reader.issue("warning", f"Unexpected input(s) {names}, valid inputs are [{valid}]")
    for name, default in job.action.inputs.items():
        if name.lower() not in given:
            job.inputs[name] = expressions.interpolate(default or "", job.contexts())


def _run_step(job: _Job, step: Step) -> None:
    if not expressions.condition(step.condition, job.contexts()):
        job.steps[step.id] = {"outputs": {}, "outcome": "skipped", "conclusion": "skipped"}
        return
    job.reader.failed = False
    env = {key: expressions.interpolate(value, job.contexts()) for key, value in step.env.items()}
    script = expressions.interpolate(step.run, job.contexts(env))
    files = {name: job.temp / "_runner_file_commands" / f"{name}_{step.id}" for name in FILES}
    for file in files.values():
        file.touch()
    script_file = job.temp / f"_script_{step.id}.sh"
    script_file.write_text(script, encoding="utf-8")
    _show_header(job, step, script, env)
    # Nobody sets the runner's own variables: not the step's `env:`, not GITHUB_ENV.
    variables = job.environment | env | job.own | {name: str(file) for name, file in files.items()}
    variables |= {"GITHUB_ACTION_PATH": str(job.action.path), "GITHUB_ACTION": step.id}
    ended = _start(job, step, script_file, variables)
    outputs = _read_files(job, files)
    bad = bool(ended.code) or job.reader.failed
    outcome = "cancelled" if ended.cancelled else "failure" if bad else "success"
    conclusion = "success" if step.continue_on_error and not ended.cancelled else outcome
    job.steps[step.id] = {"outputs": outputs, "outcome": outcome, "conclusion": conclusion}
    if conclusion != "success":
        job.failed, job.exit_code = conclusion == "failure", job.exit_code or ended.code or 1
    job.tell()


def _show_header(job: _Job, step: Step, script: str, env: Mapping[str, str]) -> None:
    lines = script.rstrip("\n").split("\n")
    job.reader.show(f"##[group]Run {lines[0]}")
    for line in lines:
        job.reader.show(line)
    job.reader.show(f"shell: {' '.join(step.command(Path('{0}')))}")
    if env:
        job.reader.show("env:")
        for key, value in env.items():
            job.reader.show(f"  {key}: {value}")
    job.reader.show("##[endgroup]")
    job.tell()


def _start(job: _Job, step: Step, script: Path, variables: dict[str, str]) -> Ended:
    folder = job.workspace / (step.working_directory or "")
    argv = step.command(script)
    if job.started:
        argv = job.started.command(argv, folder, list(variables))
        folder, variables = job.workspace, job.started.variables(variables)
    output = Output(job.hear, job.line)
    try:
        ended = process.run(argv, folder, variables, output, timeout=job.timeout, cancelled=job.cancel(),
                            patience=job.patience)  # fmt: skip
    except OSError as error:
        job.reader.issue("error", f"An error occurred trying to start process '{argv[0]}' with working directory "
                         f"'{folder}'. {error.strerror}")  # fmt: skip
        return Ended(1)
    if ended.cancelled:
        job.cancelled = True
        job.reader.issue("error", "The operation was canceled.")
    elif ended.late:
        job.reader.issue("error", f"The step ran for more than {job.timeout:g} seconds and was stopped.")
        return Ended(124, late=True)
    elif ended.code:
        job.reader.issue("error", f"Process completed with exit code {ended.code}.")
    return ended


def _end_orphans(job: _Job) -> None:
    """End what the steps left running, wherever it has gone (JobExtension.cs, at the end of the job)."""
    found = process.orphans(job.environment[process.TRACKING])
    for pid, name in found.items():
        job.reader.show(f"Terminate orphan process: pid ({pid}) ({name})")
    processes.kill(found)


def _read_files(job: _Job, files: Mapping[str, Path]) -> dict[str, str]:
    content = {name: file.read_bytes() if file.exists() else b"" for name, file in files.items()}
    for name, data in content.items():
        job.written[name] += data
    said = runner_files.read(content)
    for problem in said.problems:
        job.reader.issue("error", problem)
    job.reader.failed = job.reader.failed or said.failed
    job.environment.update(said.variables)
    job.environment["PATH"] = os.pathsep.join([*reversed(said.paths), job.environment.get("PATH", "")])
    if said.summary:
        job.summaries.append(job.reader.masks.hide(said.summary))
    return said.outputs


__all__ = ["ActionError", "Annotation", "StepResult", "run"]
