"""An image from another registry: the references to where it came from take its new name, in its environment alone."""

from __future__ import annotations

from typing import Any

import pytest

from ecr_action.errors import EnvironmentUnclear, GitOpsParse, NoReference
from ecr_action.gitops.edit import Result, bump
from ecr_action.gitops.superseded import Verdict
from ecr_action.image.reference import Reference

from .world import HOST, IMAGE, NEW, OLD, deployment, file, target

PRODUCTION = "210987654321.dkr.ecr.us-west-2.amazonaws.com"
THERE = f"{PRODUCTION}/hello-node"
DUAL = "123456789012.dkr-ecr.us-east-1.on.aws"
FILE = "prod/app.yaml"


def promoted(files: dict[str, str], *, source: str = "hello-node", **given: Any) -> Result:
    """Roll out the image that came from the repository *source* of HOST to production's registry."""
    image = {name: given.pop(name) for name in ("pin", "digest", "repository") if name in given}
    changed = {"registry": PRODUCTION, "source": Reference(HOST, source), "digest": NEW, **image}
    contents = [file(path, text) for path, text in files.items()]
    return bump(contents, [target("v1", **changed)], environment=given.pop("environment", "prod"), **given)


def after(text: str, path: str = FILE, **given: Any) -> str:
    """The one file as it is then."""
    result = promoted({path: text}, **given)
    return {edit.path: edit.content.decode() for edit in result.edits}.get(path, text)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (FILE, f"image: {IMAGE}:old\n", f"image: {THERE}:v1\n"),
        (FILE, f"image: {DUAL}/hello-node:old\n", f"image: {THERE}:v1\n"),
        (FILE, f"image: {IMAGE}:old@{OLD}\n", f"image: {THERE}:v1@{NEW}\n"),
        (FILE, f"image: {IMAGE}\n", f"image: {THERE}:v1\n"),
        (FILE, f"image:\n  repository: {IMAGE}\n  tag: old\n", f"image:\n  repository: {THERE}\n  tag: v1\n"),
        (
            FILE,
            f"image:\n  registry: {HOST}\n  repository: hello-node\n  tag: old\n",
            f"image:\n  registry: \"{PRODUCTION}\"\n  repository: hello-node\n  tag: v1\n",
        ),
        (
            FILE,
            f"image:\n  registry: {HOST}/\n  repository: hello-node\n  tag: old\n",
            f"image:\n  registry: {PRODUCTION}/\n  repository: hello-node\n  tag: v1\n",
        ),
        (
            "prod/kustomization.yaml",
            f"images:\n  - name: hello-node\n    newName: {IMAGE}\n    newTag: old\n",
            f"images:\n  - name: hello-node\n    newName: {THERE}\n    newTag: v1\n",
        ),
        # What the manifests have stays the name that is replaced.
        (
            "prod/kustomization.yaml",
            f"images:\n  - name: {IMAGE}\n    newTag: old\n",
            f"images:\n  - name: {IMAGE}\n    newTag: v1\n    newName: {THERE}\n",
        ),
        (
            "prod/kustomization.yaml",
            f"images:\n  - name: {IMAGE}\n    digest: {OLD}\n",
            f"images:\n  - name: {IMAGE}\n    digest: {NEW}\n    newName: {THERE}\n",
        ),
        (
            FILE,
            f"kustomize:\n  images:\n    - {IMAGE}:old\n    - app={IMAGE}:old\n",
            f"kustomize:\n  images:\n    - \"{IMAGE}={THERE}:v1\"\n    - app={THERE}:v1\n",
        ),
        (
            FILE,
            f"parameters:\n  - name: image.repository\n    value: {IMAGE}\n  - name: image.tag\n    value: old\n",
            f"parameters:\n  - name: image.repository\n    value: {THERE}\n  - name: image.tag\n    value: v1\n",
        ),
        (
            FILE,
            f"parameters:\n  - name: i.registry\n    value: {HOST}\n  - name: i.repository\n    value: hello-node\n"
            "  - name: i.tag\n    value: old\n",
            f"parameters:\n  - name: i.registry\n    value: \"{PRODUCTION}\"\n  - name: i.repository\n"
            "    value: hello-node\n  - name: i.tag\n    value: v1\n",
        ),
        (
            FILE,
            f"values: |\n  image:\n    repository: {IMAGE}\n    tag: old\n",
            f"values: |\n  image:\n    repository: {THERE}\n    tag: v1\n",
        ),
    ],
)
def test_every_form_takes_the_new_name(path: str, text: str, expected: str) -> None:
    """Whole references, kustomize, Helm with its registry apart, Argo CD; all of ECR's host names are one registry."""
    assert after(text, path) == expected


