"""Take out one rule of the lab after the other, in a copy of the checkout: the test of each has to fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.lab.rules import QUICK, SLOW, Rule  # noqa: E402

SECONDS = 300


def survivors(rules: Iterable[Rule]) -> list[str]:
    """Return the rules whose test passes without them, or fails with them; empty when all are proved."""
    with tempfile.TemporaryDirectory(prefix="fidelity-") as folder:
        copy = Path(folder) / "checkout"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", ".lab", "*_cache", "__pycache__"))
        # The documents and tools that were fetched once are not fetched again.
        (ROOT / ".lab").mkdir(exist_ok=True)
        (copy / ".lab").symlink_to(ROOT / ".lab")
        rows = list(rules)
        if not _passes(copy, *dict.fromkeys(rule.test for rule in rows)):
            return ["one of the tests fails by itself"]
        return [text for rule in rows if (text := _tried(copy, rule))]


def _tried(copy: Path, rule: Rule) -> str:
    file = copy / "lab" / rule.file
    text = file.read_text(encoding="utf-8")
    if text.count(rule.old) != 1:
        return f"lab/{rule.file} has {rule.old!r} {text.count(rule.old)} times"
    file.write_text(text.replace(rule.old, rule.new), encoding="utf-8")
    try:
        return f"lab/{rule.file} without {rule.old!r}: {rule.test} passes" if _passes(copy, rule.test) else ""
    finally:
        file.write_text(text, encoding="utf-8")


def _passes(copy: Path, *tests: str) -> bool:
    argv = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    argv += [f"tests/lab/{test}" for test in tests]
    result = subprocess.run(argv, cwd=copy, capture_output=True, text=True, timeout=SECONDS, check=False,
                            env=os.environ | {"PYTHONPATH": str(copy)})  # fmt: skip
    if result.returncode not in (0, 1):
        raise RuntimeError(f"{tests}: pytest ended with {result.returncode}\n{result.stdout[-2000:]}{result.stderr}")
    return result.returncode == 0


def main() -> int:
    """Try all rules; 0 when each one is proved."""
    found = survivors(QUICK + SLOW)
    print("\n".join(found) or f"{len(QUICK + SLOW)} rules, each with a test that fails without it")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
