"""Each migration before and after, run by act on one commit with one builder: what was there is there again.

The actions of others are stand-ins (tests/stand_ins). Compared are every tag that the old pipeline made, the layers
and the configuration of its image (all of it but labels, of which the old ones must be there), and the files of the
GitOps repository, byte for byte.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.github import setup as github
from lab.stage import EXAMPLES, Stage
from tests.job.acting import copy_program, dispatch, run_workflow
from tests.job.seen import ecr, gitops_file, image_config, repository_of, tags_of

Make = Callable[..., Stage]
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
STAND_INS = Path(__file__).resolve().parents[1] / "stand_ins"
OTHERS = {
    f"{owner}/{name}@{version}": STAND_INS / name
    for owner, name, versions in (
        ("aws-actions", "configure-aws-credentials", ("v4", "v5")),
        ("aws-actions", "amazon-ecr-login", ("v2",)),
        ("docker", "setup-buildx-action", ("v3",)),
        ("docker", "metadata-action", ("v5",)),
        ("docker", "build-push-action", ("v5", "v6")),
    )
    for version in versions
}
ONE = "manifests/deployment.yaml"
DEPLOYMENT = {ONE: f"kind: Pod\nimage: {HOST}/APP:none\n"}
OVERLAYS = {
    f"overlays/{name}/kustomization.yaml": f'images:\n  - name: APP\n    newName: {HOST}/APP\n    newTag: "none"\n'
    for name in ("dev", "prod")
}
DOCKERFILE = (
    "FROM busybox:stable\nARG GREETING=none\nRUN echo $GREETING > /greeting\nCOPY index.html /www/\nCMD [\"httpd\"]\n"
)


@dataclass(frozen=True)
class Left:
    """What a pipeline leaves: *images* by tag, as layers, configuration without labels, and labels; *files* of the
    GitOps repository; *digests* by tag."""

    images: dict[str, tuple[list[str], str, dict[str, str]]]
    files: dict[str, str]
    digests: dict[str, str]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The action as a runner downloads it."""
    return copy_program(tmp_path_factory.mktemp("action") / "ecr-publish")


@pytest.fixture
def tools(tmp_path: Path) -> str:
    """A folder for PATH with the AWS CLI alone."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/aws").symlink_to(Path(sys.executable).parent / "aws")
    return str(tmp_path / "bin")


class Migration:
    """The workflows *name*-before and *name*-after on one app, whose GitOps repository begins with *files*."""

    def __init__(self, stage: Stage, program: Path, tools: str, name: str, files: dict[str, str]) -> None:
        self.stage, self.program, self.name = stage, program, name
        self.first = {path: gitops_file(stage, path) for path in named(stage, files)}
        self.around = {"PATH": os.pathsep.join([tools, stage.environment["PATH"]]), "SOURCE_DATE_EPOCH": "1790000000"}
        self.around["DOCKER_CONFIG"] = str(Path(tools).parent / "docker")

    def take(self, **more: str) -> None:
        """Commit both workflows, and what they use, to the app."""
        files = {f".github/workflows/{self.name}-{when}.yaml": self.read(f"{self.name}-{when}.yaml")
                 for when in ("before", "after")}  # fmt: skip
        self.stage.commit("Both workflows", {**files, "Dockerfile": DOCKERFILE, **more})

    def read(self, name: str) -> str:
        """A file of the migrations, with the app's own name in it."""
        return (EXAMPLES / "migration" / name).read_text().replace("hello-web", repository_of(self.stage))

    def run(self, when: str, payload: dict[str, Any], event: str = "push") -> None:
        """Run one of the two on *event*, on a new runner: what another one's `docker login` left is not there."""
        shutil.rmtree(self.around["DOCKER_CONFIG"], ignore_errors=True)
        shutil.copytree(self.stage.environment["DOCKER_CONFIG"], self.around["DOCKER_CONFIG"], symlinks=True)
        run_workflow(self.stage, self.program, f"{self.name}-{when}.yaml", payload, event=event, around=self.around,
                     actions=OTHERS)  # fmt: skip

    def left(self) -> Left:
        """What is there now."""
        digests = tags_of(self.stage)
        files = {path: gitops_file(self.stage, path) for path in self.first}
        return Left({tag: self.image(digest) for tag, digest in digests.items()}, files, digests)

    def image(self, digest: str) -> tuple[list[str], str, dict[str, str]]:
        """Layers, configuration without labels, labels."""
        client, name = ecr(self.stage), repository_of(self.stage)
        found = client.batch_get_image(repositoryName=name, imageIds=[{"imageDigest": digest}])["images"][0]
        layers = [layer["digest"] for layer in json.loads(found["imageManifest"])["layers"]]
        config = image_config(self.stage, digest)
        labels = config["config"].pop("Labels", None) or {}
        return layers, json.dumps(config, sort_keys=True), labels

    def forget(self) -> None:
        """Remove the ECR repository, and put the GitOps repository back to its beginning."""
        ecr(self.stage).delete_repository(repositoryName=repository_of(self.stage), force=True)
        bare = github.repository(self.stage.github.state, self.stage.gitops)
        github.commit(bare, self.first, "Back to the beginning")


