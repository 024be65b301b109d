"""Fields that are named outright: ``file.yaml#path.to[0].field``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

import yaml

from ecr_action.errors import NoReference
from ecr_action.gitops.documents import Document, documents, extent
from ecr_action.gitops.find import HOLD, Found
from ecr_action.gitops.forms import Seen
from ecr_action.gitops.renaming import is_source
from ecr_action.gitops.target import Target
from ecr_action.gitops.walk import Step, scalar
from ecr_action.gitops_protocols import File
from ecr_action.image import reference
from ecr_action.image.reference import DIGEST, Reference

_STEP = re.compile(r'\.?(?:"(?P<quoted>[^"]+)"|(?P<name>[^."\[\]]+))|\[(?P<index>[0-9]+)\]')


def fields(named: Collection[str]) -> dict[str, list[str]]:
    """Path to fields, of those names that have a ``#``."""
    found: dict[str, list[str]] = {}
    for name in named:
        path, mark, field = name.partition("#")
        if mark:
            found.setdefault(path, []).append(field)
    return found


def found(files: Mapping[str, File], wanted: Mapping[str, Sequence[str]], target: Target, *, only: bool) -> list[Found]:
    """The fields in *wanted* as references to *target*.

    Parameters: *only* is True where no other image is rolled out; else a field belongs to the image that it names.
    Raises NoReference where a file has no such field.
    """
    result = []
    for path, names in wanted.items():
        if path not in files:
            raise NoReference(f"{path} is not among the files.", fix="Correct the path in gitops-files.", file=path)
        for name in names:
            item = _field(files[path], name, target)
            if only or (item.name.path == target.repository and item.kind == "image"):
                result.append(item)
    return result


def _field(file: File, name: str, target: Target) -> Found:
    if not name:
        what = f"{file.path}# names no field."
        raise NoReference(what, fix="Leave the '#' out, or write the field behind it: #spec.image", file=file.path)
    keys = [match["quoted"] or match["name"] or int(match["index"]) for match in _STEP.finditer(name)]
    inner: list[str] = []
    for document in documents(file, [""]):
        place = _steps(document.root, keys)
        if place and isinstance(place[1], yaml.ScalarNode):
            return _found(document, place[0], place[1], name, target)
        inner += _keys(place[1]) if place else []
    if inner:
        what = f"The field {name} of {file.path} is a section, and no image."
        fix = f"Name a field in it: {', '.join(f'{name}.{key}' for key in inner[:10])}."
        raise NoReference(what, fix=fix, file=file.path)
    what = f"{file.path} has no field {name}."
    near = [key for document in documents(file, [""]) for key in _keys(document.root)]
    fix = f"Correct the path; at the top are {', '.join(near[:10]) or 'no keys'}."
    raise NoReference(what, fix=fix, file=file.path)


def _steps(root: yaml.Node, keys: Sequence[str | int]) -> tuple[list[Step], yaml.Node] | None:
    node, steps = root, []
    for key in keys:
        following = None
        if isinstance(node, yaml.MappingNode):
            following = next((value for name, value in node.value if name.value == str(key)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            following = node.value[key]
        if following is None:
            return None
        steps.append((node, key))
        node = following
    return steps, node


def _keys(root: yaml.Node) -> Iterator[str]:
    if isinstance(root, yaml.MappingNode):
        yield from (key.value for key, _ in root.value)


def _found(document: Document, steps: list[Step], node: yaml.ScalarNode, name: str, target: Target) -> Found:
    text = scalar(node) or ""
    parsed = reference.parse(text) if "/" in text or ":" in text else None
    whole = parsed is not None and not DIGEST.fullmatch(text)
    digest = bool(DIGEST.fullmatch(text))
    seen = Seen(
        form="image" if whole else "field",
        source=document.source,
        name=Reference(target.registry, target.repository),
        steps=tuple(steps),
        whole=node if whole else None,
        tag=None if whole or digest else node,
        digest=node if digest else None,
    )
    former = parsed is not None and whole and is_source(parsed, target)
    if parsed and whole:
        own = parsed.path == target.repository
        standing = parsed if own else Reference(target.registry, target.repository, parsed.tag, parsed.digest)
    else:
        tag, stands = (None, text) if digest else (text or None, None)
        standing = Reference(target.registry, target.repository, tag, stands)
    return Found(
        file=document.source.file,
        line=document.source.line_of(extent(node)[0]),
        path=name,
        kind=seen.form,
        name=standing,
        held=not document.source.json and bool(HOLD.search(document.source.rest_of_line(extent(node)[1]))),
        former=former,
        seen=seen,
        document=document,
    )
