"""The installed sources, and packages unpacked from them."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab import debian

DEB822 = """# main
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/one.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""
ONE_LINE = """# deb http://old.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/one.gpg] http://mirror.example/debian bookworm main contrib # x
"""
THIRD_PARTY = "deb http://third.example/debian bookworm stable\ndeb http://fourth.example sid-pgdg main\n"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """An apt folder with third party sources only, and an os-release beside it."""
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/a.list").write_text(THIRD_PARTY)
    (tmp_path / "os-release").write_text('ID=debian\nVERSION_CODENAME="bookworm"\n')
    return tmp_path


@pytest.mark.parametrize(("name", "text"), [("sources.list.d/debian.sources", DEB822), ("sources.list", ONE_LINE)])
def test_the_main_archive_is_read_from_the_sources(machine: Path, name: str, text: str) -> None:
    """Both formats give the distribution's own archive: no third party's, no security archive."""
    (machine / name).write_text(text)
    found = debian.source(machine, machine / "os-release")
    wanted = {
        "Types": "deb",
        "URIs": "http://mirror.example/debian",
        "Suites": "bookworm",
        "Components": "main contrib",
        "Signed-By": "/usr/share/keyrings/one.gpg",
    }
    assert found == wanted


def test_a_disabled_source_is_none(machine: Path) -> None:
    """Without the distribution's archive the error says where it looked."""
    text = DEB822.replace("Types: deb deb-src", "Enabled: no\nTypes: deb")
    (machine / "sources.list.d/debian.sources").write_text(text)
    with pytest.raises(debian.DebianError, match=r"sources\.list\.d"):
        debian.source(machine, machine / "os-release")


def test_two_at_once_share_a_cache(tmp_path: Path) -> None:
    """Processes that want the same package at the same time both get it, whole."""

    def one(number: int) -> dict[str, str]:
        return debian.unpack(["busybox-static"], tmp_path / str(number), cache=tmp_path / "cache")

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(one, range(2))
    assert first == second
    for number in range(2):
        busybox = tmp_path / str(number) / "bin/busybox"
        assert subprocess.check_output([busybox, "echo", "whole"]) == b"whole\n"


def test_a_package_that_is_not_there_says_so(tmp_path: Path) -> None:
    """apt's own words are in the error."""
    with pytest.raises(debian.DebianError, match="Unable to locate package no-such-package-here"):
        debian.unpack(["no-such-package-here"], tmp_path / "into", cache=tmp_path / "cache")
