"""Lifecycle policies: the default one, equality in meaning, and whether to write. Pure.

Sources: ECR user guide, "Lifecycle policy properties in Amazon ECR" and "How lifecycle policies work". The model is
in ``policy.py``, a policy as a document, with every rule that ECR has for it, in ``policy_text.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ecr_action.aws.policy import Policy, Rule, Selection
from ecr_action.aws.policy_text import parse, text
from ecr_action.protocols import Lifecycle

__all__ = ["Decision", "Policy", "decide", "default_policy", "parse", "same", "text"]

# A policy may still be missing on a repository this young because a run was cut off between its two calls.
YOUNG = timedelta(hours=1)
NEVER = 9999


# -- the default -----------------------------------------------------------------------------------------------------


def default_policy() -> Policy:
    """What a new repository gets: what is deployed and ``latest`` stay, releases outlive builds, leftovers go.

    Every prefix stands alone in its rule: several in one list must all match.
    """
    rules = (
        _keep("Keep every deployed image, and shield it from the rules below", NEVER, prefix="deployed-"),
        _keep("Keep the latest image, and shield it from the rules below", NEVER, pattern="latest"),
        _keep("Keep the last 10 production images", 10, prefix="prod-"),
        _keep("Keep the last 5 staging images", 5, prefix="staging-"),
        _keep("Keep the last 10 versions", 10, pattern="v*.*.*"),
        _keep("Keep the last 5 images of the default branch", 5, prefix="dev-"),
        _age("Expire images of other branches after 14 days", 14, prefix="branch-"),
        _age("Expire images of pull requests after 7 days", 7, prefix="pr-"),
        _keep("Keep the last 5 build caches", 5, prefix="buildcache"),
        _age("Expire untagged images after 7 days", 7),
    )
    return Policy(tuple(Rule(priority=10 * n, description=text, selection=s) for n, (text, s) in enumerate(rules, 1)))


def _keep(text: str, count: int, *, prefix: str = "", pattern: str = "") -> tuple[str, Selection]:
    return text, _selection("imageCountMoreThan", count, prefix, pattern)


def _age(text: str, days: int, *, prefix: str = "") -> tuple[str, Selection]:
    return text, _selection("sinceImagePushed", days, prefix, "")


def _selection(count_type: str, number: int, prefix: str, pattern: str) -> Selection:
    return Selection(
        tag_status="tagged" if prefix or pattern else "untagged",
        count_type=count_type,
        count_number=number,
        prefixes=(prefix,) if prefix else (),
        patterns=(pattern,) if pattern else (),
    )


# -- compared -------------------------------------------------------------------------------------------------------


def same(one: Policy, other: Policy) -> bool:
    """Whether two policies mean the same: numbers of priorities (not their order), descriptions, the order and
    repetition inside lists, and what is left out because it is the default, make no difference."""
    return _meaning(one) == _meaning(other)


def _meaning(policy: Policy) -> list[tuple[Any, ...]]:
    return [
        (
            rule.action,
            rule.selection.tag_status,
            sorted(set(rule.selection.prefixes)),
            sorted(set(rule.selection.patterns)),
            rule.selection.storage_class,
            rule.selection.count_type,
            rule.selection.count_number,
        )
        for rule in sorted(policy.rules, key=lambda rule: rule.priority)
    ]


# -- write it? -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Decision:
    """Whether to write, why, and how loudly to say so (``info``, ``notice``, ``warning``)."""

    write: bool
    because: str
    level: str = "info"


def decide(
    policy: Lifecycle,
    *,
    wanted: str,
    is_default: bool,
    created_now: bool,
    created_at: datetime | None,
    now: datetime,
    consent: bool = False,
    repository: str = "NAME",
) -> Decision:
    """Whether the *wanted* document is written over what stands (*policy*).

    *is_default*: it is the default one; *consent*: the user wrote ``lifecycle-policy`` out. *created_at* None =
    unknown, which counts as old.
    """
    if created_now:
        return Decision(True, "The new repository gets its lifecycle policy.")
    young = created_at is not None and now - created_at < YOUNG
    if not policy.readable:
        if young:
            return Decision(True, "The repository is less than an hour old: its lifecycle policy is written (again).")
        return Decision(False, "The lifecycle policy can't be read, and is left as it is.")
    if policy.text is None:
        return _onto_nothing(young, consent or not is_default, repository)
    if _equal(policy.text, wanted):
        return Decision(False, "The lifecycle policy is as wanted.")
    return _somebody_else_s(is_default, repository)


def _onto_nothing(young: bool, asked_for: bool, repository: str) -> Decision:
    if young or asked_for:
        return Decision(True, "The repository has no lifecycle policy and gets it.")
    return Decision(
        False,
        f"The repository {repository} has no lifecycle policy, and it may hold images that the default one would "
        "expire: it is not written unasked. Look at it with `python -m ecr_action lifecycle default`; to have it "
        "written, add the line `lifecycle-policy: default`.",
        "notice",
    )


def _equal(standing: str, wanted: str) -> bool:
    if standing == wanted:
        return True
    one, other = parse(standing)[0], parse(wanted)[0]
    return one is not None and other is not None and same(one, other)


def _somebody_else_s(is_default: bool, repository: str) -> Decision:
    which = "the default one" if is_default else "the file's"
    leave = " To leave it alone without this warning: lifecycle-policy: none." if is_default else ""
    return Decision(
        False,
        f"The repository {repository} has another lifecycle policy than {which}, written by somebody else (Terraform, "
        f"the console): it stays.{leave} To replace it, delete it and run again: "
        f"aws ecr delete-lifecycle-policy --repository-name {repository}",
        "warning",
    )
