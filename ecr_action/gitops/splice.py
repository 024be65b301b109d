"""New values into a file's text: nothing else changes, and every YAML reader reads them as the same string."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat

import yaml

from ecr_action.errors import GitOpsParse
from ecr_action.gitops.documents import PLAIN, Source, decode, extent
from ecr_action.gitops_protocols import File

# Measured on 100 tags with PyYAML, ruamel.yaml, Go's yaml.v2, yaml.v3 and sigs.k8s.io/yaml, npm's yaml and js-yaml:
# readers disagree on many a plain scalar (08, 1e3, y, 1_000), and on none of those that fit here. No number and no date
# of any reader has a slash, so that a reference whose host begins with an account's digits is a string for all.
_PLAIN = re.compile(
    r"[A-Za-z][A-Za-z0-9._/@:=-]*"
    r"|[0-9]+\.[0-9]+\.[0-9][A-Za-z0-9._-]*"
    r"|[0-9a-f]*[a-df][0-9a-f]*"
    r"|[0-9][A-Za-z0-9._:-]*/[A-Za-z0-9._/@:-]*"
)
_NUMBER = re.compile(r"[0-9]+e[0-9]+|0[xob].*")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"}


@dataclass(frozen=True, eq=False)
class Change:
    """The scalar *node* of *source* becomes *value*; *path* says in words where it is."""

    source: Source
    node: yaml.ScalarNode
    value: str
    path: str


@dataclass(frozen=True, eq=False)
class Addition:
    """A new last line ``key: value`` in the block mapping *mapping* of *source*."""

    source: Source
    mapping: yaml.MappingNode
    key: str
    value: str
    path: str


def is_plain(text: str) -> bool:
    """Whether every reader takes *text*, written without quotes, as that string; a final ``:`` would make a key."""
    safe = bool(_PLAIN.fullmatch(text)) and not _NUMBER.fullmatch(text) and not text.endswith(":")
    return safe and text.lower() not in _WORDS


def rendered(value: str, style: str | None) -> str:
    """*value* as a scalar in the *style* that was there (``'``, ``"`` or None); plain becomes quoted where it must."""
    if style in ("'", '"'):
        return f"{style}{value}{style}"
    return value if is_plain(value) else f'"{value}"'


@dataclass(frozen=True)
class Span:
    """Characters *start* to *end* of a text become *new*."""

    start: int
    end: int
    new: str


@dataclass(eq=False)
class _Plan:
    """What happens in one source: the *spans* to replace, the values *expected* after it, the keys *added*."""

    spans: list[Span] = field(default_factory=list)
    expected: dict[int, str] = field(default_factory=dict)
    added: dict[int, list[Addition]] = field(default_factory=lambda: defaultdict(list))


def splice(file: File, edits: Sequence[Change | Addition]) -> bytes:
    """The content of *file* with *edits* made.

    Every document that changes is parsed again; raises GitOpsParse where it then differs in anything but those fields.
    """
    bom, text = decode(file)
    plans: dict[Source, _Plan] = defaultdict(_Plan)
    for edit in edits:
        plan = plans[edit.source]
        if isinstance(edit, Change):
            plan.spans.append(_span(edit))
            plan.expected[id(edit.node)] = edit.value
        else:
            plan.spans.append(_line(edit))
            plan.added[id(edit.mapping)].append(edit)
    for source in sorted(plans, key=lambda source: source.depth, reverse=True):
        _pass_outward(source, plans)
    spans = [_moved(source, span) for source, plan in plans.items() if source.outer is None for span in plan.spans]
    return (bom + _apply(text, spans)).encode()


def _pass_outward(source: Source, plans: dict[Source, _Plan]) -> None:
    """Verify *source* after its edits; a literal block is one changed scalar of the source around it."""
    plan = plans[source]
    after = _apply(source.text, plan.spans)
    _verify(source, after, plan)
    if source.outer is not None and source.holder is not None:
        outer = plans[source.outer]
        outer.expected[id(source.holder)] = after
        outer.spans += [_moved(source, span) for span in plan.spans]


def _moved(source: Source, span: Span) -> Span:
    """*span* in the text around *source*; it lies in one line, so that its length is the same there."""
    start = source.outward(span.start)
    return Span(start, start + span.end - span.start, span.new)


def _apply(text: str, spans: Sequence[Span]) -> str:
    pieces, at = [], 0
    for span in sorted(spans, key=lambda span: span.start):
        pieces += [text[at : span.start], span.new]
        at = span.end
    return "".join((*pieces, text[at:]))


def _span(change: Change) -> Span:
    """What to replace in the change's own source."""
    source, node = change.source, change.node
    start, end = source.span(node)
    if node.style in ("|", ">"):
        at = source.text.find(node.value, start)
        if "\n" in node.value or at < 0 or at + len(node.value) > end:
            raise _refused(change, "is a text of several lines", "Write it on one line.")
        return Span(at, at + len(node.value), change.value)
    if "\n" in source.text[start:end]:
        raise _refused(change, "is written over several lines", "Write it on one line.")
    new = rendered(change.value, node.style)
    space = " " if start == end and source.text[start - 1 : start] == ":" else ""
    return Span(start, end, space + new)


def _line(addition: Addition) -> Span:
    """A new line after the last value of the mapping, indented like its first key."""
    text, mapping = addition.source.text, addition.mapping
    wanted = f"{addition.key}: {rendered(addition.value, None)}"
    if mapping.flow_style or addition.source.json or addition.source.outer is not None:
        raise _refused(addition, f"has no {addition.key}, and is written in one line or as text", f"Add {wanted}")
    last_key, last = mapping.value[-1]
    at = extent(last)[1]
    if not isinstance(last, yaml.ScalarNode) or last.style in ("|", ">"):
        raise _refused(addition, f"has no {addition.key}, and ends in more than one line", f"Add {wanted}")
    first = extent(mapping.value[0][0])[0]
    indent = " " * (first - (text.rfind("\n", 0, first) + 1))
    end = text.find("\n", max(at, extent(last_key)[1]))
    if end < 0:
        newline = "\r\n" if "\r\n" in text else "\n"
        return Span(len(text), len(text), f"{newline}{indent}{wanted}")
    newline = "\r\n" if text[end - 1 : end] == "\r" else "\n"
    return Span(end + 1, end + 1, f"{indent}{wanted}{newline}")


def _refused(edit: Change | Addition, why: str, fix: str) -> GitOpsParse:
    node = edit.node if isinstance(edit, Change) else edit.mapping
    line = edit.source.line_of(extent(node)[0])
    what = f"{edit.source.file}, line {line}: {edit.path} {why}."
    return GitOpsParse(what, fix=fix, file=edit.source.file, line=line)


# -- Verification --------------------------------------------------------------------------------------------------


def _verify(source: Source, after: str, plan: _Plan) -> None:
    """Parse what *source* became and compare all of it. A template that can't be parsed had whole lines replaced."""
    if source.template and not source.readable:
        return
    new = _parsed(replace(source, text=after, shallow=True))
    if len(source.roots) == len(new) and all(map(_same, source.roots, new, repeat(plan))):
        return
    what = f"{source.file}: the edit would change something else too; nothing was written."
    fix = "Edit the file by hand, and report it with the lines around the image: this should not happen."
    raise GitOpsParse(what, fix=fix, file=source.file, line=source.line_of(0))


def _parsed(source: Source) -> list[yaml.Node]:
    """The roots of an edited text, none where it can't be read any more."""
    try:
        if source.json:
            json.loads(source.text)
        return source.roots
    except (GitOpsParse, ValueError):
        return []


def _same(root: yaml.Node, new_root: yaml.Node, plan: _Plan) -> bool:
    """Whether the trees are equal but for what *plan* expects."""
    seen: set[int] = set()
    stack = [(root, new_root)]
    while stack:
        old, new = stack.pop()
        if new.tag != old.tag or type(new) is not type(old):
            if not isinstance(old, yaml.ScalarNode) or not _becomes(new, plan.expected.get(id(old))):
                return False
        elif isinstance(old, yaml.ScalarNode):
            wanted = plan.expected.get(id(old))
            if not (new.value == old.value if wanted is None else _becomes(new, wanted)):
                return False
        elif id(old) not in seen:
            seen.add(id(old))
            pairs = _pairs(old, new, plan)
            if pairs is None:
                return False
            stack += pairs
    return True


def _becomes(new: yaml.Node, wanted: str | None) -> bool:
    """Whether *new* is *wanted*, as a string for every reader."""
    if not isinstance(new, yaml.ScalarNode) or new.value != wanted:
        return False
    return new.tag != PLAIN or is_plain(new.value)


def _pairs(old: yaml.Node, new: yaml.Node, plan: _Plan) -> list[tuple[yaml.Node, yaml.Node]] | None:
    """The children of two collections side by side, None where they differ in number, or in what was added."""
    mine, other = old.value, new.value
    if id(old) in plan.added:
        added = [(item.key, item.value) for item in plan.added[id(old)]]
        other, last = other[: -len(added)], other[-len(added) :]
        if [(key.value, value.value) for key, value in last] != added:
            return None
    if len(mine) != len(other):
        return None
    if isinstance(old, yaml.SequenceNode):
        return list(zip(mine, other, strict=True))
    pairs = []
    for (key, value), (new_key, new_value) in zip(mine, other, strict=True):
        # Most keys and values are scalars that nobody touched.
        if type(key) is not yaml.ScalarNode or key.value != new_key.value or key.tag != new_key.tag:
            pairs.append((key, new_key))
        pairs.append((value, new_value))
    return pairs
