"""An image as a cluster's node takes it: pulled by its name, started, asked over HTTP."""

from __future__ import annotations

import base64
import time
import urllib.error
import urllib.request
from typing import Any

import docker

from lab.aws import setup as aws
from lab.stage import REGION, Stage

_PORT = "8080/tcp"
_SECONDS = 20.0


def answer_of(image: str, stage: Stage) -> str:
    """Pull *image* (whatever the engine's store has of it is removed first), run it, return the page it serves."""
    client = docker.DockerClient(base_url=stage.environment["DOCKER_HOST"])
    try:
        _pull(client, image, stage)
        container = client.containers.run(image, detach=True, ports={_PORT: None})
        try:
            return _page(container)
        finally:
            container.remove(force=True)
    finally:
        client.close()


def _pull(client: Any, image: str, stage: Stage) -> None:
    ecr = aws.admin_client("ecr", stage.endpoint, region=REGION)
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    for tag in [tag for found in client.images.list() for tag in found.tags if tag == image]:
        client.images.remove(tag, force=True)
    repository, _, tag = image.rpartition(":")
    client.images.pull(repository, tag=tag, auth_config={"username": user, "password": password})


def _page(container: Any) -> str:
    end = time.monotonic() + _SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        container.reload()
        bound = (container.ports or {}).get(_PORT)
        try:
            with opener.open(f"http://127.0.0.1:{bound[0]['HostPort'] if bound else 0}/", timeout=5) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
