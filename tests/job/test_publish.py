"""Whole runs by the composite action's own steps: what registry, GitOps repository and caller see of them."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from lab.pulled import answer_of
from lab.runner import jobs
from lab.runner.shim import StepResult
from lab.stage import Stage
from tests.job.seen import gitops_file, image_config, retag, tags_of, writes

Make = Callable[..., Stage]
NO_GITOPS = {"gitops_repository": "-", "gitops_token": "-"}


def ok(result: StepResult) -> StepResult:
    """The result of a step that must have succeeded."""
    assert result.exit_code == 0, result.log
    return result


@pytest.mark.parametrize("engine", ["buildx", "docker"])
def test_from_a_commit_to_a_gitops_commit_and_again(stage: Stage, engine: str) -> None:
    """A first publish, the same commit again, a new commit: on both engines."""
    before, short = stage.gitops_head(), stage.head[:7]
    first = ok(stage.publish(stage.push_payload(), engine=engine))
    assert first.outputs["tags"].split("\n") == [stage.head, short, f"dev-{short}", "latest"]
    named = [stage.head, short, f"dev-{short}", "latest", "deployed-dev"]
    assert tags_of(stage) == dict.fromkeys(named, first.outputs["digest"])
    assert first.outputs["repository-created"] == "true"
    changed = [line for line in stage.gitops_diff(before, stage.gitops_head()).splitlines() if line[:1] in "+-"]
    assert changed[2:] == [
        "-          image: placeholder   # replaced by the first publish",
        f"+          image: {first.outputs['image']}   # replaced by the first publish",
    ]
    assert first.outputs["gitops-commit"] == stage.gitops_head()
    assert "revision 1" in answer_of(first.outputs["image"], stage)

    stage.calls()
    again = ok(stage.publish(stage.push_payload(), engine=engine))
    assert writes(stage.calls()) == []
    assert (again.outputs["reused"], again.outputs["digest"]) == ("true", first.outputs["digest"])
    assert (again.outputs["gitops-changed"], again.outputs["deployed"]) == ("false", "true")

    head, commit = stage.gitops_head(), stage.commit("Second", {"index.html": "revision 2\n"})
    third = ok(stage.publish(stage.push_payload(), engine=engine))
    assert third.outputs["digest"] != first.outputs["digest"]
    deployed = {tag: tags_of(stage)[tag] for tag in ("latest", "deployed-dev", "deployed-dev-previous")}
    assert deployed == {
        "latest": third.outputs["digest"],
        "deployed-dev": third.outputs["digest"],
        "deployed-dev-previous": first.outputs["digest"],
    }
    assert stage.gitops_diff(head, stage.gitops_head()).count("\n+") == 2
    assert commit[:7] in gitops_file(stage, "manifests/deployment.yaml")
    assert "revision 2" in answer_of(third.outputs["image"], stage)


def test_the_calls_of_a_first_and_of_a_second_publish(stage: Stage) -> None:
    """No call is made twice or without need; those of the engine on the registry's wire are not ours."""

    def ours() -> list[str]:
        return sorted(call for call in stage.calls() if not call.startswith("registry:"))

    ok(stage.publish(stage.push_payload()))
    assert ours() == sorted(
        [
            *["oidc:GET token", "sts:AssumeRoleWithWebIdentity"],
            *["ecr:DescribeRepositories", "ecr:GetLifecyclePolicy", "ecr:BatchGetImage"],
            *["ecr:DescribeRepositoryCreationTemplates", "ecr:CreateRepository"],
            *["ecr:PutLifecyclePolicy", "ecr:GetAuthorizationToken"],
            *["ecr:BatchGetImage"] * 2,
            *["ecr:PutImage"] * 5,
            "github:GET compare",
            *_BUMP,
            # Whether another run rolled out while the mark was put.
            "github:POST repository",
        ]
    )
    ok(stage.publish(stage.push_payload()))
    assert ours() == sorted(
        [
            *["oidc:GET token", "sts:AssumeRoleWithWebIdentity"],
            *["ecr:DescribeRepositories", "ecr:GetLifecyclePolicy", "ecr:BatchGetImage"],
            "github:GET compare",
            *_READ,
        ]
    )


