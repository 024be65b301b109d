"""What is seen of a run from outside: the registry by the AWS API, the GitOps repository by git."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from lab.aws import setup
from lab.github import setup as github
from lab.stage import REGION, Stage

_READS = {
    "ecr:DescribeRepositories",
    "ecr:DescribeRepositoryCreationTemplates",
    "ecr:BatchGetRepositoryScanningConfiguration",
    "ecr:GetLifecyclePolicy",
    "ecr:BatchGetImage",
    "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer",
    "ecr:GetAuthorizationToken",
    "sts:AssumeRoleWithWebIdentity",
    "oidc:GET token",
}


def ecr(stage: Stage) -> Any:
    """An administrator's client."""
    return setup.admin_client("ecr", stage.endpoint, region=REGION)


def repository_of(stage: Stage) -> str:
    """The name of the app's ECR repository, unless an input says otherwise."""
    return stage.name.rpartition("/")[2]


def tags_of(stage: Stage, repository: str = "") -> dict[str, str]:
    """Tag -> digest of all images, without the tags that name build inputs."""
    return {tag: digest for tag, digest in _tagged(stage, repository).items() if not tag.startswith("key-")}


def keys_of(stage: Stage, repository: str = "") -> dict[str, str]:
    """Tag -> digest of the tags that name build inputs."""
    return {tag: digest for tag, digest in _tagged(stage, repository).items() if tag.startswith("key-")}


def _tagged(stage: Stage, repository: str) -> dict[str, str]:
    found = ecr(stage).list_images(repositoryName=repository or repository_of(stage), filter={"tagStatus": "TAGGED"})
    return {row["imageTag"]: row["imageDigest"] for row in found["imageIds"]}


def retag(stage: Stage, digest: str, tag: str, repository: str = "") -> None:
    """Put *tag* on the image by hand."""
    client, name = ecr(stage), repository or repository_of(stage)
    image = client.batch_get_image(repositoryName=name, imageIds=[{"imageDigest": digest}])["images"][0]
    client.put_image(repositoryName=name, imageManifest=image["imageManifest"], imageDigest=digest, imageTag=tag)


def described(stage: Stage, repository: str = "") -> dict[str, Any]:
    """The repository as ECR describes it."""
    found = ecr(stage).describe_repositories(repositoryNames=[repository or repository_of(stage)])
    return dict(found["repositories"][0])


def image_config(stage: Stage, digest: str, repository: str = "") -> dict[str, Any]:
    """The configuration blob of the image."""
    client, name = ecr(stage), repository or repository_of(stage)
    image = client.batch_get_image(repositoryName=name, imageIds=[{"imageDigest": digest}])["images"][0]
    layer = json.loads(image["imageManifest"])["config"]["digest"]
    url = client.get_download_url_for_layer(repositoryName=name, layerDigest=layer)["downloadUrl"]
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
        return dict(json.load(answer))


def gitops_file(stage: Stage, path: str, branch: str = "main") -> str:
    """A file at the head of the GitOps repository."""
    bare = github.repository(stage.github.state, stage.gitops)
    return github.read(bare, path, f"refs/heads/{branch}").decode()


def gitops_message(stage: Stage, branch: str = "main") -> str:
    """The whole message of the GitOps branch's last commit."""
    bare = github.repository(stage.github.state, stage.gitops)
    return github.git.Bare(bare).run("log", "-1", "--format=%B", f"refs/heads/{branch}").decode()


def writes(calls: list[str]) -> list[str]:
    """Those of *calls* that change something."""
    quiet = ("registry:HEAD", "registry:GET", "github:GET", "github:POST repository")
    return [call for call in calls if call not in _READS and not call.startswith(quiet)]


def push_again_in_the_past(stage: Stage, digest: str, days: int) -> None:
    """Let the image have been pushed first that many *days* ago, with the tags that it has."""
    client, name = ecr(stage), repository_of(stage)
    image = client.batch_get_image(repositoryName=name, imageIds=[{"imageDigest": digest}])["images"][0]
    tags = [tag for tag, on in _tagged(stage, name).items() if on == digest]
    control(stage, "clock", {"advance": -days * 86400.0})
    try:
        client.batch_delete_image(repositoryName=name, imageIds=[{"imageDigest": digest}])
        for tag in tags:
            client.put_image(
                repositoryName=name, imageManifest=image["imageManifest"], imageDigest=digest, imageTag=tag
            )
    finally:
        control(stage, "clock", {"offset": 0.0})


def control(stage: Stage, what: str, body: dict[str, Any], *, method: str = "POST") -> None:
    """Tell the lab's AWS something."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    told = urllib.request.Request(f"{stage.endpoint}/_lab/{what}", json.dumps(body).encode(), method=method)
    opener.open(told, timeout=30).close()
