"""Policies and repositories from a seed: every kind of rule, well-formed or nearly so, and every kind of image."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from .lifecycle_cases import COUNT, MOVED, PULLED, PUSHED, Image, rule

TAGS = ("latest", "prod-v1.0.0", "prod-1", "v1.0.0", "v2.0.0-rc.1", "dev-1", "dev-a", "a", "a-b-c-d", "key-1", "x.y")
PREFIXES = ("prod-", "v", "dev-", "d", "latest", "a", "a-b", "key-1", "zz")
PATTERNS = ("prod-*", "v*.*.*", "*", "*-1", "a*b*c*d", "latest", "x.y", "xXy", "v?", "[a]", "*rc*", "dev-*a")
# What makes a rule one that ECR refuses, most of the time.
SLIPS: Sequence[tuple[str, str, Any]] = (
    *[("selection", "countNumber", value) for value in (0, -1, "3", True)],
    *[("selection", "countUnit", value) for value in ("hours", None, "days")],
    *[("selection", "countType", value) for value in ("sinceImageBuilt", PULLED, MOVED)],
    *[("selection", "tagStatus", value) for value in ("any", "tagged", "untagged", "latest")],
    *[("selection", "storageClass", value) for value in ("archive", "glacier", "standard")],
    *[("selection", "tagPrefixList", value) for value in ([], ["v"], [""], "v")],
    *[("selection", "tagPatternList", value) for value in (["*a*b*c*d*"], [])],
    *[("action", "type", value) for value in ("expire", "transition", "delete")],
    *[("action", "targetStorageClass", value) for value in ("archive", "standard", None)],
)


def policy(chance: Random) -> str:
    """The text of a policy of one to five rules; about one in four has something in it that is not as it should be."""
    priorities = chance.sample(range(1, 12), chance.randint(1, 5))
    rules = [_rule(chance, priority) for priority in priorities]
    if chance.random() < 0.25:
        part, name, value = chance.choice(SLIPS)
        members = chance.choice(rules)[part]
        members.pop(name, None)
        members.update({} if value is None else {name: value})
    return json.dumps({"rules": rules}).ljust(100)


def _rule(chance: Random, priority: int) -> dict[str, Any]:
    archived = chance.random() < 0.25
    moves = not archived and chance.random() < 0.35
    kind = MOVED if archived else chance.choice((COUNT, PUSHED, *([PULLED] if moves else [])))
    number = chance.randint(90, 130) if kind == MOVED else chance.randint(1, 4 if kind == COUNT else 40)
    more: dict[str, Any] = {"storageClass": "archive"} if archived else {}
    status = chance.choice(("tagged", "tagged", "tagged", "tagged", "untagged", "any"))
    if status == "tagged":
        name, words = chance.choice((("tagPrefixList", PREFIXES), ("tagPatternList", PATTERNS)))
        more[name] = chance.sample(words, chance.choice((1, 1, 1, 2)))
    return rule(priority if status != "any" else 20, status, kind, number, moves=moves, **more)


def repository(chance: Random) -> tuple[Image, ...]:
    """Up to fourteen images; ages are whole hours, two may be of one hour, a tag stands on one image only."""
    tags = chance.sample(TAGS, len(TAGS))
    images: list[Image] = []
    for number in range(chance.randint(1, 14)):
        named = tuple(tags.pop() for _ in range(min(len(tags), chance.choice((0, 1, 1, 2, 3)))))
        images.append(_image(chance, f"sha256:{number:02}", named, images))
    return tuple(images)


def _image(chance: Random, digest: str, tags: tuple[str, ...], earlier: Sequence[Image]) -> Image:
    hours = chance.randint(1, 60 * 24)
    archived = chance.randint(1, 150 * 24) if chance.random() < 0.3 else None
    activated = chance.randint(1, archived) if archived and chance.random() < 0.4 else None
    pulled = chance.randint(1, hours) if chance.random() < 0.5 else None
    names = [one.name for one in earlier]
    return Image(
        digest,
        tags,
        (hours + (archived or 0)) / 24,
        pulled=pulled and pulled / 24,
        archived=archived and archived / 24,
        activated=activated and activated / 24,
        children=tuple(chance.sample(names, min(len(names), 2))) if chance.random() < 0.15 else (),
        subject=chance.choice(names) if names and chance.random() < 0.15 else None,
    )


# What has to be met often enough for an agreement to mean something.
KINDS = (
    "refused",
    *("several prefixes", "several patterns", "a pattern that is no prefix", "untagged", "any"),
    *(f"{kind} acts" for kind in (COUNT, PUSHED, PULLED, MOVED)),
    *("expire acts", "transition acts", "a later rule acts"),
    *("a child", "a referrer", "an archived image", "a restored image"),
)


def kinds(rules: Sequence[dict[str, Any]], images: Sequence[Image], acting: dict[str, dict[str, Any]]) -> set[str]:
    """Which of KINDS a case has: its *rules*, its *images*, the rules that are *acting* by digest."""
    selections = [rule["selection"] for rule in rules]
    patterns = [one.get("tagPatternList", []) for one in selections]
    met = {one["tagStatus"] for one in selections} - {"tagged"}
    met |= {"several prefixes"} if any(len(one.get("tagPrefixList", [])) > 1 for one in selections) else set()
    met |= {"several patterns"} if any(len(several) > 1 for several in patterns) else set()
    met |= {"a pattern that is no prefix"} if any("*" in one[:-1] for several in patterns for one in several) else set()
    for one in acting.values():
        met |= {f"{one['selection']['countType']} acts", f"{one['action']['type']} acts"}
        met |= {"a later rule acts"} if one is not rules[0] else set()
    for image in images:
        met |= {"a child"} if image.children else set()
        met |= {"a referrer"} if image.subject else set()
        met |= {"an archived image"} if image.status == "ARCHIVED" else set()
        met |= {"a restored image"} if image.activated else set()
    return met