def test_the_calls_of_a_release(stage: Stage) -> None:
    """What is there is asked for once and tagged, whatever else the repository holds; no engine is there."""
    first = ok(stage.publish(stage.push_payload()))
    stage.calls()
    result = ok(
        stage.publish(
            stage.push_payload("refs/tags/v1.2.3"),
            ref="refs/tags/v1.2.3",
            variables={"DOCKER_HOST": "tcp://127.0.0.1:9"},
        )
    )
    assert (result.outputs["digest"], result.outputs["reused"]) == (first.outputs["digest"], "true")
    calls = [call for call in stage.calls() if call.startswith(("ecr:", "registry:"))]
    assert (sorted(calls[:3]), calls[3:5]) == (
        ["ecr:BatchGetImage", "ecr:DescribeRepositories", "ecr:GetLifecyclePolicy"],
        ["ecr:PutImage"] * 2,
    )
    # What stands in the GitOps repository, by its tag and its commit; the mark of what is deployed.
    assert calls[5:] == ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:BatchGetImage", "ecr:PutImage"]


_READ = ["github:POST repository", "github:GET tree", "github:GET tarball", "github:GET codeload"]
_BUMP = [*_READ, "github:POST createCommitOnBranch"]


def test_an_old_run_that_is_started_again_moves_nothing_back(stage: Stage) -> None:
    """Neither `latest` nor what is deployed; it is published all the same."""
    first = stage.head
    stage.commit("Second", {"index.html": "revision 2\n"})
    new = ok(stage.publish(stage.push_payload()))
    head = stage.gitops_head()
    stage.checkout(first)
    old = ok(stage.publish(stage.push_payload()))
    assert tags_of(stage)["latest"] == new.outputs["digest"]
    assert tags_of(stage)[first] == old.outputs["digest"]
    assert stage.gitops_head() == head
    assert (old.outputs["superseded"], old.outputs["deployed"], old.outputs["pushed"]) == ("true", "false", "true")
    assert "NOT DEPLOYED" in [annotation.title for annotation in old.annotations]
    assert "latest" not in old.outputs["tags"].split("\n")


def test_latest_moves_on_to_what_others_have_published(stage: Stage) -> None:
    """As after a run that was cut off between putting the tag and looking: the next one puts it right."""
    old = stage.head
    first = ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    newer = stage.commit("Second", {"index.html": "revision 2\n"})
    second = ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    stage.commit("Third, without an image", {"index.html": "revision 3\n"})
    retag(stage, first.outputs["digest"], "latest")
    stage.checkout(old)
    again = ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    assert tags_of(stage)["latest"] == second.outputs["digest"]
    assert (again.outputs["superseded"], "latest" in again.outputs["tags"].split()) == ("true", False)
    assert newer in again.log


def test_with_the_platforms_present_role_a_publish_succeeds(make_stage: Make) -> None:
    """One notice for each lost feature, which names the statement to add."""
    stage = make_stage(full=False)
    ok(stage.publish(stage.push_payload()))
    stage.commit("Second", {"index.html": "revision 2\n"})
    result = ok(stage.publish(stage.push_payload()))
    notices = [annotation.message for annotation in result.annotations if annotation.level == "notice"]
    for action in ("ecr:GetLifecyclePolicy", "ecr:DescribeImages"):
        said = [notice for notice in notices if notice.startswith(action)]
        assert len(said) == 1
        assert '"Effect": "Allow"' in said[0]
    assert tags_of(stage)["latest"] == result.outputs["digest"]
    assert result.outputs["deployed"] == "true"


def test_a_release_is_the_image_of_its_commit(stage: Stage) -> None:
    """Nothing is built; the tags are put on what is there, and prod gets it."""
    first = ok(stage.publish(stage.push_payload(), gitops_repository="-", gitops_token="-"))
    payload = stage.push_payload("refs/tags/v1.2.3")
    release = ok(
        stage.publish(payload, ref="refs/tags/v1.2.3", engine="docker", gitops_files="prod: manifests/deployment.yaml")
    )
    assert release.outputs["digest"] == first.outputs["digest"]
    assert (release.outputs["reused"], release.outputs["tag"], release.outputs["version"]) == ("true", *["v1.2.3"] * 2)
    assert tags_of(stage)["prod-v1.2.3"] == first.outputs["digest"]
    assert f"{release.outputs['registry']}/{release.outputs['repository']}:v1.2.3" in gitops_file(
        stage, "manifests/deployment.yaml"
    )


def test_a_version_is_written_once(stage: Stage) -> None:
    """Another commit under the same version is an error before the build, which names both."""
    first = stage.head
    ok(
        stage.publish(
            stage.push_payload("refs/tags/v1.2.3"), ref="refs/tags/v1.2.3", gitops_repository="-", gitops_token="-"
        )
    )
    second = stage.commit("Second", {"index.html": "revision 2\n"})
    result = stage.publish(
        stage.push_payload("refs/tags/v1.2.3"), ref="refs/tags/v1.2.3", gitops_repository="-", gitops_token="-"
    )
    assert result.exit_code == 1
    assert "E-ECR-TAG" in result.log
    assert first in result.log
    assert second not in tags_of(stage)


