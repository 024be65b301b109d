"""What can't be decided or read in the GitOps repository: an error that lists what is there, before anything is built.

A repository that is being made at this moment is another matter: it is waited for once the image is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from lab.stage import Stage
from tests.job.seen import gitops_file, repository_of, tags_of

Make = Callable[..., Stage]
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
POD = "kind: Pod\nmetadata: {name: NAME}\nspec:\n  containers:\n    - name: NAME\n      image: IMAGE\n"


@dataclass(frozen=True)
class Bad:
    """The *files*, the error's *code* and what it *says* (``APP`` is the app's name); *inputs* of the run."""

    files: Mapping[str, str]
    code: str
    says: tuple[str, ...]
    inputs: Mapping[str, str]


def _pod(image: str, name: str = "APP") -> str:
    return POD.replace("NAME", name).replace("IMAGE", image)


CASES = {
    "a file that does not parse": Bad(
        {"good.yaml": _pod(f"{HOST}/APP:old"), "bad.yaml": f"image: {HOST}/APP:old\na: b: c\n"},
        "E-GITOPS-PARSE",
        ("bad.yaml, line 2, column 5: mapping values",),
        {},
    ),
    "a glob that matches nothing": Bad(
        {"manifests/pod.yaml": _pod(f"{HOST}/APP:old"), "README.md": "x\n"},
        "E-GITOPS-FILES",
        ("manifest/*.yaml", "matches no file", "manifests/pod.yaml"),
        {"gitops_files": "manifest/*.yaml"},
    ),
    "an image that is nowhere": Bad(
        {
            "pod.yaml": _pod(f"{HOST}/APPLE:v1.0.0"),
            "other.yaml": _pod("nginx:1.27", "web"),
            ".github/pod.yaml": _pod(f"{HOST}/APP:old"),
        },
        "E-GITOPS-REFERENCE",
        (
            *(f"{HOST}/APPLE:v1.0.0 (pod.yaml)", "nginx:1.27 (other.yaml)", "gitops-files: <path>#<field>"),
            "whatever they hold (links, submodules, .github/): .github/pod.yaml.",
        ),
        {},
    ),
    "two placeholders that could be meant": Bad(
        {"a.yaml": _pod("placeholder"), "b.yaml": _pod("nginx:latest", "APP-worker")},
        "E-GITOPS-REFERENCE",
        ("a.yaml#spec.containers[0].image", "b.yaml#spec.containers[0].image", "gitops-files: a.yaml#"),
        {},
    ),
    "a file that two environments share": Bad(
        {"base/pod.yaml": _pod(f"{HOST}/APP:old"), "overlays/prod/kustomization.yaml": "resources: [../../base]\n"},
        "E-GITOPS-ENVIRONMENT",
        ("prod (overlays/prod/kustomization.yaml)", "dev: base/pod.yaml", "gitops-files: |"),
        {},
    ),
}


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES.keys())
def test_nothing_is_written_and_the_error_lists_what_is_there(make_stage: Make, bad: Bad) -> None:
    """Nothing was built by then, and no image was pushed."""
    stage = make_stage({path: text.replace("APPLE", "APPs") for path, text in bad.files.items()})
    app, before = repository_of(stage), stage.gitops_head()
    result = stage.publish(stage.push_payload(), **bad.inputs)
    assert result.exit_code == 1
    assert bad.code in result.log
    said = [words.replace("APPLE", "APPs").replace("APP", app) for words in bad.says]
    assert [words for words in said if words not in result.log] == []
    assert stage.gitops_head() == before
    assert tags_of(stage) == {}
    assert [call for call in stage.calls() if call.startswith("registry:P")] == []


@pytest.mark.parametrize("token", ["read", "nobody"])
def test_a_token_that_may_not_write_is_told_before_the_build(make_stage: Make, token: str) -> None:
    """Or that GitHub does not know."""
    stage = make_stage()
    if token == "read":
        stage.github.token("github_pat_read", "eve", {stage.gitops: "read"}, kind="fine-grained")
    result = stage.publish(stage.push_payload(), gitops_token=f"github_pat_{token}")
    assert result.exit_code == 1
    assert "E-GITOPS-ACCESS" in result.log
    assert tags_of(stage) == {}


def test_a_repository_that_comes_while_the_image_is_built_is_waited_for(make_stage: Make) -> None:
    """Scaffolded at this moment: it is not there before the build, nor at the first look after it."""
    stage = make_stage()
    stage.github.repository(stage.gitops, hidden_calls=2)
    result = stage.publish(stage.push_payload())
    assert result.exit_code == 0, result.log
    assert (result.outputs["deployed"], result.outputs["gitops-commit"]) == ("true", stage.gitops_head())
    assert result.outputs["image"] in gitops_file(stage, "manifests/deployment.yaml")
    notices = [annotation.message for annotation in result.annotations if annotation.level == "notice"]
    assert [text for text in notices if text.endswith("It is asked for again after the build.")]
    assert "Asking again, for 120 s." in result.log
