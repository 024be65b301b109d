"""A composite action written by each test, and one call that runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.github.events import example
from lab.runner import shim
from tests.lab.runner.actions import action

Run = Callable[..., shim.StepResult]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run steps (a text is one `run:`) on a push to main of acme/shop."""

    def start(*steps: str | dict[str, Any], with_: dict[str, str] | None = None, **options: Any) -> shim.StepResult:
        rows = [{"run": step} if isinstance(step, str) else step for step in steps]
        (tmp_path / "workspace").mkdir(exist_ok=True)
        given: dict[str, Any] = {
            "event": "push", "payload": example("push", ref="refs/heads/main", after="a" * 40),
            "repository": "acme/shop", "workspace": tmp_path / "workspace",
            "environment": {"RUNNER_TOOL_CACHE": str(tmp_path / "tools")},
        }  # fmt: skip
        return shim.run(action(tmp_path / "action", *rows), with_=with_ or {}, **(given | options))

    return start
