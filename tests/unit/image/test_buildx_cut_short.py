"""What is shown of a build that ends before its builder has."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from ecr_action.image.arguments import BuildRequest
from ecr_action.image.buildx import BuildxEngine
from tests.rooms.github.said import Said

AT = "2026-11-24T10:00:00Z"


class Cancelled(Said):
    """A log whose job is cancelled at the line that ends with ``enough``."""

    def info(self, text: str) -> None:
        super().info(text)
        if text.endswith("enough"):
            raise KeyboardInterrupt


def output(step: str, text: str) -> dict[str, object]:
    return {"logs": [{"vertex": step, "data": base64.b64encode(text.encode()).decode()}]}


def test_the_other_stages_have_their_say(tmp_path: Path) -> None:
    """While one stage has the floor the lines of another wait: they are shown, whatever ends the build."""
    messages = (
        {"vertexes": [{"digest": "a", "name": "[slow 1/2] RUN sleep 3600", "started": AT}]},
        {"vertexes": [{"digest": "b", "name": "[tests 1/2] RUN pytest", "started": AT}]},
        output("b", "waiting for the database\nunfinish"),
        output("a", "enough\n"),
    )
    (tmp_path / "said").write_text("".join(json.dumps(message) + "\n" for message in messages))
    (tmp_path / "docker").write_text(f"#!/bin/sh\ncat '{tmp_path}/said'\n")
    (tmp_path / "docker").chmod(0o755)
    console = Cancelled()
    path = f"{tmp_path}:{os.environ['PATH']}"
    engine = BuildxEngine(environment={"PATH": path}, temp=tmp_path / "temp", console=console, version="v0.29.1")
    with pytest.raises(KeyboardInterrupt):
        engine.build(BuildRequest(workspace=str(tmp_path)), None, None)
    assert console.lines[-2:] == ["#2 waiting for the database", "#2 unfinish"]
