"""Git plumbing on a bare repository: every answer of the lab's GitHub is read from, and every commit is, real git."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OID = re.compile(r"[0-9a-f]{40}")
SHORT_OID = re.compile(r"[0-9a-f]{4,40}")
ZERO = "0" * 40


class GitError(Exception):
    """A git command ended with another status than 0; holds what it wrote to stderr."""


class HeadMoved(Exception):
    """A reference was not at the commit that the update expected; `actual` is where it is."""

    def __init__(self, reference: str, actual: str, expected: str) -> None:
        super().__init__(f"cannot lock ref '{reference}': is at {actual} but expected {expected}")
        self.actual = actual


@dataclass(frozen=True)
class Person:
    """Author or committer; *date* as git writes it: seconds since 1970, blank, offset (`1700000000 +0000`)."""

    name: str
    email: str
    date: str


@dataclass(frozen=True)
class Commit:
    """A commit object."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


@dataclass(frozen=True)
class Entry:
    """One row of a tree: octal *mode* (`100644`), *kind* (`blob`, `tree`, `commit`), size in bytes of a blob."""

    mode: str
    kind: str
    oid: str
    path: str
    size: int | None


class Bare:
    """A bare repository at *path*."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *argv: str, stdin: bytes = b"", variables: Mapping[str, str] | None = None) -> bytes:
        """Run git with *argv*, and *variables* in its environment, and return its stdout. Raises GitError."""
        result = subprocess.run(
            ["git", f"--git-dir={self.path}", *argv],
            input=stdin, capture_output=True, check=False, env=environment() | dict(variables or {}),
        )  # fmt: skip
        if result.returncode:
            raise GitError(result.stderr.decode(errors="replace").strip() or f"git {argv[0]} failed")
        return result.stdout

    def ask(self, *argv: str) -> str | None:
        """Return git's answer as one stripped line, None when git says no."""
        try:
            return self.run(*argv).decode().strip()
        except GitError:
            return None

    def default_branch(self) -> str:
        """Return the branch that HEAD names, whether or not it has a commit."""
        return self.run("symbolic-ref", "--short", "HEAD").decode().strip()

    def references(self, prefix: str = "refs/heads/") -> dict[str, str]:
        """Return every full reference name below *prefix* with its commit."""
        lines = self.run("for-each-ref", "--format=%(refname) %(objectname)", prefix).decode().splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def reference(self, name: str) -> str | None:
        """Return the object at the full reference *name*, None when there is none."""
        return self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", name)

    def commit_of(self, oid: str) -> str | None:
        """Return the full id of the commit that *oid* (full, short, or an annotated tag's) names."""
        return self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{oid}^{{commit}}")

    def kind(self, oid: str) -> str | None:
        """Return `blob`, `tree`, `commit` or `tag`, None for an unknown object."""
        return self.ask("cat-file", "-t", oid)

    def blob(self, oid: str) -> bytes:
        """Return the exact bytes of a blob. Raises GitError."""
        return self.run("cat-file", "blob", oid)

    def entries(self, tree: str, recursive: bool = False, path: str | None = None) -> list[Entry]:
        """List a tree (or commit's tree), folders included, in git's order; only *path* itself when given."""
        flags = ["-r", "-t"] if recursive else []
        only = ["--", path] if path is not None else []
        rows = self.run("ls-tree", "-z", "-l", *flags, tree, *only).split(b"\0")
        return [_entry(row) for row in rows if row]

    def entry(self, tree: str, path: str) -> Entry | None:
        """Return the entry of *path* (no leading or trailing slash), None when there is none."""
        found = self.entries(tree, path=path) if path and not path.endswith("/") else []
        return found[0] if found else None

    def commits(self, oids: Iterable[str]) -> list[Commit]:
        """Read many commits with one process."""
        stdin = "".join(f"{oid}\n" for oid in oids).encode()
        output, commits = self.run("cat-file", "--batch", stdin=stdin), []
        while output:
            header, _, rest = output.partition(b"\n")
            oid, _, size = header.decode().split(" ")
            commits.append(_commit(oid, rest[: int(size)]))
            output = rest[int(size) + 1 :]
        return commits

    def commit(self, oid: str) -> Commit:
        """Read one commit."""
        return self.commits([oid])[0]

    def history(self, *revisions: str, path: str | None = None, limit: int | None = None) -> list[str]:
        """Return commit ids of `git rev-list`, newest first."""
        options = [f"--max-count={limit}"] if limit is not None else []
        only = ["--", path] if path else ["--"]
        return self.run("rev-list", *options, *revisions, *only).decode().split()

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the best common ancestor, None when there is none."""
        return self.ask("merge-base", one, other)

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Tell whether *ancestor* is reachable from *descendant* (a commit is its own ancestor)."""
        return self.ask("merge-base", "--is-ancestor", ancestor, descendant) is not None

    def write_blob(self, content: bytes) -> str:
        """Store *content* as it is, without any conversion, and return its id."""
        return self.run("hash-object", "-w", "--stdin", stdin=content).decode().strip()

    def write_blobs(self, contents: Sequence[bytes]) -> list[str]:
        """Store many blobs with one process and return their ids in order."""
        with tempfile.TemporaryDirectory(prefix="lab-blobs-") as folder:
            paths = [Path(folder) / str(number) for number in range(len(contents))]
            for path, content in zip(paths, contents, strict=True):
                path.write_bytes(content)
            stdin = "".join(f"{path}\n" for path in paths).encode()
            return self.run("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=stdin).decode().split()

    def write_tree(self, base: str | None, changes: Mapping[str, tuple[str, str] | None]) -> str:
        """Return the tree made of *base* (tree or commit) with (mode, blob id) set, or None deleted, by path.

        Raises GitError where a path cannot be (below a file, over a folder).
        """
        with tempfile.TemporaryDirectory(prefix="lab-index-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self.run("read-tree", *([base] if base else ["--empty"]), variables=index)
            lines = [_index_line(path, change) for path, change in changes.items()]
            self.run("update-index", "-z", "--index-info", stdin=b"".join(lines), variables=index)
            return self.run("write-tree", variables=index).decode().strip()

    def write_commit(self, tree: str, parents: Sequence[str], message: str, author: Person, committer: Person) -> str:
        """Store a commit and return its id; *message* is kept as it is."""
        arguments = [part for parent in parents for part in ("-p", parent)]
        variables = {
            f"GIT_{role}_{field}": value
            for role, person in (("AUTHOR", author), ("COMMITTER", committer))
            for field, value in (("NAME", person.name), ("EMAIL", person.email), ("DATE", person.date))
        }
        return self.run("commit-tree", tree, *arguments, stdin=message.encode(), variables=variables).decode().strip()

    def move(self, reference: str, new: str, expected: str) -> None:
        """Point *reference* at *new* only if it is at *expected* (ZERO: must not exist). Raises HeadMoved."""
        try:
            self.run("update-ref", reference, new, expected)
        except GitError:
            actual = self.reference(reference) or ZERO
            if actual == expected:
                raise
            raise HeadMoved(reference, actual, expected) from None

    def delete(self, reference: str) -> None:
        """Delete *reference*. Raises GitError."""
        self.run("update-ref", "-d", reference)


def environment() -> dict[str, str]:
    """Return an environment for git in which no setting of the machine or the user counts."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return kept | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}


def _index_line(path: str, change: tuple[str, str] | None) -> bytes:
    mode, oid = change or ("0", ZERO)
    return f"{mode} {oid}\t{path}\0".encode(errors="surrogateescape")


def _entry(row: bytes) -> Entry:
    head, _, path = row.partition(b"\t")
    mode, kind, oid, size = head.decode().split()
    return Entry(mode, kind, oid, path.decode(errors="surrogateescape"), int(size) if size != "-" else None)


def _commit(oid: str, content: bytes) -> Commit:
    head, _, message = content.decode(errors="replace").partition("\n\n")
    fields: dict[str, list[str]] = {}
    for line in head.splitlines():
        name, _, value = line.partition(" ")
        fields.setdefault(name, []).append(value)
    author, committer = _person(fields["author"][0]), _person(fields["committer"][0])
    return Commit(oid, fields["tree"][0], tuple(fields.get("parent", ())), author, committer, message)


def _person(value: str) -> Person:
    name, _, rest = value.rpartition(" <")
    email, _, date = rest.partition("> ")
    return Person(name, email, date)
