"""The worked examples of the ECR user guide's lifecycle pages, as values that any evaluator can be held against."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

COUNT, PUSHED, PULLED, MOVED = "imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"


@dataclass(frozen=True)
class Image:
    """An image: its *tags*, and *days* since its first push; further times in days before now."""

    name: str
    tags: tuple[str, ...]
    days: float
    pulled: float | None = None
    archived: float | None = None
    activated: float | None = None
    children: tuple[str, ...] = ()
    subject: str | None = None

    @property
    def status(self) -> str:
        """ARCHIVED for what was moved and has not come back."""
        return "ARCHIVED" if self.archived is not None and self.activated is None else "ACTIVE"


@dataclass(frozen=True)
class Case:
    """A policy's rules, the images, and what happens: ``{image: priority of the rule that acts}``."""

    name: str
    source: str
    rules: tuple[dict[str, Any], ...]
    images: tuple[Image, ...]
    expected: dict[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The policy as it is sent."""
        return json.dumps({"rules": list(self.rules)})


def rule(priority: int, status: str, kind: str, number: int, **more: Any) -> dict[str, Any]:
    """Return a rule that expires, or moves to the archive with ``moves=True``; *more* goes into its selection."""
    moves = more.pop("moves", False)
    selection = {"tagStatus": status, "countType": kind, "countNumber": number, **more}
    if kind != COUNT:
        selection["countUnit"] = "days"
    action = {"type": "transition", "targetStorageClass": "archive"} if moves else {"type": "expire"}
    return {"rulePriority": priority, "description": "an example", "selection": selection, "action": action}


def tagged(priority: int, patterns: list[str], kind: str, number: int, **more: Any) -> dict[str, Any]:
    """Return a rule for tagged images."""
    return rule(priority, "tagged", kind, number, tagPatternList=patterns, **more)


EXAMPLES = 'ECR user guide, "Examples of lifecycle policies": '
RULES = 'ECR user guide, "How lifecycle policies work": '
PAIRS = (
    Image("A", ("beta-1", "prod-1"), 10),
    Image("B", ("beta-2", "prod-2"), 9),
    Image("C", ("beta-3",), 8),
)
MIXED = (
    Image("A", ("alpha-1",), 12),
    Image("B", ("beta-1",), 11),
    Image("C", ("alpha-2", "beta-2"), 10),
    Image("D", ("alpha-3",), 4),
    Image("E", ("beta-3",), 3),
    Image("F", ("alpha-4", "beta-4"), 2),
)
WITH_UNTAGGED = (
    Image("A", ("alpha-1",), 4),
    Image("B", ("beta-1",), 3),
    Image("C", (), 2),
    Image("D", ("alpha-2",), 1),
)
CASES = (
    Case(
        "older than fourteen days",
        EXAMPLES + "filtering on image age",
        (tagged(1, ["prod*"], PUSHED, 14),),
        (Image("old", ("prod-1",), 15), Image("new", ("prod-2",), 13), Image("other", ("dev-1",), 99)),
        {"old": 1},
    ),
    Case(
        "one untagged image is kept",
        EXAMPLES + "filtering on image count",
        (rule(1, "untagged", COUNT, 1),),
        (Image("first", (), 3), Image("second", (), 2), Image("third", (), 1), Image("tagged", ("x",), 9)),
        {"first": 1, "second": 1},
    ),
    Case(
        "the first rule keeps what the second would expire",
        EXAMPLES + "filtering on multiple rules, example A",
        (tagged(1, ["prod*"], COUNT, 1), tagged(2, ["beta*"], COUNT, 1)),
        PAIRS,
        {"A": 1},
    ),
    Case(
        "the same rules in the other order",
        EXAMPLES + "filtering on multiple rules, example B",
        (tagged(1, ["beta*"], COUNT, 1), tagged(2, ["prod*"], COUNT, 1)),
        PAIRS,
        {"A": 1, "B": 1},
    ),
    Case(
        "several patterns in one rule are all needed",
        EXAMPLES + "filtering on multiple tags in a single rule, by age",
        (tagged(1, ["alpha*", "beta*"], PUSHED, 5),),
        MIXED,
        {"C": 1},
    ),
    Case(
        "several patterns in one rule, counted",
        EXAMPLES + "filtering on multiple tags in a single rule, by count",
        (tagged(1, ["alpha*", "beta*"], COUNT, 1),),
        MIXED,
        {"C": 1},
    ),
    Case(
        "a rule for each pattern",
        EXAMPLES + "filtering on multiple tags in several rules",
        (tagged(1, ["alpha*"], PUSHED, 5), tagged(2, ["beta*"], PUSHED, 5)),
        MIXED,
        {"A": 1, "C": 1, "B": 2},
    ),
    Case(
        "any image",
        EXAMPLES + "filtering on all images",
        (rule(1, "any", COUNT, 1),),
        WITH_UNTAGGED,
        {"A": 1, "B": 1, "C": 1},
    ),
    Case(
        "any image after a rule of its own",
        EXAMPLES + "filtering on all images, with a second rule",
        (tagged(1, ["alpha*"], COUNT, 1), rule(2, "untagged", COUNT, 1), rule(3, "any", COUNT, 1)),
        WITH_UNTAGGED,
        {"A": 1, "B": 3},
    ),
    Case(
        "not pulled for ninety days",
        EXAMPLES + "archiving images that were not pulled recently",
        (rule(1, "any", PULLED, 90, moves=True),),
        (Image("used", ("a",), 400, pulled=1), Image("unused", ("b",), 400, pulled=91), Image("never", ("c",), 91)),
        {"unused": 1, "never": 1},
    ),
    Case(
        "archived for a year",
        EXAMPLES + "archiving and expiring images",
        (
            rule(1, "any", PUSHED, 30, moves=True),
            rule(2, "any", MOVED, 365, storageClass="archive"),
        ),
        (
            Image("young", ("a",), 29),
            Image("old", ("b",), 31),
            Image("archived", ("c",), 500, archived=364),
            Image("long", ("d",), 500, archived=366),
        ),
        {"old": 1, "long": 2},
    ),
    Case(
        "a restored image is as old as its return",
        RULES + "last_activated_at",
        (rule(1, "any", PUSHED, 30, moves=True),),
        (Image("restored", ("a",), 500, archived=100, activated=5), Image("again", ("b",), 500, 0, 90, 31)),
        {"again": 1},
    ),
    Case(
        "children of an index are held and not counted",
        RULES + "images referenced by a manifest list",
        (rule(1, "untagged", COUNT, 1),),
        (
            Image("index", ("v1",), 9, children=("child",)),
            Image("child", (), 9),
            Image("loose", (), 8),
            Image("new", (), 1),
        ),
        {"loose": 1},
    ),
    Case(
        "a referrer is no image of its own",
        RULES + "reference artifacts",
        (rule(1, "untagged", PUSHED, 1),),
        (Image("subject", ("v1",), 9), Image("signature", (), 9, subject="subject"), Image("loose", (), 9)),
        {"loose": 1},
    ),
    Case(
        "priorities need not follow each other",
        RULES + "rule priority",
        (tagged(90, ["rc-*"], COUNT, 1), tagged(7, ["*-1"], COUNT, 1)),
        (Image("A", ("rc-1",), 3), Image("B", ("b-1",), 2), Image("C", ("rc-2",), 1), Image("D", ("rc-3",), 0.5)),
        {"A": 7, "C": 90},
    ),
)
