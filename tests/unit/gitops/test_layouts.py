"""Layouts of GitOps repositories: what a run of each environment edits."""

from __future__ import annotations

import pytest

from ecr_action.errors import EnvironmentUnclear, Failure, NoReference
from ecr_action.gitops.candidates import never_edited
from ecr_action.gitops.edit import bump
from tests.unit.gitops.world import IMAGE, after, deployment, file, kustomization, run, target

KUSTOMIZE = "resources: [../../base]\n"
VALUES = f"image: {{repository: {IMAGE}, tag: old}}\n"


def _placed(namespace: str) -> str:
    return deployment().replace("  name: hello-node\nspec", f"  name: hello-node\n  namespace: {namespace}\nspec")


UNCLEAR, NOWHERE = EnvironmentUnclear, NoReference

# name: files, then for each run (None: of no environment) what it edits, or the failure.
LAYOUTS = {
    "one file, no environment": (
        {"manifests/deployment.yaml": deployment()},
        {
            "dev": ["manifests/deployment.yaml"],
            "prod": ["manifests/deployment.yaml"],
            None: ["manifests/deployment.yaml"],
        },
    ),
    "base and three overlays": (
        {
            "base/d.yaml": deployment(),
            **{f"overlays/{e}/kustomization.yaml": kustomization() for e in ("dev", "staging", "prod")},
        },
        {
            "dev": ["overlays/dev/kustomization.yaml"],
            "staging": ["overlays/staging/kustomization.yaml"],
            "production": ["overlays/prod/kustomization.yaml"],
            "perf": ["base/d.yaml"],
            None: ["base/d.yaml"],
        },
    ),
    "only the base has it": (
        {
            "base/d.yaml": deployment(),
            "overlays/dev/kustomization.yaml": KUSTOMIZE,
            "overlays/prod/kustomization.yaml": KUSTOMIZE,
        },
        {"dev": UNCLEAR, "prod": UNCLEAR, None: UNCLEAR},
    ),
    "dev inherits, prod has its own": (
        {
            "base/d.yaml": deployment(),
            "overlays/dev/kustomization.yaml": KUSTOMIZE,
            "overlays/prod/kustomization.yaml": kustomization(),
        },
        {"dev": ["base/d.yaml"], "prod": ["overlays/prod/kustomization.yaml"], "staging": UNCLEAR, None: UNCLEAR},
    ),
    "qa and prod": (
        {
            "base/d.yaml": deployment(),
            "overlays/qa/kustomization.yaml": kustomization(),
            "overlays/prod/kustomization.yaml": kustomization(),
        },
        {
            "dev": ["base/d.yaml"],
            "qa": ["overlays/qa/kustomization.yaml"],
            "prod": ["overlays/prod/kustomization.yaml"],
        },
    ),
    "qa and prod without a base of its own": (
        {"overlays/qa/kustomization.yaml": kustomization(), "overlays/prod/kustomization.yaml": kustomization()},
        {"dev": UNCLEAR, None: UNCLEAR, "qa": ["overlays/qa/kustomization.yaml"]},
    ),
    "values for each environment": (
        {"values.yaml": VALUES, "values-dev.yaml": VALUES, "values-prod.yaml": VALUES},
        {"dev": ["values-dev.yaml"], "prod": ["values-prod.yaml"], "staging": ["values.yaml"], None: ["values.yaml"]},
    ),
    "values of dev inherit": (
        {"values.yaml": VALUES, "values-dev.yaml": "replicas: 1\n", "values-prod.yaml": VALUES},
        {"dev": ["values.yaml"], "prod": ["values-prod.yaml"], "staging": UNCLEAR},
    ),
    "a folder for each environment": (
        {f"{e}/app.yaml": deployment() for e in ("dev", "hml", "prd")},
        {"dev": ["dev/app.yaml"], "staging": ["hml/app.yaml"], "prod": ["prd/app.yaml"], None: UNCLEAR},
    ),
    "a file for each cluster": (
        {f"clusters/{e}.yaml": deployment() for e in ("eu-dev", "eu-prod", "us-prod")},
        {
            "dev": ["clusters/eu-dev.yaml"],
            "prod": ["clusters/eu-prod.yaml", "clusters/us-prod.yaml"],
            "staging": UNCLEAR,
        },
    ),
    "everything in one file": (
        {"all.yaml": f"{deployment()}---\n{deployment(name='hello-node-worker')}"},
        {"dev": ["all.yaml"], "prod": ["all.yaml"], None: ["all.yaml"]},
    ),
    "everything in one file, by namespace": (
        {"all.yaml": "---\n".join(_placed(space) for space in ("shop-dev", "shop-prod"))},
        {"dev": ["all.yaml"], "prod": ["all.yaml"], "staging": UNCLEAR, None: UNCLEAR},
    ),
    "a file for each namespace": (
        {f"{name}.yaml": _placed(f"shop-{space}") for name, space in (("one", "dev"), ("two", "prod"))},
        {"dev": ["one.yaml"], "prod": ["two.yaml"], "staging": UNCLEAR, None: UNCLEAR},
    ),
    "a shared repository": (
        {
            "applications/workloads/shop/hello-node/deployment.yaml": deployment(),
            "applications/workloads/shop/other/overlays/prod/k.yaml": "a: 1\n",
            "applications/workloads/shop/other/overlays/dev/k.yaml": "a: 1\n",
        },
        {
            "dev": ["applications/workloads/shop/hello-node/deployment.yaml"],
            "prod": ["applications/workloads/shop/hello-node/deployment.yaml"],
        },
    ),
    "a shared repository whose clusters take the folder": (
        {
            "apps/hello-node/deployment.yaml": deployment(),
            "clusters/prod/kustomization.yaml": "resources: [../../apps/hello-node]\n",
        },
        {"dev": UNCLEAR, "prod": ["apps/hello-node/deployment.yaml"]},
    ),
    "a path of two environments": (
        {"dev/prod/d.yaml": deployment(), "staging/d.yaml": deployment()},
        {"dev": UNCLEAR, "prod": UNCLEAR, None: UNCLEAR, "staging": ["staging/d.yaml"]},
    ),
    "nowhere": ({"a.yaml": deployment("nginx:1.27")}, {"dev": NOWHERE, None: NOWHERE}),
    "empty": ({}, {"dev": NOWHERE, None: NOWHERE}),
}
RUNS = [
    pytest.param(files, environment, wanted, id=f"{name}, {environment}")
    for name, (files, runs) in LAYOUTS.items()
    for environment, wanted in runs.items()
]


