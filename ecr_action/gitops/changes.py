"""From a reference and an image to the scalars that change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import yaml

from ecr_action.errors import GitOpsParse
from ecr_action.gitops import renaming
from ecr_action.gitops.documents import extent
from ecr_action.gitops.find import Found
from ecr_action.gitops.forms import Seen
from ecr_action.gitops.splice import Addition, Change
from ecr_action.gitops.target import Target
from ecr_action.gitops.walk import entries, scalar
from ecr_action.image.reference import Reference

_IMAGE_NAMES = ("repository", "name", "image", "newName")
_FIELDS = ("tag", "imageTag", "version", "newTag", "digest", "sha")


def changes_for(found: Found, target: Target) -> list[Change | Addition]:
    """What makes *found* the image of *target*; empty where it is that already.

    The host stays as it is written, but for a reference to the image's former name. Raises GitOpsParse where the
    reference can't be edited.
    """
    seen = found.seen
    assert seen is not None
    tag, digest = _wanted(found, target)
    if seen.problem:
        fix = "Write it as a literal block ('|'), or use valuesObject or a patch file."
        raise _refused(found, f"the reference to {found.name} {seen.problem}.", fix)
    made = list(_made(found, seen, tag, digest, target))
    for change in made:
        if isinstance(change, Change):
            _check_aliases(found, change)
    names = list(renaming.changes(found, seen, target)) if found.former else []
    for change in names:
        if isinstance(change, Change):
            _check_single(found, change)
    _check_duplicates(found, [*names, *made])
    return [*names, *made]


def _wanted(found: Found, target: Target) -> tuple[str | None, str | None]:
    """The tag and digest that *found* must have. A digest that stands moves along; one that stands alone stays so."""
    pinned = target.pin == "digest"
    if (found.digest or pinned) and target.digest is None:
        what = f"{found.name} has a digest, which must move with its tag, and the new one is not known."
        raise _refused(found, what if found.digest else "the new digest is not known.", "Name it: --digest sha256:...")
    digest = target.digest if found.digest or pinned else None
    return (None if found.digest and not found.tag else target.tag), digest


def _made(
    found: Found, seen: Seen, tag: str | None, digest: str | None, target: Target
) -> Iterator[Change | Addition]:
    if seen.whole is not None:
        host, path = (target.registry, target.repository) if found.former else (found.name.host, found.name.path)
        prefix = renaming.prefix(found, seen) if found.former else seen.prefix
        yield from _change(found, seen.whole, f"{prefix}{Reference(host, path, tag, digest)}")
        return
    if seen.form == "kustomize" and seen.entry is not None:
        yield from _kustomize(found, seen, tag, digest)
        return
    inside = seen.tag is not None and "@" in seen.tag.value
    for node in (seen.tag, *seen.overrides):
        if node is not None and tag is not None:
            yield from _change(found, node, f"{tag}@{digest}" if "@" in node.value else tag)
        elif node is not None and inside:
            yield from _change(found, node, f"@{digest}")
    if seen.digest is not None and digest is not None and not inside:
        yield from _change(found, seen.digest, digest.removeprefix("sha256:") if seen.bare else digest)


def _kustomize(found: Found, seen: Seen, tag: str | None, digest: str | None) -> Iterator[Change | Addition]:
    assert seen.entry is not None
    for key, node, value in (("newTag", seen.tag, tag), ("digest", seen.digest, digest)):
        if value is None:
            continue
        if node is not None:
            yield from _change(found, node, value)
        else:
            yield Addition(seen.source, seen.entry, key, value, found.path)


def _change(found: Found, node: yaml.ScalarNode, value: str) -> Iterator[Change]:
    assert found.seen is not None
    if node.value != value:
        yield Change(found.seen.source, node, value, found.path)


def _refused(found: Found, what: str, fix: str) -> GitOpsParse:
    text = f"{found.file}, line {found.line}, {found.path}: {what}"
    return GitOpsParse(text, fix=fix, file=found.file, line=found.line)


# -- One scalar, several meanings ----------------------------------------------------------------------------------


def collections(root: yaml.Node) -> Iterator[yaml.MappingNode | yaml.SequenceNode]:
    """Every mapping and sequence of the tree, each once."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
            stack += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            yield node
            stack += node.value


