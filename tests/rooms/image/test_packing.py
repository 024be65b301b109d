"""The context as a stream of tar."""

from __future__ import annotations

import io
import os
import socket
import tarfile
from pathlib import Path

import pytest

from ecr_action.errors import BuildFailed
from ecr_action.image.dockerignore import parse
from ecr_action.image.packing import ignore_file, packed, read_ignore


def archive(context: Path, ignore: str = "", text: bytes = b"FROM scratch\n") -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(b"".join(packed(context, parse(ignore), "Dockerfile", text))))


def make(context: Path, *paths: str) -> None:
    for path in paths:
        (context / path).parent.mkdir(parents=True, exist_ok=True)
        (context / path).write_text(path)


def test_files_folders_and_links(tmp_path: Path) -> None:
    """Content, kind and mode come through; everything is root's; links are links, pipes are pipes, sockets are left."""
    make(tmp_path, "a/b.txt", "long/" + "n" * 120 + "/ä.txt")
    (tmp_path / "a" / "b.txt").chmod(0o751)
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder-link").symlink_to("a")
    os.link(tmp_path / "a" / "b.txt", tmp_path / "hard")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(os.path.relpath(tmp_path / "socket"))
        tar = archive(tmp_path)
    assert tar.getnames() == [
        "a", "folder-link", "hard", "link", "long", "pipe", "a/b.txt", "long/" + "n" * 120,
        "long/" + "n" * 120 + "/ä.txt", "Dockerfile",
    ]  # fmt: skip
    file = tar.extractfile("hard")
    assert file is not None
    assert file.read() == b"a/b.txt"
    assert (oct(tar.getmember("a/b.txt").mode), tar.getmember("link").linkname) == ("0o751", "/etc/passwd")
    assert tar.getmember("folder-link").issym()
    assert tar.getmember("pipe").isfifo()
    assert {(member.uid, member.gid, member.uname) for member in tar} == {(0, 0, "")}


def test_what_is_ignored_is_not_sent(tmp_path: Path) -> None:
    """Nor is an ignored folder, unless an exception keeps something in it: then the folder comes first, once."""
    make(tmp_path, "keep", "no/a", "d/x", "d/e/keep.md", "d/e/also.md", "d/f/y", "z.log")
    tar = archive(tmp_path, "no\nd\n*.log\n!d/e/*.md\n")
    assert tar.getnames() == ["keep", "d", "d/e", "d/e/also.md", "d/e/keep.md", "Dockerfile"]


def test_the_dockerfile_is_sent_as_given(tmp_path: Path) -> None:
    """Once, with the text given, ignored or not."""
    make(tmp_path, "Dockerfile", "a")
    for ignore in ("", "Dockerfile"):
        tar = archive(tmp_path, ignore, text=b"FROM other\n")
        file = tar.extractfile("Dockerfile")
        assert file is not None
        assert (file.read(), tar.getnames()) == (b"FROM other\n", ["a", "Dockerfile"])


def test_it_is_never_whole_in_memory(tmp_path: Path) -> None:
    """A file of 64 MiB comes in pieces of 1 MiB at most."""
    with open(tmp_path / "big", "wb") as file:
        file.truncate(64 << 20)
    pieces = [len(piece) for piece in packed(tmp_path, parse(""), "Dockerfile", b"")]
    assert (max(pieces), sum(pieces) >= 64 << 20) == (1 << 20, True)


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    """The archive stays well formed."""
    with open(tmp_path / "a", "wb") as file:
        file.truncate(3 << 20)
    pieces = []
    for piece in packed(tmp_path, parse(""), "Dockerfile", b"x"):
        os.truncate(tmp_path / "a", 1 << 20)
        pieces.append(piece)
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        assert tar.getnames() == ["a", "Dockerfile"]


def test_what_can_not_be_read(tmp_path: Path) -> None:
    """A file that goes away meanwhile is told by its path, and so is a context that is not there."""
    make(tmp_path, "a", "b")
    pieces = packed(tmp_path, parse(""), "Dockerfile", b"")
    next(pieces)
    (tmp_path / "b").unlink()
    with pytest.raises(BuildFailed) as raised:
        list(pieces)
    assert f"{tmp_path}/b of the context can't be read" in raised.value.what
    with pytest.raises(BuildFailed, match="can't be read"):
        list(packed(tmp_path / "none", parse(""), "Dockerfile", b""))


def test_which_ignore_file_counts(tmp_path: Path) -> None:
    """The one of the Dockerfile's own name goes before the context's."""
    make(tmp_path, "docker/prod")
    dockerfile = tmp_path / "docker" / "prod"
    assert ignore_file(tmp_path, dockerfile) is None
    make(tmp_path, ".dockerignore")
    assert ignore_file(tmp_path, dockerfile) == tmp_path / ".dockerignore"
    make(tmp_path, "docker/prod.dockerignore")
    assert ignore_file(tmp_path, dockerfile) == tmp_path / "docker" / "prod.dockerignore"


def test_a_bad_pattern_names_its_file(tmp_path: Path) -> None:
    """Docker refuses it, and so do we."""
    (tmp_path / ".dockerignore").write_text("ok\na[\n")
    with pytest.raises(BuildFailed) as raised:
        read_ignore(tmp_path / ".dockerignore", ".dockerignore")
    assert (raised.value.file, "'a['" in raised.value.what) == (".dockerignore", True)
