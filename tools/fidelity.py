"""Take out one rule of the lab after the other, in a copy of the checkout: the test of each has to fail."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.lab.aws_rules import AWS, AWS_QUICK  # noqa: E402
from tests.lab.hub_rules import HUB  # noqa: E402
from tests.lab.rules import SLOW, Rule  # noqa: E402
from tests.lab.runner_rules import QUICK, RUNNER  # noqa: E402

SECONDS = 300
ALL = QUICK + AWS_QUICK + SLOW + HUB + RUNNER + AWS


def survivors(rules: Iterable[Rule], workers: int = 1) -> list[str]:
    """Return the rules whose test passes without them, or fails with them; empty when all are proved.

    workers: how many copies of the checkout are tried at the same time.
    """
    rows = list(rules)
    with tempfile.TemporaryDirectory(prefix="fidelity-") as folder:
        copies = [_copied(Path(folder) / str(number)) for number in range(workers)]
        if _outcome(copies[0], *dict.fromkeys(rule.test for rule in rows)) != "passes":
            return ["one of the tests fails by itself"]
        with ThreadPoolExecutor(workers) as pool:
            shares = list(pool.map(_share, copies, [rows[number::workers] for number in range(workers)]))
    return [text for share in shares for text in share]


def _copied(copy: Path) -> Path:
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", ".lab", "*_cache", "__pycache__"))
    # The documents and tools that were fetched once are not fetched again.
    (ROOT / ".lab").mkdir(exist_ok=True)
    (copy / ".lab").symlink_to(ROOT / ".lab")
    return copy


def _share(copy: Path, rules: list[Rule]) -> list[str]:
    return [text for rule in rules if (text := _tried(copy, rule))]


def _tried(copy: Path, rule: Rule) -> str:
    file = copy / "lab" / rule.file
    text = file.read_text(encoding="utf-8")
    if text.count(rule.old) != 1:
        return f"lab/{rule.file} has {rule.old!r} {text.count(rule.old)} times"
    file.write_text(text.replace(rule.old, rule.new), encoding="utf-8")
    try:
        outcome = _outcome(copy, rule.test)
    finally:
        file.write_text(text, encoding="utf-8")
    if outcome == "fails":
        return ""
    found = f"lab/{rule.file} without {rule.old!r}: {rule.test} {outcome}"
    print(found, file=sys.stderr, flush=True)
    return found


def _outcome(copy: Path, *tests: str) -> str:
    """Return how tests end: ``passes``, ``fails``, or ``does not run``, as where a change keeps the lab from starting.
    """
    argv = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    argv += [f"tests/lab/{test}" for test in tests]
    patience = SECONDS * (1 + len(tests) // 10)
    result = subprocess.run(argv, cwd=copy, capture_output=True, text=True, timeout=patience, check=False,
                            env=os.environ | {"PYTHONPATH": str(copy)})  # fmt: skip
    if result.returncode == 0:
        return "passes"
    return "fails" if re.search(r"^\d+ failed", result.stdout, re.M) else "does not run"


def main() -> int:
    """Try all rules, or those whose file or test has the given text in it; 0 when each one is proved."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", nargs="?", default="", help="a part of a file's or of a test's name")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    rules = [rule for rule in ALL if chosen.text in f"{rule.file} {rule.test}"]
    found = survivors(rules, chosen.workers) if rules else [f"no rule has {chosen.text!r} in its file or its test"]
    print("\n".join(found) or f"{len(rules)} rules, each with a test that fails without it")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
