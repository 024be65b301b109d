"""Files as people write them: the text differs in the fields of the image and in no other character."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ecr_action.errors import GitOpsParse
from ecr_action.gitops.splice import rendered
from tests.unit.gitops.test_properties import TAGS
from tests.unit.gitops.world import HOST, IMAGE, after, run

# A piece of a file: how it reads with a tag in it, as the value of the key that is given.
Piece = Callable[[str, str], str]
TRAILS = st.sampled_from(["", " ", "  # why", "\t# after a tab", f" # {IMAGE}:old", " #"])
QUOTES: st.SearchStrategy[str | None] = st.sampled_from([None, "'", '"'])


def _word(tag: str, quote: str | None) -> str:
    """A tag in a field of its own: plain only where every reader takes it for text. What stood there was ``old``."""
    return rendered(tag, quote)


def _whole(tag: str, quote: str | None) -> str:
    return f"{quote or ''}{IMAGE}:{tag}{quote or ''}"


def _plain(quote: str | None, trail: str, tab: str) -> Piece:
    return lambda key, tag: f"{key}:{tab}\n  image:{tab} {_whole(tag, quote)}{trail}\n  other: 1\n"


def _flow(quote: str | None, trail: str, tab: str) -> Piece:
    return lambda key, tag: f"{key}: [{{a: 1,{tab} image: {_whole(tag, quote)}, b: [x, {{c: d}}]}}]{trail}\n"


def _anchored(quote: str | None, trail: str, tab: str) -> Piece:
    return lambda key, tag: f"{key}: {{image: &{key} {_whole(tag, quote)}}}{trail}\n{key}b:{tab} {{image: *{key} }}\n"


def _merged(quote: str | None, trail: str, tab: str) -> Piece:
    return lambda key, tag: (
        f"{key}: &{key}\n  image: {_whole(tag, quote)}{trail}\n  a: 1\n{key}b:\n  <<: *{key}\n  a:{tab} 2\n"
        f"{key}c:\n  <<: [*{key}, {{b: 1}}]\n"
    )


def _helm(quote: str | None, trail: str, tab: str) -> Piece:
    return lambda key, tag: f"{key}:\n  repository: {IMAGE}{trail}\n  tag:{tab} {_word(tag, quote)}{trail}\n  x: 1\n"


def _helm_merged(quote: str | None, trail: str, tab: str) -> Piece:
    return lambda key, tag: (
        f"{key}: &{key}\n  repository: {IMAGE}\n  tag: {_word(tag, quote)}{trail}\n"
        f"{key}b:\n  <<: *{key}\n  tag:{tab} {_word(tag, quote)}\n{key}c: {{<<: *{key}, a: 1}}\n"
    )


def _helm_flow(quote: str | None, trail: str, tab: str) -> Piece:
    return lambda key, tag: (
        f"{key}: {{tag: {_word(tag, quote)},{tab} registry: {HOST}, repository: hello-node}}{trail}\n"
    )


def _kustomize(quote: str | None, trail: str, tab: str) -> Piece:
    return lambda key, tag: (
        f"{key}:\n  images:\n  -{tab} name: app\n    newTag: {_word(tag, quote)}{trail}\n    newName: {IMAGE}\n"
        if not tab
        else f"{key}:\n  images:\n  - name: {IMAGE}\n    newTag:{tab} {_word(tag, quote)}{trail}\n"
    )


def _literal(quote: str | None, trail: str, tab: str) -> Piece:
    return lambda key, tag: (
        f"{key}:\n  values: |  # text\n\n     # {IMAGE}:old\n     image:\n       repository: {IMAGE}\n"
        f"       tag: {_word(tag, quote)}{trail}\n     last: [1,{tab} 2]\n"
    )


def _twice(quote: str | None, trail: str, tab: str) -> Piece:
    """The same key twice with the same image: whichever a reader takes, it is the new one."""
    return lambda key, tag: f"{key}:\n  image: {_whole(tag, quote)}{trail}\n  image:{tab} {_whole(tag, None)}\n"


KINDS = [_plain, _flow, _anchored, _merged, _helm, _helm_merged, _helm_flow, _kustomize, _literal, _twice]
OURS = st.builds(
    lambda kind, quote, trail, tab: kind(quote, trail, tab),
    st.sampled_from(KINDS),
    QUOTES,
    TRAILS,
    st.sampled_from(["", "\t"]),
)
# What is nobody's business, however much it looks like it.
OTHERS = [
    f"KEY: {{image: {IMAGE}-worker:other}}\n",
    f"KEY: {{image: ghcr.io/x/hello-node:other}} # {IMAGE}:old\n",
    f"KEY: [run, 'docker pull {IMAGE}:old']\n",
    f'KEY:\n  repository: {IMAGE}\n  tag: ""\n',
    f"KEY:\n  repository: {IMAGE}\n  tag:\n",
    f'KEY: {{image: "{IMAGE}:{{{{ .tag }}}}"}}\n',
    f"KEY: {{repository: {HOST}/team/hello-node, tag: other}}\n",
    f"KEY: &KEY {{repository: {IMAGE}, a: 1}}\nKEYb: {{<<: *KEY, repository: nginx, tag: other}}\n",
    f"# image: {IMAGE}:old\n\n#\n",
    f"KEY: |\n  docker pull {IMAGE}:old\n\n",
    "KEY:\t[1,\t{a:\t2}]\t# tabs\n",
    "KEY: {a: 1, a: 2}\n",
    "KEY: >-\n  folded\n  text\n",
    "KEY: 'é🚀\u2028x'\n",
]
PIECES = OURS | st.sampled_from(OTHERS).map(lambda text: lambda key, _: text.replace("KEY", key))
DOCUMENTS = st.lists(st.lists(PIECES, min_size=1, max_size=6), min_size=1, max_size=3)


def _written(documents: list[list[Piece]], tag: str, newline: str, bom: str, final: bool) -> str:
    text = "---\n".join(
        "".join(piece(f"k{number}", tag) for number, piece in enumerate(pieces)) + f"last: {IMAGE}:{tag}\n"
        for pieces in documents
    )
    text = text if final else text.removesuffix("\n")
    return bom + text.replace("\n", newline)


def _intended(tree: Any, tag: str) -> Any:
    """*tree* with the new tag in every field of the image: nothing else in these files is called ``old``."""
    if isinstance(tree, dict):
        return {key: _intended(value, tag) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_intended(value, tag) for value in tree]
    return {"old": tag, f"{IMAGE}:old": f"{IMAGE}:{tag}"}.get(tree, tree) if isinstance(tree, str) else tree


def _read(text: str) -> list[Any]:
    return [_parsed(tree) for tree in yaml.load_all(text.removeprefix("\ufeff"), Loader=yaml.CSafeLoader)]


def _parsed(tree: Any) -> Any:
    """*tree* with the literal blocks of these files read as well."""
    if isinstance(tree, dict):
        return {key: _parsed(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_parsed(value) for value in tree]
    return yaml.load(tree, Loader=yaml.CSafeLoader) if isinstance(tree, str) and tree.startswith("\n#") else tree


@settings(max_examples=200)
@given(
    documents=DOCUMENTS,
    tag=TAGS,
    newline=st.sampled_from(["\n", "\r\n"]),
    bom=st.sampled_from(["", "\ufeff"]),
    final=st.booleans(),
)
def test_exactly_the_fields_of_the_image_change(
    documents: list[list[Piece]], tag: str, newline: str, bom: str, final: bool
) -> None:
    """In text and as every reader of YAML has it; a second run finds nothing to do."""
    before = _written(documents, "old", newline, bom, final)
    changed = after({"a.yaml": before}, tag)["a.yaml"]
    assert changed == _written(documents, tag, newline, bom, final)
    assert _read(changed) == [_intended(tree, tag) for tree in _read(before)]
    assert not run({"a.yaml": changed}, tag).edits


FIELDS = [
    {"image": f"{IMAGE}:old"},
    {"repository": IMAGE, "tag": "old", "x": None},
    {"registry": HOST, "repository": "hello-node", "version": "old"},
    {"kustomize": {"images": [f"app={IMAGE}:old", "nginx:1"]}},
    {"images": [{"name": "app", "newName": IMAGE, "newTag": "old"}]},
    {"repository": f"{HOST}/team/hello-node", "tag": "other"},
    {"args": [f"--image={IMAGE}:old"]},
]


@settings(max_examples=200)
@given(
    fields=st.lists(st.sampled_from(FIELDS), min_size=1, max_size=5),
    tag=TAGS,
    indent=st.sampled_from([None, 2, "\t"]),
    slash=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_json_keeps_its_way_of_writing(
    fields: list[dict[str, Any]], tag: str, indent: Any, slash: bool, newline: str
) -> None:
    """Whitespace, order, escaped slashes outside the fields."""
    before = json.dumps([*fields, FIELDS[0]], indent=indent).replace("\n", newline)
    before = before.replace('/hello-node"', '\\/hello-node"') if slash else before
    changed = after({"a.json": before}, tag)["a.json"]
    wanted = before.replace('"old"', f'"{tag}"').replace(f'{IMAGE}:old"', f'{IMAGE}:{tag}"')
    assert changed == wanted.replace(f"--image={IMAGE}:{tag}", f"--image={IMAGE}:old")
    assert not run({"a.json": changed}, tag).edits


@settings(max_examples=50)
@given(
    documents=DOCUMENTS,
    bad=st.sampled_from(
        [f"bad: {{image: {IMAGE}:old, image: nginx:1}}\n", f"bad: {{repository: {IMAGE}, tag: old, tag: v2}}\n"]
    ),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_a_key_that_stands_twice_with_two_values_stops_the_whole_edit(
    documents: list[list[Piece]], bad: str, newline: str
) -> None:
    """Wherever it stands: readers take the first, the last, or refuse the file."""
    text = _written(documents, "old", newline, "", True) + bad.replace("\n", newline)
    with pytest.raises(GitOpsParse, match="twice"):
        run({"a.yaml": text, "b.yaml": f"image: {IMAGE}:old\n"})