@pytest.mark.parametrize(
    ("registry", "name", "expected"),
    [
        (f"{HOST}/team", "hello-node", (f"{PRODUCTION}/team", "hello-node")),
        (f"{HOST}/other", "hello-node", (f'"{PRODUCTION}"', "team/hello-node")),
    ],
)
def test_a_registry_with_a_folder_keeps_it_where_the_new_name_has_it(
    registry: str, name: str, expected: tuple[str, str]
) -> None:
    """`registry: <host>/team` beside `repository: app`."""
    text = f"image:\n  registry: {registry}\n  repository: {name}\n  tag: old\n"
    source = f"{registry.partition('/')[2]}/{name}"
    found = after(text, source=source, repository="team/hello-node")
    assert found == f"image:\n  registry: {expected[0]}\n  repository: {expected[1]}\n  tag: v1\n"


def test_a_source_of_another_name_is_followed() -> None:
    """An image promoted from `built/web` runs as `hello-node`; another image of that registry stays."""
    text = f"a:\n  image: {HOST}/built/web:old\nb:\n  image: {HOST}/built/web-worker:old\n"
    assert after(text, source="built/web") == text.replace(f"{HOST}/built/web:old", f"{THERE}:v1")


def test_only_files_of_the_environment_follow() -> None:
    """Development's own file, and one of no environment, stay; how the latter would follow is said."""
    files = {
        "dev/app.yaml": deployment(),
        FILE: deployment(),
        "cron.yaml": f"image: {IMAGE}:old\n",
        "prod/third.yaml": "image: 333333333333.dkr.ecr.us-east-1.amazonaws.com/hello-node:old\n",
    }
    result = promoted(files)
    assert [edit.path for edit in result.edits] == [FILE]
    assert "gitops-files: 'prod: cron.yaml'" in "\n".join(result.notices)
    assert "dev/app.yaml" not in "\n".join(result.notices)
    named = promoted(files, named=["cron.yaml"])
    assert [edit.path for edit in named.edits] == ["cron.yaml", FILE]
    assert [edit.path for edit in promoted(files, named=["dev/app.yaml"]).edits] == ["dev/app.yaml", FILE]


def test_where_no_file_follows_nothing_is_edited() -> None:
    """Development's files alone, then one of no environment: the error has the line to write."""
    with pytest.raises(NoReference):
        promoted({"dev/app.yaml": deployment()})
    with pytest.raises(NoReference) as nowhere:
        promoted({"app.yaml": deployment()})
    assert "gitops-files: 'prod: app.yaml'" in nowhere.value.fix
    with pytest.raises(NoReference):
        promoted({FILE: deployment()}, environment=None)


def test_a_reference_under_the_new_name_in_another_environment_does_not_hide_it() -> None:
    """What staging already has moved to says nothing of production's file."""
    files = {"staging/app.yaml": deployment(f"{THERE}:old"), FILE: deployment()}
    assert [edit.path for edit in promoted(files).edits] == [FILE]
    with pytest.raises(EnvironmentUnclear):
        promoted({"staging/app.yaml": deployment(f"{THERE}:old"), "dev/app.yaml": deployment()})


def test_a_replica_keeps_its_host() -> None:
    """`gitops-registries` names it: its references follow under their own host."""
    assert after(f"image: {IMAGE}:old\n", replicas=[HOST]) == f"image: {IMAGE}:v1\n"


def test_the_same_image_under_its_former_name_moves_all_the_same() -> None:
    """A promotion keeps digest and tag: what says 'it stands there already' is about the name that goes."""
    same = Verdict(go=False, notice="The same image stands there already.")
    found = after(f"image: {IMAGE}:v1@{NEW}\n", verdict=lambda *_: same)
    assert found == f"image: {THERE}:v1@{NEW}\n"
    older = Verdict(go=False, notice="newer", level="warning")
    assert promoted({FILE: deployment()}, verdict=lambda *_: older).edits == ()


def test_a_held_line_stays() -> None:
    """`# ecr-publish: hold` freezes a former name too."""
    assert promoted({FILE: f"image: {IMAGE}:old # ecr-publish: hold\n"}).edits == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            f"global:\n  imageRegistry: {HOST}\nimage:\n  repository: hello-node\n  tag: old\n",
            f"change global.imageRegistry to {PRODUCTION}",
        ),
        (
            f"image:\n  repository: &name {IMAGE}\n  tag: old\nother:\n  repository: *name\n  tag: other\n",
            "Write the value out",
        ),
        (
            f"image: &all\n  repository: {IMAGE}\n  tag: old\nother:\n  <<: *all\n  pullPolicy: Always\n",
            "Write the value out",
        ),
    ],
)
def test_a_name_that_others_share_is_refused(text: str, says: str) -> None:
    """The registry of all images of a chart; a name that stands elsewhere by an alias or a merge key."""
    with pytest.raises(GitOpsParse) as refused:
        promoted({FILE: text})
    assert says in refused.value.fix


def test_a_field_that_is_named_outright_follows() -> None:
    """`gitops-files: file#path`: the reference there takes the new name, with the digest that stands already."""
    text = f"spec:\n  picture: {IMAGE}:v1@{NEW}\n"
    named = {"named": [f"{FILE}#spec.picture"], "verdict": lambda *_: Verdict(go=True)}
    assert after(text, **named) == f"spec:\n  picture: {THERE}:v1@{NEW}\n"
