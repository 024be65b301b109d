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


EXAMPLES = 'ECR user guide, "Examples of lifecycle policies in Amazon ECR": '
RULES = 'ECR user guide, "Lifecycle policy evaluation rules": '
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
# The guide's own repositories and results, in its order; where it gives a policy alone, the images are ours.
GUIDE = (
    Case(
        "older than fourteen days",
        EXAMPLES + "Filtering on image age",
        (tagged(1, ["prod*"], PUSHED, 14),),
        (Image("old", ("prod-1",), 15), Image("new", ("prod-2",), 13), Image("other", ("dev-1",), 99)),
        {"old": 1},
    ),
    Case(
        "not pulled for ninety days",
        EXAMPLES + "Filtering on last pulled time; Archiving images not pulled in a specified number of days",
        (rule(1, "any", PULLED, 90, moves=True),),
        (Image("used", ("a",), 400, pulled=1), Image("unused", ("b",), 400, pulled=91), Image("never", ("c",), 91)),
        {"unused": 1, "never": 1},
    ),
    Case(
        "archived for more than a year",
        EXAMPLES + "Filtering on archive transition time",
        (rule(1, "any", MOVED, 365, storageClass="archive"),),
        (Image("active", ("a",), 999), Image("year", ("b",), 999, archived=364), Image("long", (), 999, archived=366)),
        {"long": 1},
    ),
    Case(
        "one untagged image is kept",
        EXAMPLES + "Filtering on image count",
        (rule(1, "untagged", COUNT, 1),),
        (Image("first", (), 3), Image("second", (), 2), Image("third", (), 1), Image("tagged", ("x",), 9)),
        {"first": 1, "second": 1},
    ),
    Case(
        "the first rule keeps what the second would expire",
        EXAMPLES + "Filtering on multiple rules, Example A",
        (tagged(1, ["prod*"], COUNT, 1), tagged(2, ["beta*"], COUNT, 1)),
        PAIRS,
        {"A": 1},
    ),
    Case(
        "the same rules in the other order",
        EXAMPLES + "Filtering on multiple rules, Example B",
        (tagged(1, ["beta*"], COUNT, 1), tagged(2, ["prod*"], COUNT, 1)),
        PAIRS,
        {"A": 1, "B": 1},
    ),
    Case(
        "several patterns in one rule are all needed",
        EXAMPLES + "Filtering on multiple tags in a single rule, Example A",
        (tagged(1, ["alpha*", "beta*"], PUSHED, 5),),
        MIXED,
        {"C": 1},
    ),
    Case(
        "further tags do not matter",
        EXAMPLES + "Filtering on multiple tags in a single rule, Example B",
        (tagged(1, ["alpha*", "beta*"], COUNT, 1),),
        (
            Image("A", ("alpha-1", "beta-1", "gamma-1"), 10),
            Image("B", ("alpha-2", "beta-2"), 9),
            Image("C", ("alpha-3", "beta-3", "gamma-2"), 8),
        ),
        {"A": 1, "B": 1},
    ),
    Case(
        "any image",
        EXAMPLES + "Filtering on all images, Example A",
        (rule(1, "any", COUNT, 1),),
        (
            Image("A", ("alpha-1",), 4),
            Image("B", ("beta-1",), 3),
            Image("C", (), 2),
            Image("D", ("alpha-2",), 1),
        ),
        {"A": 1, "B": 1, "C": 1},
    ),
    Case(
        "all kinds of rules in one policy",
        EXAMPLES + "Filtering on all images, Example B",
        (tagged(1, ["alpha*"], COUNT, 1), rule(2, "untagged", PUSHED, 1), rule(3, "any", COUNT, 1)),
        # D and E are both a day old, and E is the newer one.
        (
            Image("A", ("alpha-1", "beta-1"), 4),
            Image("B", (), 3),
            Image("C", ("alpha-2",), 2),
            Image("D", ("git-hash",), 1),
            Image("E", (), 0.99),
        ),
        {"A": 1, "B": 2, "D": 3},
    ),
    Case(
        "archived after thirty days",
        EXAMPLES + "Archiving images older than a specified number of days",
        (tagged(1, ["prod*"], PUSHED, 30, moves=True),),
        (Image("old", ("prod-1",), 31), Image("new", ("prod-2",), 29), Image("other", ("dev-1",), 99)),
        {"old": 1},
    ),
    Case(
        "archived, then expired",
        EXAMPLES + "Combining archive and expire rules",
        (rule(1, "any", PUSHED, 30, moves=True), rule(2, "any", MOVED, 365, storageClass="archive")),
        (
            Image("young", ("a",), 29),
            Image("old", ("b",), 31),
            Image("archived", ("c",), 500, archived=364),
            Image("long", ("d",), 500, archived=366),
        ),
        {"old": 1, "long": 2},
    ),
)
CASES = (
    *GUIDE,
    Case(
        "an image that a rule matches is out of reach of the next",
        RULES + "a rule with a lower priority",
        (tagged(1, ["alpha*"], PUSHED, 5), tagged(2, ["beta*"], PUSHED, 5)),
        MIXED,
        {"A": 1, "C": 1, "B": 2},
    ),
    Case(
        "a wildcard before and after",
        RULES + "tagPatternList",
        (tagged(1, ["*prod*"], PUSHED, 1),),
        (Image("A", ("repo-production",), 2), Image("B", ("prod-team",), 2), Image("C", ("pro-d",), 2)),
        {"A": 1, "B": 1},
    ),
    Case(
        "prefixes in one rule, patterns in another",
        RULES + "either tagPatternList or tagPrefixList",
        (rule(1, "tagged", PUSHED, 1, tagPrefixList=["v1", "web"]), tagged(2, ["v*"], PUSHED, 1)),
        (Image("A", ("v1.0", "web-1"), 2), Image("B", ("v1.1",), 2), Image("C", ("rc-v1",), 2)),
        {"A": 1, "B": 2},
    ),
    Case(
        "a restored image is as old as its return",
        RULES + "last_activated_at",
        (rule(1, "any", PUSHED, 30, moves=True),),
        (Image("restored", ("a",), 500, archived=100, activated=5), Image("again", ("b",), 500, 0, 90, 31)),
        {"again": 1},
    ),
    Case(
        "a restored image that nobody pulled since",
        RULES + "sinceImagePulled",
        (rule(1, "any", PULLED, 30, moves=True),),
        (
            Image("back", ("a",), 500, pulled=200, archived=100, activated=5),
            Image("long", ("b",), 500, pulled=200, archived=100, activated=40),
            Image("used", ("c",), 500, pulled=3, archived=100, activated=40),
        ),
        {"long": 1},
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
        "children of an archived index are held no more",
        RULES + "the manifest list being deleted or archived first",
        (rule(1, "any", PUSHED, 30, moves=True),),
        (
            Image("index", ("v1",), 99, archived=9, children=("child",)),
            Image("child", (), 99),
            Image("other", ("v2",), 9, children=("held",)),
            Image("held", (), 99),
        ),
        {"child": 1},
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
        'ECR user guide, "Lifecycle policy properties in Amazon ECR": rulePriority',
        (tagged(90, ["rc-*"], COUNT, 1), tagged(7, ["*-1"], COUNT, 1)),
        (Image("A", ("rc-1",), 3), Image("B", ("b-1",), 2), Image("C", ("rc-2",), 1), Image("D", ("rc-3",), 0.5)),
        {"A": 7, "C": 90},
    ),
)
