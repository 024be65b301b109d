"""CONTRIBUTING, SECURITY and CHANGELOG name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .source import ROOT

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGES = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
# A path with a folder, or a file of the root.
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]*)+|[\w-]+\.(?:py|md|yml|toml|in|lock))`")
# What is named without its folder: inside ecr_action/.
INSIDE = ROOT / "ecr_action"


def test_commands_are_targets() -> None:
    """Each `make` command is a target, and each target that is a test or a check is told."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*##", makefile, re.M))
    named = set(re.findall(r"`make ([a-z-]+)`", CONTRIBUTING))
    assert named - targets == set()
    assert targets - named - {"help", "clean", "demo"} == set()


@pytest.mark.parametrize("page", PAGES)
def test_files_are_there(page: str) -> None:
    """Each path that is named exists, in the repository or in the program's folder."""
    text = (ROOT / page).read_text(encoding="utf-8")
    named = [*PATH.findall(text), *re.findall(r"\]\((?!https?:)([^)#]+)", text)]
    assert named
    assert [path for path in named if not (_there(ROOT / path) or _there(INSIDE / path))] == []


def _there(path: Path) -> bool:
    workflow = ROOT / ".github" / "workflows" / path.name
    return path.exists() or workflow.exists()


def test_what_a_release_needs_is_told() -> None:
    """The environment and the variables of the workflow."""
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    needed = set(re.findall(r"vars\.(\w+)|environment: (\w+)", text))
    assert needed
    assert [name for pair in needed for name in pair if name and f"`{name}`" not in CONTRIBUTING] == []


def test_contributing_is_one_page() -> None:
    """A hundred lines, as wide as the others."""
    assert len(CONTRIBUTING.splitlines()) <= 105
    assert [line for line in CONTRIBUTING.splitlines() if len(line) > 120] == []


def test_every_folder_of_tests_is_explained() -> None:
    """Whoever adds a test finds its place."""
    folders = {path.name for path in (ROOT / "tests").iterdir() if (path / "__init__.py").exists()}
    assert folders - set(re.findall(r"^\| `tests/(\w+)/` \|", CONTRIBUTING, re.M)) == set()


def test_the_lock_that_users_get_is_what_the_tests_run_with() -> None:
    """Each package of requirements.lock has the same version in requirements-dev.lock."""
    users, ours = (_pins(ROOT / name) for name in ("requirements.lock", "requirements-dev.lock"))
    assert users
    assert {pin for pin in users if pin not in ours} == set()


def _pins(lock: Path) -> set[str]:
    return set(re.findall(r"^([A-Za-z0-9._-]+==[^ ;\\]+)", lock.read_text(encoding="utf-8"), re.M))


def test_the_changelog_begins_with_what_is_new() -> None:
    """A section for what is not released yet or for the version in pyproject.toml comes first."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    first = re.search(r"^## (\S+)", changelog, re.M)
    assert version is not None
    assert first is not None
    assert first[1] in ("Unreleased", f"v{version[1]}")
