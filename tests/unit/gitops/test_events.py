"""Layouts of GitOps repositories, and what each event edits in them: from GitHub's event to the paths of the commit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from ecr_action import deployment
from ecr_action.errors import EnvironmentUnclear
from ecr_action.github import context
from tests.builders import REPOSITORY, make_inputs, make_plan, variables
from tests.unit.gitops.world import IMAGE, kustomization, run
from tests.unit.gitops.world import deployment as manifest

PAYLOAD = {"repository": {"full_name": REPOSITORY, "name": "hello-node", "default_branch": "main"}}
MAIN = "refs/heads/main"


def _planned(event: str, ref: str, payload: Mapping[str, Any] | None = None, **given: str) -> str | None:
    """The environment that the event rolls out to, None where it rolls out nothing."""
    plan = make_plan(event, ref, {**PAYLOAD, **(payload or {})}, **given)
    return plan.environment if plan.gitops else None


def _deployed(environment: str) -> str | None:
    inputs = make_inputs(mode="deploy", image="v1.2.3", environment=environment)
    found = context.read(variables("workflow_dispatch", MAIN), PAYLOAD, None)
    plan, problems = deployment.make(inputs, found)
    assert problems == ()
    return plan.environment if plan.gitops else None


def _release(tag: str, *, prerelease: bool = False) -> dict[str, Any]:
    return {"action": "published", "release": {"tag_name": tag, "prerelease": prerelease, "draft": False}}


EVENTS = {
    "push": _planned("push", MAIN),
    "release candidate": _planned("push", "refs/tags/v1.2.3-rc.1"),
    "pre-release": _planned("release", "refs/tags/v1.2.3", _release("v1.2.3", prerelease=True)),
    "version": _planned("push", "refs/tags/v1.2.3"),
    "release": _planned("release", "refs/tags/v1.2.3", _release("v1.2.3")),
    "version by hand": _planned("workflow_dispatch", MAIN, version="v1.2.3"),
    "deploy": _deployed("prod"),
    "push to qa": _planned("push", MAIN, environment="qa"),
    "branch with an environment": _planned("push", "refs/heads/perf", environment="qa"),
    "deploy to qa": _deployed("qa"),
    "branch": _planned("push", "refs/heads/perf"),
    "pull request": _planned("pull_request", "refs/pull/7/merge", {"number": 7, "pull_request": {"number": 7}}),
}


def test_the_environments_of_the_events() -> None:
    """The default branch is dev, candidates staging, releases prod; branches and pull requests are of none."""
    assert list(EVENTS.values()) == [
        *["dev", "staging", "staging", "prod", "prod", "prod", "prod"],
        *["qa", "qa", "qa", None, None],
    ]


VALUES = f"image: {{repository: {IMAGE}, tag: old}}\n"
CAN_NOT_TELL: list[str] = []
# name: files, and for dev, staging, prod and qa what is edited.
LAYOUTS: dict[str, tuple[dict[str, str], dict[str, list[str]]]] = {
    "a base and three overlays": (
        {
            "base/d.yaml": manifest("hello-node"),
            **{f"overlays/{name}/kustomization.yaml": kustomization() for name in ("dev", "staging", "prod")},
        },
        {
            **{name: [f"overlays/{name}/kustomization.yaml"] for name in ("dev", "staging", "prod")},
            "qa": CAN_NOT_TELL,
        },
    ),
    "a base with the image and three overlays": (
        {
            "base/d.yaml": manifest(),
            **{f"overlays/{name}/kustomization.yaml": kustomization() for name in ("dev", "staging", "prod")},
        },
        {
            **{name: [f"overlays/{name}/kustomization.yaml"] for name in ("dev", "staging", "prod")},
            "qa": ["base/d.yaml"],
        },
    ),
    "values for each environment": (
        {"values.yaml": VALUES, **{f"values-{name}.yaml": VALUES for name in ("dev", "staging", "production")}},
        {
            "dev": ["values-dev.yaml"],
            "staging": ["values-staging.yaml"],
            "prod": ["values-production.yaml"],
            "qa": ["values.yaml"],
        },
    ),
    "a folder for each environment": (
        {f"{name}/app.yaml": manifest() for name in ("dev", "hml", "prd", "qa")},
        {"dev": ["dev/app.yaml"], "staging": ["hml/app.yaml"], "prod": ["prd/app.yaml"], "qa": ["qa/app.yaml"]},
    ),
    "a file for each cluster": (
        {f"clusters/{name}.yaml": manifest() for name in ("eu-dev", "eu-staging", "eu-prod", "us-prod")},
        {
            "dev": ["clusters/eu-dev.yaml"],
            "staging": ["clusters/eu-staging.yaml"],
            "prod": ["clusters/eu-prod.yaml", "clusters/us-prod.yaml"],
            "qa": CAN_NOT_TELL,
        },
    ),
    "everything in one file": (
        {
            "all.yaml": "---\n".join(
                manifest().replace("metadata:\n", f"metadata:\n  namespace: shop-{name}\n", 1)
                for name in ("dev", "staging", "prod")
            )
        },
        {"dev": ["all.yaml"], "staging": ["all.yaml"], "prod": ["all.yaml"], "qa": CAN_NOT_TELL},
    ),
    "no environment at all": (
        {"manifests/deployment.yaml": manifest("placeholder"), "manifests/service.yaml": "kind: Service\n"},
        {name: ["manifests/deployment.yaml"] for name in ("dev", "staging", "prod", "qa")},
    ),
}


def _as_json(files: dict[str, str]) -> dict[str, str]:
    """The same files in JSON, those of several documents as a list object; kustomize reads its own name alone."""
    found = {}
    for path, text in files.items():
        objects = list(yaml.safe_load_all(text))
        whole = objects[0] if len(objects) == 1 else {"kind": "List", "items": objects}
        found[path.replace("app.yaml", "app.json").replace("all.yaml", "all.json")] = json.dumps(whole, indent=1)
    return found


RUNS = [
    pytest.param(files, environment, edits[environment], id=f"{name}, {event}")
    for name, (files, edits) in LAYOUTS.items()
    for event, environment in EVENTS.items()
    if environment is not None
]


@pytest.mark.parametrize(("files", "environment", "edits"), RUNS)
@pytest.mark.parametrize("written", ["YAML", "JSON"])
def test_what_an_event_edits(files: dict[str, str], environment: str, edits: list[str], written: str) -> None:
    """Its own environment's files, there the image alone; where that can't be told, none."""
    given = files if written == "YAML" else _as_json(files)
    wanted = [path if path in given else path.replace(".yaml", ".json") for path in edits]
    if not wanted:
        with pytest.raises(EnvironmentUnclear):
            run(given, environment=environment)
        return
    result = run(given, environment=environment)
    assert sorted(edit.path for edit in result.edits) == wanted
    for edit in result.edits:
        old, new = edit.original.decode(), edit.content.decode()
        assert (old.count("abc1234"), new.count("abc1234")) == (0, 1)
        assert new.replace("abc1234", "old") == old.replace("placeholder", f"{IMAGE}:old")
        namespace = new[: new.index("abc1234")].rpartition("shop-")[2]
        assert namespace.startswith(environment) or "shop-" not in new
