"""The platform's own layouts: what stands for the image before its first roll-out, and version labels."""

from __future__ import annotations

import pytest

from ecr_action.errors import NoReference
from ecr_action.gitops.edit import Target, bump
from ecr_action.gitops.superseded import Ours, Standing, Verdict, verdict
from ecr_action.image import version
from ecr_action.protocols import Comparison
from tests.unit.gitops.world import IMAGE, after, deployment, file, run, target

TEMPLATE = "<ECR_ACCOUNT_ID>.dkr.ecr.<AWS_REGION>.amazonaws.com/hello-node:main"


@pytest.mark.parametrize(
    "image",
    [
        "placeholder",
        "'placeholder'",
        "placeholder:latest",
        TEMPLATE,
        "nginx",
        "nginx:latest",
        "busybox",
        "${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/hello-node:latest",
        "ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com/hello-node",
    ],
)
def test_a_placeholder_becomes_the_image(image: str) -> None:
    """The object has the repository's name, and one place fits."""
    wanted = deployment(f"'{IMAGE}:abc1234'" if image.startswith("'") else f"{IMAGE}:abc1234")
    assert after({"manifests/deployment.yaml": deployment(image)}) == {"manifests/deployment.yaml": wanted}


@pytest.mark.parametrize("image", ["nginx:1.27", "redis", "{{ .Values.image }}", "<X>/other:main", "placeholderx"])
def test_other_images_are_no_placeholders(image: str) -> None:
    """Somebody else's image is not taken."""
    with pytest.raises(NoReference):
        run({"manifests/deployment.yaml": deployment(f'"{image}"')})


def test_a_placeholder_elsewhere_is_not_taken() -> None:
    """Neither path nor object has the repository's name."""
    with pytest.raises(NoReference):
        run({"manifests/other.yaml": deployment("placeholder", name="other")})
    with pytest.raises(NoReference):
        run({"manifests/other.yaml": deployment("placeholder", name="other", extra="# of hello-node\n")})
    taken = after({"apps/hello-node/other.yaml": deployment("placeholder", name="web")})
    assert f"image: {IMAGE}:abc1234" in taken["apps/hello-node/other.yaml"]


def test_a_placeholder_is_not_taken_where_the_image_is_referenced() -> None:
    """First runs only."""
    files = {"a.yaml": deployment(), "b.yaml": deployment("placeholder")}
    assert after(files)["b.yaml"] == files["b.yaml"]


def test_two_placeholders_are_listed() -> None:
    """Two images that could be meant: the error names both, and the line that chooses."""
    with pytest.raises(NoReference) as caught:
        run({"a.yaml": deployment("placeholder"), "b.yaml": deployment("nginx", name="hello-node-worker")})
    assert "a.yaml#spec.template.spec.containers[0].image" in caught.value.why
    assert "b.yaml#" in caught.value.why
    assert "gitops-files: a.yaml#" in caught.value.fix


def test_two_placeholders_in_one_object() -> None:
    """The container of the repository's name is meant."""
    text = deployment("placeholder", extra="        - name: proxy\n          image: nginx\n")
    wanted = deployment(f"{IMAGE}:abc1234", extra="        - name: proxy\n          image: nginx\n")
    assert after({"a.yaml": text}) == {"a.yaml": wanted}


def test_placeholders_follow_the_environment_rule() -> None:
    """Each environment's file gets its image at its own first run."""
    files = {f"overlays/{name}/hello-node.yaml": deployment("placeholder") for name in ("dev", "staging", "prod")}
    assert [edit.path for edit in run(files, environment="dev").edits] == ["overlays/dev/hello-node.yaml"]


# -- Version labels ------------------------------------------------------------------------------------------------

LABELLED = f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: hello-node
  labels:
    app.kubernetes.io/version: "main" # shown
spec:
  selector:
    matchLabels: {{app: hello-node}}
  template:
    metadata:
      labels: {{app: hello-node, app.kubernetes.io/version: main}}
    spec:
      containers:
        - {{name: hello-node, image: '{IMAGE}:old'}}
