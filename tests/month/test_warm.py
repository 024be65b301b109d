"""A run whose Python has started already is the run that a job starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.stage import ACTION, Stage
from tests.month import warm
from tests.month.seen import manifests
from tests.month.test_month import Laboratory


@pytest.fixture
def stages(laboratory: Laboratory, tmp_path: Path) -> list[Stage]:
    """The same app twice: as a job starts the action, and as the month does."""
    with warm.action(ACTION, tmp_path / "warm") as started:
        made = [
            Stage(*laboratory, name="darede-labs/warm", gitops="darede-labs/warm-gitops", action=action)
            for action in (ACTION, started)
        ]
        for stage in made:
            stage.set_up(manifests("warm"))
        yield made


def test_a_warm_start_changes_nothing_that_is_seen(stages: list[Stage]) -> None:
    """The same calls, outputs, annotations and exit status: of a run that has nothing to do, and of one that fails."""
    assert stages[0].publish(stages[0].push_payload()).exit_code == 0
    for changes, status in (
        ({}, 0),
        ({"aws_region": "nowhere"}, 2),
        ({"repository": "missing", "create_repository": "false"}, 1),
    ):
        seen = []
        for stage in stages:
            stage.calls()
            result = stage.publish(stage.push_payload(), **changes)
            told = [(one.level, one.title, one.message) for one in result.annotations]
            seen.append(
                (result.exit_code, sorted(stage.calls()), told, {**result.outputs, "metadata": ""}, result.leftovers)
            )
        assert seen[0] == seen[1]
        assert seen[0][0] == status
