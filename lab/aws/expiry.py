"""What a lifecycle policy does to images at one moment. Pure.

Follows the ECR user guide, "How lifecycle policies work": all rules are evaluated at the same time and then applied
by priority; an image is the business of one rule or of none, the first that it matches. Written apart from the
product's own simulation, which it is compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import policy
from .lifecycle_text import Rule, storage_class

DAY = 86400.0


@dataclass(frozen=True)
class State:
    """One image. Times are seconds since the epoch; *held*: an index that is not archived names it; *subject*: what it
    refers to."""

    digest: str
    tags: tuple[str, ...]
    pushed_at: float
    status: str = "ACTIVE"
    pulled_at: float | None = None
    archived_at: float | None = None
    activated_at: float | None = None
    held: bool = False
    subject: str | None = None


def outcomes(rules: Sequence[Rule], images: Sequence[State], now: float) -> dict[str, Rule]:
    """Return the rule that acts on each image, by digest; images that stay are not in it.

    rules: as ``lifecycle_text.checked`` returns them, by priority.
    """
    there = {image.digest for image in images}
    # Children of an index and referrers go with what they belong to: no rule sees or counts them.
    alone = [image for image in images if not image.held and image.subject not in there]
    acting: dict[str, Rule] = {}
    for image in alone:
        mine = next((rule for rule in rules if is_about(rule, image)), None)
        if mine and _is_due(mine, image, [other for other in alone if is_about(mine, other)], now):
            acting[image.digest] = mine
    return acting


def is_about(rule: Rule, image: State) -> bool:
    """Tell whether an image is one of those that a rule selects, old enough or not."""
    selection: dict[str, Any] = rule["selection"]
    if image.status != {"standard": "ACTIVE", "archive": "ARCHIVED"}[storage_class(rule)]:
        return False
    if selection["tagStatus"] == "any":
        return True
    if selection["tagStatus"] == "untagged":
        return not image.tags
    patterns = [f"{prefix}*" for prefix in _literal(selection.get("tagPrefixList"))]
    patterns += _literal(selection.get("tagPatternList"))
    # Every entry of the list must be met, each by any of the image's tags.
    return all(any(policy.matches(pattern, tag) for tag in image.tags) for pattern in patterns)


def _literal(texts: list[str] | None) -> list[str]:
    # A question mark is no wildcard here, and stands in no tag.
    return [text.replace("?", "\0") for text in texts or []]


def _is_due(rule: Rule, image: State, selected: Sequence[State], now: float) -> bool:
    kind, number = rule["selection"]["countType"], int(rule["selection"]["countNumber"])
    if kind == "imageCountMoreThan":
        younger = [s for s in selected if (_born(s), s.digest) > (_born(image), image.digest)]
        return len(younger) >= number
    return now - _since(kind, image) > number * DAY


def _born(image: State) -> float:
    """Return when an image's age begins: the first push, or its return from the archive."""
    return image.pushed_at if image.activated_at is None else image.activated_at


def _since(kind: str, image: State) -> float:
    if kind == "sinceImageTransitioned" and image.archived_at is not None:
        return image.archived_at
    if kind == "sinceImagePulled" and image.pulled_at is not None:
        return max(image.pulled_at, _born(image))
    return _born(image)
