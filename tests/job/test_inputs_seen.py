"""Every input has an effect that is seen outside: in the registry, in a build, in a commit, in a call."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from ecr_action.inputs import TABLE
from lab.github import setup as github
from lab.runner.shim import StepResult
from lab.stage import ACTION, Stage
from tests.job.seen import described, ecr, gitops_file, gitops_message, image_config, repository_of, tags_of

Make = Callable[..., Stage]
NO_GITOPS = {"gitops_repository": "-", "gitops_token": "-"}
ARGUMENTS = (
    "FROM busybox:stable AS small\nARG GREETING=none\nRUN echo $GREETING > /greeting\nLABEL greeting=$GREETING\n"
)


def ok(result: StepResult) -> StepResult:
    """The result of a step that must have succeeded."""
    assert result.exit_code == 0, result.log
    return result


def callers(stage: Stage) -> set[str]:
    """Who has called ECR."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{stage.endpoint}/_lab/calls", timeout=10) as answer:
        return {call["caller"] for call in json.load(answer) if call["service"] == "ecr"}


def test_inputs_of_a_new_repository(stage: Stage) -> None:
    """Name, scan, resource tags, session name, no lifecycle policy."""
    given = {
        "repository": f"team/{repository_of(stage)}",
        "scan_on_push": "false",
        "repository_tags": "team=web\ncost=7",
        "role_session_name": "release-job",
        "lifecycle_policy": "none",
    }
    result = ok(stage.publish(stage.push_payload(), **given, **NO_GITOPS))
    assert result.outputs["repository"] == given["repository"]
    seen = described(stage, given["repository"])
    assert seen["imageScanningConfiguration"] == {"scanOnPush": False}
    tags = ecr(stage).list_tags_for_resource(resourceArn=seen["repositoryArn"])["tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "web", "cost": "7"}
    assert "ecr:PutLifecyclePolicy" not in stage.calls()
    ok(stage.publish(stage.push_payload(), **{**given, "role_session_name": "release-job"}, **NO_GITOPS))
    assert any(caller.endswith("/release-job") for caller in callers(stage))


def test_encryption_with_a_key(stage: Stage) -> None:
    """Both go into the repository."""
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    ok(stage.publish(stage.push_payload(), encryption="KMS", kms_key=key, **NO_GITOPS))
    assert described(stage)["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": key}


def test_a_lifecycle_policy_of_ones_own(stage: Stage) -> None:
    """From the checkout; a malformed one is refused before anything is done."""
    selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 3}
    rule = {"rulePriority": 1, "description": "ours", "selection": selection, "action": {"type": "expire"}}
    stage.commit("Policies", {"good.json": json.dumps({"rules": [rule]}), "bad.json": '{"rules": [{}]}'})
    result = stage.publish(stage.push_payload(), lifecycle_policy="bad.json", **NO_GITOPS)
    assert result.exit_code == 2
    assert "bad.json" in result.log
    ok(stage.publish(stage.push_payload(), lifecycle_policy="good.json", **NO_GITOPS))
    text = ecr(stage).get_lifecycle_policy(repositoryName=repository_of(stage))["lifecyclePolicyText"]
    assert json.loads(text)["rules"][0]["description"] == "ours"


def test_the_default_lifecycle_policy(stage: Stage) -> None:
    """What is deployed and `latest` come first, and never expire."""
    ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    text = ecr(stage).get_lifecycle_policy(repositoryName=repository_of(stage))["lifecyclePolicyText"]
    rules = json.loads(text)["rules"]
    assert [rule["selection"].get("tagPrefixList") or rule["selection"].get("tagPatternList") for rule in rules] == [
        *[["deployed-"], ["latest"], ["prod-"], ["staging-"], ["v*.*.*"], ["dev-"], ["branch-"], ["pr-"]],
        *[["buildcache"], None],
    ]
    assert [rule["selection"]["countNumber"] for rule in rules] == [9999, 9999, 10, 5, 10, 5, 14, 7, 5, 7]


def somebody_elses_policy(stage: Stage) -> tuple[Any, str, str]:
    """Give the app a repository whose policy is not ours: the client, the repository's name, the policy's text."""
    client, name = ecr(stage), repository_of(stage)
    client.create_repository(repositoryName=name)
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 100}
    text = json.dumps({"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]})
    client.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=text)
    return client, name, text


def test_a_policy_that_stands_is_not_touched(stage: Stage) -> None:
    """Somebody else wrote it; a warning says so."""
    client, name, text = somebody_elses_policy(stage)
    result = ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    assert client.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"] == text
    assert "Lifecycle policy" in [
        annotation.title for annotation in result.annotations if annotation.level == "warning"
    ]


def test_retention(stage: Stage) -> None:
    """Its numbers stand in the policy of the new repository; other ones take their place."""
    client, name = ecr(stage), repository_of(stage)
    for number in (30, 40):
        ok(stage.publish(stage.push_payload(), retention=f"dev: {number}", **NO_GITOPS))
        rules = json.loads(client.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])["rules"]
        assert rules[5]["description"] == f"Keep the last {number} images of the default branch"