"""
SELECTORS = {
    "own selector": (
        "d2.yaml",
        "kind: StatefulSet\nspec: {selector: {matchLabels: {app.kubernetes.io/version: main}}}\n",
    ),
    "service": ("svc.yaml", "kind: Service\nspec:\n  selector:\n    app.kubernetes.io/version: main\n"),
    "expression": (
        "n.yaml",
        "spec: {podSelector: {matchExpressions: [{key: app.kubernetes.io/version, operator: Exists}]}}\n",
    ),
    "kustomize": ("kustomization.yaml", "commonLabels: {app.kubernetes.io/version: main}\n"),
    "kustomize labels": (
        "kustomization.yaml",
        "labels: [{pairs: {app.kubernetes.io/version: a}, includeSelectors: true}]\n",
    ),
}


def test_version_labels_follow() -> None:
    """Of the object and of its pod template."""
    wanted = (
        LABELLED.replace('"main"', '"v1.2.0"').replace("version: main}", "version: v1.2.0}").replace(":old", ":v1.2.0")
    )
    assert after({"m/d.yaml": LABELLED}, "v1.2.0") == {"m/d.yaml": wanted}


@pytest.mark.parametrize(("name", "text"), SELECTORS.values(), ids=SELECTORS.keys())
def test_version_labels_stay_where_a_selector_uses_them(name: str, text: str) -> None:
    """A workload's selector can't change, and a Service would lose its pods: a notice instead."""
    files = {"m/d.yaml": LABELLED, f"m/{name}": text}
    changed = after(files)
    assert changed == {**files, "m/d.yaml": LABELLED.replace(":old", ":abc1234")}
    assert any("selector" in notice for notice in run(files).notices)
    elsewhere = after({"m/d.yaml": LABELLED, f"other/{name}": text})
    assert "version: abc1234}" in elsewhere["m/d.yaml"]


def test_a_label_that_is_something_else_too_stays() -> None:
    """An alias of it in an environment variable would change along."""
    text = LABELLED.replace('"main"', '&v "main"') + "          env: [{name: BRANCH, value: *v}]\n"
    text = text.replace("- {name: hello-node, image: ", "- name: hello-node\n          image: ").replace(
        "old'}", "old'"
    )
    changed = after({"d.yaml": text})["d.yaml"]
    assert '&v "main" # shown' in changed
    assert f"image: '{IMAGE}:abc1234'" in changed
    assert "version: abc1234}" in changed


def test_a_tag_that_is_no_label_value() -> None:
    """Labels have 63 characters and end in a letter or digit."""
    for tag in ("a" * 64, "abc-"):
        assert f"image: '{IMAGE}:{tag}'" in after({"d.yaml": LABELLED}, tag)["d.yaml"]
        assert '"main" # shown' in after({"d.yaml": LABELLED}, tag)["d.yaml"]


# -- A first push, a second, a release, a hotfix, a rollback -------------------------------------------------------


def _run(text: str, tag: str, comparison: str | None, allow: bool = False) -> tuple[str, list[Verdict]]:
    """One run on one file of no environment; its text after it, and what was held back."""
    ours = Ours(commit="c" * 40, version=version.of_tag(tag), release=version.of_tag(tag) is not None)

    def judge(_: Target, standing: Standing) -> Verdict:
        return verdict(ours, standing, Comparison(status=comparison) if comparison else None, allow=allow)

    result = bump([file("manifests/deployment.yaml", text)], [target(tag)], environment="dev", verdict=judge)
    content = result.edits[0].content.decode() if result.edits else text
    return content, [answer for _, answer in result.kept]


@pytest.mark.parametrize("first", ["placeholder", TEMPLATE])
def test_the_life_of_a_file_of_no_environment(first: str) -> None:
    """It follows the branch until a release stands in it, then releases and what a person asks for."""
    text, held = _run(deployment(first), "aaa1111", None)
    assert (text, held) == (deployment(f"{IMAGE}:aaa1111"), [])
    text, held = _run(text, "bbb2222", "ahead")
    assert (text, held) == (deployment(f"{IMAGE}:bbb2222"), [])
    text, held = _run(text, "aaa1111", "behind")
    assert text == deployment(f"{IMAGE}:bbb2222")
    assert held[0].level == "notice"
    text, held = _run(text, "v1.0.0", "behind")
    assert (text, held) == (deployment(f"{IMAGE}:v1.0.0"), [])
    text, held = _run(text, "ccc3333", "ahead")
    assert text == deployment(f"{IMAGE}:v1.0.0")
    assert held[0].notice.startswith("NOT DEPLOYED: v1.0.0 is out")
    assert "gitops-files: 'dev: manifests/deployment.yaml'" in held[0].notice
    text, held = _run(text, "v1.1.0-rc.1", "ahead")
    assert text == deployment(f"{IMAGE}:v1.0.0")
    assert len(held) == 1
    text, held = _run(text, "v1.1.0", "ahead")
    assert (text, held) == (deployment(f"{IMAGE}:v1.1.0"), [])
    text, held = _run(text, "v1.0.1", "diverged")
    assert text == deployment(f"{IMAGE}:v1.1.0")
    assert held[0].level == "warning"
    text, held = _run(text, "v1.0.0", "behind", allow=True)
    assert (text, held) == (deployment(f"{IMAGE}:v1.0.0"), [])


def test_a_branch_leaves_an_image_alone_that_stands_already() -> None:
    """Another tag on the same digest would only restart it; at the prompt it is what was asked for."""
    digest = "sha256:" + "d" * 64
    files = [file("a.yaml", deployment(f"{IMAGE}:v1.0.0-rc.1@{digest}"))]

    def always(_: Target, __: Standing) -> Verdict:
        return Verdict(go=True)

    assert not bump(files, [target(digest=digest)], environment="dev", verdict=always).edits
    assert bump(files, [target("v1.0.0", digest=digest)], environment="dev", verdict=always).edits
    assert bump(files, [target(digest=digest)], environment="dev").edits


OURS = "manifests/deployment.yaml"


@pytest.mark.parametrize("named", [OURS, "manifests/*.yaml", "**/deployment.yaml", "manifests", f"{OURS}#image"])
def test_the_line_that_lets_a_file_follow_the_branch_does_so(named: str) -> None:
    """`gitops-files: 'dev: <path>'`, also as a glob, a folder or a field; a file of another environment stays."""
    files = {OURS: f"image: {IMAGE}:v1.0.0\n"}
    files |= {} if "#" in named else {"manifests/prod/x.yaml": f"image: {IMAGE}:v1.0.0\n"}

    def judge(_: Target, standing: Standing) -> Verdict:
        return verdict(Ours(commit="c" * 40), standing, Comparison(status="ahead"), allow=False)

    def edited(*names: str) -> list[str]:
        return [edit.path for edit in run(files, environment="dev", named=names, verdict=judge).edits]

    assert edited() == []
    assert edited(named) == [OURS]
