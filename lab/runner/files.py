"""The files that a step writes for the runner: GITHUB_OUTPUT, GITHUB_ENV, GITHUB_PATH, GITHUB_STEP_SUMMARY."""

from __future__ import annotations

SUMMARY_BYTES = 1024 * 1024


class FileCommandError(Exception):
    """A file that the runner cannot read; the step fails with this text."""


def pairs(content: str) -> dict[str, str]:
    """Read `name=value` and `name<<DELIMITER` blocks. Raises FileCommandError in the runner's words.

    Only a line feed ends a line on Linux: a carriage return before it belongs to the value (FileCommandManager.cs).
    """
    found: dict[str, str] = {}
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
            raise FileCommandError(f"Invalid format '{line}'. Name must not be empty")
        found[name] = value
    return found


def _block(line: str, delimiter: str, lines: list[str]) -> str:
    if not delimiter:
        raise FileCommandError(f"Invalid format '{line}'. Name must not be empty and delimiter must not be empty")
    value: list[str] = []
    while lines:
        row = lines.pop(0)
        if row == delimiter:
            return "\n".join(value)
        value.append(row)
    raise FileCommandError(f"Invalid value. Matching delimiter not found '{delimiter}'")