def test_drift_of_the_lifecycle_policy(stage: Stage) -> None:
    """Somebody else's stays, silently or with the difference, until it is to be replaced."""
    client, name, text = somebody_elses_policy(stage)
    silent = ok(stage.publish(stage.push_payload(), drift="ignore", **NO_GITOPS))
    assert [a.title for a in silent.annotations if a.level == "warning"] == []
    told = ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    assert "- expire all images beyond the last 100" in told.log
    assert client.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"] == text
    ok(stage.publish(stage.push_payload(), drift="fix", **NO_GITOPS))
    assert "deployed-" in client.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"]


def test_drift_of_scanning_mutability_and_encryption(stage: Stage) -> None:
    """Told, left alone, or made as wanted before the first tag is put; encryption stays, and the run says so."""
    client, name = ecr(stage), repository_of(stage)
    client.create_repository(repositoryName=name)
    given = {"tag_mutability": "immutable", "encryption": "KMS", **NO_GITOPS}
    told = ok(stage.publish(stage.push_payload(), **given))
    titles = [a.title for a in told.annotations if a.level == "warning"]
    assert titles == ["Repository settings"] * 3
    assert "scan-on-push: 'false'" in told.log
    silent = ok(stage.publish(stage.push_payload(), drift="ignore", **given))
    assert [a for a in silent.annotations if a.level == "warning"] == []
    before = described(stage)
    assert before["imageScanningConfiguration"] == {"scanOnPush": False}
    planned = ok(stage.publish(stage.push_payload(), drift="fix", dry_run="true", **given))
    assert "would switch scanning on push on" in planned.log
    assert described(stage) == before
    kind = "IMMUTABLE_WITH_EXCLUSION"
    own = [{"filterType": "WILDCARD", "filter": "late*"}]
    client.put_image_tag_mutability(
        repositoryName=name, imageTagMutability=kind, imageTagMutabilityExclusionFilters=own
    )
    fixed = ok(stage.publish(stage.push_payload(), drift="fix", **given))
    filters = [row["filter"] for row in described(stage)["imageTagMutabilityExclusionFilters"]]
    assert filters == ["late*", "deployed-*", "buildcache*", "key-*", "sha256-*"]
    assert "can't change the encryption" in fixed.log
    assert fixed.outputs["tag-mutability"] == described(stage)["imageTagMutability"] == kind
    assert described(stage)["imageScanningConfiguration"] == {"scanOnPush": True}


def test_inputs_of_tags(stage: Stage) -> None:
    """Environment, own tags, latest, the short sha's length."""
    given = {"environment": "qa", "tags": "run-{run-number}", "latest": "false", "short_sha_length": "9"}
    ok(stage.publish(stage.push_payload(), **given, **NO_GITOPS))
    run = [tag for tag in tags_of(stage) if tag.startswith("run-")]
    assert set(tags_of(stage)) == {stage.head, stage.head[:9], f"qa-{stage.head[:9]}", *run}
    assert len(run) == 1


def test_version_and_tag_prefix(stage: Stage) -> None:
    """By hand, of a monorepo's service."""
    result = ok(
        stage.publish(
            stage.push_payload(), event="workflow_dispatch", version="web/v2.0.0", tag_prefix="web/", **NO_GITOPS
        )
    )
    assert result.outputs["version"] == "v2.0.0"
    assert {"v2.0.0", "prod-v2.0.0"} <= set(tags_of(stage))


@pytest.mark.parametrize("engine", ["buildx", "docker"])
def test_inputs_of_the_build(stage: Stage, engine: str) -> None:
    """Context, file, target, arguments, labels, the engine itself."""
    stage.commit(
        "Another build", {"svc/docker/App.Dockerfile": f"{ARGUMENTS}FROM small\nLABEL last=yes\n", "svc/a": "a"}
    )
    given = {"context": "svc", "file": "svc/docker/App.Dockerfile", "target": "small", "build_args": "GREETING=hello"}
    result = ok(stage.publish(stage.push_payload(), engine=engine, labels="team=web", **given, **NO_GITOPS))
    labels = image_config(stage, result.outputs["digest"])["config"]["Labels"]
    assert (labels["greeting"], labels["team"], labels.get("last")) == ("hello", "web", None)
    assert ("docker buildx" in result.log) is (engine == "buildx")


