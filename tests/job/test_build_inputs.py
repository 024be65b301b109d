"""The build's inputs in whole runs: in the image, in the registry, in what the builder is asked for."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lab.runner.shim import StepResult
from lab.stage import Stage
from tests.job.seen import ecr, image_config, repository_of, tags_of

NO_GITOPS = {"gitops_repository": "-", "gitops_token": "-"}
CANARY = "canary-51c0ffee77"
READS = """\
RUN --mount=type=secret,id=npm --mount=type=secret,id=env --mount=type=secret,id=file \\
    cd /run/secrets && echo "lengths $(cat npm | wc -c) $(cat env | wc -c) $(cat file | wc -c)"
RUN echo "hosts $(grep -c 10.9.8.7 /etc/hosts), shm $(df -k /dev/shm | tail -n1 | awk '{print $2}')"
RUN echo "files $(ulimit -n)"
COPY --from=more given /given
"""


def fresh() -> str:
    """A base whose next steps no earlier run has left in the cache."""
    return f"FROM busybox:stable\nENV RUN={time.time_ns()}\n"


def published(stage: Stage, **given: Any) -> StepResult:
    """A run on the head of the default branch that must succeed."""
    result = stage.publish(stage.push_payload(), **given, **NO_GITOPS)
    assert result.exit_code == 0, result.log
    return result


def noted(stage: Stage, folder: Path) -> dict[str, str]:
    """The job's variables with a `docker` that notes its arguments in *folder*."""
    real = shutil.which("docker", path=stage.environment["PATH"])
    script = folder / "docker"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {folder}/said\nexec {real} "$@"\n')
    script.chmod(0o755)
    return {**stage.job(), "PATH": f"{folder}:{stage.environment['PATH']}"}


def test_what_the_commands_of_a_dockerfile_see(stage: Stage, tmp_path: Path) -> None:
    """Secrets of all three kinds, hosts, shared memory, limits, a named context; no secret is in the arguments, the
    log, the summary or a file that stays."""
    stage.commit("Reads", {"Dockerfile": fresh() + READS, "more/given": "text", ".npmrc": "file-secret"})
    variables = {**noted(stage, tmp_path), "NPM_TOKEN": f"{CANARY}-variable"}
    given = {
        "secrets": f"npm={CANARY}",
        "secret_envs": "env=NPM_TOKEN",
        "secret_files": "file=.npmrc",
        "add_hosts": "db:10.9.8.7",
        "shm_size": "8m",
        "ulimit": "nofile=512:512",
        "build_contexts": "more=more",
        "no_cache_filters": "none",
        "cgroup_parent": "/ecr-publish",
        "allow": "network.host",
        "pull": "false",
    }
    result = published(stage, variables=variables, **given)
    assert f"lengths {len(CANARY)} {len(CANARY) + 9} 11" in result.log
    assert "hosts 1, shm 8192" in result.log
    assert "files 512" in result.log
    said = (tmp_path / "said").read_text()
    assert [
        flag
        for flag in ("--no-cache-filter=none", "--allow=network.host", "--cgroup-parent=/ecr-publish")
        if flag not in said
    ] == []
    shown = b"\n".join(line for line in result.raw.splitlines() if not line.startswith(b"::add-mask::"))
    everything = f"{said}{shown.decode()}{result.summary}{json.dumps(result.outputs)}"
    assert CANARY not in everything
    assert result.leftovers == []


def test_a_key_for_ssh_is_an_agent_inside(stage: Stage, tmp_path: Path) -> None:
    """The command sees the agent's socket; the key stays outside."""
    key = tmp_path / "key"
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    key.write_bytes(made.private_bytes(*form))
    key.chmod(0o600)
    text = fresh() + "RUN --mount=type=ssh,id=app test -S $SSH_AUTH_SOCK && echo an agent is here\n"
    stage.commit("With ssh", {"Dockerfile": text})
    assert " an agent is here\n" in published(stage, ssh=f"app={key}").log


def test_annotations_and_attestations(stage: Stage) -> None:
    """Both are in the index that the registry has; without them there is none."""
    result = published(stage, annotations="index:org.example.team=web", provenance="mode=min")
    ids = [{"imageDigest": result.outputs["digest"]}]
    (image,) = ecr(stage).batch_get_image(repositoryName=repository_of(stage), imageIds=ids)["images"]
    manifest = json.loads(image["imageManifest"])
    assert manifest["annotations"]["org.example.team"] == "web"
    assert len(manifest["manifests"]) == 2
    stage.commit("Again", {"index.html": "two\n"})
    plain = published(stage, attests="", builder="default", sbom="false")
    assert image_config(stage, plain.outputs["digest"])["config"]


def test_rules_of_metadata_action_give_tags(stage: Stage) -> None:
    """A block that is copied gives the tags that it gave, beside the action's own."""
    text = "type=sha\ntype=ref,event=branch\ntype=ref,event=pr\ntype=raw,value=edge,enable={{is_default_branch}}"
    published(stage, tags=text)
    own = {stage.head, stage.head[:7], f"dev-{stage.head[:7]}", "latest"}
    others = {tag for tag in tags_of(stage) if not tag.startswith("key-")} - own
    assert others == {f"sha-{stage.head[:7]}", "main", "edge"}


