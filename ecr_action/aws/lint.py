"""What is wrong with a lifecycle policy, and what is dangerous in one that ECR takes. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ecr_action.aws.policy import Finding, Policy, Rule, Selection
from ecr_action.aws.policy_text import parse
from ecr_action.aws.simulate import matches

# Above this a counted rule keeps everything that a team will ever have.
_MANY = 100
_SHA = "3f2c1ab0d4e5f60718293a4b5c6d7e8f90a1b2c3"
# The tags of the images that this action publishes.
_RELEASE = ("v1.2.3", "prod-v1.2.3", _SHA, _SHA[:7])
_DEPLOYED = ("deployed-prod", *_RELEASE)
_BUILD = (_SHA, _SHA[:7], f"dev-{_SHA[:7]}")
_SHIELD = (
    '{"rulePriority": 1, "selection": {"tagStatus": "tagged", "tagPrefixList": ["deployed-"], '
    '"countType": "imageCountMoreThan", "countNumber": 9999}, "action": {"type": "expire"}}'
)
# What to do about a policy that can expire what is deployed.
SHIELDED = f"Let the policy begin with the rule: {_SHIELD}"


def lint(document: str) -> tuple[Finding, ...]:
    """Every reason for which ECR refuses *document*; where there is none, what is likely not meant."""
    policy, problems = parse(document)
    if policy is None:
        return problems
    return (*_all_of(policy), *_shadowed(policy), *_dangerous(policy))


def _warning(code: str, rule: Rule | None, message: str, fix: str) -> Finding:
    where = f"rule of priority {rule.priority}" if rule else ""
    priority = rule.priority if rule else None
    return Finding(severity="warning", code=code, message=message, fix=fix, rule=priority, where=where)


def _all_of(policy: Policy) -> Iterator[Finding]:
    """Several prefixes or patterns in one list: all must match, not one of them."""
    for rule in policy.rules:
        key = "tagPrefixList" if rule.selection.prefixes else "tagPatternList"
        texts = list(dict.fromkeys(rule.selection.prefixes or rule.selection.patterns))
        if len(texts) > 1:
            names = " and ".join(repr(text) for text in texts)
            yield _warning(
                "all-must-match",
                rule,
                f"selects only images that carry tags for {names} at once: an image with one of them is left out",
                "Make a rule of each: " + " / ".join(f'"{key}": {json.dumps([text])}' for text in texts),
            )


def _shadowed(policy: Policy) -> Iterator[Finding]:
    """A rule all of whose images belong to an earlier one."""
    for number, rule in enumerate(policy.rules):
        for earlier in policy.rules[:number]:
            if _includes(earlier.selection, rule.selection):
                message = f"never acts: every image it selects belongs to the rule of priority {earlier.priority}"
                fix = f'"rulePriority": less than {earlier.priority}, or remove the rule'
                yield _warning("never-acts", rule, message, fix)
                break


def _includes(wide: Selection, narrow: Selection) -> bool:
    """Whether every image of *narrow* is surely one of *wide*."""
    if wide.storage_class != narrow.storage_class:
        return False
    if wide.tag_status == "any":
        return True
    if wide.tag_status != narrow.tag_status:
        return False
    inner = [f"{prefix}*" for prefix in narrow.prefixes] + list(narrow.patterns)
    outer = [f"{prefix}*" for prefix in wide.prefixes] + list(wide.patterns)
    return all(any(_covers(pattern, one) for one in inner) for pattern in outer)


def _covers(wide: str, narrow: str) -> bool:
    """Whether *wide* matches all that *narrow* does, seen by letting its wildcards swallow those of *narrow*."""
    expression = "".join(".*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", wide))
    return re.fullmatch(expression, narrow, re.DOTALL) is not None


def _dangerous(policy: Policy) -> Iterator[Finding]:
    """What becomes of images with the tags that this action gives."""
    rule = _owner(policy, _DEPLOYED)
    if rule and _limits(rule):
        message = "can expire the image that is deployed: no earlier rule keeps images with a tag 'deployed-...'"
        yield _warning("deployed-unprotected", rule, message, f"As the first rule: {_SHIELD}")
    rule = _owner(policy, _RELEASE)
    if rule and rule.action == "expire" and rule.selection.by_age:
        days = rule.selection.count_number
        message = f"expires releases (v1.2.3, prod-v1.2.3) {days} days after their first push, however few there are"
        yield _warning("releases-by-age", rule, message, '"countType": "imageCountMoreThan", without countUnit')
    for tag in ("latest", "buildcache"):
        rule = _owner(policy, (tag,))
        if rule and rule.action == "expire" and rule.selection.by_age:
            message = (
                f"expires what the moving tag {tag!r} names: age counts from the image's first push, not the tag's"
            )
            fix = f'An earlier rule with "tagPatternList": ["{tag}"] and "imageCountMoreThan" 9999'
            yield _warning("moving-tag", rule, message, fix)
    if _owner(policy, _BUILD) is None:
        message = f"no rule is about builds of the default branch (tags {_SHA[:7]}, dev-{_SHA[:7]}): they stay for ever"
        fix = '"tagPrefixList": ["dev-"], "countType": "imageCountMoreThan", "countNumber": 5'
        yield _warning("never-expires", None, message, fix)


def unshielded(policy: Policy) -> bool:
    """Whether *policy* can expire an image that is deployed, which has a tag ``deployed-...``."""
    rule = _owner(policy, _DEPLOYED)
    return bool(rule and _limits(rule))


def _owner(policy: Policy, tags: tuple[str, ...]) -> Rule | None:
    """The first rule that is about an image with *tags*: no other touches it."""
    return next((rule for rule in policy.rules if matches(rule.selection, tags)), None)


def _limits(rule: Rule) -> bool:
    return rule.action == "expire" and (rule.selection.by_age or rule.selection.count_number < _MANY)