@pytest.mark.parametrize(("files", "environment", "wanted"), RUNS)
def test_what_a_run_edits(files: dict[str, str], environment: str | None, wanted: list[str] | type[Failure]) -> None:
    """Files of the environment; those of none only where nobody else inherits them; never another's."""
    if not isinstance(wanted, list):
        with pytest.raises(wanted):
            run(files, environment=environment)
        return
    assert sorted(edit.path for edit in run(files, environment=environment).edits) == wanted


def test_objects_of_another_environment_in_the_same_file_stay() -> None:
    """Namespaces tell them apart where one file has several; one namespace alone says nothing."""
    text = f"{_placed('shop-dev')}---\n{_placed('shop-prod')}"
    wanted = f"{_placed('shop-dev').replace(':old', ':abc1234')}---\n{_placed('shop-prod')}"
    assert after({"all.yaml": text}, environment="dev") == {"all.yaml": wanted}
    assert run({"all.yaml": _placed("shop-prod")}, environment="dev").edits


def test_files_that_are_not_read_count_as_environments() -> None:
    """Only files with the image's name are read; the tree's other paths show which environments there are."""
    files = [file("base/d.yaml", deployment())]
    assert bump(files, [target()], environment="dev").edits
    with pytest.raises(EnvironmentUnclear, match="prod"):
        bump(files, [target()], environment="dev", paths=["base/d.yaml", "overlays/prod/kustomization.yaml"])


def test_cannot_tell_has_lines_to_paste() -> None:
    """The fix is a gitops-files block with each file under its environment."""
    with pytest.raises(EnvironmentUnclear) as caught:
        run({"prod/a.yaml": deployment(), "qa/a.yaml": deployment()}, environment="dev")
    assert "gitops-files: |\n" in caught.value.fix
    assert "  prod: prod/a.yaml" in caught.value.fix
    assert "  dev: <the file that says which image dev runs>" in caught.value.fix


def test_named_files_are_edited_whatever_their_environment() -> None:
    """A file named outright is consent."""
    files = {"prod/a.yaml": deployment(), "dev/a.yaml": deployment()}
    assert [edit.path for edit in run(files, named=["prod/a.yaml", "dev/a.yaml"]).edits] == [
        "prod/a.yaml",
        "dev/a.yaml",
    ]
    assert [edit.path for edit in run({"prod/a.yaml": deployment()}, named=["prod/a.yaml"]).edits] == ["prod/a.yaml"]


def test_nowhere_lists_what_was_seen() -> None:
    """Images that are there, the most similar first, and the files looked at."""
    with pytest.raises(NoReference) as caught:
        run({"a/x.yaml": deployment("nginx:1.27"), "a/y.yaml": deployment(f"{IMAGE}s:1")})
    assert f"{IMAGE}s:1 (a/y.yaml)" in caught.value.why
    assert caught.value.why.index(f"{IMAGE}s:1") < caught.value.why.index("nginx:1.27")
    assert "a/x.yaml" in caught.value.what


def test_what_is_never_edited_is_named_where_the_image_is_nowhere() -> None:
    """It may be what the user had in mind: links, submodules and workflows that could hold a manifest."""
    said = never_edited(["a.yaml", ".github/b.yml", ".github/c.md"], ["link.yaml", "charts/app", "link.txt"])
    assert said.startswith("Never edited, whatever they hold (links, submodules, .github/): ")
    assert said.endswith(": link.yaml, charts/app, .github/b.yml.")
    assert never_edited(["a.yaml", "x/.github/b.yml"], ["link.txt"]) == ""


def test_several_images_in_one_call_are_all_or_nothing() -> None:
    """Images of a matrix: one that is nowhere stops the others too."""
    files = [file("a.yaml", deployment()), file("b.yaml", deployment(IMAGE.replace("hello-node", "worker") + ":old"))]
    both = [target(), target("v2", repository="worker")]
    assert [edit.path for edit in bump(files, both, environment=None).edits] == ["a.yaml", "b.yaml"]
    with pytest.raises(NoReference, match="nothing-like-it"):
        bump(files, [*both, target(repository="nothing-like-it")], environment=None)


def test_values_that_leave_the_tag_to_the_chart_are_told_as_what_they_are() -> None:
    """The image is there: what it lacks is a tag."""
    with pytest.raises(NoReference) as raised:
        run({"chart/values.yaml": f'image:\n  repository: {IMAGE}\n  tag: ""\n'}, environment="dev")
    assert "without a tag" in raised.value.what
    assert "chart/values.yaml#image.tag" in raised.value.fix
