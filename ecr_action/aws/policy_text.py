"""A lifecycle policy as a JSON document: written, and read with every reason for which ECR refuses it. Pure.

Sources: ECR user guide, "Lifecycle policy properties in Amazon ECR", "How lifecycle policies work" (evaluation
rules), "Amazon ECR service quotas" (rules a policy); API reference, PutLifecyclePolicy (length of the text).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_action.aws.policy import Finding, Policy, Rule, Selection

SHORTEST, LONGEST = 100, 30_720
MOST_RULES = 50
MOST_WILDCARDS = 4
# "Archive storage class": images stay there 90 days at least.
SHORTEST_ARCHIVE_DAYS = 90
_RULE_KEYS = ("rulePriority", "description", "selection", "action")
_SELECTION_KEYS = (
    "tagStatus", "tagPatternList", "tagPrefixList", "storageClass", "countType", "countUnit", "countNumber",
)  # fmt: skip
_COUNT_TYPES = ("imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned")
_STATUS = ("tagged", "untagged", "any")
_CLASSES = ("standard", "archive")


@dataclass(frozen=True)
class _Say:
    """Takes what is wrong at one place of the document."""

    found: list[Finding]
    where: str = ""
    rule: int | None = None

    def __call__(self, code: str, message: str, fix: str) -> None:
        self.found.append(
            Finding(severity="error", code=code, message=message, fix=fix, rule=self.rule, where=self.where)
        )


def text(policy: Policy) -> str:
    """The JSON document that PutLifecyclePolicy takes."""
    return json.dumps({"rules": [_document(rule) for rule in policy.rules]}, indent=2, ensure_ascii=False)


def _document(rule: Rule) -> Mapping[str, Any]:
    chosen = rule.selection
    selection = {
        "tagStatus": chosen.tag_status,
        "tagPrefixList": list(chosen.prefixes),
        "tagPatternList": list(chosen.patterns),
        "storageClass": "" if chosen.storage_class == "standard" else chosen.storage_class,
        "countType": chosen.count_type,
        "countUnit": "days" if chosen.by_age else "",
        "countNumber": chosen.count_number,
    }
    target = {"targetStorageClass": "archive"} if rule.action == "transition" else {}
    return {
        "rulePriority": rule.priority,
        **({"description": rule.description} if rule.description else {}),
        "selection": {key: value for key, value in selection.items() if value},
        "action": {"type": rule.action, **target},
    }


def parse(document: str) -> tuple[Policy | None, tuple[Finding, ...]]:
    """The policy that *document* is, and every reason for which ECR would refuse it; None if there are any."""
    found: list[Finding] = []
    say = _Say(found)
    try:
        content = json.loads(document)
    except (ValueError, RecursionError) as error:
        say("json", f"is no JSON: {error}", "Write a JSON document with a list 'rules'.")
        return None, tuple(found)
    if not SHORTEST <= len(document) <= LONGEST:
        limits = f"ECR takes {SHORTEST} to {LONGEST}"
        say("length", f"has {len(document)} characters; {limits}", "Leave out descriptions, or add them.")
    rules = [_rule(row, _place(found, number, row)) for number, row in enumerate(_rows(content, say), 1)]
    good = [rule for rule in rules if rule is not None]
    _across(good, found)
    if found:
        return None, tuple(dict.fromkeys(found))
    return Policy(tuple(sorted(good, key=lambda rule: rule.priority))), ()


def _rows(content: Any, say: _Say) -> list[Any]:
    if not isinstance(content, dict) or not isinstance(content.get("rules"), list):
        say("shape", "must be an object with a list 'rules'", '{"rules": [...]}')
        return []
    _unknown(content, ("rules",), say)
    rows: list[Any] = content["rules"]
    if not 1 <= len(rows) <= MOST_RULES:
        say("rules", f"has {len(rows)} rules; ECR takes 1 to {MOST_RULES}", "Put rules together, or leave some out.")
    return rows


def _place(found: list[Finding], number: int, row: Any) -> _Say:
    priority = row.get("rulePriority") if isinstance(row, dict) else None
    if _whole(priority):
        return _Say(found, f"rule {number} (priority {priority})", priority)
    return _Say(found, f"rule {number}")


def _rule(row: Any, say: _Say) -> Rule | None:
    count = len(say.found)
    if not isinstance(row, dict):
        say("shape", "must be an object", '{"rulePriority": 1, "selection": {...}, "action": {"type": "expire"}}')
        return None
    _unknown(row, _RULE_KEYS, say)
    if not _whole(row.get("rulePriority")):
        say("priority", "rulePriority must be a whole number from 1", '"rulePriority": 1')
    if not isinstance(row.get("description", ""), str):
        say("description", "description must be a text", '"description": "..."')
    selection = _selection(row.get("selection"), say)
    action = _action(row.get("action"), say)
    if selection:
        _fitting(selection, action, say)
    if len(say.found) > count or selection is None:
        return None
    return Rule(
        priority=row["rulePriority"], selection=selection, description=row.get("description", ""), action=action
    )


_EXPIRE, _ARCHIVE = '"action": {"type": "expire"}', '"action": {"type": "transition", "targetStorageClass": "archive"}'


def _action(value: Any, say: _Say) -> str:
    if not isinstance(value, dict) or value.get("type") not in ("expire", "transition"):
        text = "action must be {'type': 'expire'}, or {'type': 'transition', 'targetStorageClass': 'archive'}"
        say("action", text, _EXPIRE)
        return "expire"
    _unknown(value, ("type", "targetStorageClass"), say)
    target = value.get("targetStorageClass")
    if value["type"] == "transition" and target != "archive":
        say("target", "a transition needs targetStorageClass 'archive', the only one there is", _ARCHIVE)
    if value["type"] == "expire" and target is not None:
        say("target", "targetStorageClass belongs to transitions", _EXPIRE)
    return str(value["type"])


def _selection(value: Any, say: _Say) -> Selection | None:
    if not isinstance(value, dict):
        say("selection", "selection is missing, or no object", '"selection": {"tagStatus": ..., "countType": ...}')
        return None
    _unknown(value, _SELECTION_KEYS, say)
    status = _one_of(value, "tagStatus", _STATUS, say)
    count_type = _one_of(value, "countType", _COUNT_TYPES, say)
    storage = _one_of({"storageClass": "standard", **value}, "storageClass", _CLASSES, say)
    prefixes, patterns = _texts(value, "tagPrefixList", say), _texts(value, "tagPatternList", say)
    number = value.get("countNumber")
    if not _whole(number):
        say("count-number", "countNumber must be a whole number from 1", '"countNumber": 10')
    if count_type:
        _unit(value, count_type, say)
    if status:
        _tags(value, status, say)
    for pattern in patterns:
        if pattern.count("*") > MOST_WILDCARDS:
            say("wildcards", f"the pattern {pattern!r} has more than {MOST_WILDCARDS} wildcards", "Use fewer *.")
    if not (status and count_type and storage and isinstance(number, int) and _whole(number)):
        return None
    return Selection(
        tag_status=status,
        count_type=count_type,
        count_number=number,
        prefixes=prefixes,
        patterns=patterns,
        storage_class=storage,
    )


def _unit(value: Mapping[str, Any], count_type: str, say: _Say) -> None:
    unit = value.get("countUnit")
    if count_type == "imageCountMoreThan":
        if unit is not None:
            say("count-unit", f"countUnit must be left out with countType {count_type!r}", "Remove countUnit.")
    elif unit != "days":
        say("count-unit", f"countType {count_type!r} needs countUnit 'days'", '"countUnit": "days"')


def _tags(value: Mapping[str, Any], status: str, say: _Say) -> None:
    given = [key for key in ("tagPrefixList", "tagPatternList") if value.get(key)]
    if status != "tagged" and given:
        names = " and ".join(given)
        say("tags", f"{names} must be left out with tagStatus {status!r}", '"tagStatus": "tagged", or no list')
    elif status == "tagged" and not given:
        say("tags", "tagStatus 'tagged' needs a tagPrefixList or a tagPatternList", '"tagPatternList": ["v*"]')
    elif len(given) == 2:
        say("tags", "has both tagPrefixList and tagPatternList; a rule takes one of them", "Make two rules of it.")


def _fitting(selection: Selection, action: str, say: _Say) -> None:
    kind, archive = selection.count_type, selection.storage_class == "archive"
    moved = kind == "sinceImageTransitioned"
    if moved and not archive:
        say("storage-class", f"countType {kind!r} needs storageClass 'archive'", '"storageClass": "archive"')
    if not moved and archive:
        say("storage-class", f"countType {kind!r} is about storageClass 'standard' only", "Remove storageClass.")
    if kind == "sinceImagePulled" and action != "transition":
        say("action", f"countType {kind!r} may only transition images, not expire them", _ARCHIVE)
    if moved and action != "expire":
        say("action", f"countType {kind!r} may only expire images: they are archived already", _EXPIRE)
    if moved and selection.count_number < SHORTEST_ARCHIVE_DAYS:
        days = SHORTEST_ARCHIVE_DAYS
        say(
            "archive-days",
            f"archived images can be expired after {days} days at the earliest",
            f'"countNumber": {days}',
        )


def _across(rules: list[Rule], found: list[Finding]) -> None:
    """What is wrong between rules: priorities, and what may stand once for a storage class."""
    for number in _twice(rule.priority for rule in rules):
        _Say(found, rule=number)("priority", f"rulePriority {number} stands on two rules", "Number them differently.")
    for storage in _CLASSES:
        chosen = sorted(
            (rule for rule in rules if rule.selection.storage_class == storage), key=lambda rule: rule.priority
        )
        for prefix in _twice(prefix for rule in chosen for prefix in dict.fromkeys(rule.selection.prefixes)):
            second = [rule.priority for rule in chosen if prefix in rule.selection.prefixes][1]
            text = f"the prefix {prefix!r} stands in two rules; each may stand in one"
            _Say(found, rule=second)("prefix-twice", text, f'"tagPatternList": ["{prefix}*"]')
        _once(chosen, found)


def _once(chosen: list[Rule], found: list[Finding]) -> None:
    """One rule of untagged images, and one of any image, which is the last."""
    for status in ("untagged", "any"):
        several = [rule.priority for rule in chosen if rule.selection.tag_status == status]
        if len(several) > 1:
            text = f"rules {', '.join(map(str, several))} all select {status} images; one rule may"
            _Say(found, rule=several[1])(f"{status}-twice", text, "Leave one of them.")
    for rule in chosen:
        if rule.selection.tag_status == "any" and rule is not chosen[-1]:
            text = f"rule of priority {rule.priority} selects any image and must have the highest rulePriority"
            fix = f'"rulePriority": {chosen[-1].priority + 1}'
            _Say(found, rule=rule.priority)("any-last", text, fix)


def _twice(values: Iterable[Any]) -> list[Any]:
    listed = list(values)
    return [value for value in dict.fromkeys(listed) if listed.count(value) > 1]


def _unknown(value: Mapping[str, Any], known: tuple[str, ...], say: _Say) -> None:
    for key in value:
        if key not in known:
            say("property", f"{key!r} is no property here; there are {', '.join(known)}", f"Remove {key!r}.")


def _one_of(value: Mapping[str, Any], key: str, allowed: tuple[str, ...], say: _Say) -> str:
    given = value.get(key)
    if isinstance(given, str) and given in allowed:
        return given
    say(_KEBAB[key], f"{key} must be one of {', '.join(allowed)}", f'"{key}": "{allowed[0]}"')
    return ""


_KEBAB = {"tagStatus": "tag-status", "countType": "count-type", "storageClass": "storage-class"}


def _texts(value: Mapping[str, Any], key: str, say: _Say) -> tuple[str, ...]:
    given = value.get(key)
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(text, str) and text for text in given):
        say("tags", f"{key} must be a list of texts", f'"{key}": ["..."]')
        return ()
    return tuple(given)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
