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

_START = "Ours moves no image; what is left is the start of Python, its imports and a dozen calls."
REASONS: Mapping[str, str] = {
    "first-publish": "Python's imports are the larger part of what is ours: boto3 and its two clients 0.25 s, PyGithub"
    " 0.15 s, the program's own modules 0.15 s. The rest is what careful leaves out: the lifecycle policy is simulated"
    " and read back, the push is made under one tag and the others are put after it, `deployed-<env>` marks what runs.",
    "unchanged-commit": "What is built is nothing, so that what is left is the start: imports of boto3 (0.25 s with its"
    " clients), PyGithub (0.15 s) and the program's own modules (0.15 s); careful imports boto3 alone and asks the"
    " builder, which is warm here. On a new runner, where the builder is empty, it is the row with 300 MB that holds.",
    "unchanged-commit-300MB": _START,
    "promotion-300MB": "On loopback 300 MB are read at 600 MB/s, so that careful's pull is short; what is left of ours"
    " is the start of Python and its imports.",
    "promotion-300MB-100mbit": _START,
    "one-of-20-services": "Each service is a step of its own, which starts Python and asks AWS for itself; on GitHub"
    " they are jobs side by side, here four at a time on two cores. Nineteen find their image and build nothing.",
    "gitops-bump": "The files are asked for by name, one query and one commit, whatever lies beside them; what grows is"
    " the git of GitHub's stand-in, which writes the commit's tree with a new index of all files.",
}
