"""The forms of an image reference: a whole text, or a name and a tag in fields of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import yaml

from ecr_action.gitops.documents import Source, is_filled_in
from ecr_action.gitops.walk import Hit, Step, entries, scalar, within
from ecr_action.image import reference
from ecr_action.image.reference import DIGEST, Reference

_NAMES = ("repository", "name", "image")
_TAGS = ("tag", "imageTag", "version")
_DIGESTS = ("digest", "sha")
_REGISTRIES = ("registry", "imageRegistry")
_HEX = re.compile(r"[0-9a-f]{64}")
_KUSTOMIZE_FILE = re.compile(r"(?:^|/)(?:kustomization\.ya?ml|Kustomization)$")


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """An image reference and the scalars that make it.

    Parameters: *whole* is the scalar with all of it, after *prefix* (``name=`` of Argo CD's kustomize images); else
    *repository* (read only), *tag* and *digest* are scalars of their own, present but empty included; *entry* is the
    kustomize entry that can get a ``newTag``; *overrides* are further tags that win over *tag*; *problem* says why it
    can't be edited, *block* the text that it stands in; *steps* lead to it; *forced* is False for a Helm parameter
    that Helm reads as a number where it looks like one; *bare* digests are written without ``sha256:``; *registry* is
    the scalar of the host where the name has one of its own beside it.
    """

    form: str
    source: Source
    name: Reference
    steps: tuple[Step, ...]
    whole: yaml.ScalarNode | None = None
    prefix: str = ""
    repository: yaml.ScalarNode | None = None
    tag: yaml.ScalarNode | None = None
    digest: yaml.ScalarNode | None = None
    entry: yaml.MappingNode | None = None
    overrides: tuple[yaml.ScalarNode, ...] = ()
    problem: str = ""
    block: yaml.ScalarNode | None = None
    forced: bool = True
    bare: bool = False
    registry: yaml.ScalarNode | None = None

    @property
    def identity(self) -> tuple[int, ...]:
        """The same for one reference that is reached on several ways, by an alias or by two of its fields."""
        nodes = (self.whole, self.tag, self.digest, self.entry, self.block)
        return tuple(id(node) for node in nodes if node is not None)


def look(hit: Hit) -> Seen | None:
    """The reference that *hit* is a part of, None where it is none. A value with ``{{`` never is one."""
    if is_filled_in(hit.node.value) or not hit.steps:
        return None
    return _kustomize(hit) or _parameter(hit) or _whole(hit) or _fields(hit)


def _whole(hit: Hit) -> Seen | None:
    """A complete reference under any key; a name without tag and digest under ``image`` only."""
    prefix, text = "", hit.node.value
    if isinstance(hit.key, int) and "=" in text and _argo_images(hit):
        prefix, _, text = text.rpartition("=")
        prefix += "="
    parsed = reference.parse(text)
    if parsed is None or hit.key in ("name", "newName"):
        return None
    if parsed.tag is None and parsed.digest is None:
        pair = hit.mapping is not None and any(key in entries(hit.mapping) for key in (*_TAGS, *_DIGESTS))
        if (hit.key != "image" or pair) and not prefix:
            return None
    form = "image" if hit.key == "image" else "kustomize.images" if prefix else "reference"
    return Seen(form=form, source=hit.source, name=parsed, whole=hit.node, prefix=prefix, steps=hit.steps)


def _argo_images(hit: Hit) -> bool:
    """Whether *hit* is an item of ``kustomize.images``, as an Application or ``.argocd-source`` file has it."""
    return len(hit.steps) >= 3 and hit.steps[-2][1] == "images" and hit.steps[-3][1] == "kustomize"


def _kustomize(hit: Hit) -> Seen | None:
    """An entry of kustomize's ``images``: ``newName`` (else ``name``), ``newTag``, ``digest``."""
    entry = hit.mapping
    if entry is None or hit.key not in ("name", "newName") or len(hit.steps) < 3:
        return None
    if not isinstance(hit.steps[-2][1], int) or hit.steps[-3][1] != "images":
        return None
    fields = entries(entry)
    if not ({"newName", "newTag"} & set(fields) or _is_kustomization(hit)):
        return None
    name = scalar(fields.get("newName")) or scalar(fields.get("name")) or ""
    parsed = reference.parse(name)
    if parsed is None or is_filled_in(name) or parsed.tag or parsed.digest:
        return None
    tag, digest = fields.get("newTag"), fields.get("digest")
    return Seen(
        form="kustomize",
        source=hit.source,
        name=Reference(parsed.host, parsed.path, scalar(tag), scalar(digest)),
        steps=hit.steps,
        repository=hit.node,
        tag=tag if isinstance(tag, yaml.ScalarNode) else None,
        digest=digest if isinstance(digest, yaml.ScalarNode) else None,
        entry=entry,
    )


def _is_kustomization(hit: Hit) -> bool:
    if _KUSTOMIZE_FILE.search(hit.source.file):
        return True
    if "kustomize" in hit.keys:
        return True
    return scalar(within(hit.steps[0][0], "kind")) in ("Kustomization", "Component")


def _fields(hit: Hit) -> Seen | None:
    """Helm's way: a name, a tag, perhaps a registry and a digest, side by side."""
    mapping = hit.mapping
    if mapping is None or hit.key not in _NAMES:
        return None
    fields = entries(mapping)
    tag = next((fields[key] for key in _TAGS if key in fields), None)
    digest = next((fields[key] for key in _DIGESTS if key in fields), None)
    if tag is None and digest is None and "valuesObject" not in hit.keys:
        return None
    shared = _global_registry(hit)
    own = None if shared else next((fields[key] for key in _REGISTRIES if scalar(fields.get(key))), None)
    overrides, forced = _overrides(hit)
    seen = _joined("helm", hit, shared or scalar(own) or "", tag, digest, overrides, forced)
    if seen is None:
        return None
    bare = seen.bare or ("sha" in fields and "digest" not in fields)
    return replace(seen, bare=bare, registry=own if isinstance(own, yaml.ScalarNode) else None)


def _joined(
    form: str,
    hit: Hit,
    registry: str,
    tag: yaml.Node | None,
    digest: yaml.Node | None,
    overrides: tuple[yaml.ScalarNode, ...] = (),
    forced: bool = True,
) -> Seen | None:
    """A reference of several fields, None where they hold no tag and no digest: then the chart's own version runs."""
    text = hit.node.value
    parsed = reference.parse(f"{registry.rstrip('/')}/{text}" if registry else text)
    if parsed is None or parsed.tag or parsed.digest:
        return None
    words = scalar(overrides[-1] if overrides else tag) or ""
    label, _, pinned = words.partition("@")
    own = scalar(digest) or ""
    own = f"sha256:{own}" if _HEX.fullmatch(own) else own
    standing = own if DIGEST.fullmatch(own) else pinned if DIGEST.fullmatch(pinned) else None
    if is_filled_in(words + registry) or not (label or standing):
        return None
    return Seen(
        form=form,
        source=hit.source,
        name=Reference(parsed.host, parsed.path, label or None, standing),
        steps=hit.steps,
        repository=hit.node,
        tag=tag if isinstance(tag, yaml.ScalarNode) and scalar(tag) else None,
        digest=digest if isinstance(digest, yaml.ScalarNode) and (standing == own or not own) else None,
        overrides=overrides,
        forced=forced,
        bare=bool(_HEX.fullmatch(scalar(digest) or "")),
    )


def _global_registry(hit: Hit) -> str:
    """``global.imageRegistry`` of the values that *hit* is in: it wins over a registry beside the image."""
    for node, _ in hit.steps:
        if text := scalar(within(node, "global", "imageRegistry")):
            return text
    return ""


def _overrides(hit: Hit) -> tuple[tuple[yaml.ScalarNode, ...], bool]:
    """The tag parameters of an Application that win over the values object that *hit* is in."""
    for index, (node, key) in enumerate(hit.steps):
        if key == "valuesObject":
            prefix = ".".join(str(key) for key in hit.keys[index + 1 : -1])
            named = dict(_parameters(within(node, "parameters")))
            items = [named[name] for tag in _TAGS if (name := f"{prefix}.{tag}".lstrip(".")) in named]
            values = [entries(item).get("value") for item in items]
            return (
                tuple(value for value in values if isinstance(value, yaml.ScalarNode)),
                all(_is_forced(item) for item in items),
            )
    return (), True


def _parameters(sequence: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(sequence, yaml.SequenceNode):
        for item in sequence.value:
            if name := scalar(entries(item).get("name")):
                yield name, item


def _is_forced(item: yaml.Node) -> bool:
    fields = entries(item)
    return any(scalar(fields.get(key)) == "true" for key in ("forceString", "forcestring"))


def _parameter(hit: Hit) -> Seen | None:
    """Helm parameters of Argo CD: one item for each field, that of the name in *hit*."""
    mapping = hit.mapping
    if mapping is None or hit.key != "value" or len(hit.steps) < 3 or hit.steps[-3][1] != "parameters":
        return None
    name = scalar(entries(mapping).get("name")) or ""
    prefix, _, last = name.rpartition(".")
    if last not in _NAMES:
        return None
    named = dict(_parameters(hit.steps[-2][0]))
    beside = {key.rpartition(".")[2]: item for key, item in named.items() if key.rpartition(".")[0] == prefix}
    tag = next((beside[key] for key in _TAGS if key in beside), None)
    digest = next((beside[key] for key in _DIGESTS if key in beside), None)
    shared = named.get("global.imageRegistry")
    registry = shared or next((beside[key] for key in _REGISTRIES if key in beside), None)
    if tag is None and digest is None:
        return None
    host = entries(registry).get("value") if registry else None
    seen = _joined(
        "parameters",
        hit,
        scalar(host) or "",
        entries(tag).get("value") if tag else None,
        entries(digest).get("value") if digest else None,
        forced=tag is None or _is_forced(tag),
    )
    own = host if isinstance(host, yaml.ScalarNode) and scalar(host) and not shared else None
    return replace(seen, registry=own) if seen else None
