"""lab/FIDELITY.md read as a table, and which row an operation is in."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "lab" / "FIDELITY.md"
# The registry's wire is counted by the kind of a path; what else a call is named after stands in a row as it is.
_WIRE = {
    "base": "/v2/",
    "uploads": "/blobs/uploads",
    "upload": "/blobs/uploads",
    "blob": "/blobs/{}",
    "manifest": "/manifests/{}",
    "tags": "/tags/list",
    "referrers": "/referrers/{}",
}
_NAMED = {"oidc:GET token": "token request of a job", "layers:GET layer": "GetDownloadUrlForLayer"}
_SERVICES = ("ecr", "sts", "secretsmanager", "ssm")
_METHODS = re.compile(r"\b(GET|HEAD|POST|PUT|PATCH|DELETE)\b")


@dataclass(frozen=True)
class Row:
    """One row: the *section* it is in, and its cells."""

    section: str
    cells: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the row is about."""
        return self.cells[0].strip()

    @property
    def tests(self) -> list[tuple[str, str]]:
        """File and function of each test; no function: all of the file."""
        return re.findall(r"`(test_\w+\.py)(?:::(\w+))?`", self.cells[3])

    @property
    def calls(self) -> set[str]:
        """The requests in the row's name, each as `METHOD /path` with `{}` for what differs."""
        spans = re.findall(r"`([^`]*)`", self.name)
        methods = [method for span in spans for method in _METHODS.findall(span)]
        paths = [_METHODS.sub("", span).strip() for span in spans if "/" in span]
        return {f"{method} {_plain(path)}" for method, path in itertools.product(methods, paths)}


def rows(text: str) -> list[Row]:
    """All rows of the document *text*, without the tables' heads."""
    found, section = [], ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ").partition(" (")[0].partition(",")[0]
        elif line.startswith("|") and not line.startswith("|---") and "aithful |" not in line:
            found.append(Row(section, tuple(re.split(r"(?<!\\)\|", line)[1:-1])))
    return found


ROWS = rows(FILE.read_text(encoding="utf-8"))


def without_row(operations: Iterable[str], table: Collection[Row] = tuple(ROWS)) -> list[str]:
    """Those of *operations*, as the lab names them (`GET /_lab/operations`), that no row of *table* is about."""
    return sorted(one for one in operations if not any(_is_about(row, one) for row in table))


def _is_about(row: Row, operation: str) -> bool:
    service, _, name = operation.partition(":")
    if service == "registry":
        method, _, kind = name.partition(" ")
        return row.section == "Registry" and f"{method} {_WIRE.get(kind, kind)}" in row.calls
    if operation in _NAMED or service in _SERVICES:
        wanted = _NAMED.get(operation, name)
        return row.section in ("ECR API", "STS") and re.search(rf"\b{wanted}\b", row.name) is not None
    method, _, path = operation.partition(" ")
    if path.startswith("/"):
        return row.section == "GitHub" and f"{method} {_plain(path)}" in row.calls
    return row.section == "GitHub" and (f"`{operation}`" in row.name or operation == row.name)


def _plain(path: str) -> str:
    """*path* below its repository, as all documents can name it; a parameter is `{}`."""
    path = path.replace("<account>", "{}").removeprefix("...")
    path = re.sub(r"^/repos/\{[\w]+\}/\{[\w]+\}", "", path)
    path = re.sub(r"\{\w+\*?\}(\.\.\.\{\w+\})?|<\w+>", "{}", path).rstrip("?")
    return path if path == "/v2/" else path.rstrip("/")
