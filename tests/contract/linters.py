"""The linters of workflows, with what our examples are linted by."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from .source import ROOT

_PROGRAMS = Path(sys.executable).parent
EXAMPLES = ROOT / "examples"


def actionlint(workflows: Iterable[Path]) -> str:
    """What actionlint says of *workflows*, empty where it finds nothing."""
    return _said("actionlint", "-color=false", "-config-file", str(EXAMPLES / "actionlint.yaml"), *map(str, workflows))


def zizmor(workflows: Iterable[Path]) -> str:
    """What zizmor says in its strictest form; a major version of our own action alone need not be a commit."""
    options = ["--offline", "--no-progress", "--quiet", "--pedantic", "--config", str(EXAMPLES / "zizmor.yml")]
    return _said("zizmor", *options, *map(str, workflows))


def _said(program: str, *arguments: str) -> str:
    done = subprocess.run([_PROGRAMS / program, *arguments], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""