def named(stage: Stage, files: dict[str, str]) -> list[str]:
    """The paths of *files* as the app's GitOps repository has them."""
    return [path.replace("APP", repository_of(stage)) for path in files]


def same(before: Left, after: Left, *, new: set[str]) -> None:
    """Everything that was there *before* is there *after*; *new* are the tags that come with us."""
    assert set(after.digests) == set(before.digests) | new
    for tag, (layers, config, labels) in before.images.items():
        assert after.images[tag][:2] == (layers, config), tag
        assert labels.items() <= after.images[tag][2].items(), tag
    assert after.files == before.files


def test_from_the_platforms_first_workflow(make_stage: Make, program: Path, tools: str) -> None:
    """A push: the commit's tag and `latest`, and the whole commit id in the GitOps repository.

    On a commit that the old workflow has published the new one takes its image.
    """
    stage = make_stage(DEPLOYMENT)
    migration = Migration(stage, program, tools, "seed", DEPLOYMENT)
    migration.take()
    migration.run("before", stage.push_payload())
    before = migration.left()
    assert set(before.digests) == {stage.head, "latest"}
    assert before.files[ONE].endswith(f":{stage.head}\n")
    migration.run("after", stage.push_payload())
    assert set(migration.left().digests.values()) == {before.digests[stage.head]}
    migration.forget()
    migration.run("after", stage.push_payload())
    same(before, migration.left(), new={f"dev-{stage.head}", "deployed-dev"})


def test_from_the_actions_of_docker_and_aws(make_stage: Make, program: Path, tools: str) -> None:
    """A push and a release: before, the release was built anew; after, it is the push's image, to the digest."""
    stage = make_stage(OVERLAYS)
    migration = Migration(stage, program, tools, "docker-actions", OVERLAYS)
    migration.take()
    ecr(stage).create_repository(repositoryName=repository_of(stage))
    seen = []
    for when in ("before", "after"):
        migration.run(when, stage.push_payload())
        migration.run(when, stage.push_payload("refs/tags/v1.2.3"))
        seen.append(migration.left())
        if when == "before":
            migration.forget()
    assert {"v1.2.3", "prod-v1.2.3", "1.2", stage.head, stage.head[:7], f"dev-{stage.head[:7]}", "latest"} == set(
        seen[0].digests
    )
    same(*seen, new={"deployed-dev", "deployed-prod"})
    assert len(set(seen[1].digests.values())) == 1


def test_from_a_shell_pipeline(make_stage: Make, program: Path, tools: str) -> None:
    """A push and its release, the release of a commit that was never pushed, and a rollback by hand."""
    stage = make_stage(OVERLAYS)
    migration = Migration(stage, program, tools, "shell", OVERLAYS)
    migration.take(**{"ci/publish.sh": migration.read("publish.sh")})
    first = stage.head
    second = stage.commit("Second", {"index.html": "revision 2\n"})
    seen = []
    for when in ("before", "after"):
        stage.checkout(first)
        migration.run(when, stage.push_payload())
        migration.run(when, stage.push_payload("refs/tags/v1.0.0"))
        stage.checkout(second)
        migration.run(when, stage.push_payload("refs/tags/v1.0.1"))
        migration.run(when, dispatch(stage, tag="v1.0.0"), "workflow_dispatch")
        seen.append(migration.left())
        if when == "before":
            migration.forget()
    assert seen[0].files["overlays/prod/kustomization.yaml"].endswith('newTag: "v1.0.0"\n')
    marks = ("dev", "prod", "prod-previous", "prod-rejected")
    same(*seen, new={f"deployed-{mark}" for mark in marks})
