"""Which of an app's own manifests go into a GitOps repository that does not know the app, and when none do."""

from __future__ import annotations

import pytest

from ecr_action.gitops import bootstrap
from ecr_action.gitops.bootstrap import Copies
from ecr_action.gitops.edit import bump
from ecr_action.gitops_protocols import File, Folder
from tests.unit.gitops.world import HOST, IMAGE, deployment, file, kustomization, target

FOLDER = Folder(path="deploy", files=(file("a.yaml", "a: 1\n"), file("sub/b.yaml", "b: 1\n")))


def paths(copies: Copies) -> list[str]:
    """What is copied."""
    return [item.path for item in copies.files]


@pytest.mark.parametrize(
    "text",
    [
        deployment(f"{IMAGE}:old"),
        deployment("placeholder"),
        deployment("999988887777.dkr.ecr.eu-west-1.amazonaws.com/hello-node:1"),
        deployment("ghcr.io/x/y", extra=f"          command: [run, '--image={IMAGE}:1']\n"),
        f"kind: ConfigMap\ndata:\n  image: {IMAGE}:1\n",
        "image: {{ .Values.registry }}/hello-node:{{ .Values.tag }}\n- a: [\n",
    ],
    ids=["ours", "a placeholder", "another registry", "in an argument", "in a ConfigMap", "what can't be read"],
)
def test_an_image_that_is_known_in_any_way_is_not_unknown(text: str) -> None:
    """Then somebody has taken care of the app, and a second copy would be one too many."""
    assert not bootstrap.is_unknown([file("a.yaml", text)], target())


@pytest.mark.parametrize("text", [deployment("nginx:1.27", name="web"), deployment(f"{IMAGE}-worker:1"), "a: 1\n"])
def test_other_images_make_ours_no_less_unknown(text: str) -> None:
    """Names that only look alike, and files without any."""
    assert bootstrap.is_unknown([file("a.yaml", text)], target())


@pytest.mark.parametrize(
    ("text", "has"),
    [
        (deployment("nginx"), True),
        (kustomization(), True),
        ("image:\n  tag: 1.0.0\n", True),
        ('{"image": "x"}', True),
        ("images: [{newTag: v1}]\n", True),
        ("kind: Component\nspec: {type: service}\n", False),
        ("# an image\nimagePullSecrets: []\n", False),
    ],
)
def test_a_repository_in_which_images_are_at_home(text: str, has: bool) -> None:
    """A tag whose image's name stands elsewhere counts; a catalogue's entry does not."""
    assert bootstrap.have_images([file("a.yaml", text)]) is has


def test_what_is_missing_is_copied_and_what_is_there_stays() -> None:
    """Whatever it holds."""
    assert paths(bootstrap.choose(FOLDER, ["README.md"], target(), shared=False)) == ["a.yaml", "sub/b.yaml"]
    some = bootstrap.choose(FOLDER, ["a.yaml"], target(), shared=False)
    assert (paths(some), some.stay, some.refused) == (["sub/b.yaml"], ("a.yaml",), "")
    assert bootstrap.choose(FOLDER, ["a.yaml", "sub/b.yaml"], target(), shared=False).refused


@pytest.mark.parametrize("there", ["sub", "a.yaml/x"])
def test_nothing_is_copied_through_a_file_a_link_or_over_a_folder(there: str) -> None:
    """Git would put the new one in its place."""
    copies = bootstrap.choose(FOLDER, [there], target(), shared=False)
    assert paths(copies) == []
    assert "in the way of" in copies.refused


@pytest.mark.parametrize(
    ("path", "copied"),
    [
        ("apps/hello-node/d.yaml", True),
        ("Hello-Node/x/d.yaml", True),
        ("d.yaml", False),
        ("hello-node.yaml", False),
        ("apps/hello-node-2/d.yaml", False),
    ],
)
def test_beside_other_apps_a_folder_has_the_apps_name(path: str, copied: bool) -> None:
    """Else it can't be told where in their repository the files belong."""
    copies = bootstrap.choose(Folder(path="deploy", files=(file(path, "a: 1\n"),)), [], target(), shared=True)
    assert (paths(copies) == [path], copies.refused == "") == (copied, copied)


def test_too_much_is_not_copied() -> None:
    """Where the folder was not even read."""
    assert bootstrap.choose(Folder(path="d", too_much="it has 101 files"), [], target(), shared=False).refused


def test_the_notices_and_the_diff_tell_of_each_file() -> None:
    """What is new, what stays, what was left out, and what another environment's file runs from now on."""
    folder = Folder(
        path="deploy",
        files=(
            file("dev/d.yaml", deployment()),
            file("prod/d.yaml", deployment(f"{IMAGE}:v1.0.0")),
            file("README.md", "x\n"),
            File(path="run.sh", content=b"#!/bin/sh\n", mode="100755"),
        ),
        left_out=("link.yaml",),
    )
    copies = bootstrap.choose(folder, ["README.md"], target(), shared=False)
    result = bump(copies.files, [target()], environment="dev")
    said = "\n".join(bootstrap.notices(folder, copies, result))
    assert "Copied from deploy/ of this commit: dev/d.yaml, prod/d.yaml, run.sh." in said
    assert "not touched: README.md." in said
    assert "link.yaml" in said
    assert "without the executable bit: run.sh" in said
    assert f"prod/d.yaml, line 10: {HOST}/hello-node:v1.0.0 is not of this run's environment" in said
    assert "dev/d.yaml, line" not in said
    diff = bootstrap.diff(copies, result)
    assert diff.count("--- /dev/null\n") == 3
    assert f"+          image: {IMAGE}:abc1234\n" in diff
    assert f"+          image: {IMAGE}:v1.0.0\n" in diff
    assert "+++ b/run.sh\n@@ -0,0 +1 @@\n+#!/bin/sh\n" in diff
