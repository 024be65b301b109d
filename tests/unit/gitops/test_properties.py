"""What holds for any file: the edit changes the intended fields, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ecr_action.errors import Failure, GitOpsParse
from ecr_action.gitops.edit import bump
from ecr_action.gitops.splice import is_plain, rendered
from tests.unit.gitops.world import IMAGE, after, file, run, target

TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}|[0-9a-f]{7}", fullmatch=True)
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\ufffe\uffff"), max_size=12)
SCALARS = WORDS | st.integers() | st.booleans() | st.none() | st.just(f"{IMAGE}:old") | st.just(f"see {IMAGE}:old!")
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=20
)
# Quoted ones keep quotes, plain ones only where every reader takes them as text.
TRAPS = (
    "1e10 553640e6 0899999 08 12e4567 1234567 y N on 2024-1-1 1:30 0x1f 0o7 0b1 1_000 1.5 .5 +1 -1 null ~ true Off inf "
    ".inf nan 1.0.0 v1.2.3 7e1a2b3"
).split()


def _replaced(tree: Any, new: str) -> Any:
    """*tree* with every whole reference to the image as it should be."""
    if isinstance(tree, dict):
        return {key: _replaced(value, new) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_replaced(value, new) for value in tree]
    return f"{IMAGE}:{new}" if tree == f"{IMAGE}:old" else tree


def _with_reference(tree: Any) -> dict[str, Any]:
    return {"tree": tree, "image": f"{IMAGE}:old"}


@settings(max_examples=300, deadline=None)
@given(
    tree=TREES,
    tag=TAGS,
    flow=st.sampled_from([True, False, None]),
    style=st.sampled_from([None, '"', "'"]),
    newline=st.sampled_from(["\n", "\r\n"]),
    bom=st.sampled_from(["", "\ufeff"]),
    final=st.booleans(),
)
def test_yaml_differs_in_the_references_alone(
    tree: Any, tag: str, flow: bool | None, style: str | None, newline: str, bom: str, final: bool
) -> None:
    """Parsed before and after differ in exactly the references; a second run changes nothing."""
    text = yaml.safe_dump(
        _with_reference(tree), default_flow_style=flow, default_style=style, allow_unicode=True, width=10_000
    )
    text = text if final or "|" in text else text.rstrip("\n")
    before = (bom + text).replace("\n", newline)
    changed = after({"a.yaml": before}, tag)["a.yaml"]
    assert yaml.safe_load(changed) == _replaced(yaml.safe_load(before), tag)
    assert changed.startswith(bom)
    assert not run({"a.yaml": changed}, tag).edits


@settings(max_examples=300, deadline=None)
@given(tree=TREES, tag=TAGS, indent=st.sampled_from([None, 2, "\t"]), ascii_only=st.booleans())
def test_json_differs_in_the_references_alone(tree: Any, tag: str, indent: Any, ascii_only: bool) -> None:
    """The same for JSON, with its own escapes kept."""
    before = json.dumps(_with_reference(tree), indent=indent, ensure_ascii=ascii_only)
    changed = after({"a.json": before}, tag)["a.json"]
    assert changed == before.replace(f'"{IMAGE}:old"', f'"{IMAGE}:{tag}"')


@settings(max_examples=200, deadline=None)
@given(
    lines=st.lists(
        WORDS.filter(lambda words: "{{" not in words).map("# {}".format)
        | st.sampled_from(["", "x: 1", "  # y", "z: [1, {a: b}]"]),
        max_size=6,
    ),
    indent=st.integers(1, 6),
    tag=TAGS,
    newline=st.sampled_from(["\n", "\r\n"]),
    header=st.sampled_from(["|", "|-", "|+", "|  # c"]),
)
def test_literal_blocks_are_mapped_line_by_line(
    lines: list[str], indent: int, tag: str, newline: str, header: str
) -> None:
    """Whatever surrounds the field in the text, only its characters change."""
    keep = [line for index, line in enumerate(lines) if line not in lines[:index]]

    def text(value: str) -> str:
        body = [*keep, "image:", f"  repository: {IMAGE}", f"  tag: {value} # c", "last: 1"]
        block = newline.join(f"{' ' * (indent + 1)}{line}" if line else "" for line in body)
        return f"helm:{newline} values: {header}{newline}{block}{newline}"

    before = text("old")
    try:
        changed = after({"a.yaml": before}, tag)["a.yaml"]
    except GitOpsParse:
        # Comments of odd characters are no YAML; then nothing may be written, which is what was seen.
        with pytest.raises(yaml.YAMLError):
            yaml.safe_load(before)
        return
    assert changed == text(rendered(tag, None))


@settings(max_examples=500, deadline=None)
@given(text=st.text(max_size=200) | st.text("{}[]&*!|>'\"%@`#:,-? \n\tab<", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text breaks the program: it is edited rightly, or refused by an error of ours."""
    before = f"image: {IMAGE}:old\n{text}"
    try:
        content = before.encode()
    except UnicodeEncodeError:
        content = before.encode("utf-8", "surrogatepass")
    try:
        result = bump([file("a.yaml", content)], [target()], environment=None)
    except Failure:
        return
    for edit in result.edits:
        assert edit.content.replace(b":abc1234", b":old").startswith(f"image: {IMAGE}:old".encode())


@settings(max_examples=300, deadline=None)
@given(tag=TAGS | st.sampled_from(TRAPS))
def test_new_scalars_are_strings(tag: str) -> None:
    """PyYAML reads what is written as that string, in block and flow, whatever stood there."""
    for style in (None, "'", '"'):
        text = rendered(tag, style)
        assert yaml.safe_load(f"a: {text}\n") == {"a": tag}
        assert yaml.safe_load(f"[{text}, {{b: {text}}}]\n") == [tag, {"b": tag}]


@pytest.mark.parametrize("tag", TRAPS)
def test_traps_are_quoted(tag: str) -> None:
    """What some reader takes for a number, a boolean, a date or nothing is never written plain."""
    assert is_plain(tag) == (tag in ("1.0.0", "v1.2.3", "7e1a2b3"))


@settings(max_examples=100, deadline=None)
@given(names=st.lists(st.sampled_from(["hello-node", "worker", "nginx"]), min_size=1, max_size=8), tag=TAGS)
def test_anchors_and_aliases(names: list[str], tag: str) -> None:
    """Each anchored image is edited once, its aliases follow, others stay."""
    base = IMAGE.rpartition("/")[0]
    lines = [f"a{index}: &i{index} {base}/{name}:old\nb{index}: *i{index}" for index, name in enumerate(names)]
    before = "\n".join([*lines, f"image: {IMAGE}:old"])
    changed = after({"a.yaml": before}, tag)["a.yaml"]
    assert yaml.safe_load(changed) == _replaced(yaml.safe_load(before), tag)
    assert changed.count("&i") == len(names)
