"""The rows of results.json: a time of ours beside the time of what it is compared with, in pairs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
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


@dataclass(frozen=True)
class Measured:
    """What one benchmark found: its *rows*, and by row name the *figures* that are no comparison of times."""

    rows: tuple[Row, ...]
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def record(rows: Iterable[Row], figures: Mapping[str, Mapping[str, float]] | None = None, file: Path = FILE) -> None:
    """Put *rows* and *figures* into *file*, in place of earlier ones of their names; all others stay."""
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    found = {(row["name"], row["raw"]): row for row in kept.get("rows", ())}
    found |= {(row.name, row.raw): {**asdict(row), "ratio": row.ratio} for row in rows}
    told = {**kept.get("figures", {}), **{name: dict(values) for name, values in (figures or {}).items()}}
    text = ",\n".join("  " + json.dumps(row) for _, row in sorted(found.items()))
    more = ",\n".join(f"  {json.dumps(name)}: {json.dumps(values)}" for name, values in sorted(told.items()))
    beside = f', "figures": {{\n{more}\n}}' if told else ""
    file.write_text(f'{{"rows": [\n{text}\n]{beside}}}\n', encoding="utf-8")
