"""Every example is run by act on the events it is for; what came of it is looked at from outside.

No third-party action but `actions/checkout` is used; act copies the work tree in its place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.github import setup as github
from lab.runner.act import ActResult
from lab.stage import EXAMPLES, Stage
from tests.job.acting import copy_program, dispatch, run_workflow
from tests.job.seen import described, gitops_file, image_config, repository_of, tags_of, writes
from tests.job.test_access import app_of
from tests.job.test_deploy import NO_ENGINE
from tests.job.test_publish import NO_GITOPS, ok
from tests.job.test_pull_requests import asked

Make = Callable[..., Stage]
Run = Callable[..., ActResult]
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
SERVICES = ("api", "web")
ONE = "manifests/deployment.yaml"
ENVIRONMENTS = {
    f"overlays/{name}/kustomization.yaml": f"images:\n  - name: APP\n    newName: {HOST}/APP\n    newTag: none\n"
    for name in ("dev", "staging", "prod")
}


@pytest.fixture(scope="package")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The action as a runner downloads it."""
    return copy_program(tmp_path_factory.mktemp("action") / "ecr-publish")


@pytest.fixture
def run(program: Path) -> Run:
    """Runs an example on one app, whose name it takes."""

    def start(stage: Stage, example: str, payload: dict[str, Any], **options: Any) -> ActResult:
        return run_workflow(stage, program, example, payload, **options)

    return start


def take(stage: Stage, example: str, files: dict[str, str] | None = None) -> None:
    """Commit the example to the app, with the app's own name in it."""
    text = (EXAMPLES / "workflows" / example).read_text().replace("hello-web", repository_of(stage))
    stage.commit(f"Add {example}", {f".github/workflows/{example}": text, **(files or {})})


def release(stage: Stage, version: str) -> dict[str, Any]:
    """A push of the git tag *version*."""
    return stage.push_payload(f"refs/tags/{version}")


def standing(stage: Stage, environment: str) -> str:
    """The tag that stands in the environment's overlay."""
    return gitops_file(stage, f"overlays/{environment}/kustomization.yaml").partition("newTag: ")[2].strip().strip('"')


def bumped(stage: Stage) -> str:
    """The image that stands in the one manifest."""
    return gitops_file(stage, ONE).partition("image: ")[2].split()[0]


def test_ci_cd(stage: Stage, run: Run) -> None:
    """A pull request writes nothing and shows the bump; a push publishes and rolls out to dev."""
    take(stage, "ci-cd.yaml")
    before = stage.gitops_head()
    head = {"sha": stage.head, "repo": {"full_name": stage.name}}
    pull = {"number": 7, "head": head, "base": {"ref": "main"}}
    stage.calls()
    told = run(stage, "ci-cd.yaml", {**stage.push_payload(), "number": 7, "pull_request": pull}, event="pull_request")
    assert "### After a merge" in "".join(told.summaries.values())
    assert (writes(stage.calls()), stage.gitops_head()) == ([], before)

    run(stage, "ci-cd.yaml", stage.push_payload())
    short = stage.head[:7]
    assert set(tags_of(stage)) == {stage.head, short, f"dev-{short}", "latest", "deployed-dev"}
    assert bumped(stage) == f"{HOST}/{repository_of(stage)}:{short}"


def test_release_by_tag(make_stage: Make, run: Run) -> None:
    """A candidate goes to staging, the release to prod, both with the image of the push."""
    stage = make_stage(ENVIRONMENTS)
    take(stage, "release-by-tag.yaml")
    digest = ok(stage.publish(stage.push_payload())).outputs["digest"]
    run(stage, "release-by-tag.yaml", release(stage, "v1.2.3-rc.1"))
    run(stage, "release-by-tag.yaml", release(stage, "v1.2.3"))
    assert [standing(stage, name) for name in ("dev", "staging", "prod")] == [
        stage.head[:7],
        "v1.2.3-rc.1",
        "v1.2.3",
    ]
    tags = tags_of(stage)
    assert {"staging-v1.2.3-rc.1", "prod-v1.2.3", "deployed-staging", "deployed-prod"} < set(tags)
    assert set(tags.values()) == {digest}


