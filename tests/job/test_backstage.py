"""What the Backstage template makes, from the first push to the rollback: run by act against the lab.

No third-party action but `actions/checkout` is used; act copies the work tree in its place. The base images are
stand-ins where the real ones can't be had (lab/bases.py). Go compiles for arm64 on any machine; Python's commands are
emulated where the kernel takes an emulator (lab/foreign.py). Else an image is built for the machine itself,
and the manifests that the template made name that one: for Node.js always, so that the image can be started here.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import bases, engine, foreign
from lab.client import Client
from lab.github import setup as github
from lab.paths import Paths
from lab.pulled import answer_of
from lab.runner.act import ActResult
from lab.stage import Stage, read_folder
from tests.job.acting import copy_program, dispatch, run_workflow
from tests.job.seen import gitops_file, image_config, tags_of
from tests.rooms.backstage.scaffolder import scaffold

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
IMAGES = {"node": "node:24-slim", "python": "python:3.14-slim", "go": "golang:1.25"}
Laboratory = tuple[Paths, dict[str, str]]
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
LABELS = ["ubuntu-24.04-arm"]


def for_this_machine(folder: Path) -> None:
    """Let what was scaffolded be of the machine's own architecture."""
    for path in folder.rglob("*.yaml"):
        text = path.read_text()
        path.write_text(text.replace("linux/arm64", f"linux/{MACHINE}").replace(": arm64", f": {MACHINE}"))


class Scaffolded:
    """A service that somebody has made by the template, on GitHub."""

    def __init__(self, name: str, stack: str, architecture: str, lab: Laboratory, folder: Path) -> None:
        """*folder* is the scaffolder's; what it makes is for arm64, unless *architecture* is the machine's."""
        given = {"name": name, "owner": "group:default/shop", "stack": stack, "namespace": "shop"}
        gitops, app = scaffold(given, folder / "workspace")
        if architecture != "arm64":
            for_this_machine(folder / "workspace")
        self.program = copy_program(folder / "action")
        self.stage = Stage(*lab, name=app.name, gitops=gitops.name, source=app.folder)
        self.stage.set_up(read_folder(gitops.folder))
        self.architecture = architecture

    def run(self, workflow: str, ref: str = "refs/heads/main", **inputs: str) -> ActResult:
        """Run a workflow that came with the template, on a push or by hand."""
        payload = dispatch(self.stage, ref, **inputs) if inputs else self.stage.push_payload(ref)
        event = "workflow_dispatch" if inputs else "push"
        return run_workflow(self.stage, self.program, workflow, payload, event=event, labels=LABELS)

    def standing(self, environment: str) -> str:
        """The image in the environment's overlay."""
        text = gitops_file(self.stage, f"overlays/{environment}/kustomization.yaml")
        name, _, tag = text.partition("newName: ")[2].partition("\n")
        return f"{name}:{tag.partition('newTag: ')[2].split()[0]}".replace('"', "")


Make = Callable[[str, str], Scaffolded]


@pytest.fixture(scope="module")
def emulated(laboratory: Laboratory) -> Iterator[bool]:
    """Whether arm64 programs run on this machine."""
    with foreign.programs(laboratory[0].cache) as they_run:
        yield they_run


@pytest.fixture
def make(laboratory: Laboratory, emulated: bool, tmp_path: Path) -> Make:
    """Scaffolds a service of that name and stack, whose base image is there."""

    def scaffolded(name: str, stack: str) -> Scaffolded:
        paths, environment = laboratory
        docker, found = shutil.which("docker", path=environment["PATH"]), engine.recorded(paths)
        assert docker
        assert found
        built = {"node": MACHINE, "go": "arm64", "python": "arm64" if emulated else MACHINE}[stack]
        client = Client(docker, {**os.environ, **environment})
        # Go's compiler is the machine's own.
        machine = MACHINE if stack == "go" else built
        bases.provide(IMAGES[stack], client, paths.cache, pull=not found.private, architecture=machine)
        return Scaffolded(name, stack, built, laboratory, tmp_path)

    return scaffolded


@pytest.mark.parametrize("stack", IMAGES)
def test_a_scaffolded_service_goes_out_by_its_first_push_and_its_first_release(
    make: Make, stack: str
) -> None:
    """The push takes the image to dev, the tag takes the same image to prod; nothing else is touched."""
    made = make(f"made-in-{stack}", stack)
    stage, image = made.stage, f"{HOST}/made-in-{stack}"
    made.run("ci-cd.yaml")
    short = stage.head[:7]
    assert [made.standing(name) for name in ("dev", "staging", "prod")] == [
        f"{image}:{short}",
        f"{image}:none",
        f"{image}:none",
    ]
    digest = tags_of(stage)[stage.head]
    assert image_config(stage, digest)["architecture"] == made.architecture
    made.run("ci-cd.yaml", "refs/tags/v1.0.0")
    assert [made.standing(name) for name in ("dev", "prod")] == [f"{image}:{short}", f"{image}:v1.0.0"]
    assert (tags_of(stage)["prod-v1.0.0"], tags_of(stage)["deployed-prod"]) == (digest, digest)
    if made.architecture == MACHINE:
        assert answer_of(f"{image}:v1.0.0", stage) == f"Hello from made-in-{stack}\n"


def test_a_rollback_takes_two_fields(make: Make) -> None:
    """The environment, and `previous` as the form has it."""
    made = make("rolled-back", "node")
    for text in ("one", "two"):
        made.stage.commit(text, {"public.js": f"// {text}\n"})
        made.run("ci-cd.yaml")
    image = f"{HOST}/rolled-back"
    assert made.standing("dev") == f"{image}:{made.stage.head[:7]}"
    made.run("rollback.yaml", environment="dev", image="previous")
    assert made.standing("dev") == f"{image}:{parent(made.stage)[:7]}"
    assert tags_of(made.stage)["deployed-dev-rejected"] == tags_of(made.stage)[made.stage.head]


def parent(stage: Stage) -> str:
    """The commit before the last one of the app."""
    bare = github.repository(stage.github.state, stage.name)
    return github.git.Bare(bare).run("rev-parse", "refs/heads/main~1").decode().strip()
