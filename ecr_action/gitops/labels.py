"""``app.kubernetes.io/version`` follows the image, unless a selector uses it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

import yaml

from ecr_action.errors import GitOpsParse
from ecr_action.gitops.changes import collections, users
from ecr_action.gitops.documents import documents
from ecr_action.gitops.find import Found
from ecr_action.gitops.splice import Addition, Change
from ecr_action.gitops.target import Target
from ecr_action.gitops.walk import dotted, entries, scalar, value_of, within
from ecr_action.gitops_protocols import File

VERSION = "app.kubernetes.io/version"
# Kubernetes, "Labels and Selectors": syntax of a label's value.
_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_CONTAINERS = ("containers", "initContainers")
_PLACES = (
    ("metadata", "labels"),
    ("spec", "template", "metadata", "labels"),
    ("spec", "jobTemplate", "metadata", "labels"),
    ("spec", "jobTemplate", "spec", "template", "metadata", "labels"),
)


def follow(
    files: Mapping[str, File],
    edits: dict[str, list[Change | Addition]],
    moved: Iterable[tuple[Found, Target]],
    say: Callable[[str], None],
) -> None:
    """Add to *edits* the version labels of the objects and pod templates whose image was *moved*.

    A label that a selector of the same folder uses stays, everywhere in that folder: selectors of workloads can't be
    changed, and a Service would lose its pods.
    """
    selected: dict[str, str | None] = {}
    done: set[int] = set()
    for holder, found, target in _first(moved):
        for node, path in _labels(holder):
            folder = found.file.rpartition("/")[0]
            if folder not in selected:
                selected[folder] = _selecting(files.values(), folder)
            if selected[folder] is not None:
                say(f"{found.file}: the label {VERSION} stays as it is, since a selector uses it ({selected[folder]}).")
            elif not _VALUE.fullmatch(target.tag):
                say(f"{found.file}: the label {VERSION} stays as it is: {target.tag} is no value for a label.")
            elif not _is_label_alone(found, node):
                say(f"{found.file}: the label {VERSION} stays as it is: by an alias it is something else too.")
            elif node.value != target.tag and id(node) not in done and "{{" not in node.value and found.seen:
                done.add(id(node))
                edits.setdefault(found.file, []).append(Change(found.seen.source, node, target.tag, path))


def _is_label_alone(found: Found, node: yaml.ScalarNode) -> bool:
    """Whether no alias makes *node* anything but version labels."""
    if found.document is None or "*" not in found.document.source.text:
        return True
    return all(key == VERSION for _, key in users(found.document.root, node))


def _first(moved: Iterable[tuple[Found, Target]]) -> list[tuple[yaml.Node, Found, Target]]:
    """One image for each object: that whose container has the object's name, else the first."""
    best: dict[int, tuple[yaml.Node, Found, Target]] = {}
    for found, target in moved:
        node = _object(found)
        if node is None:
            continue
        name = target.repository.rpartition("/")[2]
        labelled = scalar(within(node, "metadata", "labels", "app.kubernetes.io/name"))
        named = name in (labelled, scalar(within(node, "metadata", "name")))
        if id(node) not in best or named:
            best[id(node)] = (node, found, target)
    return list(best.values())


def _object(found: Found) -> yaml.Node | None:
    """The object whose own container has the image; other forms (values, patches as text) have no labels of a pod."""
    if found.seen is None or found.seen.source.outer is not None or found.seen.whole is None:
        return None
    # JSON may write the slash as \/.
    if VERSION.partition("/")[0] not in found.seen.source.text:
        return None
    if not any(key in _CONTAINERS for _, key in found.seen.steps):
        return None
    around = (node for node, key in reversed(found.seen.steps) if key in ("spec", "template"))
    return next((node for node in around if value_of(node, "kind") and value_of(node, "metadata")), None)


def _labels(holder: yaml.Node) -> Iterator[tuple[yaml.ScalarNode, str]]:
    for keys in _PLACES:
        node = within(holder, *keys, VERSION)
        if isinstance(node, yaml.ScalarNode) and scalar(node):
            yield node, dotted((*keys, VERSION))


def _selecting(files: Iterable[File], folder: str) -> str | None:
    """The file of *folder* with a selector on the version label."""
    for file in files:
        if file.path.rpartition("/")[0] == folder and VERSION.encode() in file.content and _selects(file):
            return file.path
    return None


def _selects(file: File) -> bool:
    try:
        found = [node for document in documents(file, [VERSION]) for node in collections(document.root)]
    except GitOpsParse:
        return False
    return any(_uses(node) for node in found)


def _uses(mapping: yaml.Node) -> bool:
    for key, value in entries(mapping).items():
        inside = entries(value)
        if ("elector" in key or key in ("matchLabels", "commonLabels")) and VERSION in inside:
            return True
        if key == "key" and scalar(value) == VERSION:
            return True
    return scalar(entries(mapping).get("includeSelectors")) == "true" and within(mapping, "pairs", VERSION) is not None
