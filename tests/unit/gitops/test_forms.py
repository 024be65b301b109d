"""Every form of a reference, before and after, to the byte."""

from __future__ import annotations

import pytest

from ecr_action.errors import Failure, GitOpsParse, NoReference
from tests.unit.gitops.world import HOST, IMAGE, NEW, OLD, after, deployment, run

DIGEST_BEFORE, DIGEST_AFTER = OLD, NEW

# name, path, text with «old» where the new tag comes; other texts of the row are made from it.
ONE_TAG = {
    "deployment": ("d.yaml", deployment(f"{IMAGE}:«old»")),
    "double quotes": ("d.yaml", f'kind: X\nimage: "{IMAGE}:«old»"\n'),
    "single quotes": ("d.yaml", f"kind: X\nimage: '{IMAGE}:«old»'\n"),
    "comment and spaces": ("d.yaml", f"image:    {IMAGE}:«old»   # {IMAGE}:old\n# image: {IMAGE}:old\n"),
    "no final newline": ("d.yaml", f"a: 1\nimage: {IMAGE}:«old»"),
    "windows newlines": ("d.yaml", f"a: 1\r\nimage: {IMAGE}:«old»\r\nb: 2\r\n"),
    "byte order mark": ("d.yaml", f"\ufeffimage: {IMAGE}:«old»\nb: é🚀\n"),
    "after other alphabets": ("d.yaml", f"a: 'é🚀\u2028x'\nimage: {IMAGE}:«old»\n"),
    "any key": ("d.yaml", f"sidecarImage: {IMAGE}:«old»\n"),
    "environment variable": ("d.yaml", f"env:\n  - name: WORKER_IMAGE\n    value: {IMAGE}:«old»\n"),
    "list item": ("d.yaml", f"preload:\n  - busybox\n  - {IMAGE}:«old»\n"),
    "flow": ("d.yaml", f"spec: {{containers: [{{name: a, image: {IMAGE}:«old»}}, {{image: nginx:1}}]}}\n"),
    "several documents": ("d.yaml", f"---\nimage: nginx:1\n---\nimage: {IMAGE}:«old»\n---\na: {{{{\n"),
    "directive": ("d.yaml", f"%YAML 1.1\n---\nimage: {IMAGE}:«old»\n"),
    "anchor": ("d.yaml", f"image: &i {IMAGE}:«old»\nother: *i\n"),
    "explicit tag": ("d.yaml", f"image: !!str {IMAGE}:«old»\n"),
    "anchor and tag": ("d.yaml", f"image: !!str &i # why\n  '{IMAGE}:«old»'\n"),
    "block scalar of one line": ("d.yaml", f"image: >-\n  {IMAGE}:«old»\nb: 1\n"),
    "dual-stack host": ("d.yaml", "image: 123456789012.dkr-ecr.us-east-1.on.aws/hello-node:«old»\n"),
    "FIPS host": ("d.yaml", "image: 123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/hello-node:«old»\n"),
    "kustomize newTag": ("kustomization.yaml", f"images:\n- name: {IMAGE}\n  newTag: «old»\n"),
    "kustomize newName": ("kustomization.yaml", f"images:\n- newTag: '«old»'\n  newName: {IMAGE}\n  name: app\n"),
    "kustomize number": ("kustomization.yaml", f'images:\n- name: {IMAGE}\n  newTag: "«1234567»"\n'),
    "component": ("c.yaml", f"kind: Component\nimages:\n- name: {IMAGE}\n  newTag: «old»\n"),
    "inline patch": (
        "kustomization.yaml",
        f"patches:\n- patch: |-\n    - op: replace\n      path: /x\n      value: {IMAGE}:«old» # c\n"
        f"  target: {{kind: X}}\n",
    ),
    "inline patch, windows": (
        "kustomization.yaml",
        f"patches:\r\n- patch: |\r\n\r\n    spec:\r\n      image: {IMAGE}:«old»\r\n  b: c\r\n",
    ),
    "helm": ("values.yaml", f"image:\n  repository: {IMAGE}\n  tag: «old»\n  pullPolicy: Always\n"),
    "helm, registry apart": ("values.yaml", f"image:\n  registry: {HOST}\n  repository: hello-node\n  tag: '«old»'\n"),
    "helm, imageRegistry": ("values.yaml", f"image:\n  imageRegistry: {HOST}\n  name: hello-node\n  version: «old»\n"),
    "helm, global registry": (
        "values.yaml",
        f"global: {{imageRegistry: {HOST}}}\nimage: {{registry: docker.io, repository: hello-node, tag: «old»}}\n",
    ),
    "helm, image and tag": ("values.yaml", f"image: {IMAGE}\nimageTag: «old»\n"),
    "helm, flat": ("values.yaml", f"repository: {IMAGE}\ntag: «old»\n"),
    "helm, merged": (
        "values.yaml",
        f"base: &b\n  repository: {IMAGE}\n  pullPolicy: Always\nimage:\n  <<: *b\n  tag: «old»\n",
    ),
    "argo values text": (
        "app.yaml",
        f"kind: Application\nspec:\n  source:\n    helm:\n      values: |\n        image:\n"
        f"          repository: {IMAGE}\n"
        "          tag: «old»   # keep\n        x: 1\n",
    ),
    "argo valuesObject": (
        "app.yaml",
        f"kind: Application\nspec:\n  sources:\n  - helm:\n      valuesObject:\n"
        f"        image: {{repository: {IMAGE}, tag: «old»}}\n",
    ),
    "argo parameters": (
        "app.yaml",
        f"helm:\n  parameters:\n  - name: image.repository\n    value: {IMAGE}\n  - name: image.tag\n    value: «old»\n"
        "  - {name: tag, value: x}\n",
    ),
    "argo kustomize images": ("app.yaml", f"kustomize:\n  images:\n  - app={IMAGE}:«old»\n  - nginx:1\n"),
    "argo kustomize images, plain": ("app.yaml", f"kustomize:\n  images: ['{IMAGE}:«old»']\n"),
    "argocd-source": (
        ".argocd-source-app.yaml",
        f"kustomize:\n  images:\n  - {IMAGE}:«old»\nhelm:\n  parameters:\n  - name: image.repository\n"
        f"    value: {IMAGE}\n"
        "    forcestring: true\n  - name: image.tag\n    value: «old»\n    forcestring: true\n",
    ),
    "applicationset": (
        "set.yaml",
        f"kind: ApplicationSet\nspec:\n  template:\n    spec:\n      source:\n"
        f"        kustomize: {{images: ['{IMAGE}:«old»']}}\n"
        f"  templatePatch: |\n    {{{{- if .x }}}}\n    spec:\n      image: {IMAGE}:«old»   # c\n    {{{{- end }}}}\n",
    ),
    "flux release": (
        "release.yaml",
        f"kind: HelmRelease\nspec:\n  values:\n    image: {{repository: {IMAGE}, tag: «old»}}\n"
        f"  postRenderers:\n  - kustomize:\n"
        f"      images:\n      - name: {IMAGE}\n        newTag: «old»\n",
    ),
    "flux kustomization": ("k.yaml", f"kind: Kustomization\nspec:\n  images:\n  - name: {IMAGE}\n    newTag: «old»\n"),
    "json": ("d.json", f'{{"a": "\\ud83d\\ude80",\n\t"image" : "{IMAGE}:«old»", "n": [1.0e3, null]}}'),
    "json with escaped slash": (
        "d.json",
        '{"spec":{"repository":"HOST\\/hello-node","tag":"«old»"}}'.replace("HOST", HOST),
    ),
    "json named yaml": ("d.yaml", f'{{"image": "{IMAGE}:«old»"}}\n'),
    "crd": ("r.yaml", f"kind: Rollout\nspec:\n  x:\n    - y: {{image: '{IMAGE}:«old»'}}\n"),
    "init container too": (
        "d.yaml",
        deployment(f"{IMAGE}:«old»", extra=f"      initContainers:\n        - image: {IMAGE}:«old»\n"),
    ),
}


