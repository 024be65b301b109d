"""Files and images for these tests."""

from __future__ import annotations

from typing import Any

from ecr_action.gitops.edit import Result, Target, bump
from ecr_action.gitops_protocols import File

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
IMAGE = f"{HOST}/hello-node"
OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def target(tag: str = "abc1234", **changes: Any) -> Target:
    """The image of the run."""
    return Target(**{"registry": HOST, "repository": "hello-node", "tag": tag, **changes})


def file(path: str, text: str | bytes) -> File:
    return File(path=path, content=text if isinstance(text, bytes) else text.encode())


def run(files: dict[str, str], tag: str = "abc1234", environment: str | None = None, **given: Any) -> Result:
    """Bump the image to *tag* in *files* (path to text)."""
    image = {key: given.pop(key) for key in ("digest", "pin", "repository", "registry") if key in given}
    contents = [file(path, text) for path, text in files.items()]
    return bump(contents, [target(tag, **image)], environment=environment, **given)


def after(files: dict[str, str], tag: str = "abc1234", environment: str | None = None, **given: Any) -> dict[str, str]:
    """The files as they are after the bump."""
    result = run(files, tag, environment, **given)
    return {**files, **{edit.path: edit.content.decode() for edit in result.edits}}


def deployment(image: str = f"{IMAGE}:old", name: str = "hello-node", extra: str = "") -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  template:
    spec:
      containers:
        - name: {name}
          image: {image}
{extra}"""


def kustomization(tag: str = "old") -> str:
    return f"resources: [../../base]\nimages:\n  - name: {IMAGE}\n    newTag: {tag}\n"
