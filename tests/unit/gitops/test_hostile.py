"""Files that were made to break a reader, and how much time they may take."""

from __future__ import annotations

import time

import pytest
import yaml

from ecr_action.errors import Failure, GitOpsParse
from ecr_action.gitops.documents import documents
from ecr_action.gitops.edit import bump, unified_diff
from ecr_action.gitops.splice import Change, splice
from ecr_action.gitops.walk import hits
from tests.unit.gitops.world import HOST, IMAGE, deployment, file, run, target

DEEP = {
    "flow": f"image: {IMAGE}:old\nx: " + "[" * 100_000,
    "flow, closed": f"image: {IMAGE}:old\nx: " + "[" * 100_000 + "]" * 100_000,
    "block": f"image: {IMAGE}:old\nx:\n " + "- " * 100_000,
    "mappings": f"image: {IMAGE}:old\nx: " + "{a: " * 100_000,
    "keys": f"image: {IMAGE}:old\nx:\n " + "? " * 100_000,
    "JSON": f'["{IMAGE}:old", ' + "[" * 100_000 + "]" * 100_001,
    "staircase": f"image: {IMAGE}:old\n" + "".join(f"{' ' * depth}a:\n" for depth in range(300)),
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_deep_nesting_is_refused_at_once(text: str) -> None:
    """libyaml's composer would end the process; the depth is known before it is asked, in under 50 ms at rest."""
    started = time.process_time()
    with pytest.raises(GitOpsParse, match="nest deeper"):
        run({"a.yaml": text})
    assert time.process_time() - started < 0.25


def test_depth_that_is_fine() -> None:
    """A hundred levels are read."""
    nested = "".join(f"{' ' * depth}a:\n" for depth in range(90)) + " " * 90 + f"image: {IMAGE}:old\n"
    assert run({"a.yaml": nested}).edits
    assert run({"a.yaml": "x: " + "[" * 150 + f"'{IMAGE}:old'" + "]" * 150}).edits


def test_aliases_that_multiply_are_refused() -> None:
    """A billion laughs: a few hundred bytes that mean more nodes than fit anywhere."""
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    started = time.process_time()
    with pytest.raises(GitOpsParse, match="aliases"):
        run({"a.yaml": "\n".join([f"image: {IMAGE}:old", *lines])})
    assert time.process_time() - started < 10


def test_an_alias_to_itself_is_refused() -> None:
    """A tree without an end."""
    with pytest.raises(GitOpsParse):
        run({"a.yaml": f"image: {IMAGE}:old\nx: &x [*x]\n"})


SIZES = {
    "a file": (b"# " + b"x" * 10_000_000, "10,000,000"),
    "a document": (b"x: " + b"y" * 2_000_001, "2,000,000"),
    "a JSON file": (b'{"x": "' + b"y" * 2_000_001 + b'"}', "2,000,000"),
}


@pytest.mark.parametrize(("content", "limit"), SIZES.values(), ids=SIZES.keys())
def test_sizes_are_capped(content: bytes, limit: str) -> None:
    """With the limit in the message."""
    with pytest.raises(GitOpsParse, match=limit):
        bump([file("a.yaml", content + b"\n# hello-node\n")], [target()], environment=None)


ENCODINGS = {
    "UTF-16": (f"image: {IMAGE}:old\n".encode("utf-16"), "UTF-16"),
    "Latin-1": (f"a: é\nimage: {IMAGE}:old\n".encode("latin-1"), "line 1"),
    "lone surrogate": (f"image: {IMAGE}:old\na: ".encode() + b"\xed\xa0\x80\n", "line 2"),
    "control character": (f"image: {IMAGE}:old\na: \x07\n".encode(), "line 2"),
    "NUL": (f"image: {IMAGE}:old\na: \0\n".encode(), "line 2"),
}


@pytest.mark.parametrize(("content", "match"), ENCODINGS.values(), ids=ENCODINGS.keys())
def test_what_is_no_utf8_text_is_named(content: bytes, match: str) -> None:
    """With file, and line where there is one."""
    with pytest.raises(GitOpsParse, match=match):
        bump([file("a.yaml", content), file("b.yaml", deployment())], [target()], environment=None)


def test_five_thousand_files_with_one_reference() -> None:
    """5 MB in 5,000 files: under 0.3 s of CPU at rest; the margin is for machines that do other things beside it."""
    files = [
        file(f"apps/team-{i % 9}/app-{i}/d.yaml", deployment(f"{HOST}/app-{i}:old", f"app-{i}", "# " + "x" * 800))
        for i in range(5000)
    ]
    files[2500] = file("apps/web/d.yaml", deployment())
    assert sum(len(item.content) for item in files) > 5_000_000
    started = time.process_time()
    assert len(bump(files, [target()], environment="dev").edits) == 1
    assert time.process_time() - started < 1.5


def test_a_large_file_in_which_every_document_changes() -> None:
    """5 MB of Deployments: about 1.6 s of CPU at rest; the margin is for machines that do other things beside it."""
    text = "---\n".join(deployment(extra="# " + "x" * 400 + "\n" + "labels: {a: b, c: d}\n" * 1) for _ in range(8000))
    assert len(text) > 5_000_000
    started = time.process_time()
    result = bump([file("a.yaml", text)], [target()], environment="dev")
    assert time.process_time() - started < 10
    assert result.edits[0].content == text.replace(":old", ":abc1234").encode()
    started = time.process_time()
    assert unified_diff(result).count("\n+") == 8001
    assert time.process_time() - started < 5


@pytest.mark.parametrize("tag", ["x'y", 'a"b', "a: b", "a #b", "a\nb", "{{x}}", "*a", "é", "a:", ""])
def test_a_tag_that_is_none_is_never_written(tag: str) -> None:
    """Whoever calls: what is no tag is refused before any file is looked at."""
    with pytest.raises(Failure):
        run({"a.yaml": f"image: '{IMAGE}:old'\n"}, tag)


VALUES = ['x", b: "y', "x\ny", 'x" # ', "\\u0041", 'x"\n---\na: "']


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("text", ["a: old\nb: 1\n", "a: 'old'\n", 'a: "old"\n', "{a: old}\n", '{"a": "old"}'])
def test_the_last_guard(text: str, value: str) -> None:
    """Whatever came through: a document that would differ in anything else after the edit is not written."""
    content = file("a.yaml", text)
    (document,) = documents(content, ["old"])
    (hit,) = hits(document, lambda found: found == "old")
    try:
        changed = splice(content, [Change(hit.source, hit.node, value, hit.path)])
    except GitOpsParse:
        return
    assert yaml.safe_load(changed) == {**yaml.safe_load(text), "a": value}


def test_an_explicit_key() -> None:
    """`? key` and `: value` on lines of their own."""
    result = run({"a.yaml": f"? image\n: {IMAGE}:old\n"})
    assert yaml.safe_load(result.edits[0].content) == {"image": f"{IMAGE}:abc1234"}