@pytest.mark.parametrize(("path", "text"), ONE_TAG.values(), ids=ONE_TAG.keys())
def test_only_the_tag_changes(path: str, text: str) -> None:
    """Each form gets the new tag where the old one stood, and no other byte changes."""
    before = text.replace("«", "").replace("»", "")
    wanted = text.replace("«old»", "abc1234").replace("«1234567»", "abc1234")
    assert after({path: before}) == {path: wanted}


@pytest.mark.parametrize(("path", "text"), ONE_TAG.values(), ids=ONE_TAG.keys())
def test_a_second_run_changes_nothing(path: str, text: str) -> None:
    """What was edited once is right."""
    before = text.replace("«", "").replace("»", "")
    once = after({path: before})
    result = run(once)
    assert not result.edits
    assert result.unchanged


DIGESTS = {
    "image": ("d.yaml", f"image: {IMAGE}:old@{OLD}\n", f"image: {IMAGE}:abc1234@{NEW}\n"),
    "image by digest alone": ("d.yaml", f"image: {IMAGE}@{OLD}\n", f"image: {IMAGE}@{NEW}\n"),
    "kustomize": (
        "kustomization.yaml",
        f"images:\n- name: {IMAGE}\n  newTag: old\n  digest: {OLD}\n",
        f"images:\n- name: {IMAGE}\n  newTag: abc1234\n  digest: {NEW}\n",
    ),
    "kustomize, digest alone": (
        "kustomization.yaml",
        f"images:\n- name: {IMAGE}\n  digest: {OLD}\n",
        f"images:\n- name: {IMAGE}\n  digest: {NEW}\n",
    ),
    "helm": (
        "values.yaml",
        f"image:\n  repository: {IMAGE}\n  tag: old\n  digest: {OLD}\n",
        f"image:\n  repository: {IMAGE}\n  tag: abc1234\n  digest: {NEW}\n",
    ),
    "helm sha": (
        "values.yaml",
        f"image:\n  repository: {IMAGE}\n  tag: old\n  sha: {OLD[7:]}\n",
        f"image:\n  repository: {IMAGE}\n  tag: abc1234\n  sha: {NEW[7:]}\n",
    ),
    "helm tag with digest": (
        "values.yaml",
        f"image:\n  repository: {IMAGE}\n  tag: old@{OLD}\n",
        f"image:\n  repository: {IMAGE}\n  tag: abc1234@{NEW}\n",
    ),
    "helm, empty tag": (
        "values.yaml",
        f"image:\n  repository: {IMAGE}\n  tag: ''\n  digest: {OLD}\n",
        f"image:\n  repository: {IMAGE}\n  tag: ''\n  digest: {NEW}\n",
    ),
    "parameters": (
        "app.yaml",
        f"helm:\n  parameters:\n  - {{name: image.repository, value: {IMAGE}}}\n"
        f"  - {{name: image.digest, value: '{OLD}'}}\n",
        f"helm:\n  parameters:\n  - {{name: image.repository, value: {IMAGE}}}\n"
        f"  - {{name: image.digest, value: '{NEW}'}}\n",
    ),
}


