"""The action as an image: built of its own Dockerfile's lines on a base of this machine's programs, run as
`uses: docker://` and as another CI system would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecr_action.image.dockerfile import parse
from lab.busybox import IMAGE
from lab.engine import FULL
from lab.runner import context, image_action
from lab.runner.image_action import Ran
from lab.stage import ACTION, Stage
from tests.job.seen import gitops_file, repository_of, tags_of
from tests.job.test_container_job import PROGRAMS
from tests.job.test_publish import NO_GITOPS, ok

DOCKERFILE = (ACTION / "Dockerfile").read_text()
NAME = "ecr-publish-form:test"


def docker(stage: Stage) -> list[str]:
    """The client's command."""
    program = shutil.which("docker", path=stage.environment["PATH"])
    assert program is not None
    return [program, "-H", stage.environment["DOCKER_HOST"]]


@pytest.fixture
def image(stage: Stage, tmp_path: Path) -> Iterator[str]:
    """The published Dockerfile without what its RUN lines install: that is this machine's here. The context, the
    files that are copied, the environment and the entry point are the published ones."""
    kept = [one for one in parse(DOCKERFILE).instructions if one.name not in ("RUN", "FROM")]
    assert {one.name for one in kept} == {"WORKDIR", "COPY", "ENV", "ENTRYPOINT"}
    file = tmp_path / "Dockerfile"
    file.write_text(f"FROM {IMAGE}\n" + "".join(f"{one.name} {one.text}\n" for one in kept))
    build = [*docker(stage), "build", "--quiet", "--tag", NAME, "--file", str(file), str(ACTION)]
    subprocess.run(build, check=True, capture_output=True, env=dict(stage.environment))
    yield NAME
    subprocess.run([*docker(stage), "rmi", "--force", NAME], check=False, capture_output=True)


def run(stage: Stage, image: str, temp: Path, inputs: dict[str, str], *arguments: str, **variables: str) -> Ran:
    """One step of a job on a push to main."""
    read = [f"{os.path.realpath(folder)}:{folder}:ro" for folder in PROGRAMS if Path(folder).exists()]
    read += [f"{folder}:{folder}:ro" for folder in (sys.base_prefix, sys.prefix, stage.paths.tls)]
    read += [f"{stage.environment['DOCKER_HOST'].removeprefix('unix://')}:/var/run/docker.sock"]
    event = context.event("push", stage.push_payload(), stage.name, stage.app, "refs/heads/main", stage.head)
    job = {name: value for name, value in stage.job().items() if not name.startswith("DOCKER_")}
    temp.mkdir()
    return image_action.run(
        image,
        docker=docker(stage),
        inputs=inputs,
        event=event,
        workspace=stage.app,
        temp=temp,
        environment={**job, "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin", **variables},
        volumes=read,
        arguments=arguments,
    )


def test_a_publish_by_the_image(stage: Stage, image: str, tmp_path: Path) -> None:
    """From a checkout of another user's to tags, commit, outputs and summary; then by variables without dashes."""
    first = run(stage, image, tmp_path / "one", stage.inputs())
    assert first.exit_code == 0, first.log
    assert tags_of(stage)["latest"] == first.outputs["digest"]
    assert first.outputs["image"] in gitops_file(stage, "manifests/deployment.yaml")
    assert (first.outputs["gitops-commit"], first.outputs["deployed"]) == (stage.gitops_head(), "true")
    assert f"{repository_of(stage)}:{stage.head[:7]} is on its way to dev" in first.summary
    assert f"::add-mask::{stage.gitops_token}" in first.log

    elsewhere = {name.replace("-", "_"): value for name, value in stage.inputs().items()}
    again = run(stage, image, tmp_path / "two", elsewhere)
    assert again.exit_code == 0, again.log
    assert again.outputs["reused"] == "true"
    assert again.outputs["digest"] == first.outputs["digest"]

    wrong = run(stage, image, tmp_path / "three", {"aws-regoin": "us-east-1"})
    assert (wrong.exit_code, "Did you mean 'aws-region'?" in wrong.log) == (2, True)
    plan = run(stage, image, tmp_path / "four", {}, "plan", "--format", "json")
    assert (plan.exit_code, '"environment": "dev"' in plan.log) == (0, True), plan.log


def test_the_published_dockerfile_passes_the_builders_checks(stage: Stage) -> None:
    """By the action's own `call: check`, with the base that this machine has; and its packages are the lab's own."""
    base = parse(DOCKERFILE).instructions[0].text
    stage.commit("The action's own", {"Dockerfile": DOCKERFILE, "requirements.lock": "", "LICENSE": ""})
    given = {"call": "check", "build_contexts": f"{base}=docker-image://{IMAGE}"}
    checked = ok(stage.publish(stage.push_payload(), **given, **NO_GITOPS))
    assert "no warnings found" in checked.log.lower()
    (installed,) = re.findall(r"--no-install-recommends ([a-z -]+?) *\\", DOCKERFILE)
    assert set(installed.split()) <= {*FULL, "git"}
    assert "--require-hashes" in DOCKERFILE
