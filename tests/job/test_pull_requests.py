"""Whole runs that propose: one pull request for each app and environment, until somebody merges it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.github import git
from lab.github import setup as github
from lab.runner.shim import StepResult
from lab.stage import Stage
from tests.job.seen import gitops_file, tags_of
from tests.job.test_publish import ok

FILE = "manifests/deployment.yaml"
PR = {"gitops_mode": "pull-request"}
TOKEN = "ghp_the_owner_of_the_gitops_repository"


def branch(stage: Stage, environment: str = "dev") -> str:
    """The app's branch in the GitOps repository."""
    return f"ecr-publish/{stage.name.rpartition('/')[2]}/{environment}"


def branches(stage: Stage) -> set[str]:
    """All branches of the GitOps repository."""
    names = git.Bare(github.repository(stage.github.state, stage.gitops)).references("refs/heads/")
    return {name.removeprefix("refs/heads/") for name in names}


def asked(stage: Stage, method: str = "GET", path: str = "pulls?state=all", body: Any = None) -> Any:
    """What GitHub says of, or does to, the GitOps repository's pull requests, for its owner."""
    stage.github.token(TOKEN, "owner", {stage.gitops: "admin"})
    reply = stage.github.request(method, f"/repos/{stage.gitops}/{path}", TOKEN, body)
    assert reply.status < 300, reply.body
    return reply.json


def merge(stage: Stage, number: int) -> None:
    """As a person does it on GitHub's page."""
    asked(stage, "PUT", f"pulls/{number}/merge", {"merge_method": "squash"})


def publish(stage: Stage, text: str = "", **given: str) -> StepResult:
    """Publish a push of another revision."""
    if text:
        stage.commit(f"Revision {text}", {"index.html": f"revision {text}\n"})
    return ok(stage.publish(stage.push_payload(), **{**PR, **given}))


def test_a_proposal_its_update_and_its_merge(stage: Stage) -> None:
    """Never two, never closed by an update; the image is marked as proposed, and as deployed once the merge is seen."""
    base = stage.gitops_head()
    first = publish(stage)
    assert (first.outputs["deployed"], first.outputs["gitops-changed"]) == ("false", "true")
    (pull,) = asked(stage)
    assert first.outputs["gitops-pull-request"] == pull["html_url"]
    assert first.outputs["gitops-commit"] == pull["head"]["sha"]
    name, tag = first.outputs["image-path"].split(":")
    assert (pull["title"], pull["head"]["ref"]) == (f"Deploy {name} {tag} to dev", branch(stage))
    assert first.outputs["digest"] in pull["body"]
    assert first.outputs["image"] in gitops_file(stage, FILE, branch(stage))
    assert stage.gitops_head() == base
    assert branches(stage) == {"main", branch(stage)}
    tags = tags_of(stage)
    assert (tags.get("deployed-dev"), tags["deployed-dev-proposed"]) == (None, first.outputs["digest"])
    assert "waits in a pull request" in first.summary
    assert pull["html_url"] in first.summary

    stage.calls()
    again = publish(stage)
    assert (again.outputs["gitops-pull-request"], again.outputs["gitops-changed"]) == (pull["html_url"], "false")
    calls = stage.calls()
    assert not [call for call in calls if "createCommit" in call or "updateRefs" in call or ":PATCH" in call]

    asked(stage, "PATCH", "pulls/1", {"body": f"Looked at by Ada.\n\n{pull['body']}"})
    second = publish(stage, "2")
    (updated,) = asked(stage)
    assert (updated["number"], updated["state"]) == (1, "open")
    assert second.outputs["digest"] in updated["body"]
    assert first.outputs["digest"] not in updated["body"]
    assert updated["body"].startswith("Looked at by Ada.\n\n<!--")
    assert len(github.log(github.repository(stage.github.state, stage.gitops), f"refs/heads/{branch(stage)}")) == 2

    merge(stage, 1)
    third = publish(stage, "3")
    assert "What ships" in asked(stage)[0]["body"]
    assert third.outputs["gitops-pull-request"].endswith("/pull/2")
    tags = tags_of(stage)
    assert tags["deployed-dev"] == second.outputs["digest"]
    assert tags["deployed-dev-proposed"] == third.outputs["digest"]

    merge(stage, 2)
    seen = publish(stage)
    assert (seen.outputs["deployed"], seen.outputs["gitops-pull-request"]) == ("true", "")
    tags = tags_of(stage)
    assert (tags["deployed-dev"], tags["deployed-dev-previous"]) == (third.outputs["digest"], second.outputs["digest"])


def test_what_people_do_to_a_proposal_counts(stage: Stage) -> None:
    """An old run takes nothing back; others' commits stay below ours; what was closed is not asked for again."""
    old = stage.head
    first = publish(stage)
    second = publish(stage, "2")
    newest = stage.head
    stage.checkout(old)
    late = publish(stage)
    assert (late.outputs["superseded"], late.outputs["deployed"]) == ("true", "false")
    assert "/pull/1" in late.outputs["gitops-pull-request"]
    assert second.outputs["image"] in gitops_file(stage, FILE, branch(stage))
    assert first.outputs["image"] != second.outputs["image"]

    stage.checkout(newest)
    bare = github.repository(stage.github.state, stage.gitops)
    github.commit(bare, {"manifests/extra.yaml": "a: 1\n"}, "A fix by hand", branch=branch(stage))
    third = publish(stage, "3")
    assert gitops_file(stage, "manifests/extra.yaml", branch(stage)) == "a: 1\n"
    assert third.outputs["image"] in gitops_file(stage, FILE, branch(stage))
    assert len(asked(stage, path="pulls")) == 1

    asked(stage, "PATCH", "pulls/1", {"state": "closed"})
    closed = publish(stage)
    assert (closed.outputs["superseded"], "closed without a merge" in closed.log) == ("true", True)
    assert asked(stage, path="pulls") == []
    fourth = publish(stage, "4")
    assert fourth.outputs["gitops-pull-request"].endswith("/pull/2")