def test_release_by_hand(make_stage: Make, run: Run) -> None:
    """The version that somebody typed goes to prod with the image of the push."""
    stage = make_stage(ENVIRONMENTS)
    take(stage, "release-by-hand.yaml")
    digest = ok(stage.publish(stage.push_payload())).outputs["digest"]
    run(stage, "release-by-hand.yaml", dispatch(stage, version="v2.0.0"), event="workflow_dispatch")
    assert (standing(stage, "prod"), standing(stage, "staging")) == ("v2.0.0", "none")
    assert {tags_of(stage)[tag] for tag in ("v2.0.0", "prod-v2.0.0", "deployed-prod")} == {digest}


def test_deploy_and_rollback(make_stage: Make, run: Run) -> None:
    """An image of dev goes to staging, a newer one after it, and back by `previous`."""
    stage = make_stage(ENVIRONMENTS)
    take(stage, "deploy-and-rollback.yaml")
    first = ok(stage.publish(stage.push_payload())).outputs["tag"]
    stage.commit("Second", {"index.html": "revision 2\n"})
    second = ok(stage.publish(stage.push_payload())).outputs["tag"]
    for image, stands in ((first, first), (second, second), ("previous", first)):
        inputs = dispatch(stage, environment="staging", image=image)
        run(stage, "deploy-and-rollback.yaml", inputs, event="workflow_dispatch", around=NO_ENGINE)
        assert standing(stage, "staging") == stands
    tags = tags_of(stage)
    assert (tags["deployed-staging"], tags["deployed-staging-rejected"]) == (tags[first], tags[second])
    assert standing(stage, "dev") == second


def test_monorepo(make_stage: Make, run: Run) -> None:
    """Both services are built and rolled out by one commit; then the one that has changed alone, then none."""
    stage = make_stage({f"apps/{name}.yaml": f"kind: Pod\nimage: {HOST}/APP/{name}:none\n" for name in SERVICES})
    docker = {f"services/{part}/Dockerfile": "FROM busybox:stable\nCOPY main /\n" for part in SERVICES}
    take(stage, "monorepo.yaml", docker | {f"services/{part}/main": part for part in SERVICES})
    before = stage.gitops_head()
    run(stage, "monorepo.yaml", stage.push_payload())
    first = stage.head[:7]
    assert in_apps(stage) == [first, first]
    assert parent(stage) == before
    stage.commit("Second", {"services/web/main": "web 2"})
    run(stage, "monorepo.yaml", stage.push_payload())
    assert in_apps(stage) == [first, stage.head[:7]]
    assert stage.head not in tags_of(stage, f"{repository_of(stage)}/api")
    head = stage.gitops_head()
    stage.commit("Third", {"README.md": "words"})
    told = run(stage, "monorepo.yaml", stage.push_payload())
    assert (stage.gitops_head(), told.outputs["services"]["matrix"]) == (head, "[]")


def in_apps(stage: Stage) -> list[str]:
    """The tags of the services in the GitOps repository."""
    return [gitops_file(stage, f"apps/{name}.yaml").rpartition(":")[2].strip() for name in SERVICES]


def parent(stage: Stage) -> str:
    """The GitOps commit before the last one."""
    bare = github.repository(stage.github.state, stage.gitops)
    return github.git.Bare(bare).run("rev-parse", "refs/heads/main~1").decode().strip()


def test_gitops_by_pull_request(make_stage: Make, run: Run) -> None:
    """dev is committed to; the release is proposed, and waits."""
    stage = make_stage(ENVIRONMENTS)
    take(stage, "gitops-pull-request.yaml")
    run(stage, "gitops-pull-request.yaml", stage.push_payload())
    assert (standing(stage, "dev"), asked(stage)) == (stage.head[:7], [])
    head = stage.gitops_head()
    run(stage, "gitops-pull-request.yaml", release(stage, "v1.0.0"))
    (pull,) = asked(stage)
    assert (pull["title"], pull["state"]) == (f"Deploy {repository_of(stage)} v1.0.0 to prod", "open")
    assert (stage.gitops_head(), standing(stage, "prod")) == (head, "none")
    assert tags_of(stage)["deployed-prod-proposed"] == tags_of(stage)[stage.head]


