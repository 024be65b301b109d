"""Whose a reference is: the environment of its path, of its object's namespace, or the one that it is named for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ecr_action.gitops.environments import Environments, Unclear
from ecr_action.gitops.environments import Found as Named
from ecr_action.gitops.find import Found
from ecr_action.gitops.tree import matches
from ecr_action.gitops.walk import scalar, within


def by_path(found: Found, rule: Environments) -> Found:
    """*found* with the environment of its path."""
    place = rule.of(found.file)
    if place is None:
        return found
    if isinstance(place, Unclear):
        return replace(found, unclear=place.names)
    return replace(found, environment=place.name)


def by_namespace(found: Sequence[Found], rule: Environments) -> list[Found]:
    """Objects in files of no environment that lie in namespaces of several: then each has its namespace's."""
    names: dict[int, str] = {}
    for item in found:
        place = rule.of(_namespace(item)) if item.environment is None and not item.unclear else None
        if isinstance(place, Named):
            names[id(item)] = place.name
    if len(set(names.values())) < 2:
        return list(found)
    return [replace(item, environment=names.get(id(item), item.environment)) for item in found]


def named_for(found: Sequence[Found], patterns: Sequence[str], environment: str | None) -> list[Found]:
    """A file of no environment that one of *patterns* means is the environment's for which they were written.

    So it follows that environment's runs alone, and a release in it stops none of them.
    """
    return [
        replace(item, environment=environment)
        if item.environment is None and not item.unclear and any(matches(pattern, item.file) for pattern in patterns)
        else item
        for item in found
    ]


def _namespace(found: Found) -> str:
    """The namespace of the object that *found* is in, empty where none is written."""
    if found.seen is None or found.document is None or "namespace" not in found.document.source.text:
        return ""
    spaces = [scalar(within(node, "metadata", "namespace")) for node, _ in found.seen.steps]
    root = found.document.root
    # A kustomization's own, and where an Argo CD Application puts its objects.
    spaces += [scalar(within(root, "namespace")), scalar(within(root, "spec", "destination", "namespace"))]
    return next((space for space in spaces if space), "")