@pytest.mark.parametrize(("path", "before", "wanted"), DIGESTS.values(), ids=DIGESTS.keys())
def test_a_digest_that_stands_moves_along(path: str, before: str, wanted: str) -> None:
    """Whatever gitops-pin says: a new tag beside an old digest would run the old image."""
    assert after({path: before}, digest=NEW) == {path: wanted}


@pytest.mark.parametrize(("path", "before", "wanted"), DIGESTS.values(), ids=DIGESTS.keys())
def test_an_unknown_digest_is_asked_for(path: str, before: str, wanted: str) -> None:
    """Without the new digest nothing is edited, and the error says which option names it."""
    with pytest.raises(GitOpsParse, match="--digest"):
        run({path: before})


PINNED = {
    "image": ("d.yaml", f"image: {IMAGE}:old\n", f"image: {IMAGE}:abc1234@{NEW}\n"),
    "image without a tag": ("d.yaml", f"image: {IMAGE}\n", f"image: {IMAGE}:abc1234@{NEW}\n"),
    "kustomize": (
        "kustomization.yaml",
        f"images:\n  - name: {IMAGE}\n    newTag: old # c\nx: 1\n",
        f"images:\n  - name: {IMAGE}\n    newTag: abc1234 # c\n    digest: {NEW}\nx: 1\n",
    ),
    "helm with an empty digest": (
        "values.yaml",
        f'image: {{repository: {IMAGE}, tag: old, digest: ""}}\n',
        f'image: {{repository: {IMAGE}, tag: abc1234, digest: "{NEW}"}}\n',
    ),
    "helm with an empty sha": (
        "values.yaml",
        f"image:\n  repository: {IMAGE}\n  tag: old\n  sha: ''\n",
        f"image:\n  repository: {IMAGE}\n  tag: abc1234\n  sha: '{NEW[7:]}'\n",
    ),
    "valuesObject with an empty digest": (
        "app.yaml",
        f"helm:\n  valuesObject:\n    image:\n      digest: ''\n      repository: {IMAGE}\n      tag: old\n",
        f"helm:\n  valuesObject:\n    image:\n      digest: '{NEW}'\n      repository: {IMAGE}\n      tag: abc1234\n",
    ),
    "values as text": (
        "app.yaml",
        f"helm:\n  values: |\n    image: {{repository: {IMAGE}, tag: old, digest: ''}} # c\n",
        f"helm:\n  values: |\n    image: {{repository: {IMAGE}, tag: abc1234, digest: '{NEW}'}} # c\n",
    ),
    "parameters with an empty digest": (
        "app.yaml",
        f"helm:\n  parameters:\n  - {{name: image.repository, value: {IMAGE}}}\n"
        "  - {name: image.tag, value: old}\n  - {name: image.digest, value: ''}\n",
        f"helm:\n  parameters:\n  - {{name: image.repository, value: {IMAGE}}}\n"
        f"  - {{name: image.tag, value: abc1234}}\n  - {{name: image.digest, value: '{NEW}'}}\n",
    ),
    "argo kustomize images": (
        "app.yaml",
        f"kustomize: {{images: ['app={IMAGE}:old']}}\n",
        f"kustomize: {{images: ['app={IMAGE}:abc1234@{NEW}']}}\n",
    ),
    "environment variable": (
        "d.yaml",
        f'env: [{{name: A, value: "{IMAGE}:old"}}]\n',
        f'env: [{{name: A, value: "{IMAGE}:abc1234@{NEW}"}}]\n',
    ),
    "inline patch": (
        "kustomization.yaml",
        f"patches:\n- patch: |\n    - {{op: replace, path: /x, value: '{IMAGE}:old'}}\n",
        f"patches:\n- patch: |\n    - {{op: replace, path: /x, value: '{IMAGE}:abc1234@{NEW}'}}\n",
    ),
    "placeholder": (
        "hello-node.yaml",
        "image: placeholder\n",
        f"image: {IMAGE}:abc1234@{NEW}\n",
    ),
    "json": (
        "d.json",
        f'[{{"image": "{IMAGE}:old"}}, {{"repository": "{IMAGE}", "tag": "old", "digest": ""}}]',
        f'[{{"image": "{IMAGE}:abc1234@{NEW}"}}, {{"repository": "{IMAGE}", "tag": "abc1234", "digest": "{NEW}"}}]',
    ),
    "helm without a digest": (
        "values.yaml",
        f"image: {{repository: {IMAGE}, tag: old}}\n",
        f"image: {{repository: {IMAGE}, tag: abc1234}}\n",
    ),
    "helm with nothing as digest": (
        "values.yaml",
        f"image:\n  repository: {IMAGE}\n  digest:\n  tag: old\n",
        f"image:\n  repository: {IMAGE}\n  digest: {NEW}\n  tag: abc1234\n",
    ),
}


