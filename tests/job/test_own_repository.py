"""GitOps files that live in the app's own repository."""

from __future__ import annotations

from lab.github import setup as github
from lab.stage import Stage
from tests.job.seen import repository_of, writes
from tests.job.test_publish import ok

FILE = "deploy/pod.yaml"


def test_the_bump_in_the_apps_own_repository_does_not_start_the_next_one(stage: Stage) -> None:
    """Its push does nothing at all, with a notice; the next real commit is published and rolled out."""
    name = repository_of(stage)
    pod = f"kind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{{image: placeholder}}]}}\n"
    stage.commit("Manifests", {FILE: pod})
    stage.github.token(stage.gitops_token, "platform-bot", {stage.name: "write"}, kind="fine-grained")
    bare = github.repository(stage.github.state, stage.name)
    given = {"gitops_repository": stage.name, "gitops_files": FILE}

    first = ok(stage.publish(stage.push_payload(), **given))
    assert first.outputs["gitops-commit"] == github.head(bare)
    assert first.outputs["image"] in github.read(bare, FILE).decode()

    stage.pull()
    assert stage.head == first.outputs["gitops-commit"]
    stage.calls()
    again = ok(stage.publish(stage.push_payload(), **given))
    assert writes(stage.calls()) == []
    assert (again.outputs["pushed"], again.outputs["gitops-changed"]) == ("false", "false")
    assert "GitOps commit of this action" in "".join(a.message for a in again.annotations if a.level == "notice")
    assert "## Nothing to do" in again.summary

    stage.commit("Second", {"index.html": "revision 2\n"})
    second = ok(stage.publish(stage.push_payload(), **given))
    assert second.outputs["image"] in github.read(bare, FILE).decode()
    assert f"2 commits since {first.outputs['tag']}" in second.summary
