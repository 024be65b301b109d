"""Which places of a file say which image runs, in every form that Kubernetes' tools have."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

import yaml

from ecr_action.gitops import forms
from ecr_action.gitops.architectures import Placement
from ecr_action.gitops.documents import Document, Source, documents, extent
from ecr_action.gitops.forms import Seen
from ecr_action.gitops.walk import Hit, hits, scalar, walk, within
from ecr_action.gitops_protocols import File
from ecr_action.image import reference
from ecr_action.image.reference import Reference

_DATA = {"data", "stringData", "binaryData"}
# Fields that hold YAML as text; text elsewhere (annotations, scripts, arguments) is nobody's manifest.
_TEXT_KEYS = {"values", "patch", "templatePatch", "patchesStrategicMerge", "valuesContent"}
_DEEPEST_TEXT = 2
_HOST = r"[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?"
_HOST = r"[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?"
_EMBEDDED = re.compile(rf"(?<![\w./:-]){_HOST}/[\w./-]+(?:[:@][\w.:@-]+)?")
HOLD = re.compile(r"#\s*ecr-publish:\s*hold\b")
_OWNER = re.compile(r'#\s*\{\s*"\$imagepolicy"')


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where something stands: the *path* in the document, the *line* of the file (from 1), what is there and comes."""

    path: str
    line: int
    old: str
    new: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """A reference in a file. *kind* is its form; ``listed`` ones are only told of, since they are never edited.

    *held* is set where the line says so by ``# ecr-publish: hold``; *flux* where Flux's image automation owns it;
    *target* is the repository whose image it takes, where it is one of those that a run edits; *former*: it names the
    repository that the image was promoted from; *placed* says which machines its workload may land on.
    """

    file: str
    line: int
    path: str
    kind: str
    name: Reference
    environment: str | None = None
    unclear: tuple[str, ...] = ()
    held: bool = False
    flux: bool = False
    former: bool = False
    placed: Placement = ()
    target: str = ""
    seen: Seen | None = None
    document: Document | None = None

    @property
    def tag(self) -> str | None:
        return self.name.tag

    @property
    def digest(self) -> str | None:
        return self.name.digest


def same_registry(one: str | None, other: str | None) -> bool:
    """Whether two hosts are the same registry: all of ECR's host names of one account and region are."""
    if one is None or other is None:
        return one is other
    first, second = reference.registry_of(one), reference.registry_of(other)
    return first == second if first or second else one.lower() == other.lower()


def find(file: File, repositories: Collection[str]) -> list[Found]:
    """The references in *file* to images of *repositories* (names without host), whatever their registry.

    Raises GitOpsParse where the file mentions one of them and can't be read.
    """
    needles = {name.rpartition("/")[2] for name in repositories}
    found: list[Found] = []
    for document in documents(file, needles):
        seen: dict[tuple[int, ...], Found] = {}
        for item in _of_document(document, repositories, needles):
            key = item.seen.identity if item.seen else (id(item),)
            seen.setdefault(key, item)
        found += seen.values()
    return found


def _of_document(document: Document, repositories: Collection[str], needles: Collection[str]) -> Iterator[Found]:
    if len(needles) == 1:
        (needle,) = needles
        wanted: Callable[[str], bool] = lambda value: needle in value  # noqa: E731
    else:
        wanted = lambda value: any(needle in value for needle in needles)  # noqa: E731
    for hit in hits(document, wanted):
        yield from _of_hit(document, hit, repositories, wanted)


def _of_hit(
    document: Document, hit: Hit, repositories: Collection[str], wanted: Callable[[str], bool]
) -> Iterator[Found]:
    if hit.overridden:
        return
    if in_data(hit):
        yield from _listed(document, hit, repositories)
        return
    seen = forms.look(hit)
    if seen is not None:
        if seen.name.path in repositories:
            yield _found(document, hit, seen)
    elif is_text(hit):
        yield from _of_text(document, hit, repositories, wanted)
    else:
        yield from _listed(document, hit, repositories)