@pytest.mark.parametrize(("path", "before", "wanted"), PINNED.values(), ids=PINNED.keys())
def test_pin_digest_writes_it_where_a_field_can_hold_it(path: str, before: str, wanted: str) -> None:
    """gitops-pin: digest."""
    assert after({path: before}, digest=NEW, pin="digest") == {path: wanted}


KUSTOMIZE_LINES = {
    "last line": (f"images:\n- name: {IMAGE}\n", f"images:\n- name: {IMAGE}\n  newTag: abc1234\n"),
    "no final newline": (f"images:\n- name: {IMAGE}", f"images:\n- name: {IMAGE}\n  newTag: abc1234"),
    "windows": (
        f"images:\r\n  - name: {IMAGE} # c\r\nx: 1\r\n",
        f"images:\r\n  - name: {IMAGE} # c\r\n    newTag: abc1234\r\nx: 1\r\n",
    ),
    "windows, no final newline": (f"images:\r\n- name: {IMAGE}", f"images:\r\n- name: {IMAGE}\r\n  newTag: abc1234"),
    "nothing there": (f"images:\n- name: {IMAGE}\n  newTag:\n", f"images:\n- name: {IMAGE}\n  newTag: abc1234\n"),
}


@pytest.mark.parametrize(("before", "wanted"), KUSTOMIZE_LINES.values(), ids=KUSTOMIZE_LINES.keys())
def test_a_kustomize_entry_gets_its_missing_newtag(before: str, wanted: str) -> None:
    """A new line after the entry's last key."""
    assert after({"kustomization.yaml": before}) == {"kustomization.yaml": wanted}


