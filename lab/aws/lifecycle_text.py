"""Which lifecycle policies ECR takes: read and refused as the user guide says. Pure.

Follows the ECR user guide, "Lifecycle policy properties in Amazon ECR" and "How lifecycle policies work"; the
texts after "Lifecycle policy validation failure" are the lab's own, but for those that were reported.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .errors import AwsError, invalid_parameter

Rule = dict[str, Any]
COUNT_TYPES = ("imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned")
RULES = {"rulePriority", "description", "selection", "action"}
SELECTION = {
    "tagStatus",
    "tagPrefixList",
    "tagPatternList",
    "storageClass",
    "countType",
    "countUnit",
    "countNumber",
}
ACTION = {"type", "targetStorageClass"}
ARCHIVE_DAYS = 90


def checked(text: str) -> list[Rule]:
    """Return the rules of a policy, by priority; InvalidParameterException with the first thing that is wrong."""
    if not 100 <= len(text) <= 30720:
        bound = "greater than or equal to 100" if len(text) < 100 else "less than or equal to 30720"
        raise invalid_parameter("LifecyclePolicyText", f"Member must have length {bound}")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _failure("policy is not valid JSON") from error
    if not isinstance(document, dict) or set(document) != {"rules"} or not isinstance(document["rules"], list):
        raise _failure('object has missing required properties (["rules"])')
    rules: list[Any] = document["rules"]
    if not 1 <= len(rules) <= 50:
        raise _failure(f"a policy has 1 to 50 rules, not {len(rules)}")
    for problem in (*(p for rule in rules for p in _shape(rule)), *_together(rules)):
        raise _failure(problem)
    return sorted(rules, key=lambda rule: int(rule["rulePriority"]))


def storage_class(rule: Rule) -> str:
    """Return the class of the images that a rule is about."""
    return str(rule["selection"].get("storageClass", "standard"))


def _failure(text: str) -> AwsError:
    return invalid_parameter("LifecyclePolicyText", f"Lifecycle policy validation failure: {text}")


def _shape(rule: Any) -> Iterator[str]:
    """What is wrong with one rule by itself."""
    if not isinstance(rule, dict) or not {"rulePriority", "selection", "action"} <= set(rule) <= RULES:
        yield 'a rule has the properties "rulePriority", "selection", "action", and "description" if wanted'
        return
    selection, action = rule["selection"], rule["action"]
    if not _is_count(rule["rulePriority"]):
        yield f"rulePriority is a positive integer, not {rule['rulePriority']!r}"
    if not isinstance(rule.get("description", ""), str):
        yield "description is a string"
    if not isinstance(selection, dict) or not {"tagStatus", "countType", "countNumber"} <= set(selection) <= SELECTION:
        yield f'a selection has "tagStatus", "countType", "countNumber" and no others but {sorted(SELECTION)}'
        return
    if not isinstance(action, dict) or not {"type"} <= set(action) <= ACTION:
        yield 'an action has "type", and "targetStorageClass" if wanted'
        return
    yield from _tags(selection)
    yield from _counts(selection)
    yield from _actions(selection, action)


def _tags(selection: Rule) -> Iterator[str]:
    status = selection["tagStatus"]
    lists = [selection[k] for k in ("tagPrefixList", "tagPatternList") if selection.get(k)]
    if status not in ("tagged", "untagged", "any"):
        yield f'instance value ("{status}") not found in enum (possible values: ["any","tagged","untagged"])'
    elif status == "tagged" and len(lists) != 1:
        yield "tagPrefixList or tagPatternList must be given, one of them, for tagStatus 'tagged'"
    elif status != "tagged" and lists:
        yield f"no tags can be given for tagStatus '{status}'"
    for tag in (tag for tags in lists for tag in (tags if isinstance(tags, list) else [None])):
        if not isinstance(tag, str) or not 1 <= len(tag) <= 128:
            yield f"a tag is a string of 1 to 128 characters, not {tag!r}"
    for pattern in selection.get("tagPatternList") or []:
        if str(pattern).count("*") > 4:
            yield f"a pattern has at most four wildcards: '{pattern}'"


def _counts(selection: Rule) -> Iterator[str]:
    kind, unit = selection["countType"], selection.get("countUnit")
    if kind not in COUNT_TYPES:
        yield f'instance value ("{kind}") not found in enum (possible values: {json.dumps(sorted(COUNT_TYPES))})'
    if kind == "imageCountMoreThan" and unit is not None:
        yield "countUnit can not be given for countType 'imageCountMoreThan'"
    if kind != "imageCountMoreThan" and unit != "days":
        yield f"countUnit 'days' must be given for countType '{kind}'"
    if not _is_count(selection["countNumber"]):
        yield f"countNumber is a positive integer, not {selection['countNumber']!r}"


def _actions(selection: Rule, action: Rule) -> Iterator[str]:
    kind, where = selection["countType"], selection.get("storageClass", "standard")
    if where not in ("standard", "archive"):
        yield f'instance value ("{where}") not found in enum (possible values: ["archive","standard"])'
    if action["type"] not in ("expire", "transition"):
        yield f'instance value ("{action["type"]}") not found in enum (possible values: ["expire","transition"])'
    moves = action["type"] == "transition"
    if moves != (action.get("targetStorageClass") == "archive") or (not moves and "targetStorageClass" in action):
        yield "targetStorageClass 'archive' belongs to the action 'transition', and to no other"
    if moves and where == "archive":
        yield "archived images can not be transitioned"
    if kind == "sinceImagePulled" and not moves:
        yield "countType 'sinceImagePulled' is for the action 'transition'"
    if (kind == "sinceImageTransitioned") != (where == "archive"):
        yield "storageClass 'archive' belongs to countType 'sinceImageTransitioned', and to no other"
    days = selection["countNumber"]
    if kind == "sinceImageTransitioned" and _is_count(days) and days < ARCHIVE_DAYS:
        yield f"archived images are kept for at least {ARCHIVE_DAYS} days"


def _together(rules: list[Any]) -> Iterator[str]:
    """What is wrong with rules beside each other; each is well-formed by itself."""
    priorities = [rule["rulePriority"] for rule in rules]
    if len(set(priorities)) != len(priorities):
        yield "rulePriority must be unique"
    for where in ("standard", "archive"):
        mine = [rule for rule in rules if storage_class(rule) == where]
        for status in ("untagged", "any"):
            several = [r for r in mine if r["selection"]["tagStatus"] == status]
            if len(several) > 1:
                yield f"only one rule can have tagStatus '{status}'"
            if status == "any" and several and several[0]["rulePriority"] != max(r["rulePriority"] for r in mine):
                yield "the rule with tagStatus 'any' must have the highest rulePriority"
        prefixes = [p for r in mine for p in r["selection"].get("tagPrefixList") or []]
        if len(set(prefixes)) != len(prefixes):
            yield "a prefix can be in one rule only"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