def test_a_production_repository(make_stage: Make, run: Run) -> None:
    """Made with the key and with tags that stay; the release's image is the one of the push, rolled out by digest."""
    stage = make_stage({"prod/app.yaml": f"kind: Pod\nimage: {HOST}/production/APP:none\n"})
    take(stage, "production-repository.yaml")
    digest = ok(stage.publish(stage.push_payload(), **NO_GITOPS)).outputs["digest"]
    run(stage, "production-repository.yaml", release(stage, "v1.0.0"), around=NO_ENGINE)
    name = f"production/{repository_of(stage)}"
    seen = described(stage, name)
    assert seen["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": "alias/ecr-production"}
    assert seen["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert tags_of(stage, name)["prod-v1.0.0"] == digest
    assert gitops_file(stage, "prod/app.yaml").endswith(f"image: {HOST}/{name}:v1.0.0@{digest}\n")


def test_a_github_app(stage: Stage, run: Run) -> None:
    """The GitOps commit is the App's."""
    app, pem = app_of(stage)
    take(stage, "github-app.yaml")
    run(stage, "github-app.yaml", stage.push_payload(), variables={"GITOPS_APP_ID": app}, GITOPS_APP_PRIVATE_KEY=pem)
    assert bumped(stage).endswith(f":{stage.head[:7]}")
    bare = github.repository(stage.github.state, stage.gitops)
    assert github.log(bare)[0].author.startswith(f"bumper-of-{repository_of(stage)}[bot] ")


def test_github_enterprise_server(stage: Stage, run: Run) -> None:
    """The server's own addresses are asked, by a runner of one's own."""
    take(stage, "github-enterprise-server.yaml")
    base = stage.github.url
    server = {"GITHUB_API_URL": f"{base}/api/v3", "GITHUB_GRAPHQL_URL": f"{base}/api/graphql",
              "GITHUB_SERVER_URL": base}  # fmt: skip
    stage.calls()
    run(stage, "github-enterprise-server.yaml", stage.push_payload(), around=server, labels=["self-hosted"])
    assert bumped(stage).endswith(f":{stage.head[:7]}")
    assert {call["path"] for call in stage.github.calls() if call["operation"]} == {"/api/graphql"}


def test_a_runner_without_an_engine(make_stage: Make, run: Run) -> None:
    """A release there needs the API alone."""
    stage = make_stage(ENVIRONMENTS)
    take(stage, "runner-without-engine.yaml")
    digest = ok(stage.publish(stage.push_payload())).outputs["digest"]
    stage.calls()
    payload = release(stage, "v1.0.0")
    run(stage, "runner-without-engine.yaml", payload, around=NO_ENGINE, labels=["arc-runner-set"])
    assert [call for call in stage.calls() if call.startswith("registry:")] == []
    assert (tags_of(stage)["deployed-prod"], standing(stage, "prod")) == (digest, "v1.0.0")


def test_build_secrets(stage: Stage, run: Run) -> None:
    """The build reads the secret; neither the image nor the log tells it."""
    told = "npm_the_token_of_the_build"
    docker = (
        "FROM busybox:stable\n"
        "RUN --mount=type=secret,id=npm-token sha256sum < /run/secrets/npm-token > /sum\n"
        f"RUN grep -q {hashlib.sha256(told.encode()).hexdigest()} /sum\n"
    )
    take(stage, "build-secrets.yaml", {"Dockerfile": docker})
    result = run(stage, "build-secrets.yaml", stage.push_payload(), NPM_TOKEN=told)
    assert bumped(stage).endswith(f":{stage.head[:7]}")
    assert told not in result.log + json.dumps(image_config(stage, tags_of(stage)[stage.head]))
