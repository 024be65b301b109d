"""Benchmarks: what is measured is whole runs, and what is recorded is the median of their pairs."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import goals, performance, publishing, registry_push
from benchmarks.link import Link
from benchmarks.processes import BenchmarkError, Command, Sides, Weighed, rows
from benchmarks.results import FILE, Row, record
from benchmarks.scene import scene
from lab.paths import ROOT


def test_a_ratio_is_the_median_of_the_pairs_and_other_rows_are_kept(tmp_path: Path) -> None:
    """Pairs are compared one by one; a row replaces the one of its name and raw side, figures those of their name."""
    file, slow = tmp_path / "results.json", Row("push", "bare", (1.0, 9.0, 3.0), (1.0, 3.0, 2.0))
    assert slow.ratio == 1.5
    record([Row("build", "buildx", (1.0,), (2.0,)), Row("push", "bare", (7.0,), (1.0,))], {"push": {"calls": 9}}, file)
    record([slow, Row("push", "seed", (1.0,), (4.0,))], {"build": {"calls": 1}}, file)
    assert json.loads(file.read_text()) == {
        "rows": [
            {"name": "build", "raw": "buildx", "ours_s": [1.0], "raw_s": [2.0], "ratio": 0.5},
            {"name": "push", "raw": "bare", "ours_s": [1.0, 9.0, 3.0], "raw_s": [1.0, 3.0, 2.0], "ratio": 1.5},
            {"name": "push", "raw": "seed", "ours_s": [1.0], "raw_s": [4.0], "ratio": 0.25},
        ],
        "figures": {"build": {"calls": 1}, "push": {"calls": 9}},
    }


def test_a_push_is_measured_on_both_registries() -> None:
    """In both ways, a time for each pair."""
    rows = registry_push.measure(size=1_000_000, pairs=2)
    assert [row.name for row in rows] == ["registry push, chunked, 1 MB", "registry push, length known, 1 MB"][::-1]
    assert all(min(row.ours_s + row.raw_s) > 0 and len(row.ours_s) == len(row.raw_s) == 2 for row in rows)


def test_sides_take_turns_and_the_first_round_does_not_count(tmp_path: Path) -> None:
    """Who begins changes; a run that fails is an error with its last lines; memory is the program's own."""

    def command(text: str) -> Command:
        return Command(["sh", "-c", text], tmp_path, {"PATH": "/usr/bin:/bin"})

    sides = {"ours": lambda: command("echo ours >> log"), "raw": lambda: command("echo raw >> log")}
    found = Sides(sides).run(2)
    assert (tmp_path / "log").read_text().split() == "ours raw raw ours ours raw".split()
    (row,) = rows("row", found)
    assert (row.name, row.raw, len(row.ours_s), len(row.raw_s)) == ("row", "raw", 2, 2)
    with pytest.raises(BenchmarkError, match="what it said"):
        command("echo what it said; exit 3").run()
    assert 0 < Weighed(command("true")).run().peak < 40


def test_the_document_says_which_goal_is_missed_and_why() -> None:
    """Each row is in table and plot; a goal that is missed has its reason."""
    results: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    slow, row = copy.deepcopy(results), {"name": "unchanged-commit", "raw": "careful", "ours_s": [2.0], "raw_s": [1.0]}
    slow["rows"] = [{**row, "ratio": 2.0}]
    text = performance.text(slow)
    assert "| unchanged-commit | careful | 1 | 2.00 | 1.00 | 2.00 | at most 1 | **missed** |" in text
    assert goals.REASONS["unchanged-commit"] in text
    slow["rows"] = [{**row, "ratio": 0.5}]
    assert "| at most 1 | met |" in performance.text(slow)
    labels = [element.text for element in ElementTree.fromstring(performance.plot(results)).iter() if element.text]
    assert all(f"{row['name']} / {row['raw']}" in labels for row in results["rows"])
    wanted = {goal.name for goal in goals.GOALS} | {limit.row for limit in goals.LIMITS}
    assert wanted <= set(goals.REASONS)


def test_whole_publishes_are_run_and_their_calls_counted() -> None:
    """Ours and the careful script's, on a lab of their own; the rest of the scene is theirs alone."""
    with scene(ROOT) as lab:
        told = publishing.calls(lab, 0).figures
        both = publishing.two_platforms(lab, 1).rows
        with Link({8080: ("127.0.0.1", int(lab.environment["GITHUB_API_URL"].rpartition(":")[2]))}, 1e9) as link:
            seen = lab.step(lab.app(), variables={"GITHUB_API_URL": f"http://{link.address}:8080"}).run()
    again = told["calls, unchanged commit, ours"]
    assert (again["registry_calls"], told["calls, release, ours"]["registry_calls"]) == (0, 0)
    assert again["bytes_sent"] < 100_000 < told["calls, first publish, careful"]["bytes_sent"]
    (row,) = both
    assert (row.name, row.raw, len(row.ours_s), len(row.raw_s)) == ("two-platforms", "careful", 1, 1)
    assert ("Committed" in seen.wrote, link.up.bytes > 0, link.down.bytes > 0) == (True, True, True)
