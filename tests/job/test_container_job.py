"""A job with `container:`, where the paths are others, and which has `sh` alone."""

from __future__ import annotations

import datetime
import os
import shutil
import sys
from pathlib import Path

import pytest

from lab.busybox import IMAGE
from lab.runner.container import Container
from lab.stage import FIRST_COMMIT, Stage
from tests.job.seen import gitops_file, image_config, tags_of
from tests.job.test_publish import ok

# An image with Python and git, made of this machine's; bash is covered up in it.
PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib64")
NO_BASH = ("/usr/bin/bash", "/bin/bash")


@pytest.fixture
def container(stage: Stage) -> Container:
    """The job's container."""
    docker = shutil.which("docker", path=stage.environment["PATH"])
    assert docker is not None
    read = [f"{os.path.realpath(folder)}:{folder}:ro" for folder in PROGRAMS if Path(folder).exists()]
    read += [f"/dev/null:{program}:ro" for program in NO_BASH if Path(program).exists()]
    read += [f"{folder}:{folder}:ro" for folder in (sys.base_prefix, stage.paths.tls)]
    path = f"{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin"
    return Container(IMAGE, docker, stage.environment["DOCKER_HOST"], read, {"PATH": path})


def test_a_publish_in_a_container(stage: Stage, container: Container) -> None:
    """From a checkout that belongs to another user to the GitOps commit; nothing is left in the temporary folder."""
    ok(stage.publish(stage.push_payload(), dry_run="true"))
    result = ok(stage.publish(stage.push_payload(), container=container))
    assert tags_of(stage)["latest"] == result.outputs["digest"]
    assert result.outputs["tag"] in gitops_file(stage, "manifests/deployment.yaml")
    assert (result.outputs["deployed"], result.leftovers) == ("true", [])
    assert "/__w/" not in result.outputs["metadata"]
    labels = image_config(stage, result.outputs["digest"])["config"]["Labels"]
    committed = datetime.datetime.fromtimestamp(FIRST_COMMIT, datetime.UTC)
    assert labels["org.opencontainers.image.created"] == committed.strftime("%Y-%m-%dT%H:%M:%SZ"), "git's own word"
