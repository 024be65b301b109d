"""JSON text as a tree with positions, in the nodes that PyYAML uses; the standard parser gives no positions."""

from __future__ import annotations

import json
import re

import yaml

_SKIP = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)
_OTHER = re.compile(r"[^\s,\]}]+")
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.S)
_STR, _MAP, _SEQ = "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"
# Numbers, true, false and null: never edited, so that one tag does for all.
_OTHER_TAG = "tag:yaml.org,2002:null"


def _mark(index: int) -> yaml.Mark:
    return yaml.Mark("", index, 0, 0, None, 0)


def nests_deeper(text: str, most: int) -> bool:
    """Whether the brackets of *text*, those inside strings left out, nest deeper than *most* levels."""
    depth = 0
    for match in _BRACKETS.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > most:
                return True
        elif match[0] in "]}":
            depth -= 1
    return False


def tree(text: str) -> yaml.Node:
    """The nodes of *text*, which :func:`json.loads` has read without an error."""
    node, _ = _value(text, _skip(text, 0))
    return node


def _skip(text: str, at: int) -> int:
    match = _SKIP.match(text, at)
    return match.end() if match else at


def _value(text: str, at: int) -> tuple[yaml.Node, int]:
    if text[at] == "{":
        return _collection(text, at, "}")
    if text[at] == "[":
        return _collection(text, at, "]")
    if text[at] == '"':
        return _string(text, at)
    match = _OTHER.match(text, at)
    assert match
    return yaml.ScalarNode(_OTHER_TAG, match[0], _mark(at), _mark(match.end())), match.end()


def _string(text: str, at: int) -> tuple[yaml.ScalarNode, int]:
    match = _STRING.match(text, at)
    assert match
    node = yaml.ScalarNode(_STR, json.loads(match[0], strict=False), _mark(at), _mark(match.end()), style='"')
    return node, match.end()


def _collection(text: str, at: int, closing: str) -> tuple[yaml.Node, int]:
    start = at
    items: list[object] = []
    at = _skip(text, at + 1)
    while text[at] != closing:
        key = None
        if closing == "}":
            key, at = _string(text, at)
            at = _skip(text, _skip(text, at) + 1)
        value, at = _value(text, at)
        items.append(value if key is None else (key, value))
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
    kind, tag = (yaml.MappingNode, _MAP) if closing == "}" else (yaml.SequenceNode, _SEQ)
    return kind(tag, items, _mark(start), _mark(at + 1), flow_style=True), at + 1
