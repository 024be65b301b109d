"""Composite actions written by the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HEAD = """
name: test
description: test
inputs:
  name: {description: a, default: world}
  flag: {description: b, default: false}
  token: {description: c, default: "${{ github.token }}"}
  bare: {description: d}
outputs:
  said: {description: e, value: "${{ steps.main.outputs.said }}"}
runs:
  using: composite
  steps:
"""


def action(folder: Path, *steps: dict[str, Any]) -> Path:
    """Write an action.yml with *steps* (shell sh, the first with the id main) and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"shell": "sh", **({"id": "main"} if number == 0 else {}), **step} for number, step in enumerate(steps)]
    (folder / "action.yml").write_text(HEAD + "".join(f"    - {json.dumps(row)}\n" for row in rows))
    return folder
