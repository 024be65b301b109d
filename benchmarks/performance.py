"""docs/performance.md and its plot, made from results.json alone."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from benchmarks.goals import GOALS, LIMITS, NAMED_FACTOR, REASONS, SIZES

_HEAD = """\
# Performance

Written by `make docs` from `benchmarks/results.json`, which `make bench` measures.

Each row is run in turns with what it is compared with, in one go, on the same engine, registry and app, after a round
that does not count: the whole process from start to end, Python's start included. All state lies in memory
(`/dev/shm`). The ratio is the median of ours by theirs, pair by pair: below 1, ours is faster.

- *careful* is what a good engineer would script: boto3 in one process with calls side by side, buildx, a shallow clone
  and a push (`benchmarks/raw/careful.py`), everything warm.
- *seed* is the platform document's pipeline by the AWS CLI, docker and git (`benchmarks/raw/seed.sh`).
- *bake* builds all services, *git-diff* those whose folder the last commit changed (`benchmarks/raw/monorepo.py`); a
  filter by `git diff` is wrong after a revert, a force push, or a change of a shared file.
- *docker* is `docker buildx build` alone.

To repeat it, on Linux as root (it starts an engine of its own): `make bench`, or one row alone,
`.venv/bin/python -m benchmarks promotion-300MB`. The first run fetches the AWS CLI and the packages' wheels.
"""


def text(results: Mapping[str, Any]) -> str:
    """The document of *results*, the content of results.json."""
    rows, figures = results["rows"], results.get("figures", {})
    parts = [_HEAD, "## Times\n", *_table(rows), "\n![Ratios](performance.svg)\n"]
    parts += ["## Other goals\n", *_limits(rows, figures)]
    if missed := list(dict.fromkeys(_missed(rows, figures))):
        parts += ["\n## What is missed, and where the time goes\n"]
        parts += [f"- **{name}**: {REASONS[name]}" for name in missed]
    parts += ["\n## Figures\n", *_figures(figures)]
    return "\n".join(parts) + "\n"


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    goals = {(goal.name, goal.raw): goal.most for goal in GOALS}
    yield "| row | against | pairs | ours (s) | theirs (s) | ratio | goal | |\n|---|---|---|---|---|---|---|---|"
    for row in rows:
        ours, raw = (f"{statistics.median(row[side]):.2f}" for side in ("ours_s", "raw_s"))
        most = goals.get((row["name"], row["raw"]))
        goal = f"at most {most:g}" if most else ""
        met = "" if most is None else _met(row["ratio"] <= most)
        times = f"{len(row['ours_s'])} | {ours} | {raw} | {row['ratio']:.2f}"
        yield f"| {row['name']} | {row['raw']} | {times} | {goal} | {met} |"


def _met(met: bool) -> str:
    return "met" if met else "**missed**"


def _limits(rows: Sequence[Mapping[str, Any]], figures: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    yield "| row | what | found | goal | |\n|---|---|---|---|---|"
    for limit in LIMITS:
        found = figures.get(limit.row, {}).get(limit.figure)
        if found is not None:
            met = _met(found <= limit.most)
            yield f"| {limit.row} | {limit.words} | {found:g} | at most {limit.most:g} | {met} |"
    if growth := _growth(rows, ""):
        spread = max(growth.values()) / min(growth.values())
        sizes = f"slowest by fastest of {', '.join(f'{size:,}' for size in growth)} files, named"
        met = _met(spread <= NAMED_FACTOR)
        yield f"| gitops-bump | {sizes} | {spread:.2f} | at most {NAMED_FACTOR:g} | {met} |"
    if growth := _growth(rows, ", found"):
        steepest = _steepest(growth)
        what = "growth of time by growth of files, found by the image's name"
        yield f"| gitops-bump | {what} | {steepest:.2f} | at most 1 (linear) | {_met(steepest <= 1)} |"


def _growth(rows: Sequence[Mapping[str, Any]], kind: str) -> dict[int, float]:
    """Median seconds by the number of files."""
    times = {row["name"]: statistics.median(row["ours_s"]) for row in rows}
    names = {size: f"gitops-bump-{size}-files{kind}" for size in SIZES}
    return {size: times[name] for size, name in names.items() if name in times}


def _steepest(growth: Mapping[int, float]) -> float:
    """Of two sizes that follow each other: how much more time by how many more files; 1 is linear."""
    sizes = sorted(growth)
    return max(((growth[large] / growth[small]) / (large / small) for small, large in pairwise(sizes)), default=0.0)


def _missed(rows: Sequence[Mapping[str, Any]], figures: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    ratios = {(row["name"], row["raw"]): row["ratio"] for row in rows}
    yield from (goal.name for goal in GOALS if ratios.get((goal.name, goal.raw), 0.0) > goal.most)
    yield from (limit.row for limit in LIMITS if figures.get(limit.row, {}).get(limit.figure, 0.0) > limit.most)
    named = _growth(rows, "")
    if (named and max(named.values()) / min(named.values()) > NAMED_FACTOR) or _steepest(_growth(rows, ", found")) > 1:
        yield "gitops-bump"


def _figures(figures: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    yield "Medians; calls of GitHub include git's own. \"(s)\" is the time of a phase, as the step's summary has it.\n"
    yield "| row | |\n|---|---|"
    for name, values in figures.items():
        told = ", ".join(f"{key.replace('_', ' ')} {_number(value)}" for key, value in values.items())
        yield f"| {name} | {told} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


# -- the plot ------------------------------------------------------------------------------------------------------

_WIDTH, _LABEL, _LINE, _TOP = 860, 330, 22, 30
_LEAST, _MOST = 0.02, 10.0
_MET, _MISSED, _PLAIN = "#2e7d4f", "#c0392b", "#5b7083"


def plot(results: Mapping[str, Any]) -> str:
    """The ratios as bars from 1 (as fast) to the left (faster) and right (slower), in powers of ten; SVG."""
    rows = results["rows"]
    height = _TOP + _LINE * len(rows) + 10
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif"'
        ' font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for tick in (0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10):
        place, colour = _place(tick), "#444444" if tick == 1 else "#dddddd"
        lines.append(f'<line x1="{place}" y1="{_TOP - 6}" x2="{place}" y2="{height - 6}" stroke="{colour}"/>')
        lines.append(f'<text x="{place}" y="{_TOP - 12}" text-anchor="middle" fill="#444444">{tick:g}</text>')
    for number, row in enumerate(rows):
        lines += _bar(row, _TOP + _LINE * number)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _place(ratio: float) -> int:
    share = math.log(min(max(ratio, _LEAST), _MOST) / _LEAST) / math.log(_MOST / _LEAST)
    return round(_LABEL + share * (_WIDTH - _LABEL - 50))


def _bar(row: Mapping[str, Any], top: int) -> Iterator[str]:
    goals = {(goal.name, goal.raw): goal.most for goal in GOALS}
    most, ratio = goals.get((row["name"], row["raw"])), row["ratio"]
    colour = _PLAIN if most is None else _MET if ratio <= most else _MISSED
    begin, end = sorted((_place(ratio), _place(1.0)))
    label = f"{row['name']} / {row['raw']}".replace("&", "&amp;").replace("<", "&lt;")
    yield f'<text x="{_LABEL - 8}" y="{top + 14}" text-anchor="end" fill="#222222">{label}</text>'
    yield f'<rect x="{begin}" y="{top + 3}" width="{max(end - begin, 1)}" height="{_LINE - 8}" fill="{colour}"/>'
    if most is not None:
        place = _place(most)
        yield f'<line x1="{place}" y1="{top}" x2="{place}" y2="{top + _LINE - 2}" stroke="#000000" stroke-width="2"/>'
    yield f'<text x="{end + 4}" y="{top + 14}" fill="#222222">{ratio:.2f}</text>'
