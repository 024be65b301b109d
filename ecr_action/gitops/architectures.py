"""Which machines the workload of a reference may land on, and whether the image runs there.

Sources: Kubernetes, "Assigning Pods to Nodes" (nodeSelector and node affinity must both hold; terms are alternatives,
the expressions of one hold together) and "Well-Known Labels, Annotations and Taints" (kubernetes.io/arch).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import yaml

from ecr_action.errors import PlatformMissing
from ecr_action.gitops.documents import is_filled_in
from ecr_action.gitops.walk import Step, entries, scalar, within

_LABELS = ("kubernetes.io/arch", "beta.kubernetes.io/arch")
_TERMS = ("nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
# GitHub's own Linux runners by architecture.
_RUNNERS = {"amd64": "ubuntu-24.04", "arm64": "ubuntu-24.04-arm"}


@dataclass(frozen=True)
class Term:
    """One way to be placed: on one of *these* architectures (None: any), and on none of *others*."""

    these: frozenset[str] | None = None
    others: frozenset[str] = frozenset()

    def meet(self, values: Collection[str], operator: str) -> Term:
        """The term that holds where a requirement on the label holds as well."""
        if operator == "In":
            return Term(frozenset(values) if self.these is None else self.these & frozenset(values), self.others)
        return Term(self.these, self.others | frozenset(values)) if operator == "NotIn" else self


Placement = tuple[Term, ...]


def placement(text: str, steps: Sequence[Step]) -> Placement:
    """What the innermost collection on the way to a reference says that says anything; empty where none does.

    That is the pod's specification, or the ``nodeSelector`` beside an image in Helm's values. *text* is the document's:
    most have no such label, and are not walked through. JSON may write the label's slash as ``\\/``.
    """
    if "arch" not in text or "kubernetes.io" not in text:
        return ()
    for node, _ in reversed(steps):
        terms = tuple(_terms(node))
        if any(term != Term() for term in terms):
            return terms
    return ()


def _terms(mapping: yaml.Node) -> Iterator[Term]:
    start = Term()
    for label in _LABELS:
        if value := _known(scalar(within(mapping, "nodeSelector", label))):
            start = start.meet([value], "In")
    ways = within(mapping, "affinity", *_TERMS)
    if not isinstance(ways, yaml.SequenceNode) or not ways.value:
        yield start
        return
    for way in ways.value:
        term = start
        for fields in _items(within(way, "matchExpressions")):
            values = [value for item in _list(fields.get("values")) if (value := _known(scalar(item)))]
            if scalar(fields.get("key")) in _LABELS and values:
                term = term.meet(values, scalar(fields.get("operator")) or "")
        yield term


def _known(text: str | None) -> str | None:
    return None if text is None or is_filled_in(text) or "$" in text else text


def _list(node: yaml.Node | None) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _items(node: yaml.Node | None) -> Iterator[dict[str, yaml.Node]]:
    yield from (entries(item) for item in _list(node))


def wanted(placed: Placement, nodes: Collection[str]) -> frozenset[str]:
    """The architectures that a workload may land on, where the cluster has *nodes* of these (empty: not known)."""
    found: set[str] = set()
    for term in placed or (Term(),):
        found |= (frozenset(nodes) if term.these is None else term.these) - term.others
    return frozenset(found)


def lacking(needs: Collection[str], platforms: Collection[str]) -> list[str]:
    """Those of the architectures *needs* that none of the image's *platforms* (``linux/arm64/v8``) is for."""
    have = {platform.split("/")[1] for platform in platforms if "/" in platform}
    return sorted(set(needs) - have)


def refused(where: str, needs: Collection[str], platforms: Collection[str]) -> PlatformMissing:
    """The failure, with the lines to write. *where* is file and line."""
    missing, have = lacking(needs, platforms), " and ".join(sorted(platforms))
    lines = ",".join(f"linux/{name}" for name in sorted(needs))
    runner = _RUNNERS.get(next(iter(needs))) if len(needs) == 1 else None
    fix = f"platforms: {lines}"
    fix += f"\nand, so that nothing is emulated:\nruns-on: {runner}" if runner else _emulated(missing)
    return PlatformMissing(
        f"{where}: the workload may run on {' and '.join(sorted(needs))}, and the image is for {have}.",
        why="On a machine of another architecture its pods would not start.",
        fix=fix,
    )


def _emulated(missing: Sequence[str]) -> str:
    return (
        "\nand, for what the machine itself is not, steps before:\n"
        f'- uses: docker/setup-qemu-action@v3\n  with: {{platforms: "{",".join(missing)}"}}\n'
        "- uses: docker/setup-buildx-action@v3"
    )
