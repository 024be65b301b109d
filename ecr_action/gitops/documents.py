"""A file as text, its documents as trees of nodes with exact positions. Nothing here knows what an image is."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import yaml

from ecr_action.errors import GitOpsParse
from ecr_action.gitops import jsontext
from ecr_action.gitops_protocols import File

MOST_BYTES_OF_FILE = 10_000_000
# Kubernetes keeps an object in etcd, which takes 1.5 MB at most.
MOST_OF_DOCUMENT = 2_000_000
# libyaml's composer recurses in C: about 30,000 levels end the process without an exception.
MOST_NESTED = 200

# YAML 1.2, production c-forbidden: no scalar has these three characters at the start of a line.
_MARKER = re.compile(r"^---(?=[ \t\r\n]|$)", re.M)
_DIRECTIVE = re.compile(r"^%", re.M)
# Where blocks nest, each level but a sequence's in a mapping starts further right, behind nothing but these.
_INDENT = re.compile(r"[ \t?:-]{60,}")
_BOM = "\ufeff"
_TAG = "tag:yaml.org,2002:"
MERGE, STRING, MAPPING, SEQUENCE = (f"{_TAG}{name}" for name in ("merge", "str", "map", "seq"))
# What a template engine fills in, within a line; and its statements, which decide about whole lines.
_FILLED_IN = re.compile(r"\{\{[^{}\n]*\}\}")
_STATEMENT = re.compile(r"\{\{-?[ \t]*(?:/\*|(?:if|else|end|range|with|define|block|template|include)\b)")
# Stands for it while the text is parsed: a letter for YAML that no image, tag or registry has.
_FILLED = "\ue000"
# Of text without quotes: what type it has is a question for each reader.
PLAIN = "plain"


class _Loader(yaml.CSafeLoader):
    """libyaml's, without the guessing of types, which takes a third of the time and is needed for no more than this."""

    def resolve(self, kind: type[yaml.Node], value: str, implicit: bool | tuple[bool, bool]) -> str:
        """The tag of a node that has none: all that is told apart is plain text, quoted text and a merge key."""
        if kind is not yaml.ScalarNode:
            return MAPPING if kind is yaml.MappingNode else SEQUENCE
        if isinstance(implicit, tuple) and implicit[0]:
            return MERGE if value == "<<" else PLAIN
        return STRING

    def descend_resolver(self, current_node: yaml.Node | None, current_index: object) -> None:
        """Nothing: types by path are not in use."""

    def ascend_resolver(self) -> None:
        """Nothing, likewise."""


def is_filled_in(text: str) -> bool:
    """Whether a template engine makes a part of *text*, so that it can't be read without it."""
    return "{{" in text or _FILLED in text


def extent(node: yaml.Node) -> tuple[int, int]:
    """Where *node* starts and ends in its source, anchor and tag included."""
    assert node.start_mark is not None
    assert node.end_mark is not None
    return node.start_mark.index, node.end_mark.index


