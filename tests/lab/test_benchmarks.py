"""Benchmarks: what is measured is a push, and what is recorded is the median of its pairs."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import registry_push
from benchmarks.results import Row, record


def test_a_ratio_is_the_median_of_the_pairs_and_other_rows_are_kept(tmp_path: Path) -> None:
    """Pairs are compared one by one; a row replaces the one of its name."""
    file, slow = tmp_path / "results.json", Row("push", "bare", (1.0, 9.0, 3.0), (1.0, 3.0, 2.0))
    assert slow.ratio == 1.5
    record([Row("build", "buildx", (1.0,), (2.0,)), Row("push", "bare", (7.0,), (1.0,))], file)
    record([slow], file)
    assert json.loads(file.read_text())["rows"] == [
        {"name": "build", "raw": "buildx", "ours_s": [1.0], "raw_s": [2.0], "ratio": 0.5},
        {"name": "push", "raw": "bare", "ours_s": [1.0, 9.0, 3.0], "raw_s": [1.0, 3.0, 2.0], "ratio": 1.5},
    ]


def test_a_push_is_measured_on_both_registries() -> None:
    """In both ways, a time for each pair."""
    rows = registry_push.measure(size=1_000_000, pairs=2)
    assert [row.name for row in rows] == ["registry push, length known, 1 MB", "registry push, chunked, 1 MB"]
    assert all(min(row.ours_s + row.raw_s) > 0 and len(row.ours_s) == len(row.raw_s) == 2 for row in rows)