def _found(document: Document, hit: Hit, seen: Seen) -> Found:
    nodes = [node for node in (seen.whole, seen.repository, seen.tag, seen.digest) if node is not None]
    comments = [hit.source.rest_of_line(extent(node)[1]) for node in nodes]
    at = seen.tag or seen.whole or seen.digest or hit.node
    return Found(
        file=hit.source.file,
        line=hit.source.line_of(extent(at)[0]),
        path=hit.path,
        kind=seen.form,
        name=seen.name,
        held=not hit.source.json and any(HOLD.search(comment) for comment in comments),
        flux=not hit.source.json and any(_OWNER.search(comment) for comment in comments),
        seen=seen,
        document=document,
    )


def in_data(hit: Hit) -> bool:
    """Whether *hit* lies in the data of a ConfigMap or Secret, which belong to their application."""
    kinds = ("ConfigMap", "Secret")
    return any(key in _DATA and scalar(within(node, "kind")) in kinds for node, key in hit.steps)


def is_text(hit: Hit) -> bool:
    """Whether *hit* may be a manifest as text."""
    return "\n" in hit.node.value or (hit.node.value.lstrip()[:1] in ("{", "[") and hit.key in _TEXT_KEYS)


def _listed(document: Document, hit: Hit, repositories: Collection[str]) -> Iterator[Found]:
    """References inside a longer text; a name without tag and digest is none."""
    for match in _EMBEDDED.finditer(hit.node.value):
        parsed = reference.parse(match[0].rstrip(".:@-"))
        if parsed and parsed.path in repositories and (parsed.tag or parsed.digest):
            line = hit.source.line_of(extent(hit.node)[0])
            yield Found(file=hit.source.file, line=line, path=hit.path, kind="listed", name=parsed, document=document)


def _of_text(
    document: Document, hit: Hit, repositories: Collection[str], wanted: Callable[[str], bool]
) -> Iterator[Found]:
    """References in a text that is a manifest or values of its own."""
    keys = hit.keys
    if hit.source.depth >= _DEEPEST_TEXT or "annotations" in keys:
        yield from _listed(document, hit, repositories)
        return
    source = hit.source.inner(hit.node) if hit.node.style == "|" else None
    if source is None:
        source = Source(hit.source.file, hit.node.value)
        found = list(_of_source(document, hit, source, repositories, wanted))
        problem = "stands in folded or quoted text, whose lines are not those of the file"
        line = hit.source.line_of(extent(hit.node)[0])
        for item in found:
            seen = replace(item.seen, problem=problem, block=hit.node) if item.seen else None
            yield replace(item, line=line, seen=seen, held=False)
        if not found:
            yield from _listed(document, hit, repositories)
        return
    yield from _of_source(document, hit, source, repositories, wanted)


def _of_source(
    document: Document, hit: Hit, source: Source, repositories: Collection[str], wanted: Callable[[str], bool]
) -> Iterator[Found]:
    """References in the text of a block; a template that is no YAML is looked at line by line."""
    roots = [root for root in source.roots if not isinstance(root, yaml.ScalarNode)] if source.readable else []
    if not roots:
        found = list(_of_lines(document, hit, source, repositories)) if "{{" in source.text else []
        yield from found or _listed(document, hit, repositories)
        return
    for root in roots:
        for deeper in walk(source, root, hit.steps, wanted):
            yield from _of_hit(document, deeper, repositories, wanted)


# The one line of a template that can be read without its engine.
_LINE = re.compile(
    r"""^[ \t]*(?:- )?image:[ \t]+(?P<quote>["']?)(?P<value>[^\s"'{}#]+)(?P=quote)[ \t]*(?:#.*)?$""", re.M
)


def _of_lines(document: Document, hit: Hit, source: Source, repositories: Collection[str]) -> Iterator[Found]:
    for match in _LINE.finditer(source.text):
        parsed = reference.parse(match["value"])
        if parsed is None or parsed.path not in repositories:
            continue
        quote = match["quote"]
        start, end = _mark(match.start("value") - len(quote)), _mark(match.end("value") + len(quote))
        node = yaml.ScalarNode("tag:yaml.org,2002:str", match["value"], start, end, quote or None)
        seen = Seen(form="template line", source=source, name=parsed, whole=node, steps=hit.steps)
        yield _found(document, Hit(source, node, hit.steps), seen)


def _mark(index: int) -> yaml.Mark:
    return yaml.Mark("", index, 0, 0, None, 0)
