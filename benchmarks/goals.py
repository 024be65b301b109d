"""What was promised of each row, and what is known of the rows that miss it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """The ratio of a row (*name*, *raw*) that is not to be exceeded."""

    name: str
    raw: str
    most: float


GOALS = (
    Goal("first-publish", "careful", 1.10),
    Goal("first-publish", "seed", 0.5),
    Goal("unchanged-commit", "careful", 1.0),
    Goal("unchanged-commit", "seed", 0.25),
    Goal("unchanged-commit-300MB", "careful", 0.1),
    Goal("promotion-300MB", "careful", 0.333),
    Goal("promotion-300MB-100mbit", "careful", 0.05),
    Goal("one-of-20-services", "bake", 0.333),
    Goal("one-of-20-services", "git-diff", 1.5),
)


@dataclass(frozen=True)
class Limit:
    """A figure of a row that is not to be exceeded, in words that follow its name."""

    row: str
    figure: str
    most: float
    words: str


LIMITS = (
    Limit("unchanged-commit-300MB", "bytes_sent ours", 100_000, "bytes sent"),
    Limit("promotion-300MB", "step_s", 0.15, "seconds of the step itself"),
    Limit("promotion-300MB", "step_requests", 4, "requests of the step"),
    Limit("promotion-300MB", "step_bytes", 20_000, "bytes that the step moved, both ways"),
)
# Time by the number of files: named in `gitops-files`, and found by the image's name.
NAMED_FACTOR = 1.5
SIZES = (100, 1_000, 5_000, 20_000)

_IMPORTS = (
    "the start of Python and its imports, of processor time boto3 with two clients 0.25 s, PyGithub 0.20 s and the"
    " program's own modules 0.18 s"
)
_START = f"Ours moves no image; what is left is {_IMPORTS}."
REASONS: Mapping[str, str] = {
    "first-publish": f"Below, the phase Credentials is mostly {_IMPORTS}. Careful imports boto3 alone. Beyond it, ours"
    " makes the tags after the push, reads the GitOps repository before the build, and marks what is deployed.",
    "unchanged-commit": f"Nothing is built; what is left is {_IMPORTS}. Careful imports boto3 alone, and its builder"
    " has everything: on a new runner it is the row with 300 MB that holds.",
    "unchanged-commit-300MB": _START,
    "promotion-300MB": f"{_START} On loopback careful's pull of 300 MB is short.",
    "promotion-300MB-100mbit": _START,
    "one-of-20-services": "Each service is a step of its own, which starts Python and asks AWS for itself; on GitHub"
    " they are jobs side by side, here four at a time on two cores. Nineteen find their image and build nothing.",
    "gitops-bump": "Named files are asked for in one query and written by one commit: three calls and the same bytes,"
    " however many files there are. Files that are found come in an archive, whose bytes grow as the files do.",
}
