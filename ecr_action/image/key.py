"""What an image is built from, as one short tag: two builds with the same key give images that stand for each other."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields

from ecr_action.image.arguments import BuildRequest

# The image's label that lists its inputs by name, each with the beginning of its hash.
LABEL = "io.github.darede-labs.ecr-publish.inputs"
# The tag's form.
KEY = re.compile(r"key-[0-9a-f]{16}")
# Fields of a build that make no other image, or none that a later run should tell apart.
NOT_IN_KEY = {
    "workspace": "where the checkout lies differs from runner to runner",
    "builder": "where it is built makes no other image",
    "by_digest": "it says under which name it is pushed",
    "builder_id": "it names the run",
    "call": "it builds no image",
    "load_as": "it says where else the image goes",
    "cache": "a cache makes no other image",
    "cache_from": "a cache makes no other image",
    "cache_to": "a cache makes no other image",
    "cgroup_parent": "it is the builder's own affair",
    "no_cache": "it says how the image is built, not from what",
    "no_cache_filters": "it says how the image is built, not from what",
    "pull": "it says how the image is built, not from what",
    "labels": "they name the commit, the version and the time",
}
# Another value of these is another service, not another build of the same one.
SERVICE = ("context", "file", "target")


@dataclass(frozen=True, kw_only=True)
class Key:
    """The key's *tag*, and the *inputs* behind it: name -> 8 hex of its hash."""

    tag: str
    inputs: Mapping[str, str]

    @property
    def label(self) -> str:
        """The inputs as the label's text."""
        return " ".join(f"{name}={value}" for name, value in sorted(self.inputs.items()))


def key(request: BuildRequest, source: str, *, ignore: Collection[str] = ()) -> Key:
    """The key of *request* built from *source* (a commit, or the hash of what is in the context).

    Parameters: *ignore* names build arguments that make no difference. A secret counts by its name, never its value:
    its text is masked wherever it is turned into words.
    """
    texts = {field.name: repr(_plain(getattr(request, field.name))) for field in fields(request)}
    texts = {name: text for name, text in texts.items() if name not in NOT_IN_KEY}
    texts["file"] = request.dockerfile
    # Files beside the image make no other image; how it is packed does.
    texts["outputs"] = request.pushed_with
    texts["build_args"] = repr(sorted((n, v) for n, v in dict(request.build_args).items() if n not in ignore))
    inputs = {name.replace("_", "-"): _hash(text)[:8] for name, text in texts.items()}
    whole = json.dumps([source, sorted(texts.items())])
    return Key(tag=f"key-{_hash(whole)[:16]}", inputs=inputs)


def listed(label: str | None) -> Mapping[str, str] | None:
    """The inputs that a label lists; None where there is no such label."""
    if not label:
        return None
    return {name: value for name, _, value in (word.partition("=") for word in label.split())}


def differing(ours: Mapping[str, str], theirs: Mapping[str, str]) -> tuple[str, ...]:
    """The names of inputs that are not the same; one that only one of both knows counts where it is known."""
    return tuple(sorted(name for name in set(ours) & set(theirs) if ours[name] != theirs[name]))


def _plain(value: object) -> object:
    # The order of a mapping makes no difference.
    return sorted(value.items()) if isinstance(value, Mapping) else value


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
