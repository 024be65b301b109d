"""Lifecycle policies: the default one, equality in meaning, and what differs. Pure.

Sources: ECR user guide, "Lifecycle policy properties in Amazon ECR" and "How lifecycle policies work". The model is
in ``policy.py``, a policy as a document, with every rule that ECR has for it, in ``policy_text.py``; whose policy it
is, and whether it is written, in ``ownership.py``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from ecr_action.aws.policy import Keep, Policy, Rule, Selection
from ecr_action.aws.policy_text import parse, text

__all__ = [
    "KINDS",
    "Keep",
    "Policy",
    "default_policy",
    "difference",
    "in_words",
    "ours",
    "parse",
    "same",
    "text",
    "written",
]

NEVER = 9999


# -- the default -----------------------------------------------------------------------------------------------------

# Name in `retention` -> what the images are called, how the rule selects them (prefix, pattern), how much stays.
KINDS: Mapping[str, tuple[str, str, str, Keep]] = {
    "prod": ("production images", "prod-", "", Keep(10)),
    "staging": ("staging images", "staging-", "", Keep(5)),
    "version": ("versions", "", "v*.*.*", Keep(10)),
    "dev": ("images of the default branch", "dev-", "", Keep(5)),
    "branch": ("images of other branches", "branch-", "", Keep(14, days=True)),
    "pr": ("images of pull requests", "pr-", "", Keep(7, days=True)),
    "buildcache": ("build caches", "buildcache", "", Keep(5)),
    "untagged": ("untagged images", "", "", Keep(7, days=True)),
}


def default_policy(retention: Mapping[str, Keep] | None = None) -> Policy:
    """What a new repository gets: what is deployed and ``latest`` stay, releases outlive builds, leftovers go.

    *retention*: other numbers for some of KINDS. Every prefix stands alone in its rule: several in one list must all
    match.
    """
    rules = [
        _shield("Keep every deployed image, and shield it from the rules below", prefix="deployed-"),
        _shield("Keep the latest image, and shield it from the rules below", pattern="latest"),
    ]
    rules += [_kind(name, (retention or {}).get(name) or kind[3]) for name, kind in KINDS.items()]
    return _numbered(rules)


def _numbered(rules: Iterable[tuple[str, Selection]]) -> Policy:
    return Policy(tuple(Rule(priority=10 * n, description=text, selection=s) for n, (text, s) in enumerate(rules, 1)))


def _shield(text: str, *, prefix: str = "", pattern: str = "") -> tuple[str, Selection]:
    return text, _selection(Keep(NEVER), prefix, pattern)


def _kind(name: str, keep: Keep) -> tuple[str, Selection]:
    what, prefix, pattern, _ = KINDS[name]
    text = f"Expire {what} after {keep.number} days" if keep.days else f"Keep the last {keep.number} {what}"
    return text, _selection(keep, prefix, pattern)


def _selection(keep: Keep, prefix: str, pattern: str) -> Selection:
    return Selection(
        tag_status="tagged" if prefix or pattern else "untagged",
        count_type="sinceImagePushed" if keep.days else "imageCountMoreThan",
        count_number=keep.number,
        prefixes=(prefix,) if prefix else (),
        patterns=(pattern,) if pattern else (),
    )


# Every default that a version of this action wrote, as its rules' tags and numbers (days where d is set): whoever has
# one of them has our policy. One that changes is added here; none is ever taken out.
_WRITTEN: tuple[tuple[tuple[str, str, int, str], ...], ...] = (
    (
        ("deployed-", "", 9999, ""),
        ("", "latest", 9999, ""),
        ("prod-", "", 10, ""),
        ("staging-", "", 5, ""),
        ("", "v*.*.*", 10, ""),
        ("dev-", "", 5, ""),
        ("branch-", "", 14, "d"),
        ("pr-", "", 7, "d"),
        ("buildcache", "", 5, ""),
        ("", "", 7, "d"),
    ),
)


def written() -> tuple[Policy, ...]:
    """Every default that a version of this action wrote."""
    return tuple(
        _numbered(("", _selection(Keep(number, bool(days)), prefix, pattern)) for prefix, pattern, number, days in rows)
        for rows in _WRITTEN
    )


def ours(policy: Policy) -> bool:
    """Whether *policy* is a default of this action: one that it wrote, by its meaning; or the present one with other
    numbers, by its descriptions too, since others may have copied its rules."""
    if any(same(policy, default) for default in written()):
        return True
    rules = sorted(policy.rules, key=lambda rule: rule.priority)
    keeps = [Keep(rule.selection.count_number, rule.selection.by_age) for rule in rules[-len(KINDS) :]]
    again = default_policy(dict(zip(KINDS, keeps, strict=False)))
    return same(policy, again) and [r.description for r in rules] == [r.description for r in again.rules]


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


def difference(have: Policy, want: Policy) -> str:
    """The rules that differ, a line each: ``-`` stands now, ``+`` is wanted."""
    lines = difflib.ndiff([in_words(rule) for rule in have.rules], [in_words(rule) for rule in want.rules])
    return "\n".join(line for line in lines if line[:1] in "+-")


def in_words(rule: Rule) -> str:
    """One rule as people say it."""
    chosen = rule.selection
    tags = " and ".join([f"{prefix}*" for prefix in chosen.prefixes] + list(chosen.patterns))
    which = {"untagged": "untagged images", "any": "all images"}.get(chosen.tag_status, f"images tagged {tags}")
    since = {"sinceImagePulled": "the last pull", "sinceImageTransitioned": "archiving"}.get(chosen.count_type, "push")
    number = chosen.count_number
    how = f"{number} days after {since}" if chosen.by_age else f"beyond the last {number}"
    kind = "archive" if rule.action == "transition" else "expire"
    return f"{kind} {'archived ' if chosen.storage_class == 'archive' else ''}{which} {how}"
