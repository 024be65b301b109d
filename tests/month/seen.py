"""What must hold after whatever happened, read from outside: the registry by the AWS API, everything else by git."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from lab.aws import setup
from lab.github import setup as github
from lab.stage import REGION, Stage
from tests.month.team import ENVIRONMENTS, Run, Team

ANY = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
]
_SHA = re.compile(r"[0-9a-f]{40}(-r[0-9]+)?")
_VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class World:
    """*tags*: tag to digest; *deployed*: environment to the tag that its overlay names; *head* of the GitOps branch."""

    tags: dict[str, str]
    deployed: dict[str, str]
    head: str


def manifests(repository: str) -> dict[str, str]:
    """The first files of the GitOps repository: a base, and an overlay for each environment."""
    image = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/{repository}"
    base = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": repository},
        "spec": {"template": {"spec": {"containers": [{"name": repository, "image": image}]}}},
    }
    files = {"base/deployment.yaml": yaml.safe_dump(base), "base/kustomization.yaml": "resources: [deployment.yaml]\n"}
    for environment in ENVIRONMENTS:
        overlay = f"resources: [../../base]\nimages:\n  - name: {image}\n    newTag: none\n"
        files[f"overlays/{environment}/kustomization.yaml"] = overlay
    return files


def world(stage: Stage) -> World:
    """How things stand."""
    bare, name = github.repository(stage.github.state, stage.gitops), stage.name.rpartition("/")[2]
    deployed = {}
    for environment in ENVIRONMENTS:
        text = github.read(bare, f"overlays/{environment}/kustomization.yaml", "refs/heads/main")
        (image,) = yaml.safe_load(text)["images"]
        deployed[environment] = image["newTag"]
    return World(_tags(_ecr(stage), name), deployed, stage.gitops_head())


def _ecr(stage: Stage) -> Any:
    return setup.admin_client("ecr", stage.endpoint, region=REGION)


def _tags(client: Any, name: str) -> dict[str, str]:
    try:
        pages = client.get_paginator("list_images").paginate(repositoryName=name, filter={"tagStatus": "TAGGED"})
        return {row["imageTag"]: row["imageDigest"] for page in pages for row in page["imageIds"]}
    except client.exceptions.RepositoryNotFoundException:
        return {}


def broken(team: Team, before: World, after: World, runs: list[Run], *, cut: bool) -> Iterator[str]:
    """What does not hold, in words; *cut*: the run did not come to its end, where the mark is written."""
    yield from _content(team, after)
    if not cut:
        yield from _marked(after)
        yield from _kept(team, after)
    yield from _written_once(before, after)
    yield from _latest(team, before, after)
    yield from _production(before, after, runs)
    yield from _forwards(team, before, after, runs)


def _content(team: Team, now: World) -> Iterator[str]:
    """Every tag names an image that is whole, and what an overlay names is there."""
    client, name = _ecr(team.stage), team.stage.name.rpartition("/")[2]
    for environment, tag in now.deployed.items():
        if tag != "none" and tag not in now.tags:
            yield f"{environment} runs {tag}, which is not in the registry"
    digests = sorted(set(now.tags.values()))
    for start in range(0, len(digests), 100):
        ids = [{"imageDigest": digest} for digest in digests[start : start + 100]]
        answer = client.batch_get_image(repositoryName=name, imageIds=ids, acceptedMediaTypes=ANY)
        yield from (f"{row['imageId']} is missing: {row['failureCode']}" for row in answer["failures"])
        layers = {layer for image in answer["images"] for layer in _layers(json.loads(image["imageManifest"]))}
        for first in range(0, len(layers), 100):
            part = sorted(layers)[first : first + 100]
            found = client.batch_check_layer_availability(repositoryName=name, layerDigests=part)
            there = {row["layerDigest"] for row in found["layers"] if row["layerAvailability"] == "AVAILABLE"}
            yield from (f"the layer {layer} is missing" for layer in part if layer not in there)


def _layers(manifest: dict[str, Any]) -> list[str]:
    return [manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]


def _marked(now: World) -> Iterator[str]:
    """What runs carries the tag that keeps it."""
    for environment, tag in now.deployed.items():
        if tag != "none" and now.tags.get(f"deployed-{environment}") != now.tags.get(tag):
            yield f"{environment} runs {tag}, and deployed-{environment} is on another image"


def _kept(team: Team, now: World) -> Iterator[str]:
    """What runs is there in thirty days: the policy's own preview says so."""
    client, name = _ecr(team.stage), team.stage.name.rpartition("/")[2]
    running = {now.tags.get(tag): environment for environment, tag in now.deployed.items()}
    team.wait(30 * 24)
    try:
        client.start_lifecycle_policy_preview(repositoryName=name)
        pages = client.get_paginator("get_lifecycle_policy_preview").paginate(repositoryName=name)
        expiring = {row["imageDigest"] for page in pages for row in page["previewResults"]}
    except (client.exceptions.RepositoryNotFoundException, client.exceptions.LifecyclePolicyNotFoundException):
        expiring = set()
    finally:
        team.wait(-30 * 24)
    yield from (f"what runs in {running[digest]} would expire" for digest in expiring if digest in running)


def _written_once(before: World, after: World) -> Iterator[str]:
    """A version never names another image."""
    for tag, digest in before.tags.items():
        version = _VERSION.search(tag)
        if version and tag in after.tags and after.tags[tag] != digest:
            yield f"{tag} was {digest} and is {after.tags[tag]}"


def _commits(now: World, tag: str) -> set[str]:
    """The commits of the image that *tag* names, by the tags beside it."""
    digest = now.tags.get(tag)
    return {one[:40] for one, its in now.tags.items() if its == digest and _SHA.fullmatch(one)}


def taken(before: World, run: Run) -> bool:
    """Whether the version that *run* is of stands on the image of another commit: then it must fail."""
    version = run.ref.rpartition("/")[2]
    return run.ref.startswith("refs/tags/") and version in before.tags and run.sha not in _commits(before, version)


def _latest(team: Team, before: World, after: World) -> Iterator[str]:
    """`latest` never goes to an older commit."""
    for old in _commits(before, "latest"):
        for new in _commits(after, "latest"):
            if old != new and team.is_ancestor(new, old):
                yield f"latest went back from {old[:7]} to {new[:7]}"


def _production(before: World, after: World, runs: list[Run]) -> Iterator[str]:
    """Only releases, and people who name an image, change production."""
    may = {"release", "hotfix", "deploy", "rollback"}
    if before.deployed["prod"] != after.deployed["prod"] and not may & {run.kind for run in runs}:
        yield f"{[run.kind for run in runs]} took prod from {before.deployed['prod']} to {after.deployed['prod']}"


def _forwards(team: Team, before: World, after: World, runs: list[Run]) -> Iterator[str]:
    """Nothing that is deployed goes back unless a person named it."""
    if any(run.names for run in runs):
        return
    old, new = (_version(one.deployed["prod"]) for one in (before, after))
    if old and new and new < old:
        yield f"prod went back from {before.deployed['prod']} to {after.deployed['prod']}"
    for one in _commits(before, before.deployed["dev"]):
        for two in _commits(after, after.deployed["dev"]):
            if one != two and team.is_ancestor(two, one):
                yield f"dev went back from {one[:7]} to {two[:7]}"


def _version(tag: str) -> tuple[int, ...] | None:
    found = _VERSION.fullmatch(tag)
    return tuple(map(int, found.groups())) if found else None
