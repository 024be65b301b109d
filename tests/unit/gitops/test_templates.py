"""Text that a template engine fills in, as an ApplicationSet's values have it: decided field by field."""

from __future__ import annotations

import pytest

from tests.unit.gitops.world import IMAGE, after, run


def _set(*lines: str, header: str = "|") -> str:
    body = "".join(f"            {line}\n" for line in lines)
    head = "kind: ApplicationSet\nspec:\n  template:\n    spec:\n      source:\n        helm:\n"
    return f"{head}          values: {header}\n{body}"


FIELDS = ["image:", f"  repository: {IMAGE}", "  tag: old # {{ kept }}"]
LINE = f"image: {IMAGE}:old"
EDITED = {
    "fields beside an expression": ["name: {{name}}", *FIELDS],
    "in the same mapping": [*FIELDS, "  host: '{{ .host }}.example.com'"],
    "after a longer expression": ["{{ .a | quote }}: {{ index .b 0 }}", *FIELDS],
    "a flow mapping": ["x: {{x}}", f"image: {{repository: {IMAGE}, tag: old}}"],
    "a whole line": ["x: {{x}}", LINE],
    "a whole line among statements": ["{{- if .x }}", LINE, "{{- end }}"],
}
LEFT = {
    "the tag is an expression": ["x: 1", "image:", f"  repository: {IMAGE}", "  tag: {{tag}}"],
    "a part of the tag is": ["image:", f"  repository: {IMAGE}", "  tag: old-{{ .x }}"],
    "the registry is": ["image:", "  registry: {{host}}", "  repository: hello-node", "  tag: old"],
    "fields among statements": ["{{- if .x }}", *FIELDS, "{{- end }}"],
    "an expression over two lines": ["x: {{ .a", "  }}", *FIELDS],
}


@pytest.mark.parametrize("lines", EDITED.values(), ids=EDITED.keys())
def test_a_plain_field_is_edited(lines: list[str]) -> None:
    """Whatever expressions stand elsewhere in the text; every other character stays."""
    before = _set(*lines)
    assert after({"set.yaml": f"{before}---\n{LINE}\n"}) == {
        "set.yaml": f"{before}---\n{LINE}\n".replace("old", "abc1234")
    }


@pytest.mark.parametrize("lines", LEFT.values(), ids=LEFT.keys())
def test_what_the_engine_decides_stays(lines: list[str]) -> None:
    """A value with an expression in it is no reference, and among statements only whole lines can be read."""
    before = _set(*lines)
    assert after({"set.yaml": before, "d.yaml": LINE})["set.yaml"] == before


def test_folded_text_with_expressions_is_refused_or_left() -> None:
    """Its lines are not those of the file."""
    before = _set("x: {{x}}", "y: z", header=">")
    assert run({"set.yaml": before, "d.yaml": LINE}).edits[0].path == "d.yaml"