def test_a_kustomize_entry_in_one_line_is_not_extended() -> None:
    """The error has the text to write."""
    with pytest.raises(GitOpsParse, match="newTag: abc1234"):
        run({"kustomization.yaml": f"images: [{{name: {IMAGE}}}]\n"})


NO_REFERENCE = {
    "another name with the same beginning": f"image: {IMAGE}-worker:old\n",
    "another name with the same end": f"image: {HOST}/x-hello-node:old\n",
    "a path below": f"image: {HOST}/team/hello-node:old\n",
    "docker hub": "image: hello-node:old\n",
    "another account": "image: 210987654321.dkr.ecr.us-east-1.amazonaws.com/hello-node:old\n",
    "another region": "image: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/hello-node:old\n",
    "a template": f"image: {IMAGE}:{{{{ .tag }}}}\n",
    "helm, empty tag": f'image: {{repository: {IMAGE}, tag: ""}}\n',
    "helm, null tag": f"image:\n  repository: {IMAGE}\n  tag:\n",
    "helm, another registry wins": f"global: {{imageRegistry: docker.io}}\n"
    f"image: {{registry: {HOST}, repository: hello-node, tag: a}}\n",
    "helm, templated tag": f"image: {{repository: {IMAGE}, tag: '{{{{ .t }}}}'}}\n",
    "a name alone under another key": f"repo: {IMAGE}\n",
    "a name alone in an environment variable": f"env: [{{name: A, value: {IMAGE}}}]\n",
    "configmap": f"kind: ConfigMap\ndata:\n  image: {IMAGE}:old\n  text: |\n    image: {IMAGE}:old\n",
    "secret": f"kind: Secret\nstringData: {{image: '{IMAGE}:old'}}\n",
    "inside a longer text": f"args: ['--image={IMAGE}:old', 'docker pull {IMAGE}:old']\n",
    "a script": f"run: |\n  docker pull {IMAGE}:old\n  echo done\n",
    "last applied": f'metadata:\n  annotations:\n    last: |\n      {{"image":"{IMAGE}:old"}}\n',
    "a merged image that is another one": (
        f"b: &b {{repository: {IMAGE}, pullPolicy: Always}}\nimage: {{<<: *b, repository: nginx, tag: old}}\n"
    ),
    "a comment": f"a: hello-node # image: {IMAGE}:old\n",
    "a key": f"{IMAGE}:old: x\n",
}