def test_a_pull_request_builds_without_any_credentials(stage: Stage) -> None:
    """An empty role is no error where nothing is pushed, and nothing is asked of AWS."""
    pull = {**stage.push_payload(), "number": 7}
    pull["pull_request"] = {"number": 7, "head": {"sha": stage.head, "repo": {"full_name": "stranger/fork"}}}
    result = ok(
        stage.publish(
            pull, event="pull_request", ref="refs/pull/7/merge", role_to_assume="", aws_region="-", gitops_token=""
        )
    )
    assert (result.outputs["pushed"], result.outputs["image"]) == ("false", "")
    assert stage.calls() == []


def test_a_pull_request_with_a_failing_dockerfile_fails(stage: Stage) -> None:
    """With an annotation on the line and the command's last words."""
    stage.commit("Broken", {"Dockerfile": "FROM busybox:stable\nRUN echo wh0ops && exit 3\n"})
    result = stage.publish(stage.push_payload(), push="false")
    assert result.exit_code == 1
    (error,) = [annotation for annotation in result.annotations if annotation.file]
    assert (error.level, error.file, error.line) == ("error", "Dockerfile", 2)
    assert "wh0ops" in error.message


def test_a_dry_run_writes_nothing_and_shows_everything(stage: Stage) -> None:
    """The plan, the tags, the diff."""
    head = stage.gitops_head()
    result = ok(stage.publish(stage.push_payload(), dry_run="true"))
    assert writes(stage.calls()) == []
    assert stage.gitops_head() == head
    assert "would create the repository" in result.log
    assert "Tagged" not in result.log
    claims = [result.outputs[name] for name in ("pushed", "deployed", "repository-created", "gitops-changed")]
    assert claims == ["false"] * 4
    assert "-          image: placeholder" in result.summary
    assert result.summary.startswith("## Dry run")


