"""The platform's own GitOps repositories: a first push, a second, a release, a hotfix, a rollback, as whole runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from lab.github import setup as github
from lab.runner.shim import StepResult
from lab.stage import Stage
from tests.job.seen import gitops_file, repository_of

Make = Callable[..., Stage]
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
TEMPLATE = "<ECR_ACCOUNT_ID>.dkr.ecr.<AWS_REGION>.amazonaws.com/APP:main"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: APP
  labels: {{app.kubernetes.io/name: APP, app.kubernetes.io/version: main}}
spec:
  selector:
    matchLabels: {{app.kubernetes.io/name: APP}}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: APP
        app.kubernetes.io/version: "main"
    spec:
      containers:
        - name: APP
          image: {image} # by the pipeline
        - name: proxy
          image: envoyproxy/envoy:v1.31.0
"""
OVERLAY = f"resources: [../../base]\nimages:\n  - name: APP\n    newName: {HOST}/APP\n    newTag: main\n"
OWN = "manifests/deployment.yaml"
SHARED = "applications/workloads/shop/APP/deployment.yaml"


@dataclass(frozen=True)
class Layout:
    """The *files* that a GitOps repository begins with, and those that *branch* and *release* runs of it edit.

    *label* counts the version labels of an edited file, *environment* is what the workflow says on pushes; *empty*: the
    repository has no commit, and the files are the app's own, in its folder deploy/.
    """

    files: Mapping[str, str]
    branch: str
    release: str
    labels: int = 2
    environment: str = "-"
    empty: bool = False


def _overlays(*names: str) -> dict[str, str]:
    base = {"base/deployment.yaml": DEPLOYMENT.format(image="APP"), "base/kustomization.yaml": "resources: [d.yaml]\n"}
    return {**base, **{f"overlays/{name}/kustomization.yaml": OVERLAY for name in names}}


DEV, QA, PROD = (f"overlays/{name}/kustomization.yaml" for name in ("dev", "qa", "prod"))
LAYOUTS = {
    "its own, a placeholder": Layout({OWN: DEPLOYMENT.format(image="placeholder")}, OWN, OWN),
    "its own, empty": Layout({OWN: DEPLOYMENT.format(image="placeholder")}, OWN, OWN, empty=True),
    "its own, a host to fill in": Layout({OWN: DEPLOYMENT.format(image=TEMPLATE)}, OWN, OWN),
    "a shared one": Layout(
        {
            SHARED: DEPLOYMENT.format(image=TEMPLATE),
            SHARED.replace("APP", "other"): DEPLOYMENT.format(image="placeholder").replace("APP", "other"),
        },
        SHARED,
        SHARED,
    ),
    "dev, staging and prod": Layout(_overlays("dev", "staging", "prod"), DEV, PROD, 0),
    "qa and prod": Layout(_overlays("qa", "prod"), QA, PROD, 0, "qa"),
}


class Story:
    """The events of one app's life, each a run of its own; after each the files that changed are looked at."""

    def __init__(self, stage: Stage, layout: Layout) -> None:
        self.stage, self.layout = stage, layout
        self.app = repository_of(stage)
        self.files = {
            path.replace("APP", self.app): text.replace("APP", self.app) for path, text in layout.files.items()
        }

    def empty(self) -> None:
        """The GitOps repository as it is before anybody has committed to it; its files come with the app."""
        bare = github.repository(self.stage.github.state, self.stage.gitops)
        github.git.Bare(bare).delete("refs/heads/main")
        self.stage.commit("Manifests", {f"deploy/{path}": text for path, text in self.files.items()})

    def push(self) -> StepResult:
        """A commit on the default branch, published."""
        self.stage.commit("Change", {"index.html": f"revision {self.stage.revision}\n"})
        return self._ok(self.stage.publish(self.stage.push_payload(), environment=self.layout.environment))

    def release(self, version: str) -> StepResult:
        """A git tag on the commit that is checked out, and its run."""
        self.stage.tag(version)
        ref = f"refs/tags/{version}"
        return self._ok(self.stage.publish(self.stage.push_payload(ref), ref=ref))

    def roll_back(self, version: str) -> StepResult:
        """Somebody starts the workflow by hand and names an older version."""
        return self._ok(self.stage.publish(self.stage.push_payload(), event="workflow_dispatch", version=version))

    def deploy(self, image: str) -> StepResult:
        """Somebody takes an image that is there to production, by `mode: deploy`."""
        given = {"mode": "deploy", "image": image, "environment": "prod"}
        return self._ok(self.stage.publish(self.stage.push_payload(), event="workflow_dispatch", **given))

    def _ok(self, result: StepResult) -> StepResult:
        assert result.exit_code == 0, result.log
        return result

    def now(self, path: str, image: str) -> None:
        """*path* runs *image*, its version labels say so, and no file differs in anything else from what it was."""
        path = path.replace("APP", self.app)
        name, _, tag = image.rpartition(":")
        text = self.layout.files[path.replace(self.app, "APP")].replace("APP", self.app)
        if self.layout.labels:
            text = text.replace("version: main}", f"version: {tag}}}").replace('version: "main"', f'version: "{tag}"')
            line = next(line for line in text.splitlines() if "# by the pipeline" in line)
            text = text.replace(line, f"          image: {name}:{tag} # by the pipeline")
        else:
            text = text.replace("newTag: main", f"newTag: {tag}")
        self.files[path] = text
        assert {path: gitops_file(self.stage, path) for path in self.files} == self.files


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_the_life_of_an_app(make_stage: Make, layout: Layout) -> None:
    """Each event edits the file that is its own, and there the image and its version labels alone."""
    story = Story(make_stage(dict(layout.files)), layout)
    if layout.empty:
        story.empty()
    first = story.push()
    story.now(layout.branch, first.outputs["image"])
    second = story.push()
    assert second.outputs["image"] != first.outputs["image"]
    story.now(layout.branch, second.outputs["image"])

    released = story.release("v1.0.0")
    story.now(layout.release, f"{HOST}/{story.app}:v1.0.0")
    assert released.outputs["digest"] == second.outputs["digest"]
    commit = story.stage.head
    third = story.push()
    if layout.branch == layout.release:
        assert (third.outputs["deployed"], third.outputs["pushed"]) == ("false", "true")
        assert "v1.0.0 is out" in third.log
        story.now(layout.release, f"{HOST}/{story.app}:v1.0.0")
    else:
        story.now(layout.branch, third.outputs["image"])

    story.stage.checkout(commit)
    story.stage.commit("Hotfix", {"index.html": "mended\n"}, branch="hotfix")
    story.release("v1.0.1")
    story.now(layout.release, f"{HOST}/{story.app}:v1.0.1")

    story.stage.checkout("main")
    rolled_back = story.roll_back("v1.0.0")
    story.now(layout.release, f"{HOST}/{story.app}:v1.0.0")
    assert rolled_back.outputs["digest"] == released.outputs["digest"]
    assert rolled_back.outputs["reused"] == "true"

    story.deploy("v1.0.1")
    story.now(layout.release, f"{HOST}/{story.app}:v1.0.1")
    assert story.deploy("previous").outputs["digest"] == released.outputs["digest"]
    story.now(layout.release, f"{HOST}/{story.app}:v1.0.0")
