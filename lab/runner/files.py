"""The files that a step writes for the runner: GITHUB_OUTPUT, GITHUB_ENV, GITHUB_PATH, GITHUB_STEP_SUMMARY."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

# CreateStepSummaryCommand, and GitHub, "Workflow commands", "Adding a job summary".
SUMMARY_BYTES, MOST_SUMMARIES = 1024 * 1024, 20
TOO_LONG = (
    "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of {}k, got {}k. For more information see: "
    "https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions#adding-a-markdown-summary"
)
# SetEnvFileCommand.
BLOCKED = ("NODE_OPTIONS",)


class FileCommandError(Exception):
    """A file that the runner cannot read; the step fails with this text."""


@dataclass
class Said:
    """What the files of one step say; *problems* in the runner's words, *failed*: the step fails by them."""

    outputs: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    state: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    problems: list[str] = field(default_factory=list)
    failed: bool = False


def read(content: Mapping[str, bytes]) -> Said:
    """Read the files, by the names of their variables. One that can't be read says so, and counts up to there."""
    said = Said()
    parts: dict[str, tuple[str, Callable[[Said, str], None]]] = {
        "path": ("GITHUB_PATH", _paths), "env": ("GITHUB_ENV", _variables), "state": ("GITHUB_STATE", _state),
        "output": ("GITHUB_OUTPUT", _outputs),
    }  # fmt: skip
    for name, (variable, take) in parts.items():
        try:
            take(said, content.get(variable, b"").decode("utf-8", errors="replace"))
        except FileCommandError as error:
            said.failed = True
            said.problems += [f"Unable to process file command '{name}' successfully.", str(error)]
    _summary(said, content.get("GITHUB_STEP_SUMMARY", b""))
    return said


def _paths(said: Said, text: str) -> None:
    said.paths += [line for line in text.splitlines() if line]


def _variables(said: Said, text: str) -> None:
    for name, value in pairs(text):
        if name.upper() in BLOCKED:
            said.problems.append(f"Can't store {name.upper()} output parameter using '$GITHUB_ENV' command.")
        else:
            said.variables[name] = value


def _state(said: Said, text: str) -> None:
    said.state.update(pairs(text))


def _outputs(said: Said, text: str) -> None:
    said.outputs.update(pairs(text))


def _summary(said: Said, data: bytes) -> None:
    if len(data) > SUMMARY_BYTES:
        said.problems.append(TOO_LONG.format(SUMMARY_BYTES // 1024, len(data) // 1024))
    else:
        said.summary = data.decode("utf-8", errors="replace")


def pairs(content: str) -> Iterator[tuple[str, str]]:
    """Read `name=value` and `name<<DELIMITER` blocks. Raises FileCommandError in the runner's words.

    Only a line feed ends a line on Linux: a carriage return before it belongs to the value (FileCommandManager.cs).
    """
    lines = content.split("\n")
    while lines:
        line = lines.pop(0)
        if not line:
            continue
        equals, block = line.find("="), line.find("<<")
        if equals >= 0 and (block < 0 or equals < block):
            name, value = line[:equals], line[equals + 1 :]
        elif block >= 0:
            name, value = line[:block], _block(line, line[block + 2 :], lines)
        else:
            raise FileCommandError(f"Invalid format '{line}'")
        if not name:
            # .NET's text for an argument that is missing: the runner itself does not look at the name.
            raise FileCommandError("Value cannot be null. (Parameter 'name')")
        yield name, value


def _block(line: str, delimiter: str, lines: list[str]) -> str:
    if not delimiter or line.startswith("<<"):
        raise FileCommandError(f"Invalid format '{line}'. Name must not be empty and delimiter must not be empty")
    value: list[str] = []
    while lines:
        row = lines.pop(0)
        if row == delimiter:
            return "\n".join(value)
        if not lines:
            # What follows the last line feed is no line, unless there is something.
            missing = "EOF marker missing new line." if row else f"Matching delimiter not found '{delimiter}'"
            raise FileCommandError(f"Invalid value. {missing}")
        value.append(row)
    raise FileCommandError(f"Invalid value. Matching delimiter not found '{delimiter}'")
