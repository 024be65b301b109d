"""Whether what is deployed, or about to be, can expire. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ecr_action.aws.policy import Policy, Rule
from ecr_action.aws.simulate import DAYS, Stored, age_begins, independent, matches, newest_first

# A counted rule that lets so many more images come is none to warn of.
MANY = 100
# The number of the rules that are there to keep: more images than a team deploys.
FOR_EVER = 9999
# A release or deploy whose image ends within this time is told beforehand.
HORIZON = timedelta(days=30)
DEPLOYED = "deployed-"


@dataclass(frozen=True, kw_only=True)
class End:
    """How an image ends: by which *rule* (priority), at which time *when*, or *after* so many newer images."""

    digest: str
    tags: tuple[str, ...]
    rule: int
    when: datetime | None = None
    after: int | None = None

    def words(self) -> str:
        """``v1.2.3 (sha256:...) expires by the rule of priority 3 on 2026-12-01``."""
        tag = next((tag for tag in self.tags if tag.startswith(DEPLOYED)), next(iter(self.tags), "the image"))
        moment = f"on {self.when:%Y-%m-%d}" if self.when else f"once {self.after} newer images are there"
        return f"{tag} ({self.digest[:19]}) expires by the rule of priority {self.rule} {moment}"


def end(policy: Policy, images: Sequence[Stored], digest: str, at: datetime) -> End | None:
    """How the image *digest* of *images* ends under *policy*, seen at the time *at*; None where it never does."""
    free = independent(images)
    image = next((image for image in free if image.digest == digest), None)
    rule = _owner(policy, image)
    if image is None or rule is None or rule.action != "expire":
        return None
    chosen = rule.selection
    found = End(digest=digest, tags=image.tags, rule=rule.priority)
    if chosen.by_age:
        due = age_begins(chosen.count_type, image) + timedelta(days=min(chosen.count_number, DAYS))
        return replace(found, when=max(due, at))
    rank = newest_first([one for one in free if matches(chosen, one.tags, one.status)]).index(image)
    if rank >= chosen.count_number:
        return replace(found, when=at)
    return replace(found, after=chosen.count_number - rank)


def _owner(policy: Policy, image: Stored | None) -> Rule | None:
    rules = sorted(policy.rules, key=lambda rule: rule.priority)
    return next((rule for rule in rules if image and matches(rule.selection, image.tags, image.status)), None)


def threatened(policy: Policy, images: Sequence[Stored], at: datetime) -> tuple[End, ...]:
    """The deployed images (by their ``deployed-`` tags) that *policy* can expire."""
    marked = [image.digest for image in images if any(_marks(tag) for tag in image.tags)]
    ends = [found for digest in marked if (found := end(policy, images, digest, at))]
    return tuple(found for found in ends if found.when or (found.after or 0) < MANY)


def _marks(tag: str) -> bool:
    return tag.startswith(DEPLOYED) and not tag.endswith("-rejected")


def shielded(policy: Policy, tags: Sequence[str]) -> bool:
    """Whether *policy* never expires a tagged image with *tags*, whatever other images and tags there are.

    A further tag can only hand the image to an earlier rule, so that none before its own may expire what is tagged.
    """
    for rule in sorted(policy.rules, key=lambda rule: rule.priority):
        chosen = rule.selection
        if chosen.tag_status == "untagged" or chosen.storage_class != "standard":
            continue
        if rule.action == "expire" and (chosen.by_age or chosen.count_number < FOR_EVER):
            return False
        if matches(chosen, tags):
            return True
    return True


def foreseen(policy: Policy, images: Sequence[Stored], digest: str, tags: Sequence[str], at: datetime) -> End | None:
    """How the image *digest* would end soon once it carries *tags* as well (no other image has them then).

    Age and rank count from the first push, which a further tag does not renew: an old build may be the first to go.
    """
    moved = set(tags)
    after = [
        replace(one, tags=tuple(dict.fromkeys([*one.tags, *tags])))
        if one.digest == digest
        else replace(one, tags=tuple(tag for tag in one.tags if tag not in moved))
        for one in images
    ]
    found = end(policy, after, digest, at)
    return found if found and found.when and found.when - at < HORIZON else None
