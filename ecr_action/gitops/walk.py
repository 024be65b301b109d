"""Every scalar of a document that holds one of a few words, with the way that leads to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import yaml

from ecr_action.errors import GitOpsParse
from ecr_action.gitops.documents import MERGE, MOST_NESTED, Document, Source

# Aliases of aliases multiply; no document of 2 MB has that many nodes of its own.
_MOST_VISITS = 2_000_000

Step = tuple[yaml.Node, "str | int"]


@dataclass(frozen=True, eq=False)
class Hit:
    """A scalar *node* of *source*, and the *steps* to it: each a collection and the key or index taken in it.

    The steps of a literal block's text follow those of the block.
    """

    source: Source
    node: yaml.ScalarNode
    steps: tuple[Step, ...]

    @property
    def key(self) -> str | int:
        """The key or index of the node in its collection; empty for a document that is one scalar."""
        return self.steps[-1][1] if self.steps else ""

    @property
    def mapping(self) -> yaml.MappingNode | None:
        """The mapping that the node is a value of; on the way of a merge key the one that merges."""
        at = len(self.steps) - 1
        while at > 0 and (self.steps[at - 1][1] == "<<" or (at > 1 and self.steps[at - 2][1] == "<<")):
            at -= 1 if self.steps[at - 1][1] == "<<" else 2
        parent = self.steps[at][0] if at >= 0 else None
        return parent if isinstance(parent, yaml.MappingNode) else None

    @property
    def overridden(self) -> bool:
        """Whether a mapping that merges the node's has a value of its own under the key."""
        parent = self.steps[-1][0] if self.steps else None
        mapping = self.mapping
        return mapping is not None and mapping is not parent and value_of(mapping, str(self.key)) is not self.node

    @property
    def keys(self) -> tuple[str | int, ...]:
        return tuple(key for _, key in self.steps)

    @property
    def path(self) -> str:
        return dotted(self.keys)


def dotted(keys: Collection[str | int]) -> str:
    """Keys and indexes as one text: ``spec.containers[0].image``; a key with a dot in it is quoted."""
    text = ""
    for key in keys:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            plain = key and not set(key) & set('."[]#')
            text += ("." if text else "") + (key if plain else f'"{key}"')
    return text


def hits(document: Document, wanted: Callable[[str], bool]) -> Iterator[Hit]:
    """The scalars whose value is *wanted*, in the order of the text. Raises GitOpsParse where aliases multiply."""
    yield from walk(document.source, document.root, (), wanted)


def walk(source: Source, root: yaml.Node, before: tuple[Step, ...], wanted: Callable[[str], bool]) -> Iterator[Hit]:
    """As :func:`hits`, from *root* on; *before* are the steps that led to it."""
    visits = 0
    stack: list[tuple[yaml.Node, tuple[Step, ...]]] = [(root, before)]
    limit = MOST_NESTED + len(before)
    while stack:
        node, steps = stack.pop()
        visits += 1
        if isinstance(node, yaml.ScalarNode):
            if wanted(node.value):
                yield Hit(source, node, steps)
            continue
        if len(steps) > limit or visits > _MOST_VISITS:
            what = f"{source.file}: its aliases refer to themselves or multiply."
            raise GitOpsParse(what, fix="Leave the file out.", file=source.file)
        if isinstance(node, yaml.MappingNode):
            for key, value in reversed(node.value):
                # Most values are short scalars of no interest: they are left out before anything is made for them.
                if not isinstance(value, yaml.ScalarNode) or wanted(value.value):
                    name = key.value if isinstance(key, yaml.ScalarNode) else ""
                    stack.append((value, (*steps, (node, name))))
        else:
            for index in range(len(node.value) - 1, -1, -1):
                stack.append((node.value[index], (*steps, (node, index))))


def entries(mapping: yaml.Node) -> dict[str, yaml.Node]:
    """Key to value of *mapping*, merge keys resolved: its own keys win, and among merged mappings the first."""
    return _entries(mapping, 0)


def _entries(mapping: yaml.Node, depth: int) -> dict[str, yaml.Node]:
    found: dict[str, yaml.Node] = {}
    merged: list[yaml.Node] = []
    if not isinstance(mapping, yaml.MappingNode) or depth > 10:
        return found
    for key, value in mapping.value:
        if key.tag == MERGE:
            merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
        elif isinstance(key, yaml.ScalarNode):
            found[key.value] = value
    for other in merged:
        for name, value in _entries(other, depth + 1).items():
            found.setdefault(name, value)
    return found


def scalar(node: yaml.Node | None) -> str | None:
    """The text of a scalar that says something: None for a collection, nothing at all, null and the empty string."""
    if not isinstance(node, yaml.ScalarNode) or (node.style is None and node.value in ("~", "null", "Null", "NULL")):
        return None
    return node.value or None


def within(mapping: yaml.Node | None, *keys: str) -> yaml.Node | None:
    """What stands in *mapping* under *keys*, one inside the other."""
    node = mapping
    for key in keys:
        node = value_of(node, key)
    return node


def value_of(mapping: yaml.Node | None, key: str) -> yaml.Node | None:
    """What :func:`entries` has under *key*, found without making all of them."""
    if not isinstance(mapping, yaml.MappingNode):
        return None
    pairs: list[tuple[yaml.Node, yaml.Node]] = mapping.value
    for name, value in reversed(pairs):
        if name.value == key:
            return value
    return entries(mapping).get(key) if any(name.tag == MERGE for name, _ in pairs) else None
