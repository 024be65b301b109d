"""FIDELITY.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[2] / "lab" / "FIDELITY.md"


def test_every_named_test_exists() -> None:
    """A row's test can be found in its file."""
    named = re.findall(r"`(test_\w+\.py)::(\w+)`", DOCUMENT.read_text())
    missing = [(f, t) for f, t in named if (HERE / f).is_file() and f"def {t}(" not in (HERE / f).read_text()]
    assert len(named) > 40
    assert missing == []
