"""Whole runs of pull requests: what a merge would change is shown, and never written."""

from __future__ import annotations

import re
from typing import Any

from lab.github import setup as github
from lab.runner.shim import StepResult
from lab.stage import Stage
from tests.job.seen import repository_of, writes
from tests.job.test_publish import ok

FILE = "manifests/deployment.yaml"
AFTER = "### After a merge: "


def pull_request(stage: Stage, *, base: str = "main", dry_run: str = "true", **given: str) -> StepResult:
    """The run of pull request 7; a dry run builds nothing, and reads the same."""
    head = {"sha": stage.head, "repo": {"full_name": stage.name}}
    pull: dict[str, Any] = {"number": 7, "head": head, "base": {"ref": base}}
    payload = {**stage.push_payload(), "number": 7, "pull_request": pull}
    return stage.publish(payload, event="pull_request", ref="refs/pull/7/merge", dry_run=dry_run, **given)


def section(result: StepResult) -> str:
    """What the summary says of the merge."""
    return result.summary.partition("### After a merge")[2]


def warnings(result: StepResult) -> list[str]:
    """The titles of the warnings."""
    return [annotation.title for annotation in result.annotations if annotation.level == "warning"]


def test_a_pull_request_shows_what_its_merge_would_change(stage: Stage) -> None:
    """As a diff in the summary of a run that builds, with a token that may only read, and without AWS."""
    head = stage.gitops_head()
    reader = "github_pat_reader"
    stage.github.token(reader, "platform-bot", {stage.gitops: "read"}, kind="fine-grained")
    stage.calls()
    result = ok(pull_request(stage, dry_run="false", gitops_token=reader))
    assert f"{AFTER}{stage.gitops}, dev\n" in result.summary
    image = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{repository_of(stage)}:{stage.head[:7]}"
    assert re.search(rf"\n\+ +image: {re.escape(image)} ", section(result))
    assert "```diff\n--- a/manifests/deployment.yaml" in section(result)
    assert "Nothing is written yet." in section(result)
    assert (warnings(result), stage.gitops_head()) == ([], head)
    calls = stage.calls()
    assert writes(calls) == []
    assert [call for call in calls if call.startswith(("ecr:", "sts:"))] == []
    assert (result.outputs["deployed"], result.outputs["gitops-changed"]) == ("false", "false")


def test_what_would_go_wrong_is_a_warning_before_the_merge(stage: Stage) -> None:
    """A glob that matches nothing, an image that is nowhere: it fails nothing."""
    for given, code, words in (
        ({"gitops_files": "nowhere/*.yaml"}, "E-GITOPS-FILES", "matches no file"),
        ({"repository": "another-name", "gitops_bootstrap": "none"}, "E-GITOPS-REFERENCE", "is referenced in none"),
    ):
        result = ok(pull_request(stage, **given))
        assert [title.partition("(")[2].rstrip(")") for title in warnings(result)] == [code]
        assert words in result.log
        assert code in section(result)
        assert "not rolled out" in section(result).split("\n")[0]


def test_where_nothing_can_be_shown_a_line_of_the_log_says_so(stage: Stage) -> None:
    """Without a token, as in a fork's run; onto another branch; where no account is known."""
    for given, words in (
        ({"gitops_token": ""}, "has no token for it"),
        ({"base": "feature"}, ""),
        ({"role_to_assume": "-"}, "needs 'registry-id:'"),
        ({"gitops_files": "prod: manifests/deployment.yaml"}, "has paths for prod alone"),
        ({"push": "false"}, ""),
    ):
        stage.calls()
        result = ok(pull_request(stage, **given))
        assert (section(result), warnings(result)) == ("", [])
        assert [call for call in stage.calls() if "tree" in call] == []
        assert words in result.log
        assert ("Preview: " in result.log) is bool(words)
    elsewhere = ok(pull_request(stage, base="feature", environment="qa"))
    assert section(elsewhere).splitlines()[0].endswith(", qa")


def test_a_release_that_stands_would_stay(stage: Stage) -> None:
    """In a file of no environment; it is said before the merge."""
    bare = github.repository(stage.github.state, stage.gitops)
    image = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{repository_of(stage)}:v1.0.0"
    github.commit(bare, {FILE: f"image: {image}\n"}, "A release")
    assert "v1.0.0 is out" in section(ok(pull_request(stage)))


def test_a_digest_is_shown_as_one_that_is_not_known_yet(stage: Stage) -> None:
    """Zeros stand for it; the references are those that will be edited."""
    shown = section(ok(pull_request(stage, gitops_pin="digest")))
    assert f"/{repository_of(stage)}:{stage.head[:7]}@sha256:{'0' * 64}" in shown
    assert "zeros stand for the digest" in shown
