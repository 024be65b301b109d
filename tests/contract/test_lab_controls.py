"""The AWS side's own switches all stand in docs/lab.md; what each does is seen in tests/lab/aws/test_controls.py."""

from __future__ import annotations

import re
from pathlib import Path

from lab.aws.control import Control

ROOT = Path(__file__).resolve().parents[2]


def test_every_switch_is_in_the_document_and_is_tried() -> None:
    """The table's rows are the switches that are there, and each has a check."""
    there = {name.removeprefix("_").replace("_", " ", 1) for name in vars(Control) if re.match(r"_[A-Z]+_", name)}
    rows = re.findall(r"^\| `(\w+) /_lab/(\w+)` \| ", (ROOT / "docs/lab.md").read_text(encoding="utf-8"), re.M)
    assert {f"{method} {name}" for method, name in rows} == there
    checks = (ROOT / "tests/lab/aws/test_controls.py").read_text(encoding="utf-8")
    assert [name for name in sorted(there) if f'    "{name}": _' not in checks] == []
