"""Canaries in every place that a secret can be; every byte that leaves is searched for them."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from lab.runner.shim import StepResult
from lab.stage import Stage
from tests.job.test_access import admin, allowed

CANARY = "canary-9f2c71d0e5"


@pytest.fixture
def watched(stage: Stage, tmp_path: Path) -> tuple[Stage, dict[str, str], Path]:
    """The stage with a job whose `docker` and `git` note arguments and environment, and whose user has a login."""
    noted, programs = tmp_path / "noted", tmp_path / "bin"
    noted.mkdir()
    programs.mkdir()
    for name in ("docker", "git"):
        real = shutil.which(name, path=stage.environment["PATH"])
        script = programs / name
        script.write_text(f'#!/bin/sh\n{{ printf "%s\\n" "$0" "$@"; env; }} >> {noted}/$$\nexec {real} "$@"\n')
        script.chmod(0o755)
    config = tmp_path / "docker"
    shutil.copytree(stage.environment["DOCKER_CONFIG"], config, symlinks=True)
    login = base64.b64encode(f"user:{CANARY}-login".encode()).decode()
    (config / "config.json").write_text(json.dumps({"auths": {"registry.example.com": {"auth": login}}}))
    return (
        stage,
        {"PATH": f"{programs}:{stage.environment['PATH']}", "DOCKER_CONFIG": str(config), "RUNNER_DEBUG": "1"},
        noted,
    )


def leaked(result: StepResult, noted: Path, secrets: Mapping[str, str]) -> list[str]:
    """Where secrets are seen: log (but for the lines that ask the runner to hide them), files, children."""
    log = b"\n".join(line for line in result.raw.splitlines() if not line.startswith(b"::add-mask::"))
    places = {
        "log": log,
        "shown": result.log.encode(),
        "summary": result.summary.encode(),
        "outputs": json.dumps(result.outputs).encode(),
        "files": b"\n".join(result.written.values()),
        "children": b"\n".join(file.read_bytes() for file in noted.iterdir()),
    }
    return [
        f"{name} in {place}"
        for place, text in places.items()
        for name, value in secrets.items()
        if value.encode() in text
    ]


@pytest.mark.parametrize(
    "inputs",
    [
        {"engine": "buildx"},
        {"engine": "docker"},
        {"file": "Broken.Dockerfile"},
        {"gitops_files": "nowhere.yaml"},
        {"aws_region": "nowhere"},
        {"allowed_account_ids": "210987654321"},
    ],
    ids=lambda given: "-".join(given.values()),
)
def test_no_secret_leaves(watched: tuple[Stage, dict[str, str], Path], inputs: dict[str, str]) -> None:
    """In success and in failure, with debug lines on."""
    stage, environment, noted = watched
    stage.commit("Broken too", {"Broken.Dockerfile": "FROM busybox:stable\nRUN env && false\n"})
    job = {**stage.job(), **environment}
    result = stage.publish(stage.push_payload(), variables=job, **inputs)
    assert (result.exit_code == 0) is ("engine" in inputs), result.log
    secrets = {
        "gitops-token": stage.gitops_token,
        "github-token": stage.token,
        "identity token request": job["ACTIONS_ID_TOKEN_REQUEST_TOKEN"],
        "the user's login": f"{CANARY}-login",
        "the user's login, encoded": base64.b64encode(f"user:{CANARY}-login".encode()).decode(),
        **{f"masked {number}": value for number, value in enumerate(result.masks) if value != stage.role},
    }
    assert leaked(result, noted, secrets) == []
    assert result.leftovers == []


def test_what_is_secret_is_masked_first(watched: tuple[Stage, dict[str, str], Path]) -> None:
    """Tokens, the session's keys, the registry's password: the runner is told before anything else can show them."""
    stage, environment, _ = watched
    result = stage.publish(stage.push_payload(), variables=environment)
    assert stage.gitops_token in result.masks
    assert len(result.masks) >= 7, "the two tokens, the request's, the job's, two keys, the password"
    text = result.raw.decode()
    for value in result.masks:
        if f"::add-mask::{value}" in text:
            assert text.index(value) == text.index(f"::add-mask::{value}") + len("::add-mask::")


def test_secrets_of_a_build_that_aws_keeps(watched: tuple[Stage, dict[str, str], Path]) -> None:
    """Read by the role when something is built, one value of a JSON object or all of it; seen by the build alone."""
    stage, environment, noted = watched
    kept = {"token": f"{CANARY}-npm", "whole": json.dumps({"user": f"{CANARY}-user", "more": 1}, indent=1) + "\n"}
    manager, ssm = admin(stage, "secretsmanager"), admin(stage, "ssm")
    name = f"build{stage.name}"
    secret = manager.create_secret(Name=name, SecretString=json.dumps({"npm": kept["token"], "other": "x"}))["ARN"]
    ssm.put_parameter(Name=f"/{name}", Value=kept["whole"], Type="SecureString")
    parameter = ssm.get_parameter(Name=f"/{name}")["Parameter"]["ARN"]
    lines = ["FROM busybox:stable"]
    for part, value in kept.items():
        digest = hashlib.sha256(value.encode()).hexdigest()
        mount = f"--mount=type=secret,id={part},required=true"
        lines.append(f"RUN {mount} echo '{digest}  /run/secrets/{part}' | sha256sum -c")
    stage.commit("With secrets", {"Dockerfile": "\n".join(lines) + "\n"})
    given = {"secrets": f"token={secret}:npm::\nwhole={parameter}", "gitops_repository": "-", "gitops_token": "-"}
    variables = {**stage.job(), **environment}
    denied = stage.publish(stage.push_payload(), variables=variables, **given)
    assert (denied.exit_code, "E-AWS-DENIED" in denied.log) == (1, True)
    result = stage.publish(stage.push_payload(), variables=variables, role_to_assume=allowed(stage), **given)
    assert result.exit_code == 0, result.log
    canaries = {"npm": kept["token"], "user": f"{CANARY}-user"}
    assert leaked(result, noted, canaries) == []
    assert kept["token"] in result.masks
    stage.calls()
    again = stage.publish(stage.push_payload(), variables=variables, **given)
    assert (again.exit_code, again.outputs["reused"]) == (0, "true"), "a role that may not read them can reuse"
    assert not any(call.startswith(("secretsmanager:", "ssm:")) for call in stage.calls())
