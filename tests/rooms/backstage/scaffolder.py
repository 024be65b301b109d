"""The part of Backstage's scaffolder that a template of ours uses: steps in order, nunjucks, files, repositories.

By `fetch:template` (templateActionHandler.ts): every path is rendered, and every file unless `copyWithoutTemplating`
names it; a file that is there already stays. By the documents of `publish:github`: `repoUrl` names the repository.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import yaml

from lab.github import npm
from tests.contract.source import ROOT

TEMPLATE = ROOT / "backstage" / "template.yaml"
PACKAGES = ("@backstage/plugin-scaffolder-common", "@kubernetes-models/argo-cd", "kubernetes-models", "nunjucks")
_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Published:
    """A repository that a template has made: its `owner/name`, the *folder* it was made of, the step's *input*."""

    name: str
    folder: Path
    input: Mapping[str, Any]


def template() -> dict[str, Any]:
    """The template as it stands in the repository."""
    return dict(yaml.safe_load(TEMPLATE.read_text(encoding="utf-8")))


def ask(**asked: Any) -> dict[str, Any]:
    """What Backstage's own parts, and the schemas of what it makes, answer (render.js)."""
    for package in PACKAGES:
        folder = npm.install(package)
    modules = next(parent for parent in folder.parents if parent.name == "node_modules")
    done = subprocess.run(
        ["node", str(_HERE / "render.js")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NODE_PATH": str(modules)},
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def scaffold(parameters: Mapping[str, str], workspace: Path) -> list[Published]:
    """Run the template's steps in *workspace* with what somebody has filled in; the repositories in their order."""
    about = template()["spec"]
    for page in about["parameters"]:
        jsonschema.validate(dict(parameters), {"type": "object", **page})
    steps: dict[str, Any] = {}
    made = []
    for step in about["steps"]:
        given = _rendered(step["input"], {"parameters": parameters, "steps": steps})
        if step["action"] == "fetch:template":
            _fetch(given, workspace)
        elif step["action"] == "publish:github":
            made.append(_published(given, workspace))
            url = f"https://github.com/{made[-1].name}"
            steps[step["id"]] = {"output": {"remoteUrl": url, "repoContentsUrl": f"{url}/blob/main"}}
        else:
            assert step["action"] == "catalog:register"
            assert given["repoContentsUrl"] == f"https://github.com/{made[-1].name}/blob/main"
            assert (made[-1].folder / given["catalogInfoPath"].lstrip("/")).is_file()
    return made


def _published(given: dict[str, Any], workspace: Path) -> Published:
    where = parse_qs(urlsplit("//" + given["repoUrl"]).query)
    return Published(f"{where['owner'][0]}/{where['repo'][0]}", workspace / given["sourcePath"], given)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _rendered(value: Any, values: Mapping[str, Any]) -> Any:
    texts = list(_texts(value))
    answers = iter(ask(render=[[text, values, True] for text in texts])["rendered"])

    def put(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: put(item) for key, item in part.items()}
        if isinstance(part, list):
            return [put(item) for item in part]
        return next(answers) if isinstance(part, str) else part

    return put(value)


def _fetch(given: dict[str, Any], workspace: Path) -> None:
    source = (TEMPLATE.parent / given["url"]).resolve()
    into = workspace / given["targetPath"]
    plain = {path for pattern in given.get("copyWithoutTemplating", []) for path in source.glob(pattern)}
    files = [path for path in sorted(source.rglob("*")) if path.is_file()]
    values = {"values": given["values"]}
    names = _asked([str(path.relative_to(source)) for path in files], values)
    texts = _asked(["" if path in plain else path.read_text(encoding="utf-8") for path in files], values)
    for path, name, text in zip(files, names, texts, strict=True):
        target = into / name
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if path in plain:
            shutil.copy(path, target)
        else:
            target.write_text(text, encoding="utf-8")


def _asked(texts: list[str], values: Mapping[str, Any]) -> list[str]:
    return list(ask(render=[[text, values, False] for text in texts])["rendered"])
