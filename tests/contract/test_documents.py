"""Documents say what the sources say."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from ecr_action.inputs import TABLE

from .source import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def docs() -> ModuleType:
    """The generator of the documents."""
    spec = importlib.util.spec_from_file_location("docs", ROOT / "tools" / "docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_documents_are_up_to_date(docs: ModuleType) -> None:
    """README's reference and docs/errors.md are what `make docs` writes."""
    stale = [path.name for path, text in docs.documents().items() if path.read_text(encoding="utf-8") != text]
    assert stale == []


def test_readme_names_every_input() -> None:
    """Each input is in the README's reference."""
    assert [name for name in TABLE if f"| `{name}` |" not in README] == []


def test_readme_names_no_other_input() -> None:
    """Each `with:` line of the README is an input that there is."""
    block = re.findall(r"^      ([a-z-]+): ", README.split("## What it does")[0], re.M)
    assert block
    assert [name for name in block if name not in TABLE] == []


def test_readme_commands_exist() -> None:
    """Each `make` command that the README names is a target."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)`", README))
    assert {"demo", "test"} <= named
    assert [name for name in sorted(named) if not re.search(rf"^{name}:", makefile, re.M)] == []


def test_local_links_lead_somewhere() -> None:
    """Relative links of the README and of docs/ name files that are there."""
    broken = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            if not (page.parent / link).exists():
                broken.append(f"{page.name}: {link}")
    assert broken == []


def test_no_registry_and_no_path_of_a_machine_in_locks() -> None:
    """Lock files name packages and hashes alone, so that the job's own index is asked."""
    for lock in sorted(Path(ROOT).glob("requirements*.lock")):
        lines = lock.read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if line.startswith("-") or "://" in line] == []
        pins = [line for line in lines if "==" in line]
        assert pins
        assert [line for line in pins if not line.endswith("\\")] == []
