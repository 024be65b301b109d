"""What is read of the git work tree, and that nothing in it is run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ecr_action.checkout import WorkTree

PERSON = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
DATE = {"GIT_AUTHOR_DATE": "2026-11-03T23:30:00+02:00", "GIT_COMMITTER_DATE": "2026-11-03T23:30:00+02:00"}


def git(folder: Path, *arguments: str) -> str:
    """Run git there."""
    command = ["git", *PERSON, "-C", str(folder), *arguments]
    done = subprocess.run(command, env={**os.environ, **DATE}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def tree(folder: Path) -> WorkTree:
    """The work tree around *folder*."""
    return WorkTree(folder, dict(os.environ))


def made(folder: Path) -> str:
    """A repository with one commit; its id."""
    git(folder, "init", "--quiet")
    # A file of that name must not be taken for the commit, nor the other way round.
    (folder / "HEAD").write_text("a")
    git(folder, "add", "HEAD")
    git(folder, "commit", "--quiet", "-m", "One")
    return git(folder, "rev-parse", "HEAD")


def test_head_date_and_state_are_read(tmp_path: Path) -> None:
    """The date in UTC; an untracked file counts as a change, in the folder that is built alone."""
    head = made(tmp_path)
    found = tree(tmp_path).read()
    assert found is not None
    assert (found.head, found.date, found.dirty) == (head, "2026-11-03T21:30:00Z", False)
    (tmp_path / "svc").mkdir()
    (tmp_path / "b").write_text("b")
    inner, outer = tree(tmp_path / "svc").read(), tree(tmp_path).read()
    assert inner
    assert outer
    assert (inner.dirty, outer.dirty) == (False, True)


def test_the_message_is_read_whatever_it_is_made_of(tmp_path: Path) -> None:
    """All of it; bytes that are no text stop nothing."""
    made(tmp_path)
    # `git commit` mends such a text, other programs don't.
    header = git(tmp_path, "cat-file", "commit", "HEAD").partition("\n\n")[0].encode()
    (tmp_path / "commit").write_bytes(header + b"\n\nTwo \xff\n\nBody\n")
    git(tmp_path, "update-ref", "HEAD", git(tmp_path, "hash-object", "-t", "commit", "-w", "commit"))
    found = tree(tmp_path).read()
    assert found is not None
    assert found.message == "Two \ufffd\n\nBody"


def test_without_a_repository_there_is_nothing_to_read(tmp_path: Path) -> None:
    """Nor where the name of a tag is none."""
    assert tree(tmp_path).read() is None
    assert tree(tmp_path).commit_of_tag("a\x00b") is None


def test_a_tags_commit_is_told(tmp_path: Path) -> None:
    """An annotated tag's too; an option in its place is none."""
    head = made(tmp_path)
    git(tmp_path, "tag", "-a", "v1.2.3", "-m", "x")
    assert tree(tmp_path).commit_of_tag("v1.2.3") == head
    assert tree(tmp_path).commit_of_tag("v9") is None
    assert tree(tmp_path).commit_of_tag("--all") is None


def test_a_repository_hidden_in_the_checkout_runs_nothing(tmp_path: Path) -> None:
    """A bare repository that a stranger committed has settings that start programs."""
    made(tmp_path)
    hidden, proof = tmp_path / "svc", tmp_path / "proof"
    git(tmp_path, "clone", "--quiet", "--bare", ".", str(hidden))
    with (hidden / "config").open("a") as file:
        file.write(f'[core]\n\tbare = false\n\tworktree = {hidden}\n\tfsmonitor = "touch {proof}; false"\n')
    found = tree(hidden).read()
    assert not proof.exists()
    assert found is None or found.head == git(tmp_path, "rev-parse", "HEAD")