@pytest.mark.parametrize("text", NO_REFERENCE.values(), ids=NO_REFERENCE.keys())
def test_what_is_no_reference_stays(text: str) -> None:
    """Such places are not edited; alone they make the error that the image is nowhere."""
    with pytest.raises(NoReference):
        run({"a.yaml": text})
    both = after({"a.yaml": text, "b.yaml": f"image: {IMAGE}:old\n"})
    assert both == {"a.yaml": text, "b.yaml": f"image: {IMAGE}:abc1234\n"}


def test_listed_places_are_told() -> None:
    """A reference inside a longer text, or in data, is named in a notice with file and line."""
    files = {"a.yaml": f"x: 1\nargs: ['--image={IMAGE}:old']\n", "b.yaml": f"image: {IMAGE}:old\n"}
    assert [notice for notice in run(files).notices if "a.yaml, line 2" in notice]


REFUSED = {
    "folded text": (f"helm:\n  values: >\n    image: {IMAGE}:old\n\n    x: 1\n", "folded or quoted"),
    "quoted text": (f'helm:\n  values: "image:\\n  repository: {IMAGE}\\n  tag: old\\n"\n', "folded or quoted"),
    "quoted patch": (
        f'patches:\n- patch: \'[{{"op": "replace", "path": "/x", "value": "{IMAGE}:old"}}]\'\n',
        "folded or quoted",
    ),
    "a tag that is something else too": (f"x: &t old\nimage: {{repository: {IMAGE}, tag: *t}}\n", "alias"),
    "a tag of two images": (f"a: {{repository: nginx, tag: &t old}}\nb: {{repository: {IMAGE}, tag: *t}}\n", "alias"),
    "a merged tag of two images": (
        f"a: &d {{tag: old}}\nb: {{<<: *d, repository: nginx}}\nc: {{<<: *d, repository: {IMAGE}}}\n",
        "alias",
    ),
    "two different values under one key": (f"image: nginx:1\nimage: {IMAGE}:old\n", "twice"),
    "a key on the way twice": (f"spec: {{image: nginx}}\nspec: {{image: '{IMAGE}:old'}}\n", "twice"),
    "two tags": (f"image: {{repository: {IMAGE}, tag: a, tag: b}}\n", "twice"),
    "a byte order mark inside": (f"a: 1\n---\n\ufeffimage: {IMAGE}:old\n", "byte order mark"),
    "not YAML": (f"image: {IMAGE}:old\n b: [\n", "line 2"),
    "a reference over two lines": (f'image: "{HOST}/\\\n  hello-node:old"\n', "several lines"),
}