def test_a_cache_in_the_registry(stage: Stage) -> None:
    """Written under its own tag in a form that ECR takes, and read by the next build."""
    result = published(stage, network="none", no_cache="true")
    cache = f"type=registry,ref={result.outputs['registry']}/{result.outputs['repository']}:buildcache"
    stage.commit("With a cache", {"index.html": "cached\n"})
    published(stage, cache_to=f"{cache},mode=max,image-manifest=true,oci-mediatypes=true")
    assert "buildcache" in tags_of(stage)
    stage.commit("From the cache", {"index.html": "cached twice\n"})
    assert "importing cache manifest" in published(stage, cache_from=cache).log


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"secrets": f"npm=x\n{CANARY}"}, "line 2"),
        ({"secrets": "npm="}, "'npm' is empty"),
        ({"secret_envs": "npm=NOT_SET_HERE"}, "NOT_SET_HERE"),
        ({"secret_files": "npm=not/there"}, "not/there"),
        ({"ssh": "default"}, "SSH_AUTH_SOCK"),
        ({"cache_to": "type=gha,mode=max"}, "ACTIONS_RESULTS_URL"),
    ],
    ids=["malformed", "empty", "variable", "file", "agent", "github's cache"],
)
def test_what_the_job_lacks_is_told_before_anything_is_done(stage: Stage, given: dict[str, str], said: str) -> None:
    """Input, line and way out; never the value."""
    result = stage.publish(stage.push_payload(), **given, **NO_GITOPS)
    assert result.exit_code == 2
    assert said in result.log
    # The runner itself shows the step's variables, where it hides what is a secret.
    assert CANARY not in "".join(one.message for one in result.annotations) + result.summary
    assert stage.calls() == []


def test_the_engine_alone_refuses_what_it_would_leave_out(stage: Stage) -> None:
    """By the names of the inputs, before the build."""
    result = stage.publish(stage.push_payload(), engine="docker", secrets="npm=x-y-z", ulimit="nofile=9", **NO_GITOPS)
    assert result.exit_code == 1
    assert "'secrets' and 'ulimit'" in result.log
    assert "E-ENGINE-LACKS" in result.log


def test_what_the_builder_finds_is_an_annotation(stage: Stage) -> None:
    """On the Dockerfile's line."""
    stage.commit("Casing", {"Dockerfile": "FROM busybox:stable as small\nRUN true\n"})
    result = published(stage)
    found = [one for one in result.annotations if one.title == "Dockerfile"]
    assert [(one.level, one.file, one.line) for one in found] == [("warning", "Dockerfile", 1)]


def in_the_store(stage: Stage, name: str) -> str:
    """The label of the image *name* in the engine's own store, or nothing."""
    asked = ["docker", "image", "inspect", "--format", '{{index .Config.Labels "org.opencontainers.image.revision"}}']
    done = subprocess.run([*asked, name], env=stage.environment, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def test_files_of_the_build_and_how_the_image_is_packed(stage: Stage) -> None:
    """A folder beside the image, whose layers are packed as is said; a reused image gives the folder again."""
    stage.commit("No commands", {"Dockerfile": "FROM scratch\nCOPY index.html /\n"})
    out = stage.app / "out"
    given = {"outputs": "type=local,dest=out\ntype=image,compression=zstd,force-compression=true,oci-mediatypes=true"}
    first = published(stage, **given)
    assert (out / "index.html").is_file()
    (image,) = ecr(stage).batch_get_image(
        repositoryName=repository_of(stage), imageIds=[{"imageDigest": first.outputs["digest"]}]
    )["images"]
    layers = json.loads(image["imageManifest"])["layers"]
    assert {layer["mediaType"] for layer in layers} == {"application/vnd.oci.image.layer.v1.tar+zstd"}
    shutil.rmtree(out)
    again = published(stage, **given)
    assert (again.outputs["reused"], again.outputs["digest"]) == ("true", first.outputs["digest"])
    assert (out / "index.html").is_file()


@pytest.mark.parametrize("engine", ["buildx", "docker"])
def test_an_image_that_is_loaded_is_the_one_in_the_registry(stage: Stage, engine: str) -> None:
    """Under the name of the output; without a push, under the repository's name."""
    local = f"{repository_of(stage)}:{stage.head[:7]}"
    built = published(stage, push="false", load="true", engine=engine)
    assert built.outputs["pushed"] == "false"
    assert in_the_store(stage, local) == stage.head
    loaded = published(stage, load="true", engine=engine)
    assert in_the_store(stage, loaded.outputs["image"]) == stage.head
    reused = published(stage, load="true", engine=engine, variables=stage.job())
    assert reused.outputs["reused"] == "true"
    assert f"Loaded {reused.outputs['image']}" in reused.log


def test_checks_of_the_dockerfile_fail_the_step_where_they_find_something(stage: Stage) -> None:
    """On its line; no image is made, and nothing is pushed. Without a finding the step passes."""
    stage.commit("Casing", {"Dockerfile": "FROM busybox:stable as small\nRUN true\n"})
    found = stage.publish(stage.push_payload(), call="check", **NO_GITOPS)
    assert found.exit_code == 1
    assert "E-BUILD" in found.log
    lines = [(one.level, one.file, one.line) for one in found.annotations if "FromAsCasing" in one.message]
    assert lines == [("warning", "Dockerfile", 1)]
    assert not any(call.startswith("ecr:") for call in stage.calls())
    stage.commit("Mended", {"Dockerfile": "FROM busybox:stable AS small\nRUN true\n"})
    clean = published(stage, call="check")
    assert clean.outputs["pushed"] == "false"
    assert "small" in published(stage, call="targets").log