def test_a_proposal_that_was_overtaken_is_closed(stage: Stage) -> None:
    """A newer image got to the branch by another way: the older one no longer waits there for a merge."""
    onto = {"gitops_branch": "main"}
    publish(stage, **onto)
    assert [pull["head"]["ref"] for pull in asked(stage)] == [f"{branch(stage)}@main"]
    publish(stage, "2", gitops_mode="commit")
    assert [pull["state"] for pull in asked(stage)] == ["open"]
    seen = publish(stage, **onto)
    assert (seen.outputs["deployed"], seen.outputs["gitops-pull-request"]) == ("true", "")
    (closed,) = asked(stage)
    assert (closed["state"], closed["body"].endswith("main has a newer image by now.")) == ("closed", True)


def test_auto_commits_where_it_may_and_proposes_where_it_may_not(stage: Stage) -> None:
    """Whatever stands before the branch; with the mode of one environment alone."""
    given = {"gitops_mode": "commit\ndev: auto"}
    direct = publish(stage, **given)
    assert (direct.outputs["deployed"], direct.outputs["gitops-pull-request"]) == ("true", "")
    stage.github.repository(stage.gitops, protected={"main": "ruleset"})
    proposed = publish(stage, "2", **given)
    assert (proposed.outputs["deployed"], proposed.outputs["gitops-pull-request"][-7:]) == ("false", "/pull/1")
    stage.github.repository(stage.gitops, protected={"main": "merge-queue"})
    stage.commit("Third", {"index.html": "revision 3\n"})
    refused = stage.publish(stage.push_payload(), gitops_mode="prod: auto")
    assert (refused.exit_code, "E-GITOPS-PROTECTED" in refused.log) == (1, True)
    dry = publish(stage, dry_run="true", **given)
    assert "Dry run: would commit" in dry.log


def test_a_rollback_by_a_pull_request(stage: Stage) -> None:
    """It waits for its merge; meanwhile no push takes the rejected image there again, and `previous` leads back."""
    first = ok(stage.publish(stage.push_payload()))
    stage.commit("Second", {"index.html": "revision 2\n"})
    second = ok(stage.publish(stage.push_payload()))
    given = {"mode": "deploy", "image": "previous", "environment": "dev", **PR}
    back = ok(stage.publish(stage.push_payload(), event="workflow_dispatch", **given))
    assert (back.outputs["deployed"], back.outputs["digest"]) == ("false", first.outputs["digest"])
    tags = tags_of(stage)
    assert (tags["deployed-dev"], tags["deployed-dev-rejected"]) == (second.outputs["digest"],) * 2
    push = publish(stage)
    assert (push.outputs["superseded"], len(asked(stage))) == ("true", 1)
    merge(stage, 1)
    stage.commit("Third", {"index.html": "revision 3\n"})
    publish(stage)
    tags = tags_of(stage)
    assert (tags["deployed-dev"], tags["deployed-dev-previous"]) == (first.outputs["digest"],) * 2
    assert len(asked(stage, path="pulls")) == 1


def test_a_proposal_that_github_merges_by_itself(make_stage: Callable[..., Stage]) -> None:
    """The app's first manifests come with it, once; what is not required is told, and then waited for."""
    stage = make_stage({"README.md": "Manifests of APP\n"})
    app = stage.name.rpartition("/")[2]
    pod = f"kind: Pod\nmetadata: {{name: {app}}}\nspec: {{containers: [{{name: {app}, image: placeholder}}]}}\n"
    stage.commit("Manifests", {"deploy/pod.yaml": pod, "deploy/app.properties": "a=1\n"})
    first = publish(stage, gitops_auto_merge="true")
    assert "Allow auto-merge" in first.log
    assert gitops_file(stage, "app.properties", branch(stage)) == "a=1\n"
    stage.github.repository(stage.gitops, allow_auto_merge=True, required={"main": ["build"]})
    again = publish(stage, gitops_auto_merge="true")
    assert (again.outputs["gitops-changed"], again.outputs["gitops-commit"]) == ("false", "")
    stage.github.repository(stage.gitops, checks={first.outputs["gitops-commit"]: {"build": "success"}})
    assert first.outputs["image"] in gitops_file(stage, "pod.yaml")
    seen = publish(stage, gitops_auto_merge="true")
    assert (seen.outputs["deployed"], tags_of(stage)["deployed-dev"]) == ("true", first.outputs["digest"])


def test_a_token_without_the_right_to_pull_requests(stage: Stage) -> None:
    """What to tick is said; the image is published."""
    stage.github.token(
        stage.gitops_token, "platform-bot", {stage.gitops: "write"}, "fine-grained", permissions={"contents": "write"}
    )
    result = stage.publish(stage.push_payload(), **PR)
    assert (result.exit_code, "Pull requests: Read and write" in result.log) == (1, True)
    assert result.outputs["pushed"] == "true"
    assert branches(stage) == {"main"}