@dataclass(frozen=True, eq=False)
class Source:
    """Text that nodes were composed from: a document, or a literal block inside one.

    Parameters: *file* is the path; *text* the source; *start* its offset in the file's text; *line* the number of line
    breaks before it; *outer* and *holder* are the source and the node of a literal block, *lines* then has for each of
    its lines (offset in *text*, offset in *outer*'s text); *shallow* text is known not to nest too deep.
    """

    file: str
    text: str
    start: int = 0
    line: int = 0
    json: bool = False
    outer: Source | None = None
    holder: yaml.ScalarNode | None = None
    lines: tuple[tuple[int, int], ...] = ()
    shallow: bool = False

    @cached_property
    def template(self) -> bool:
        """Whether it is a literal block that an engine fills in."""
        return self.outer is not None and "{{" in self.text

    @cached_property
    def parsed(self) -> str:
        """What is parsed: *text*, of the same length, in which a template's expressions are one word each.

        A template with statements stays as it is, and is no YAML then.
        """
        if not self.template or _STATEMENT.search(self.text):
            return self.text
        return _FILLED_IN.sub(lambda match: _FILLED * len(match[0]), self.text)

    @property
    def readable(self) -> bool:
        """Whether the text can be parsed, which of a template is not sure."""
        try:
            return not (self.template and "{{" in self.parsed) and bool(self.roots)
        except GitOpsParse:
            return False

    @property
    def depth(self) -> int:
        """How many literal blocks this text lies in."""
        return self.outer.depth + 1 if self.outer else 0

    def outward(self, index: int) -> int:
        """The offset of the character at *index* in the text around: *outer*'s, or the file's."""
        if self.outer is None:
            return self.start + index
        own, there = self.lines[bisect_right(self.lines, (index, len(self.outer.text) + 1)) - 1]
        return there + index - own

    def line_of(self, index: int) -> int:
        """The line of the file, counted from 1."""
        if self.outer is None:
            return self.line + self.text.count("\n", 0, index) + 1
        return self.outer.line_of(self.outward(index))

    def rest_of_line(self, index: int) -> str:
        """What follows on the line of *index*, a comment for instance."""
        end = self.text.find("\n", index)
        return self.text[index:] if end < 0 else self.text[index:end]

    @cached_property
    def _scalars(self) -> dict[int, int]:
        """Each scalar token's start by its end: marks of tokens leave out anchor and tag, those of nodes don't."""
        tokens = yaml.scan(self.parsed, Loader=yaml.CSafeLoader)
        return {t.end_mark.index: t.start_mark.index for t in tokens if isinstance(t, yaml.ScalarToken)}

    @cached_property
    def roots(self) -> list[yaml.Node]:
        """The documents of the text. Raises GitOpsParse with file, line and column where it can't be read."""
        return [jsontext.tree(self.text)] if self.json else _compose(self)

    @cached_property
    def _inner(self) -> dict[int, Source | None]:
        return {}

    def inner(self, node: yaml.ScalarNode) -> Source | None:
        """The text of a literal block as a source of its own, None where its lines can't be mapped to the file's.

        Line *k* of the value is line *k* of the source behind the block's indentation (YAML 1.2, 8.1.2).
        """
        if id(node) not in self._inner:
            self._inner[id(node)] = self._mapped(node)
        return self._inner[id(node)]

    def _mapped(self, node: yaml.ScalarNode) -> Source | None:
        start, end = self.span(node)
        header, _, body = self.text[start:end].partition("\n")
        values, raw = node.value.split("\n"), body.split("\n")
        indent = next((len(r.rstrip("\r")) - len(v) for r, v in zip(raw, values, strict=False) if v.strip()), 0)
        own, there, lines = 0, start + len(header) + 1, []
        for number, value in enumerate(values):
            line = raw[number] if number < len(raw) else ""
            if line.rstrip("\r")[indent:] != value and (value or line.strip()):
                return None
            lines.append((own, min(there + indent, len(self.text))))
            own, there = own + len(value) + 1, there + len(line) + 1
        return Source(self.file, node.value, outer=self, holder=node, lines=tuple(lines))

    def span(self, node: yaml.ScalarNode) -> tuple[int, int]:
        """Where the scalar itself stands in *text*, quotes included, anchor and tag left out."""
        start, end = extent(node)
        if not self.json and self.text[start : start + 1] in ("&", "!"):
            start = self._scalars.get(end, end)
        return start, end


@dataclass(frozen=True, eq=False)
class Document:
    """One document of a file: its *source* and its *root* node."""

    source: Source
    root: yaml.Node


def decode(file: File) -> tuple[str, str]:
    """The byte order mark (or nothing) and the text of *file*. Raises GitOpsParse where it is too big or not UTF-8."""
    if len(file.content) > MOST_BYTES_OF_FILE:
        what = f"{file.path} has {len(file.content):,} bytes; {MOST_BYTES_OF_FILE:,} are read at most."
        raise GitOpsParse(what, fix="Split the file, or leave it out of gitops-files.", file=file.path)
    if file.content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        what = f"{file.path} is UTF-16."
        raise GitOpsParse(what, fix=f"Save it as UTF-8: iconv -f UTF-16 -t UTF-8 {file.path}", file=file.path)
    try:
        text = file.content.decode()
    except UnicodeDecodeError as error:
        line = file.content.count(b"\n", 0, error.start) + 1
        what = f"{file.path}, line {line}: the byte at offset {error.start} is not UTF-8."
        raise GitOpsParse(what, fix="Save the file as UTF-8.", file=file.path, line=line) from error
    return (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)


