"""The Backstage template: what Backstage's own packages say of it, and what it makes of a filled-in form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ecr_action.inputs import TABLE
from tests.contract import linters
from tests.rooms.backstage.scaffolder import TEMPLATE, Published, ask, scaffold, template

FORM = {"name": "hello-web", "owner": "group:default/shop", "stack": "node", "namespace": "shop"}
COMMON = TEMPLATE.parent / "app" / "common" / ".github" / "workflows"
ENVIRONMENTS = ("dev", "staging", "prod")


@pytest.fixture(scope="module", params=["node", "python", "go"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Published]:
    """The repositories of a service, for each stack."""
    return scaffold({**FORM, "stack": request.param}, tmp_path_factory.mktemp("scaffolded"))


@pytest.fixture
def gitops(made: list[Published]) -> Path:
    """The GitOps repository's files."""
    return made[0].folder


@pytest.fixture
def app(made: list[Published]) -> Path:
    """The app's files."""
    return made[1].folder


def files(*folders: Path) -> Iterator[Path]:
    return (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())


def test_backstages_own_packages_take_it(app: Path) -> None:
    """The template, and the component that it registers; one without a type is refused."""
    component = yaml.safe_load((app / "catalog-info.yaml").read_text())
    without = {**template(), "spec": {**template()["spec"], "type": None}}
    good, made, bad = ask(entities=[template(), component, without])["refused"]
    assert (good, made) == (None, None)
    assert "/spec/type" in bad
    assert component["spec"]["owner"] == "group:default/shop"


def test_the_form_asks_for_four_things_and_refuses_names_that_nothing_takes(tmp_path: Path) -> None:
    """ECR, Kubernetes and GitHub all have to take the name."""
    (page,) = template()["spec"]["parameters"]
    assert list(page["properties"]) == page["required"] == ["name", "owner", "stack", "namespace"]
    for wrong in ({"name": "Hello"}, {"name": "a--b"}, {"name": "web-"}, {"stack": "perl"}, {"namespace": "1a"}):
        with pytest.raises(jsonschema.ValidationError):
            scaffold({**FORM, **wrong}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_gitops_repository_comes_before_the_app_whose_push_needs_it(made: list[Published]) -> None:
    """Both private, on main; the pipeline may push to the first alone."""
    assert [one.name for one in made] == ["darede-labs/hello-web-gitops", "darede-labs/hello-web"]
    assert [one.input["protectDefaultBranch"] for one in made] == [False, True]
    assert {(one.input["defaultBranch"], one.input["repoVisibility"]) for one in made} == {("main", "private")}


def test_githubs_expressions_survive_and_backstages_do_not(app: Path, gitops: Path) -> None:
    """Workflows are the very bytes of the template's; nothing else has an expression or is left empty by one."""
    workflows = app / ".github" / "workflows"
    for path in COMMON.iterdir():
        assert (workflows / path.name).read_bytes() == path.read_bytes()
    for path in files(app, gitops):
        text = path.read_text()
        assert ("${{" in text) is (path.parent == workflows)
        assert "{%" not in text
        assert path.suffix not in (".js", ".py", ".go", ".json", ".mod") or "hello-web" in text


def test_the_workflows_are_short_and_linters_find_nothing(app: Path) -> None:
    """At most thirty lines for the pipeline; two fields for the rollback; arm64 first."""
    workflows = app / ".github" / "workflows"
    assert linters.actionlint(workflows.iterdir()) == ""
    assert linters.zizmor(workflows.iterdir()) == ""
    assert len((workflows / "ci-cd.yaml").read_text().splitlines()) <= 30
    found = {path.stem: yaml.safe_load(path.read_text()) for path in workflows.iterdir()}
    # YAML 1.1 reads `on` as a boolean.
    fields: dict[str, Any] = found["rollback"][True]["workflow_dispatch"]["inputs"]
    assert fields.keys() == {"environment", "image"}
    assert (fields["environment"]["options"], fields["image"]["default"]) == (list(ENVIRONMENTS), "previous")
    (job,) = found["ci-cd"]["jobs"].values()
    given = job["steps"][-1]["with"]
    seen = (job["runs-on"], given["platforms"], given["node-architectures"])
    assert seen == ("ubuntu-24.04-arm", "linux/arm64", "arm64")
    assert [name for name in given if name not in TABLE] == []


def test_the_schemas_of_kubernetes_and_argo_cd_take_what_is_applied(gitops: Path) -> None:
    """Each object; one without its project is refused."""
    parts = ("argocd/applications.yaml", "base/deployment.yaml", "base/service.yaml")
    objects = [one for part in parts for one in yaml.safe_load_all((gitops / part).read_text())]
    assert [one["kind"] for one in objects] == ["Application"] * 3 + ["Deployment", "Service"]
    spec = {key: value for key, value in objects[0]["spec"].items() if key != "project"}
    *taken, refused = ask(entities=[*objects, {**objects[0], "spec": spec}])["refused"]
    assert taken == [None] * 5
    assert "project" in refused


def test_what_argo_cd_applies_is_there(gitops: Path) -> None:
    """An Application and an overlay for each environment, on arm64 nodes, with the image that will be published."""
    applications = list(yaml.safe_load_all((gitops / "argocd" / "applications.yaml").read_text()))
    assert [one["spec"]["source"]["path"] for one in applications] == [f"overlays/{name}" for name in ENVIRONMENTS]
    assert {one["spec"]["source"]["repoURL"] for one in applications} == {
        "https://github.com/darede-labs/hello-web-gitops"
    }
    pod = yaml.safe_load((gitops / "base" / "deployment.yaml").read_text())["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
    for application in applications:
        folder = gitops / application["spec"]["source"]["path"]
        overlay = yaml.safe_load((folder / "kustomization.yaml").read_text())
        assert overlay["namespace"] == application["spec"]["destination"]["namespace"]
        (image,) = overlay["images"]
        assert (image["name"], image["newName"].partition("/")[2]) == (pod["containers"][0]["image"], "hello-web")
        (base,) = overlay["resources"]
        for name in yaml.safe_load((folder / base / "kustomization.yaml").read_text())["resources"]:
            assert (folder / base / name).is_file()
    assert len({one["spec"]["destination"]["namespace"] for one in applications}) == len(ENVIRONMENTS)
