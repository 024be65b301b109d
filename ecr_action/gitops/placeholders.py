"""What stands for an image before its first roll-out: taken only where exactly one fits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from ecr_action.errors import NoReference
from ecr_action.gitops.documents import Document, documents, extent
from ecr_action.gitops.find import HOLD, Found, in_data
from ecr_action.gitops.forms import Seen
from ecr_action.gitops.target import Target
from ecr_action.gitops.walk import Hit, hits, scalar, value_of, within
from ecr_action.gitops_protocols import File
from ecr_action.image.reference import Reference

WORDS = ("placeholder", "nginx", "busybox")
_PLAIN = re.compile(r"placeholder(?::[\w.-]+)?|(?:docker\.io/)?(?:library/)?(?:nginx|busybox)(?::latest)?")
# A host that a person or a template was to fill in: <ACCOUNT>, ${REGION}, $ACCOUNT, __REGION__, ACCOUNT_ID.
_BLANK = r"(?:<[^<>\s]+>|\$\{?\w+\}?|__\w+__|[A-Z][A-Z_]{2,})"
_TEMPLATE = re.compile(rf"[^\s/]*{_BLANK}[^\s/]*/(?P<path>[^\s:@]+)(?::\S+)?")


@dataclass(frozen=True, eq=False)
class _Candidate:
    found: Found
    workload: yaml.Node | None
    exact: bool


def placeholders(files: Sequence[File], target: Target) -> list[Found]:
    """The places that may be meant for *target*; of several in one object that in the container of its name.

    A path or the object's name must hold the repository's name.
    """
    candidates = [item for file in files for item in _of_file(file, target)]
    exact = {id(item.workload) for item in candidates if item.exact}
    return [item.found for item in candidates if item.exact or id(item.workload) not in exact]


def _of_file(file: File, target: Target) -> Iterator[_Candidate]:
    name = target.repository.rpartition("/")[2]
    wanted = (*WORDS, f"/{name}")
    in_path = name in file.path
    if not in_path and name.encode() not in file.content:
        return
    if not any(word.encode() in file.content for word in wanted):
        return
    for document in documents(file, wanted):
        for hit in hits(document, lambda value: any(word in value for word in wanted)):
            if hit.key == "image" and not in_data(hit) and (kind := _kind(hit.node.value, target)):
                candidate = _candidate(document, hit, target, kind)
                if in_path or kind == "template" or _object_fits(hit, name):
                    yield candidate


def _kind(text: str, target: Target) -> str | None:
    if "{{" in text:
        return None
    if _PLAIN.fullmatch(text):
        return "placeholder"
    match = _TEMPLATE.fullmatch(text)
    return "template" if match and match["path"] == target.repository else None


def _candidate(document: Document, hit: Hit, target: Target, kind: str) -> _Candidate:
    name = Reference(target.registry, target.repository)
    seen = Seen(form=kind, source=hit.source, name=name, whole=hit.node, steps=hit.steps)
    found = Found(
        file=hit.source.file,
        line=hit.source.line_of(extent(hit.node)[0]),
        path=hit.path,
        kind=kind,
        name=name,
        held=not hit.source.json and bool(HOLD.search(hit.source.rest_of_line(extent(hit.node)[1]))),
        seen=seen,
        document=document,
    )
    own = scalar(value_of(hit.mapping, "name"))
    return _Candidate(found, _object(hit), own == target.repository.rpartition("/")[2] or kind == "template")


def _object(hit: Hit) -> yaml.Node | None:
    """The Kubernetes object around *hit*."""
    objects = [node for node, _ in hit.steps if value_of(node, "kind")]
    return objects[-1] if objects else (hit.steps[0][0] if hit.steps else None)


def _object_fits(hit: Hit, name: str) -> bool:
    texts = [scalar(within(_object(hit), "metadata", "name"))]
    texts += [scalar(value_of(hit.mapping, "name"))]
    return any(name in text for text in texts if text)


KINDS = ("placeholder", "template")


def check_single(chosen: Sequence[Found], target: Target) -> None:
    """Raises NoReference where several placeholders were chosen, since only one can be the image's."""
    found = [item for item in chosen if item.kind in KINDS]
    if len(found) > 1:
        lines = "\n".join(f"  {item.file}#{item.path} (line {item.line})" for item in found)
        what = f"{target.name} is referenced nowhere yet, and {len(found)} placeholders could be meant for it."
        fix = f"Name the one that is meant:\ngitops-files: {found[0].file}#{found[0].path}"
        raise NoReference(what, why=f"Candidates:\n{lines}", fix=fix, file=found[0].file, line=found[0].line)
