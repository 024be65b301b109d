"""What a good engineer would script: one process, AWS by boto3 with calls side by side, buildx, a shallow clone.

``careful.py publish`` builds, pushes and bumps; ``careful.py promote TAG...`` gives the commit's image further tags by
pull, tag and push, and bumps to the first of them; ``careful.py bump`` rolls out the commit's image that is there.
Everything else comes from the environment.
"""

import base64
import json
import os
import re
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3

ENV = os.environ
TEMP = Path(ENV["RUNNER_TEMP"])
IMAGE = f"{ENV['REGISTRY']}/{ENV['REPOSITORY']}"
SHA = ENV["GITHUB_SHA"]
LIFECYCLE = {"rules": [{
    "rulePriority": 1, "description": "untagged", "action": {"type": "expire"},
    "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7},
}]}  # fmt: skip


def run(*argv: str, **more: Any) -> None:
    subprocess.run(argv, check=True, **more)


def connect() -> Any:
    """A client of ECR, by AssumeRoleWithWebIdentity with the job's own token."""
    url = f"{ENV['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience=sts.amazonaws.com"
    bearer = {"Authorization": f"bearer {ENV['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=bearer), timeout=10) as answer:
        token = json.load(answer)["value"]
    session = boto3.Session(region_name=ENV["AWS_REGION"])
    found = session.client("sts").assume_role_with_web_identity(
        RoleArn=ENV["ROLE"], RoleSessionName="careful", WebIdentityToken=token
    )["Credentials"]
    return session.client(
        "ecr",
        aws_access_key_id=found["AccessKeyId"],
        aws_secret_access_key=found["SecretAccessKey"],
        aws_session_token=found["SessionToken"],
    )


def ensure(ecr: Any) -> None:
    """The repository is there, with a lifecycle policy where it is new."""
    name = ENV["REPOSITORY"]
    try:
        ecr.describe_repositories(repositoryNames=[name])
    except ecr.exceptions.RepositoryNotFoundException:
        ecr.create_repository(repositoryName=name, imageScanningConfiguration={"scanOnPush": True})
        ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps(LIFECYCLE))


def log_in(ecr: Any) -> None:
    """A docker configuration of its own, with the plugins of the job's."""
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    assert base64.b64decode(token).startswith(b"AWS:")
    (TEMP / "docker").mkdir()
    (TEMP / "docker/cli-plugins").symlink_to(Path(ENV["DOCKER_CONFIG"], "cli-plugins"))
    (TEMP / "docker/config.json").write_text(json.dumps({"auths": {ENV["REGISTRY"]: {"auth": token}}}))


def clone() -> None:
    run("git", "clone", "--quiet", "--depth=1", ENV["GITOPS_URL"], str(TEMP / "gitops"))


def build(*tags: str) -> None:
    named = [part for tag in tags for part in ("--tag", f"{IMAGE}:{tag}")]
    platforms = ["--platform", ENV["PLATFORMS"]] if ENV.get("PLATFORMS") else []
    docker = {**ENV, "DOCKER_CONFIG": str(TEMP / "docker"), "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    run("docker", "buildx", "build", "--push", *platforms, *named, ".", env=docker)


def promote(*tags: str) -> None:
    docker = {**ENV, "DOCKER_CONFIG": str(TEMP / "docker")}
    run("docker", "pull", "--quiet", f"{IMAGE}:{SHA}", env=docker)
    for tag in tags:
        run("docker", "tag", f"{IMAGE}:{SHA}", f"{IMAGE}:{tag}", env=docker)
        run("docker", "push", "--quiet", f"{IMAGE}:{tag}", env=docker)


def bump(tag: str) -> None:
    """The image's tag in the one file, committed and pushed where that changes something."""
    folder = TEMP / "gitops"
    file = folder / ENV["GITOPS_FILE"]
    old = file.read_text()
    new = re.sub(rf"image: \S*/{re.escape(ENV['REPOSITORY'])}:\S+", f"image: {IMAGE}:{tag}", old)
    if new == old:
        return
    file.write_text(new)
    person = ("-c", "user.name=bot", "-c", "user.email=bot@example.com")
    run("git", *person, "-C", str(folder), "commit", "--quiet", "-am", f"{ENV['REPOSITORY']} {tag}")
    run("git", "-C", str(folder), "push", "--quiet")


def main(what: str, *tags: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        cloned = pool.submit(clone) if ENV.get("GITOPS_URL") else None
        ecr = connect()
        for one in [pool.submit(ensure, ecr), pool.submit(log_in, ecr)]:
            one.result()
        if what == "publish":
            build(SHA, SHA[:7], "latest")
        elif what == "promote":
            promote(*tags)
        if cloned:
            cloned.result()
            bump(tags[0] if tags else SHA[:7])


if __name__ == "__main__":
    main(*sys.argv[1:])