def test_two_jobs_of_one_new_app_at_once(stage: Stage) -> None:
    """Both succeed: one repository, one image, one GitOps commit."""
    head = stage.gitops_head()
    results: list[StepResult] = []
    jobs = [threading.Thread(target=lambda: results.append(stage.publish(stage.push_payload()))) for _ in range(2)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [result.exit_code for result in results] == [0, 0], "\n".join(result.log for result in results)
    assert sorted(result.outputs["repository-created"] for result in results) == ["false", "true"]
    assert {result.outputs["digest"] for result in results} == {tags_of(stage)["latest"]}
    assert stage.gitops_diff(head, stage.gitops_head()).count("\n+") == 2


def test_the_image_has_the_standard_labels(stage: Stage) -> None:
    """Source, revision, the commit's date; the user's own beside them."""
    result = ok(stage.publish(stage.push_payload(), labels="team=web", gitops_repository="-", gitops_token="-"))
    labels = image_config(stage, result.outputs["digest"])["config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == stage.head
    assert labels["org.opencontainers.image.created"].endswith("Z")
    assert labels["team"] == "web"


def test_nothing_is_left_behind(stage: Stage) -> None:
    """No login, no temporary file."""
    assert ok(stage.publish(stage.push_payload())).leftovers == []


def test_the_next_step_can_use_the_outputs(stage: Stage) -> None:
    """None holds a masked value, so that they reach another job too."""
    result = ok(stage.publish(stage.push_payload()))
    assert result.job_outputs == {name: value for name, value in result.outputs.items() if value}
    workflow = {name: f"${{{{ jobs.publish.outputs.{name} }}}}" for name in result.outputs}
    assert jobs.of_workflow(workflow, {"publish": result.job_outputs}) == result.outputs
    assert result.outputs["image-digest"] == f"{result.outputs['image'].rpartition(':')[0]}@{result.outputs['digest']}"


def while_it_builds(stage: Stage, slow: Callable[[], StepResult], quick: Callable[[], StepResult]) -> StepResult:
    """Run *quick* while *slow*, started before it, is still building; the result of *slow*."""
    results: list[StepResult] = []
    thread = threading.Thread(target=lambda: results.append(slow()))
    thread.start()
    end = time.monotonic() + 30
    while "ecr:GetAuthorizationToken" not in stage.calls():
        assert time.monotonic() < end, "it never began to build"
        time.sleep(0.05)
    ok(quick())
    thread.join()
    return results[0]


def slow_app(stage: Stage) -> None:
    """Make the app's image take seconds to build, whatever an earlier run left in the engine's cache."""
    lines = "FROM busybox:stable\nCOPY index.html /\nRUN sleep 6\n"
    stage.commit("Slow", {"Dockerfile": lines, ".dockerignore": "", "index.html": uuid.uuid4().hex})


def copy_of(stage: Stage, folder: Path) -> Stage:
    """The same app in another work tree, as another job checks it out."""
    shutil.copytree(stage.app, folder / stage.app.name)
    return OtherCheckout(
        **{field.name: getattr(stage, field.name) for field in fields(Stage)}, tree=folder / stage.app.name
    )


@dataclass
class OtherCheckout(Stage):
    """A stage whose work tree lies elsewhere."""

    tree: Path = Path()

    @property
    def app(self) -> Path:
        """That work tree."""
        return self.tree


def test_a_slow_build_of_an_old_commit_moves_nothing_back(stage: Stage, tmp_path: Path) -> None:
    """What was published while it built is newer, though it was not there when it began."""
    slow_app(stage)
    old = copy_of(stage, tmp_path)
    new = stage.commit("Quick", {"Dockerfile": "FROM busybox:stable\nCOPY index.html /\n"})
    result = ok(
        while_it_builds(stage, lambda: old.publish(old.push_payload()), lambda: stage.publish(stage.push_payload()))
    )
    tags = tags_of(stage)
    assert tags["latest"] == tags["deployed-dev"] == tags[new]
    assert (result.outputs["superseded"], "latest" in result.outputs["tags"].split()) == ("true", False)
    assert tags[old.head] == result.outputs["digest"]


def test_a_version_that_was_published_while_ours_was_built_stays(stage: Stage, tmp_path: Path) -> None:
    """It is written once, however the jobs overlap."""
    slow_app(stage)
    old = copy_of(stage, tmp_path)
    new = stage.commit("Quick", {"Dockerfile": "FROM busybox:stable\nCOPY index.html /\n"})
    given = {"gitops_repository": "-", "gitops_token": "-", "ref": "refs/tags/v1.0.0"}
    payload = stage.push_payload("refs/tags/v1.0.0")
    result = while_it_builds(stage, lambda: old.publish(payload, **given), lambda: stage.publish(payload, **given))
    assert result.exit_code == 1
    assert "E-ECR-TAG" in result.log
    assert tags_of(stage)["v1.0.0"] == tags_of(stage)["prod-v1.0.0"] == tags_of(stage)[new]


def test_an_old_dispatch_that_is_started_again_names_no_image(stage: Stage) -> None:
    """Consent to go back is to name a version or a tag, not to press a button on a branch."""
    first = stage.head
    stage.commit("Second", {"index.html": "revision 2\n"})
    ok(stage.publish(stage.push_payload()))
    head = stage.gitops_head()
    stage.checkout(first)
    ok(stage.publish(stage.push_payload(), event="workflow_dispatch"))
    assert stage.gitops_head() == head


def test_a_pull_requests_image_is_of_what_is_checked_out(stage: Stage) -> None:
    """The head's tag is there, but the base has moved: the new merge is built, the old image keeps its tag."""
    head = {"sha": "a" * 40, "repo": {"full_name": stage.name}}
    pull = {**stage.push_payload(), "number": 7, "pull_request": {"number": 7, "head": head}}
    event = {"event": "pull_request", "ref": "refs/pull/7/merge", "push": "true"}
    first = ok(stage.publish(pull, **event))
    stage.commit("The base moved", {"index.html": "merged\n"})
    second = ok(stage.publish(pull, **event))
    assert (first.outputs["tag"], second.outputs["reused"]) == ("pr-7-aaaaaaa", "false")
    assert second.outputs["tag"].startswith("pr-7-aaaaaaa-r")
    assert tags_of(stage)["pr-7"] == second.outputs["digest"]
    assert tags_of(stage)["pr-7-aaaaaaa"] == first.outputs["digest"]


def test_a_release_that_is_newer_in_one_region_alone(make_stage: Make) -> None:
    """It is deployed there and marked as deployed; the other keeps its own, with a warning."""
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/APP"
    stage = make_stage({f"{place}-prod/pod.yaml": f"image: {image}:{tag}\n" for place, tag in REGIONS.items()})
    result = ok(stage.publish(stage.push_payload("refs/tags/v1.1.0"), ref="refs/tags/v1.1.0"))
    assert (result.outputs["deployed"], result.outputs["superseded"]) == ("true", "true")
    assert tags_of(stage)["deployed-prod"] == result.outputs["digest"]
    assert ":v1.1.0" in gitops_file(stage, "us-prod/pod.yaml")
    assert ":v1.2.0" in gitops_file(stage, "eu-prod/pod.yaml")
    assert "NOT DEPLOYED" in [annotation.title for annotation in result.annotations if annotation.level == "warning"]


REGIONS = {"eu": "v1.2.0", "us": "v1.0.0"}
