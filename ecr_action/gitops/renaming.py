"""References to the repository that a promoted image came from: they take the image's new name. Pure.

Production in an account of its own begins with manifests that name development's registry; the promotion that brings
the image over moves them too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import yaml

from ecr_action.errors import GitOpsParse
from ecr_action.gitops.find import Found, same_registry
from ecr_action.gitops.forms import Seen
from ecr_action.gitops.splice import Addition, Change
from ecr_action.gitops.target import Target
from ecr_action.gitops.walk import entries, scalar
from ecr_action.image.reference import Reference, parse


def is_source(name: Reference, target: Target) -> bool:
    """Whether *name* is an image of the repository that *target* was promoted from."""
    source = target.source
    return source is not None and name.path == source.path and same_registry(name.host, source.host)


def marked(seen: Sequence[Found], target: Target, replicas: Collection[str]) -> list[Found]:
    """The references of *seen* to the image; those to its source are ``former``, unless it is one of *replicas*.

    An image of the source's name in a third registry is neither.
    """
    found = []
    for item in seen:
        replica = any(same_registry(item.name.host, host) for host in replicas)
        if item.kind != "listed" and is_source(item.name, target) and not replica:
            found.append(replace(item, former=True))
        elif item.name.path == target.repository:
            found.append(item)
    return found


def left(found: Sequence[Found], environment: str | None, named: Collection[str]) -> list[Found]:
    """The former names of *found* that stay: of another environment than the run's, or of none, unless *named*.

    A file of no environment may be that of those who publish to the source, whose next run would not find it again.
    """
    former = [item for item in found if item.former and item.file not in named]
    return [item for item in former if environment is None or item.environment != environment]


def told(stays: Sequence[Found], environment: str | None) -> list[str]:
    """What is told of *stays*: how one of no environment is moved too. Another environment's is none of ours."""
    neutral = [item for item in stays if item.environment is None]
    return [
        f"{item.file}, line {item.line}: {item.name} names the repository that the image comes from, in a file of no "
        f"environment; it is not edited. To move it: gitops-files: '{environment or '<environment>'}: {item.file}'"
        for item in neutral
    ]


def prefix(found: Found, seen: Seen) -> str:
    """What stands before the whole reference: Argo CD's ``kustomize.images`` need the name that the manifests have."""
    keys = [key for _, key in seen.steps[-3:]]
    overrides = len(keys) == 3 and keys[0] == "kustomize" and keys[1] == "images" and isinstance(keys[2], int)
    return f"{found.name.name}=" if overrides and not seen.prefix else seen.prefix


def changes(found: Found, seen: Seen, target: Target) -> Iterator[Change | Addition]:
    """What gives a reference of several fields the name of *target*. Raises GitOpsParse where others share its host."""
    if seen.form == "kustomize" and seen.entry is not None:
        node = entries(seen.entry).get("newName")
        if isinstance(node, yaml.ScalarNode) and scalar(node):
            yield from _change(found, seen, node, target.name)
        else:
            yield Addition(seen.source, seen.entry, "newName", target.name, found.path)
        return
    if seen.whole is not None or seen.repository is None:
        return
    written = parse(seen.repository.value)
    if written is not None and written.host:
        yield from _change(found, seen, seen.repository, target.name)
    elif seen.registry is not None:
        host, path = _apart(seen.registry.value, found.name, target)
        yield from _change(found, seen, seen.registry, host)
        yield from _change(found, seen, seen.repository, path)
    else:
        raise _shared(found, target)


def _apart(registry: str, name: Reference, target: Target) -> tuple[str, str]:
    """Registry and repository of *target*, divided as *registry* and the rest of *name* are."""
    bare = registry.rstrip("/")
    inner = bare.removeprefix(name.host or "").strip("/")
    end = registry[len(bare) :]
    if inner and target.repository.startswith(f"{inner}/"):
        return f"{target.registry}/{inner}{end}", target.repository.removeprefix(f"{inner}/")
    return f"{target.registry}{end}", target.repository


def _change(found: Found, seen: Seen, node: yaml.ScalarNode, value: str) -> Iterator[Change]:
    if node.value != value:
        yield Change(seen.source, node, value, found.path)


def _shared(found: Found, target: Target) -> GitOpsParse:
    what = f"{found.file}, line {found.line}, {found.path}: {found.name} has its registry from global.imageRegistry."
    return GitOpsParse(
        what,
        why="Other images of the file have it too, and would be looked for in a registry that may not hold them.",
        fix=f"Once it holds all of them, change global.imageRegistry to {target.registry} by hand.",
        file=found.file,
        line=found.line,
    )