@pytest.mark.parametrize(("text", "match"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_edited_safely_is_refused(text: str, match: str) -> None:
    """An error with the file's name, and nothing is edited, in no file."""
    with pytest.raises(GitOpsParse, match=match) as caught:
        run({"ok.yaml": f"image: {IMAGE}:old\n", "a.yaml": text})
    assert caught.value.file == "a.yaml"
    assert caught.value.fix


def test_the_same_key_twice_with_the_same_image_is_edited_twice() -> None:
    """Whichever of the two a reader takes, it is the new image."""
    text = f"image: {IMAGE}:old\nimage: {IMAGE}:old\n"
    assert after({"a.yaml": text}) == {"a.yaml": text.replace("old", "abc1234")}


def test_a_file_that_does_not_parse_is_named_with_line_and_column() -> None:
    """File, line and column of the fault, whatever documents come before it."""
    text = f"a: 1\n---\nimage: {IMAGE}:old\nb: [\nc: }}\n"
    with pytest.raises(GitOpsParse, match=r"apps/a\.yaml, line 5, column 4") as caught:
        run({"apps/a.yaml": text})
    assert caught.value.line == 5


def test_a_file_that_does_not_mention_the_image_may_be_broken() -> None:
    """Only files with the repository's name are read."""
    files = {"a.yaml": "a: [\n", "b.yaml": f"image: {IMAGE}:old\n"}
    assert after(files)["b.yaml"] == f"image: {IMAGE}:abc1234\n"


def test_a_parameter_wins_over_the_values_object() -> None:
    """The tag that Argo CD uses is the parameter's: both are edited."""
    text = (
        f"helm:\n  parameters:\n  - name: image.tag\n    value: old\n    forceString: true\n"
        f"  valuesObject:\n    image: {{repository: {IMAGE}, tag: older}}\n"
    )
    wanted = text.replace("older", "abc1234").replace("old", "abc1234")
    assert after({"app.yaml": text}) == {"app.yaml": wanted}


def test_a_parameter_that_helm_would_read_as_a_number_is_told() -> None:
    """`forceString: true` is missing."""
    text = (
        f"helm:\n  parameters:\n  - {{name: image.repository, value: {IMAGE}}}\n  - {{name: image.tag, value: old}}\n"
    )
    assert any("forceString" in notice for notice in run({"a.yaml": text}, tag="1234567").warnings)
    assert not run({"a.yaml": text}, tag="abc1234").notices


def test_hold_freezes_a_line() -> None:
    """A marked reference stays; when all are held that is no error."""
    held = f"image: {IMAGE}:old # ecr-publish: hold (incident 7)\n"
    result = run({"a.yaml": held})
    assert not result.edits
    assert len(result.held) == 1
    assert "held" in result.notices[0]
    assert after({"a.yaml": held, "b.yaml": f"image: {IMAGE}:old\n"})["b.yaml"].endswith("abc1234\n")


HOLD = "# ecr-publish: hold"
HELD = {
    "helm, at the tag": f"image:\n  repository: {IMAGE}\n  tag: old {HOLD}\n",
    "helm, at the name": f"image:\n  repository: {IMAGE} {HOLD}\n  tag: old\n",
    "helm, at the digest": f"image:\n  repository: {IMAGE}\n  tag: old\n  digest: {OLD} {HOLD}\n",
    "flow": f"image: {{repository: {IMAGE}, tag: old}} {HOLD}\n",
    "kustomize": f"kind: Component\nimages:\n- name: {IMAGE}\n  newTag: old {HOLD}\n",
    "values as text": f"helm:\n  values: |\n    image: {IMAGE}:old  #ecr-publish:hold\n",
    "parameter": (
        f"helm:\n  parameters:\n  - {{name: image.repository, value: {IMAGE}}}\n"
        f"  - name: image.tag\n    value: old {HOLD}\n"
    ),
    "windows newlines": f"image: {IMAGE}:old {HOLD}\r\n",
    "no final newline": f"image: '{IMAGE}:old' {HOLD}",
}


@pytest.mark.parametrize("text", HELD.values(), ids=HELD.keys())
def test_hold_freezes_every_form(text: str) -> None:
    """On the line of any of its fields."""
    result = run({"a.yaml": text, "b.yaml": f"image: {IMAGE}:old\n"}, digest=NEW, pin="digest")
    assert [edit.path for edit in result.edits] == ["b.yaml"]
    assert [found.file for found in result.held] == ["a.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        f"{HOLD}\nimage: {IMAGE}:old\n",
        f"image: {IMAGE}:old # ecr-publish: holding\n",
        f"a: nginx:1 {HOLD}\nimage: {IMAGE}:old\n",
        f"image: {IMAGE}:old\n{HOLD}\n",
    ],
)
def test_hold_elsewhere_freezes_nothing(text: str) -> None:
    """Another line's, or another word."""
    assert after({"a.yaml": text}) == {"a.yaml": text.replace(":old", ":abc1234")}


def test_another_owner_is_told() -> None:
    """Flux's marker on the line: two writers of one field."""
    text = f'image: {IMAGE}:old # {{"$imagepolicy": "flux-system:x"}}\n'
    result = run({"a.yaml": text})
    assert result.edits
    assert "imagepolicy" in result.warnings[0]


def test_replicas_follow_only_where_asked_for() -> None:
    """Another account's or region's copy keeps its host."""
    other = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    files = {"a.yaml": f"image: {IMAGE}:old\n", "b.yaml": f"image: {other}/hello-node:old\n"}
    result = run(files)
    assert [edit.path for edit in result.edits] == ["a.yaml"]
    assert "gitops-registries" in result.notices[0]
    assert after(files, replicas=[other])["b.yaml"] == f"image: {other}/hello-node:abc1234\n"


def test_chart_templates_are_left_alone() -> None:
    """They are Helm's text; one that is named outright is an error that points to the values."""
    files = {
        "chart/Chart.yaml": "name: hello-node\n",
        "chart/templates/d.yaml": f"image: {IMAGE}:old\n",
        "chart/values.yaml": f"image: {{repository: {IMAGE}, tag: old}}\n",
    }
    changed = after(files)
    assert changed["chart/templates/d.yaml"] == files["chart/templates/d.yaml"]
    assert changed["chart/values.yaml"].endswith("tag: abc1234}\n")
    with pytest.raises(GitOpsParse, match=r"chart/values\.yaml"):
        run(files, named=["chart/templates/d.yaml"])


def test_links_and_workflows_are_never_written() -> None:
    """A symbolic link would become a file of its own; workflows need a permission of their own."""
    from ecr_action.gitops.edit import bump
    from ecr_action.gitops_protocols import File
    from tests.unit.gitops.world import target

    text = f"image: {IMAGE}:old\n".encode()
    files = [
        File(path="link.yaml", content=text, mode="120000"),
        File(path=".github/workflows/a.yaml", content=text),
        File(path="a.yaml", content=text),
    ]
    assert [edit.path for edit in bump(files, [target()], environment=None).edits] == ["a.yaml"]


FIELDS = {
    "a tag": ("a.b[1].tag", "a: {b: [x, {tag: old}]}\n", "a: {b: [x, {tag: abc1234}]}\n"),
    "an empty tag": ("image.tag", 'image:\n  tag: ""\n', 'image:\n  tag: "abc1234"\n'),
    "nothing": ("image.tag", "image:\n  tag:\n  x: 1\n", "image:\n  tag: abc1234\n  x: 1\n"),
    "a number": ("tag", "tag: 1234567 # c\n", "tag: abc1234 # c\n"),
    "a reference": ("x", f"x: {IMAGE}:old\n", f"x: {IMAGE}:abc1234\n"),
    "another image": ("image", "image: nginx:1\n", f"image: {IMAGE}:abc1234\n"),
    "a quoted key": ('"a.b".c', "a.b: {c: old}\n", "a.b: {c: abc1234}\n"),
    "json": ("a.tag", '{"a": {"tag": "old"}}', '{"a": {"tag": "abc1234"}}'),
}


@pytest.mark.parametrize(("field", "before", "wanted"), FIELDS.values(), ids=FIELDS.keys())
def test_a_field_named_outright(field: str, before: str, wanted: str) -> None:
    """`file#path`: edited whatever it holds, whatever the environment."""
    assert after({"prod/a.yaml": before}, named=[f"prod/a.yaml#{field}"], environment="dev") == {"prod/a.yaml": wanted}


def test_a_field_that_is_not_there() -> None:
    """The error names the file and the keys that are."""
    with pytest.raises(Failure, match="has no field b") as caught:
        run({"a.yaml": "x: 1\ny: 2\n"}, named=["a.yaml#b"])
    assert "x, y" in caught.value.fix


@pytest.mark.parametrize(
    ("field", "what", "fix"),
    [
        ("image", "is a section", "image.name, image.tag"),
        ("", "names no field", "Leave the '#' out"),
        ("image.tag.x", "has no field image.tag.x", "image"),
    ],
)
def test_what_is_no_field_of_an_image_is_told(field: str, what: str, fix: str) -> None:
    """A section with those in it, no field at all, and one below a text."""
    with pytest.raises(NoReference, match=what) as caught:
        run({"a.yaml": "image: {name: app, tag: v1}\n"}, named=[f"a.yaml#{field}"])
    assert fix in caught.value.fix
