"""The diff, judged by git itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ecr_action.gitops.diff import unified
from ecr_action.gitops.edit import unified_diff
from tests.unit.gitops.world import IMAGE, deployment, kustomization, run

CASES = {
    "a line": (deployment(), {}),
    "no final newline": (f"a: 1\nimage: {IMAGE}:old", {}),
    "windows": (f"a: 1\r\nimage: {IMAGE}:old\r\nb: 1\r\n", {}),
    "an added line": (f"images:\n- name: {IMAGE}\nx: 1\ny: 2\n", {}),
    "an added line without a newline": (f"images:\n- name: {IMAGE}", {}),
    "far apart": ("".join(f"i{n}: {IMAGE}:old\n" + "# x\n" * n for n in range(12)), {}),
    "changed and added": (
        f"images:\n- name: {IMAGE}\n  newTag: old\n- name: {IMAGE}\n",
        {"digest": "sha256:" + "d" * 64, "pin": "digest"},
    ),
}


@pytest.mark.parametrize(("text", "given"), CASES.values(), ids=CASES.keys())
def test_git_applies_it(text: str, given: dict[str, str], tmp_path: Path) -> None:
    """git apply makes of the old file exactly the new one."""
    result = run({"a/kustomization.yaml": text}, **given)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/kustomization.yaml").write_bytes(text.encode())
    subprocess.run(["git", "apply", "-"], input=unified_diff(result).encode(), cwd=tmp_path, check=True)
    assert (tmp_path / "a/kustomization.yaml").read_bytes() == result.edits[0].content


def test_what_it_looks_like() -> None:
    """a/ and b/ paths, three lines around, several files one after the other."""
    files = {"dev/kustomization.yaml": kustomization(), "dev/x.yaml": f"image: {IMAGE}:old\n"}
    assert unified_diff(run(files, environment="dev")) == (
        "--- a/dev/kustomization.yaml\n+++ b/dev/kustomization.yaml\n@@ -1,4 +1,4 @@\n"
        " resources: [../../base]\n images:\n"
        f"   - name: {IMAGE}\n-    newTag: old\n+    newTag: abc1234\n"
        f"--- a/dev/x.yaml\n+++ b/dev/x.yaml\n@@ -1 +1 @@\n-image: {IMAGE}:old\n+image: {IMAGE}:abc1234\n"
    )


def test_an_added_line_is_the_only_one() -> None:
    """Lines behind it are not replaced by themselves."""
    diff = unified_diff(run({"kustomization.yaml": f"images:\n- name: {IMAGE}\nx: 1\ny: 2\n"}))
    assert [line for line in diff.splitlines()[2:] if line[0] in "+-"] == ["+  newTag: abc1234"]


def test_nothing_and_odd_names() -> None:
    """Equal contents have no diff; a line break in a path stays in its line."""
    assert unified("a", b"x\n", b"x\n") == ""
    assert unified('a\n"b', b"x\n", b"y\n").startswith('--- "a/a\\n\\"b"\n')