def test_a_folder_is_read_as_git_has_it(tmp_path: Path) -> None:
    """Exact bytes of the commit, whatever the work tree shows; no links, submodules, nothing that GitHub acts on."""
    made(tmp_path)
    deploy = tmp_path / "deploy"
    (deploy / ".github").mkdir(parents=True)
    files = {"a b.yaml": b"a: 1\r\n", "sub/é\n.yaml": b"", ".github/x.yaml": b"x", "run.sh": b"#!"}
    for path, content in files.items():
        (deploy / path).parent.mkdir(exist_ok=True)
        (deploy / path).write_bytes(content)
    (deploy / "run.sh").chmod(0o755)
    (deploy / "link.yaml").symlink_to("a b.yaml")
    (tmp_path / "also").symlink_to("deploy")
    (tmp_path / ".gitattributes").write_text("*.sh -text\n")
    git(tmp_path, "add", "--all")
    git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},deploy/module")
    git(tmp_path, "commit", "--quiet", "-m", "Two")
    (deploy / "a b.yaml").write_text("changed since")
    (deploy / "new.yaml").write_text("never committed")
    found = tree(tmp_path).folder("deploy")
    assert found is not None
    assert {file.path: (file.content, file.mode) for file in found.files} == {
        "a b.yaml": (b"a: 1\r\n", "100644"),
        "run.sh": (b"#!", "100755"),
        "sub/é\n.yaml": (b"", "100644"),
    }
    assert sorted(found.left_out) == [".github/x.yaml", "link.yaml", "module"]
    inner = tree(deploy).folder("sub")
    assert inner is not None
    assert [file.path for file in inner.files] == ["é\n.yaml"]
    assert [tree(tmp_path).has_folder(name) for name in ("deploy", "also", "deploy/run.sh", "none")] == [
        *[True, False, False, False],
    ]
    assert [tree(tmp_path).folder(name) for name in ("also", "none", "deploy/module", "--help")] == [None] * 4


@pytest.mark.parametrize(
    ("count", "size", "fits"), [(100, 3, True), (101, 3, False), (2, 2_500_000, True), (2, 2_500_001, False)]
)
def test_a_folder_that_is_too_big_is_not_read(tmp_path: Path, count: int, size: int, fits: bool) -> None:
    """A hundred files, five million bytes."""
    made(tmp_path)
    (tmp_path / "deploy").mkdir()
    for number in range(count):
        (tmp_path / f"deploy/{number}.yaml").write_bytes(b"%d" % number + b"#" * (size - len(str(number))))
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "-m", "Two")
    found = tree(tmp_path).folder("deploy")
    assert found is not None
    assert (len(found.files) == count, found.too_much == "") == (fits, fits)


def test_content_is_the_folder_the_dockerfile_and_what_stands_beside(tmp_path: Path) -> None:
    """A change in any of them is another content; none where git lacks one, or a folder beside has changes."""
    made(tmp_path)
    for path in ("svc/main", "docker/Dockerfile", "libs/lib", "other"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("1")

    def content(*beside: str) -> str | None:
        return tree(tmp_path / "svc").content(tmp_path / "docker/Dockerfile", [tmp_path / name for name in beside])

    def committed() -> tuple[str | None, str | None]:
        git(tmp_path, "add", "--all")
        git(tmp_path, "commit", "--quiet", "-m", "More")
        return content(), content("libs")

    seen = [committed()]
    for path in ("other", "libs/lib", "docker/Dockerfile", "docker/Dockerfile.dockerignore", "svc/main"):
        (tmp_path / path).write_text("2")
        seen.append(committed())
    alone, beside = [len({row[column] for row in seen[:3]}) for column in (0, 1)]
    assert (alone, beside) == (1, 2)
    assert len({row[0] for row in seen[2:]}) == len(seen[2:])
    assert (content("none"), tree(tmp_path / "svc").content(tmp_path / "docker/None")) == (None, None)
    (tmp_path / "libs/new").write_text("never committed")
    assert (content("libs"), content()) == (None, seen[-1][0])
    assert tree(tmp_path / "svc").paths() == {"main"}
    assert tree(tmp_path / "nowhere").paths() is None