def _check_aliases(found: Found, change: Change) -> None:
    """Refuse a scalar that, by an alias or a merge key, is something else too than a field of the same image.

    A complete reference is the same image wherever it is used; a tag is that of the image in its mapping.
    """
    seen, document = found.seen, found.document
    assert seen is not None
    if document is None or seen.whole is change.node or "*" not in document.source.text or change.source.json:
        return
    for root in change.source.roots if change.source.outer else [document.root]:
        for holder, key in users(root, change.node):
            if not _is_field(found, holder, key):
                line = change.source.line_of(extent(holder)[0])
                what = f"by an alias it is also {key!r} of what begins at line {line}, which is something else."
                raise _refused(found, what, "Write the value out at one of the two places.")


def _check_single(found: Found, change: Change) -> None:
    """Refuse a name that, by an alias or a merge key, stands at another place too: that one's tag would not follow."""
    if found.document is None or "*" not in found.document.source.text or change.source.json:
        return
    roots = change.source.roots if change.source.outer else [found.document.root]
    if sum(1 for root in roots for _ in users(root, change.node)) > 1:
        what = f"by an alias {change.node.value} is the name of another image field too, which would move along."
        raise _refused(found, what, "Write the value out at one of the two places.")


def users(root: yaml.Node, node: yaml.ScalarNode) -> Iterator[tuple[yaml.Node, str]]:
    """The collections that have *node* as a value, merge keys resolved, and the key."""
    for collection in collections(root):
        if isinstance(collection, yaml.MappingNode):
            yield from ((collection, key) for key, value in entries(collection).items() if value is node)
        else:
            yield from ((collection, str(index)) for index, value in enumerate(collection.value) if value is node)


def _is_field(found: Found, holder: yaml.Node, key: str) -> bool:
    """Whether *key* of *holder* is a tag or digest of the image of *found*, or of nothing but the fields themselves."""
    fields = entries(holder)
    if key == "app.kubernetes.io/version":
        return True
    if key == "value":
        return (scalar(fields.get("name")) or "").rpartition(".")[2] in _FIELDS
    names = [text for name in _IMAGE_NAMES if (text := scalar(fields.get(name)))]
    own = found.name.path.rpartition("/")[2]
    return key in _FIELDS and (not names or any(name.rpartition("/")[2] == own for name in names))


def _check_duplicates(found: Found, made: Sequence[Change | Addition]) -> None:
    """Refuse where a key on the way stands twice: some readers take the first, some the last, Go's refuse the file.

    The same field twice is fine where both get the same value: then every reader sees it.
    """
    assert found.seen is not None
    values = {id(change.node): change.value for change in made if isinstance(change, Change)}
    for node, key in found.seen.steps:
        if not isinstance(node, yaml.MappingNode):
            continue
        counted = [value for name, value in node.value if isinstance(name, yaml.ScalarNode) and name.value == key]
        if len(counted) > 1 and not all(_ends_as(value, found, values) for value in counted):
            _duplicate(found, str(key))
    parent = found.seen.steps[-1][0] if found.seen.steps else None
    if isinstance(parent, yaml.MappingNode):
        for key, value in parent.value:
            if id(value) in values and value is not found.seen.whole:
                same = [other for name, other in parent.value if name.value == key.value]
                if any(values.get(id(other), getattr(other, "value", None)) != values[id(value)] for other in same):
                    _duplicate(found, key.value)


def _ends_as(node: yaml.Node, found: Found, values: dict[int, str]) -> bool:
    """Whether a scalar that has the key of a whole reference becomes, or is, the same as the reference's own."""
    assert found.seen is not None
    whole = found.seen.whole
    if whole is None or not isinstance(node, yaml.ScalarNode):
        return False
    return node.value in (whole.value, values.get(id(whole)))


def _duplicate(found: Found, key: str) -> None:
    fix = f"Remove one of them: kubectl takes the last {key!r}, other readers the first or none."
    raise _refused(found, f"the key {key!r} stands twice.", fix)
