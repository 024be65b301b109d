"""What a lifecycle policy does to the images of a repository at one moment. Pure.

Source: ECR user guide, "How lifecycle policies work" (evaluation rules); API reference, ImageDetail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from fnmatch import translate
from functools import cache
from typing import Any

from ecr_action.aws.policy import Policy, Selection
from ecr_action.errors import InputProblems, Problem

_STATUS = {"standard": "ACTIVE", "archive": "ARCHIVED"}


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An image as DescribeImages tells it. *children*: digests that it names as an index; *subject*: whose referrer
    it is. *activated_at*: when it came back from the archive."""

    digest: str
    pushed_at: datetime
    tags: tuple[str, ...] = ()
    status: str = "ACTIVE"
    pulled_at: datetime | None = None
    archived_at: datetime | None = None
    activated_at: datetime | None = None
    children: tuple[str, ...] = ()
    subject: str | None = None

    @property
    def since(self) -> datetime:
        """Where its age begins: the first push (a further tag does not renew it), or its return from the archive."""
        return self.activated_at or self.pushed_at


@dataclass(frozen=True)
class Fate:
    """What happens to one image: the *rule* (priority) that acts and its *action*, None where nothing does."""

    digest: str
    tags: tuple[str, ...]
    rule: int | None = None
    action: str | None = None


def simulate(policy: Policy, images: Sequence[Stored], at: datetime) -> tuple[Fate, ...]:
    """The fate of each of *images*, in their order, when *policy* is applied at the time *at*.

    Images that an index names are neither touched nor counted; a referrer shares its subject's fate.
    """
    fates: dict[str, tuple[int, str]] = {}
    claimed: set[str] = set()
    free = independent(images)
    for rule in sorted(policy.rules, key=lambda rule: rule.priority):
        chosen = [image for image in free if matches(rule.selection, image.tags, image.status)]
        for image in _due(rule.selection, chosen, at):
            if image.digest not in claimed:
                fates[image.digest] = (rule.priority, rule.action)
        # Who matches a rule is out of reach of all that follow, whether or not it was this one's turn.
        claimed.update(image.digest for image in chosen)
    return tuple(Fate(image.digest, image.tags, *_fate(image, images, fates)) for image in images)


def independent(images: Sequence[Stored]) -> list[Stored]:
    """Those of *images* that rules look at: no referrers of an image that is there, and no children of an index that
    is not archived (ECR user guide, "Lifecycle policy evaluation rules")."""
    there = {image.digest for image in images}
    children = {child for image in images if image.status != "ARCHIVED" for child in image.children}
    return [image for image in images if image.digest not in children and image.subject not in there]


def _fate(image: Stored, images: Sequence[Stored], fates: dict[str, tuple[int, str]]) -> tuple[int | None, str | None]:
    subjects = {one.digest: one.subject for one in images}
    digest, seen = image.digest, {image.digest}
    while (above := subjects.get(digest)) in subjects and above is not None and above not in seen:
        digest = above
        seen.add(above)
    return fates.get(digest, (None, None))


def matches(selection: Selection, tags: Iterable[str], status: str = "ACTIVE") -> bool:
    """Whether an image with *tags* is one of those that a rule is about: each prefix or pattern by any of its tags."""
    names = tuple(tags)
    if status != _STATUS[selection.storage_class]:
        return False
    if selection.tag_status == "untagged":
        return not names
    if selection.tag_status == "any":
        return True
    return all(any(tag.startswith(prefix) for tag in names) for prefix in selection.prefixes) and all(
        any(_compiled(pattern).match(tag) for tag in names) for pattern in selection.patterns
    )


# No image is older; a policy may have any number, and means never by it.
DAYS = 999_999


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # Only * is a wildcard; fnmatch knows ? and [ too.
    return re.compile(translate(pattern.replace("[", "[[]").replace("?", "[?]")))


def _due(selection: Selection, chosen: Sequence[Stored], at: datetime) -> list[Stored]:
    if not selection.by_age:
        return newest_first(chosen)[selection.count_number :]
    age = timedelta(days=min(selection.count_number, DAYS))
    return [image for image in chosen if at - age_begins(selection.count_type, image) > age]


def newest_first(chosen: Sequence[Stored]) -> list[Stored]:
    """In the order in which a counted rule keeps them."""
    return sorted(chosen, key=lambda image: (image.since, image.digest), reverse=True)


def age_begins(count_type: str, image: Stored) -> datetime:
    """From when a rule of *count_type* counts the days of *image*."""
    if count_type == "sinceImageTransitioned":
        return image.archived_at or image.since
    if count_type == "sinceImagePulled" and image.pulled_at:
        return max(image.pulled_at, image.activated_at or image.pulled_at)
    return image.since


# -- from documents --------------------------------------------------------------------------------------------------


def images(document: str) -> tuple[Stored, ...]:
    """The images of a document in the shape of ``aws ecr describe-images`` (a row may carry ``children``).

    Raises InputProblems with every row that can't be read.
    """
    try:
        content = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise InputProblems([Problem("--images", f"is no JSON: {error}.")]) from error
    rows = content.get("imageDetails") if isinstance(content, dict) else content
    if not isinstance(rows, list):
        raise InputProblems([Problem("--images", "has no list 'imageDetails'.", "Save aws ecr describe-images.")])
    found: list[Stored] = []
    problems = []
    for number, row in enumerate(rows, 1):
        try:
            found.append(stored(row))
        except KeyError as lacking:
            fix = "Save the output of: aws ecr describe-images --output json"
            problems.append(Problem("--images", f"row {number} lacks {lacking}.", fix))
        except (TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
            problems.append(Problem("--images", f"row {number} can't be read: {type(error).__name__} {error}."))
    if problems:
        raise InputProblems(problems)
    return tuple(found)


def stored(row: Mapping[str, Any], children: Iterable[str] = ()) -> Stored:
    """An image from a row of DescribeImages. *children*: what it names as an index, where the row does not say it.

    Raises KeyError, TypeError or ValueError where the row is none.
    """
    pushed = moment(row["imagePushedAt"])
    if pushed is None:
        raise ValueError("imagePushedAt is empty")
    return Stored(
        digest=str(row["imageDigest"]),
        pushed_at=pushed,
        tags=tuple(str(tag) for tag in row.get("imageTags") or ()),
        status=str(row.get("imageStatus") or "ACTIVE"),
        pulled_at=moment(row.get("lastRecordedPullTime")),
        archived_at=moment(row.get("lastArchivedAt")),
        activated_at=moment(row.get("lastActivatedAt")),
        children=tuple(str(child) for child in row.get("children") or children),
        subject=row.get("subjectManifestDigest") or None,
    )


def moment(value: Any) -> datetime | None:
    """A time as the AWS CLI or SDK writes it: ISO 8601 (UTC where it says no offset), or seconds since the epoch.

    Raises ValueError for what is neither.
    """
    if value is None or value == "":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, timezone.utc)
    found = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
