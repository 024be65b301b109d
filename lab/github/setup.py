"""Make, change and look at the lab's bare repositories from outside the server, for the demo and the tests."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.github import git

DEVELOPER = ("Ada Developer", "ada@example.com")


@dataclass(frozen=True)
class Logged:
    """One commit of a branch: id, `name <email>` of author and committer, first line of its message."""

    oid: str
    author: str
    committer: str
    subject: str


def repository(state: Path, full_name: str) -> Path:
    """Return where the bare repository of `owner/name` lies below the server's *state* folder."""
    owner, name = full_name.split("/")
    return state / "repos" / owner / f"{name}.git"


def create(
    state: Path,
    full_name: str,
    files: Mapping[str, str | bytes] | None = None,
    *,
    branch: str = "main",
    date: str | None = None,
    message: str = "Initial commit",
) -> Path:
    """Make the bare repository `owner/name` unless it is there, with one commit of *files* when given.

    *date* is git's form (`1700000000 +0000`); with a fixed one the commit id is fixed too. Returns its folder.
    """
    bare = repository(state, full_name)
    if not (bare / "HEAD").exists():
        bare.mkdir(parents=True, exist_ok=True)
        git.Bare(bare).run("init", "--quiet", "--bare", f"--initial-branch={branch}", str(bare))
        git.Bare(bare).run("config", "http.receivepack", "true")
        if files is not None:
            commit(bare, files, message, branch=branch, date=date)
    return bare


def commit(
    bare: Path,
    files: Mapping[str, str | bytes | tuple[str, str | bytes] | None],
    message: str,
    *,
    branch: str = "main",
    date: str | None = None,
    author: tuple[str, str] = DEVELOPER,
) -> str:
    """Commit *files* on *branch* (made when missing) and return the new commit's id.

    A file is its content, (octal mode, content) or None to delete it; an existing file keeps its mode.
    """
    repo, reference = git.Bare(bare), f"refs/heads/{branch}"
    head = repo.reference(reference)
    modes = {entry.path: entry.mode for entry in repo.entries(head, recursive=True)} if head else {}
    written = {
        path: _mode_and_content(file, modes.get(path, "100644")) for path, file in files.items() if file is not None
    }
    oids = repo.write_blobs([content for _, content in written.values()])
    changes: dict[str, tuple[str, str] | None] = dict.fromkeys(files)
    changes |= {path: (mode, oid) for (path, (mode, _)), oid in zip(written.items(), oids, strict=True)}
    person = git.Person(*author, date or f"{int(time.time())} +0000")
    text = message if message.endswith("\n") else message + "\n"
    new = repo.write_commit(repo.write_tree(head, changes), [head] if head else [], text, person, person)
    repo.move(reference, new, head or git.ZERO)
    return new


def _mode_and_content(file: str | bytes | tuple[str, str | bytes], mode: str) -> tuple[str, bytes]:
    mode, content = file if isinstance(file, tuple) else (mode, file)
    return mode, content.encode() if isinstance(content, str) else content


def branch(bare: Path, name: str, at: str) -> None:
    """Make or move the branch *name* to the commit *at*."""
    git.Bare(bare).run("update-ref", f"refs/heads/{name}", at)


def tag(bare: Path, name: str, at: str) -> None:
    """Make or move the lightweight tag *name* to the commit *at*."""
    git.Bare(bare).run("update-ref", f"refs/tags/{name}", at)


def push(work_tree: Path, bare: Path, *refspecs: str) -> None:
    """Push *refspecs* (default: HEAD to main) of a work tree into the bare repository. Raises CalledProcessError."""
    argv = ["git", "-C", str(work_tree), "push", "--quiet", str(bare), *(refspecs or ("HEAD:refs/heads/main",))]
    subprocess.run(argv, check=True, capture_output=True, env=git.environment())


def head(bare: Path, branch: str = "main") -> str:
    """Return the commit id of *branch*. Raises GitError when there is none."""
    return git.Bare(bare).run("rev-parse", "--verify", f"refs/heads/{branch}").decode().strip()


def read(bare: Path, path: str, revision: str = "HEAD") -> bytes:
    """Return the exact bytes of *path* at *revision*. Raises GitError."""
    return git.Bare(bare).run("cat-file", "blob", f"{revision}:{path}")


def mode(bare: Path, path: str, revision: str = "HEAD") -> str | None:
    """Return the octal mode of *path* at *revision*, None when it is not there."""
    entry = git.Bare(bare).entry(revision, path)
    return entry.mode if entry else None


def log(bare: Path, revision: str = "HEAD") -> list[Logged]:
    """Return the commits of *revision*, newest first; empty for an empty repository."""
    repo = git.Bare(bare)
    if repo.commit_of(revision) is None:
        return []
    rows = repo.run("log", "-z", "--format=%H%x1f%an <%ae>%x1f%cn <%ce>%x1f%s", revision).decode()
    return [Logged(*row.split("\x1f")) for row in rows.split("\0") if row]


def diff(bare: Path, old: str, new: str) -> str:
    """Return the unified diff between two revisions, as `git diff` prints it without colours."""
    return git.Bare(bare).run("diff", "--no-color", "--no-ext-diff", old, new).decode(errors="replace")