def documents(file: File, needles: Collection[str]) -> Iterator[Document]:
    """The documents of *file* in which one of *needles* stands.

    Raises GitOpsParse with file, line and column where one of them can't be read.
    """
    require_libyaml()
    _, text = decode(file)
    if not any(needle in text for needle in needles):
        return
    if (text.startswith(("{", "[")) or file.path.endswith(".json")) and _is_json(file, text):
        source = Source(file.path, text, json=True)
        yield Document(source, source.roots[0])
        return
    line = 0
    for start, end in _cuts(text):
        if any(text.find(needle, start, end) >= 0 for needle in needles):
            source = Source(file.path, text[start:end], start, line)
            yield from (Document(source, root) for root in source.roots)
        line += text.count("\n", start, end)


def require_libyaml() -> None:
    """Raises GitOpsParse where PyYAML came without libyaml: the other parser is slow and refuses more."""
    if not yaml.__with_libyaml__:
        why = "PyYAML was built from source without libyaml's headers."
        fix = "Install a wheel: pip install --only-binary :all: --force-reinstall PyYAML"
        raise GitOpsParse("PyYAML has no libyaml here.", why=why, fix=fix)


def _cuts(text: str) -> Iterator[tuple[int, int]]:
    if _DIRECTIVE.search(text):  # directives belong to the document that follows: leave the cutting to the parser
        yield 0, len(text)
        return
    starts = [0, *(match.start() for match in _MARKER.finditer(text) if match.start())]
    yield from zip(starts, [*starts[1:], len(text)], strict=True)


def _is_json(file: File, text: str) -> bool:
    """Whether *text* is JSON; else it is read as YAML. Raises GitOpsParse where it nests too deep."""
    if len(text) > MOST_OF_DOCUMENT:
        return False
    if jsontext.nests_deeper(text, MOST_NESTED):
        raise _too_deep(Source(file.path, text), 0)
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _compose(source: Source) -> list[yaml.Node]:
    """The roots of the YAML documents in *source*. Raises GitOpsParse with file, line and column."""
    text = source.parsed
    if len(text) > MOST_OF_DOCUMENT:
        what = f"{source.file}: the document at line {source.line + 1} has {len(text):,} characters."
        why = f"{MOST_OF_DOCUMENT:,} are read at most; Kubernetes takes no object of that size either."
        raise GitOpsParse(what, why=why, fix="Split it.", file=source.file, line=source.line + 1)
    if _BOM in text:
        raise _unreadable(source, text.index(_BOM), "a byte order mark inside the file", "Remove it.")
    try:
        if not source.shallow:
            check_depth(source)
        return [node for node in yaml.compose_all(text, Loader=_Loader) if node is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is not YAML"
        index = mark.index if mark else getattr(error, "position", 0) or 0
        raise _unreadable(source, index, str(problem), "Correct the line; nothing was written.") from error
    except ValueError as error:
        raise _unreadable(source, 0, str(error), "Correct the file; nothing was written.") from error


def check_depth(source: Source) -> None:
    """Raises GitOpsParse where collections nest deeper than is safe to compose."""
    text = source.parsed
    if not _INDENT.search(text) and text.count("[") + text.count("{") + 2 * 60 <= MOST_NESTED:
        return
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_NESTED:
                raise _too_deep(source, event.start_mark.index if event.start_mark else 0)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _too_deep(source: Source, index: int) -> GitOpsParse:
    return _unreadable(source, index, f"collections nest deeper than {MOST_NESTED} levels", "Leave the file out.")


def _unreadable(source: Source, index: int, problem: str, fix: str) -> GitOpsParse:
    index = min(max(index, 0), len(source.text))
    line = source.line_of(index)
    column = index - (source.text.rfind("\n", 0, index) + 1) + 1
    what = f"{source.file}, line {line}, column {column}: {problem}."
    return GitOpsParse(what, why="The file mentions the image.", fix=fix, file=source.file, line=line)
