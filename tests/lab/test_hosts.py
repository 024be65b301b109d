"""The block in the hosts file."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import hosts

NAME = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
BEFORE = [
    b"",
    b"127.0.0.1 localhost\n",
    b"127.0.0.1 localhost",
    b"127.0.0.1\tlocalhost\r\n\n# caf\xe9\n\n",
    b"\n",
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A hosts file to be written in place."""
    return tmp_path / "hosts"


@pytest.mark.parametrize("before", BEFORE)
def test_added_and_removed_gives_the_same_bytes(file: Path, before: bytes) -> None:
    """Every byte that is not ours is kept, whatever the file looked like."""
    file.write_bytes(before)
    hosts.add("127.83.67.1", [NAME], file=file)
    assert f"127.83.67.1 {NAME}".encode() in file.read_bytes().splitlines()
    assert hosts.remove(file=file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("before", BEFORE)
def test_adding_again_replaces_the_block(file: Path, before: bytes) -> None:
    """A stale block of a killed lab gives way to the new one."""
    file.write_bytes(before)
    hosts.add("127.0.0.9", ["old.example"], file=file)
    hosts.add("127.83.67.1", [NAME, "second.example"], file=file)
    text = file.read_bytes()
    assert (text.count(hosts.BEGIN), b"old.example" in text, b"second.example" in text) == (1, False, True)
    hosts.remove(file=file)
    assert file.read_bytes() == before


def test_lines_written_after_the_block_stay(file: Path) -> None:
    """What somebody adds below our block while the lab is up is theirs."""
    file.write_bytes(b"127.0.0.1 localhost\n")
    hosts.add("127.83.67.1", [NAME], file=file)
    file.write_bytes(file.read_bytes() + b"10.0.0.1 theirs\n")
    hosts.remove(file=file)
    assert file.read_bytes() == b"127.0.0.1 localhost\n10.0.0.1 theirs\n"


def test_a_block_that_was_cut_off_is_removed(file: Path) -> None:
    """A block without its last line ends with the file."""
    file.write_bytes(b"127.0.0.1 localhost\n" + hosts.BEGIN + b"\n127.83.67.1 12345")
    assert hosts.remove(file=file)
    assert file.read_bytes() == b"127.0.0.1 localhost\n"


def test_the_file_itself_is_kept(file: Path) -> None:
    """It is written in place: a bind mounted hosts file cannot be replaced."""
    file.write_bytes(b"127.0.0.1 localhost\n")
    inode = file.stat().st_ino
    hosts.add("127.83.67.1", [NAME], file=file)
    hosts.remove(file=file)
    assert file.stat().st_ino == inode


def test_nothing_to_remove(file: Path) -> None:
    """A file without a block is not touched."""
    file.write_bytes(b"127.0.0.1 localhost\n")
    assert not hosts.remove(file=file)