def test_platforms(stage: Stage) -> None:
    """Two platforms give an index of two."""
    stage.commit("No commands", {"Dockerfile": "FROM scratch\nCOPY index.html /\n"})
    result = ok(stage.publish(stage.push_payload(), platforms="linux/amd64,linux/arm64", **NO_GITOPS))
    ids = [{"imageDigest": result.outputs["digest"]}]
    image = ecr(stage).batch_get_image(repositoryName=repository_of(stage), imageIds=ids)["images"][0]
    found = [manifest["platform"]["architecture"] for manifest in json.loads(image["imageManifest"])["manifests"]]
    assert sorted(found) == ["amd64", "arm64"]
    refused = stage.publish(
        stage.push_payload(), platforms="linux/amd64,linux/arm64", engine="docker", repository="other", **NO_GITOPS
    )
    assert refused.exit_code == 1
    assert "E-ENGINE-LACKS" in refused.log


def test_push_true_on_a_pull_request(stage: Stage) -> None:
    """Under its own tags, without a roll-out."""
    head = {"sha": stage.head, "repo": {"full_name": stage.name}}
    pull = {**stage.push_payload(), "number": 7, "pull_request": {"number": 7, "head": head}}
    before = stage.gitops_head()
    ok(stage.publish(pull, event="pull_request", ref="refs/pull/7/merge", push="true"))
    assert set(tags_of(stage)) == {"pr-7", f"pr-7-{stage.head[:7]}"}
    assert stage.gitops_head() == before


def test_inputs_of_gitops(stage: Stage) -> None:
    """Branch, files, message, the digest."""
    bare = github.repository(stage.github.state, stage.gitops)
    github.branch(bare, "deploy", stage.gitops_head())
    given = {
        "gitops_branch": "deploy",
        "gitops_files": "manifests/*.yaml",
        "gitops_commit_message": "chore: {repository} {tag} for {environment}",
        "gitops_pin": "digest",
    }
    result = ok(stage.publish(stage.push_payload(), **given))
    assert f"image: {result.outputs['image']}@{result.outputs['digest']}" in gitops_file(
        stage, "manifests/deployment.yaml", "deploy"
    )
    message = gitops_message(stage, "deploy")
    assert message.startswith(f"chore: {repository_of(stage)} {result.outputs['tag']} for dev\n")
    assert f"Ecr-Publish-Source: {stage.name}@{stage.head}" in message
    assert "placeholder" in gitops_file(stage, "manifests/deployment.yaml", "main")


def test_gitops_registries(make_stage: Make) -> None:
    """A replica's reference moves along and keeps its host; a registry that is not named stays."""
    own, other = (f"{account}.dkr.ecr.eu-west-1.amazonaws.com" for account in ("123456789012", "999988887777"))
    stage = make_stage({"app.yaml": f"a: {{image: {own}/hello-web:old}}\nb: {{image: {other}/hello-web:old}}\n"})
    result = ok(stage.publish(stage.push_payload(), gitops_registries=own))
    name, tag = repository_of(stage), result.outputs["tag"]
    assert gitops_file(stage, "app.yaml") == (f"a: {{image: {own}/{name}:{tag}}}\nb: {{image: {other}/{name}:old}}\n")
    assert f"gitops-registries: {other}" in result.log


def test_the_default_gitops_repository(stage: Stage) -> None:
    """`<owner>/<repository>-gitops` where a token is given."""
    result = ok(stage.publish(stage.push_payload(), gitops_repository="-"))
    assert result.outputs["gitops-commit"] == stage.gitops_head()


def test_audience_and_duration(stage: Stage) -> None:
    """Both reach AWS, which refuses what it does not know or allow."""
    result = stage.publish(stage.push_payload(), audience="https://elsewhere.example.com")
    assert "E-AWS-PROVIDER" in result.log
    result = stage.publish(stage.push_payload(), role_duration_seconds="43200")
    assert "role-duration-seconds" in result.log
    assert result.exit_code == 1


def test_registry_id(stage: Stage) -> None:
    """Every call names it: another account's registry refuses us."""
    result = stage.publish(stage.push_payload(), registry_id="210987654321", **NO_GITOPS)
    assert result.exit_code == 1
    assert "210987654321" in result.log


def test_without_a_github_token_nothing_can_be_compared(stage: Stage) -> None:
    """A notice says so; the run goes on."""
    ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    stage.commit("Second", {"index.html": "revision 2\n"})
    with_token = ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    stage.commit("Third", {"index.html": "revision 3\n"})
    without = ok(stage.publish(stage.push_payload(), github_token="", **NO_GITOPS))
    assert "could not be checked" not in with_token.log
    assert "could not be checked" in without.log


def test_each_input_is_named_in_a_test_of_whole_runs() -> None:
    """One that no test can tell from its absence has to go."""
    text = "\n".join(file.read_text() for file in (ACTION / "tests/job").glob("test_*.py"))
    text += (ACTION / "lab/stage.py").read_text()
    missing = [name for name in TABLE if name not in text and name.replace("-", "_") not in text]
    assert missing == []
