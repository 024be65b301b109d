"""A job that is cancelled in the middle: nothing is half done that the same run, started again, does not finish."""

from __future__ import annotations

import pytest

from lab.runner.shim import StepResult
from lab.stage import Stage
from tests.job.gate import gate
from tests.job.seen import tags_of
from tests.job.test_publish import ok


def stopped(result: StepResult) -> None:
    """The run ended by itself, said why, and took the registry's password and all else with it."""
    assert result.conclusion == "cancelled", result.log
    assert result.exit_code == 1, "it was killed"
    errors = [found.message for found in result.annotations if found.level == "error"]
    assert errors[0].startswith("E-INTERRUPTED: ")
    assert errors[1:] == ["The operation was canceled."]
    assert "Run the job again" in result.summary
    assert result.leftovers == []
    assert "Terminate orphan process" not in result.log


def test_a_build_that_is_cancelled(stage: Stage) -> None:
    """No tag, no commit; the builder is gone with its login. Started again, the run publishes and rolls out."""
    head = stage.gitops_head()
    with gate() as web:
        stage.commit("Waits", {"Dockerfile": f"FROM busybox:stable\nADD {web.url}/file /file\n"})
        stopped(stage.publish(stage.push_payload(), cancelled=web.reached))
        assert (tags_of(stage), stage.gitops_head()) == ({}, head)
        done = ok(stage.publish(stage.push_payload()))
    assert (done.outputs["reused"], done.outputs["deployed"]) == ("false", "true")
    assert tags_of(stage)["latest"] == done.outputs["digest"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_gitops_commit_that_is_cancelled(stage: Stage, after: bool) -> None:
    """Before GitHub has it or when it is made already: the next run finds the image, and one commit is made."""
    before = stage.gitops_head()
    with gate(stage.environment["GITHUB_API_URL"], b"createCommitOnBranch", after=after) as hub:
        through = {"GITHUB_API_URL": hub.url, "GITHUB_GRAPHQL_URL": f"{hub.url}/graphql"}
        stopped(stage.publish(stage.push_payload(), variables=through, cancelled=hub.reached))
    head, tags = stage.gitops_head(), tags_of(stage)
    assert (head != before) is after
    assert stage.head in tags
    assert "deployed-dev" not in tags
    done = ok(stage.publish(stage.push_payload()))
    assert (done.outputs["reused"], done.outputs["deployed"]) == ("true", "true")
    assert done.outputs["gitops-changed"] == ("false" if after else "true")
    assert (stage.gitops_head() == head) is after
    assert tags_of(stage) == {**tags, "deployed-dev": done.outputs["digest"]}
