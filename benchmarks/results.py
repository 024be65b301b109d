"""The rows of results.json: a time of ours beside the time of what it is compared with, in pairs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = Path(__file__).with_name("results.json")


@dataclass(frozen=True)
class Row:
    """One comparison. *raw*: what ours is compared with, in words; seconds of each pair, in order."""

    name: str
    raw: str
    ours_s: tuple[float, ...]
    raw_s: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median over the pairs of ours by raw: what slowed both of a pair is in neither."""
        return round(statistics.median(ours / raw for ours, raw in zip(self.ours_s, self.raw_s, strict=True)), 3)


def record(rows: Iterable[Row], file: Path = FILE) -> None:
    """Put *rows* into *file*, in place of earlier ones of their names; all others stay."""
    kept = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.exists() else []
    found = {row["name"]: row for row in kept} | {row.name: {**asdict(row), "ratio": row.ratio} for row in rows}
    text = ",\n".join("  " + json.dumps(row) for _, row in sorted(found.items()))
    file.write_text(f'{{"rows": [\n{text}\n]}}\n', encoding="utf-8")
