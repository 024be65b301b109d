"""Second owners of a field, and Jobs: told in words that name them, after the edit is made all the same."""

from __future__ import annotations

import pytest

from tests.unit.gitops.world import HOST, IMAGE, deployment, run

UPDATER = "argocd-image-updater.argoproj.io/image-list"


def _application(listed: str) -> str:
    return f"kind: Application\nmetadata:\n  name: web\n  annotations:\n    {UPDATER}: {listed}\n"


def _job(annotations: str = "", kind: str = "Job", name: str = "name: migrate") -> str:
    return (
        f"apiVersion: batch/v1\nkind: {kind}\nmetadata:\n  {name}\n  annotations: {{a: b{annotations}}}\nspec:\n"
        f"  template:\n    spec:\n      containers:\n        - {{name: migrate, image: '{IMAGE}:old'}}\n"
    )


CRON = f"""\
kind: CronJob
metadata: {{name: clean}}
spec:
  jobTemplate:
    spec: {{template: {{spec: {{containers: [{{name: clean, image: '{IMAGE}:old'}}]}}}}}}
"""


@pytest.mark.parametrize("listed", [IMAGE, f"web={IMAGE}:~1.2", f"nginx, web={IMAGE}", f"'a=redis,b={IMAGE}:1.x'"])
def test_argo_cds_image_updater_is_named(listed: str) -> None:
    """Its list of images holds ours: the file and the annotation are in the warning."""
    files = {"apps/web.yaml": _application(listed), "web/d.yaml": deployment()}
    result = run(files)
    assert [edit.path for edit in result.edits] == ["web/d.yaml"]
    (warning,) = result.warnings
    assert warning.startswith("apps/web.yaml: Argo CD Image Updater")
    assert UPDATER in warning


@pytest.mark.parametrize("listed", ["nginx", f"{IMAGE}-worker", f"{HOST}/team/hello-node", "ghcr.io/x/hello-node"])
def test_an_image_updater_of_other_images_is_none_of_ours(listed: str) -> None:
    """Names that only look alike, and other registries."""
    assert run({"apps/web.yaml": _application(listed), "web/d.yaml": deployment()}).warnings == ()


def test_no_warning_where_nothing_moves() -> None:
    """Only an edit is somebody else's business."""
    files = {"apps/web.yaml": _application(IMAGE), "web/d.yaml": deployment(f"{IMAGE}:abc1234")}
    assert run(files).warnings == ()


def test_an_argocd_source_file_has_an_owner() -> None:
    """Argo CD Image Updater writes it, and Argo CD takes it over the manifests."""
    text = f"kustomize:\n  images:\n    - {IMAGE}:old\n"
    result = run({"web/.argocd-source-web.yaml": text, "web/d.yaml": deployment()})
    assert {edit.path for edit in result.edits} == {"web/.argocd-source-web.yaml", "web/d.yaml"}
    assert [warning.split(",")[0] for warning in result.warnings] == ["web/.argocd-source-web.yaml"]


def test_fluxs_image_automation_is_named() -> None:
    """Its marker stands on the line."""
    text = f'image: {IMAGE}:old # {{"$imagepolicy": "flux-system:web"}}\n'
    assert "Flux's image automation" in run({"a.yaml": text}).warnings[0]


def test_a_jobs_template_is_immutable() -> None:
    """The warning has the annotations of both controllers."""
    result = run({"job.yaml": _job()})
    assert result.edits
    assert "argocd.argoproj.io/sync-options: Force=true,Replace=true" in result.warnings[0]
    assert "kustomize.toolkit.fluxcd.io/force: enabled" in result.warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        _job(", argocd.argoproj.io/sync-options: 'Force=true,Replace=true'"),
        _job(", argocd.argoproj.io/hook: PreSync"),
        _job(", helm.sh/hook: pre-upgrade"),
        _job(", kustomize.toolkit.fluxcd.io/force: enabled"),
        _job(name="generateName: migrate-"),
        _job(kind="Deployment"),
        CRON,
    ],
)
def test_a_job_that_is_made_anew_needs_no_word(text: str) -> None:
    """Hooks, replaced and generated Jobs; other workloads can change."""
    result = run({"job.yaml": text})
    assert result.edits
    assert result.warnings == ()


def test_a_digest_that_has_no_place_is_told() -> None:
    """`gitops-pin: digest` holds where a field can have one; elsewhere the tag moves, and the line is named."""
    digest = f"sha256:{'b' * 64}"
    text = f"image:\n  repository: {IMAGE}\n  tag: old\n"
    (warning,) = run({"values.yaml": text}, digest=digest, pin="digest").warnings
    assert warning.startswith("values.yaml, line 3: the image is pinned by its tag alone")
    assert run({"values.yaml": text}, digest=digest).warnings == ()
    places = (
        f"{text}  digest: ''\n",
        f"images:\n- name: {IMAGE}\n  newTag: old\n",
        f"images: [{{name: x, newName: {IMAGE}, newTag: a, digest: ''}}]\n",
        f"a: {IMAGE}:old\n",
    )
    for place in places:
        assert run({"kustomization.yaml": place}, digest=digest, pin="digest").warnings == ()


def test_a_charts_template_is_skipped_with_a_notice() -> None:
    """Its values say which image runs."""
    chart = {"web/Chart.yaml": "name: web\n", "web/templates/d.yaml": deployment('"{{ .Values.image }}"')}
    values = {"web/values.yaml": f"image: {{repository: {IMAGE}, tag: old}}\n"}
    result = run({**chart, **values})
    assert [edit.path for edit in result.edits] == ["web/values.yaml"]
    assert [notice for notice in result.notices if notice.startswith("web/templates/d.yaml is a template")]
