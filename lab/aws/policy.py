"""Evaluation of policy documents: identity, resource and trust policies. Pure.

Follows the IAM user guide: "Policy evaluation logic", "IAM JSON policy elements: Condition operators",
"Creating a condition with multiple keys or values". A key that is absent makes a condition false, unless the
operator is negated or ends in IfExists; an operator that is not known here makes it false.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

Context = Mapping[str, "str | list[str]"]


class Verdict(Enum):
    """What a set of policies says about one request."""

    ALLOW = "allow"
    DENY = "explicit deny"
    NOTHING = "no statement applies"


@dataclass(frozen=True)
class Question:
    """One request: the action (``ecr:PutImage``), the resource's ARN, who asks, and the condition keys."""

    action: str
    resource: str
    principals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    context: Context = field(default_factory=dict)


def evaluate(documents: Iterable[Mapping[str, Any]], question: Question) -> Verdict:
    """Return the verdict of policy *documents*: an explicit deny wins over every allow.

    Statements with a Principal are compared with ``question.principals``, by kind (AWS, Federated, Service).
    """
    verdict = Verdict.NOTHING
    for document in documents:
        for statement in _listed(document.get("Statement", [])):
            if not _applies(statement, question):
                continue
            if statement.get("Effect") == "Deny":
                return Verdict.DENY
            if statement.get("Effect") == "Allow":
                verdict = Verdict.ALLOW
    return verdict


def limited(limits: Mapping[str, list[dict[str, Any]]], question: Question, reason: str | None = None) -> str | None:
    """Return why the request is refused after all ("Policy evaluation logic"): an explicit deny of any kind wins.

    limits: documents that allow nothing by themselves, by their kind (``permissions boundary``); the request has to
    be allowed by each kind. reason: what the policies that grant say, None when they allow it.
    """
    verdicts = {kind: evaluate(documents, question) for kind, documents in limits.items()}
    denying = [kind for kind, verdict in verdicts.items() if verdict is Verdict.DENY]
    if denying and not (reason or "").startswith("with an explicit deny"):
        return f"with an explicit deny in a {denying[0]}"
    lacking = [kind for kind, verdict in verdicts.items() if verdict is not Verdict.ALLOW]
    if lacking and reason is None:
        return f"because no {lacking[0]} allows the {question.action} action"
    return reason


def _applies(statement: Mapping[str, Any], question: Question) -> bool:
    return (
        _names(statement, "Action", question.action, ignore_case=True)
        and _names(statement, "Resource", question.resource, ignore_case=False)
        and _includes_principal(statement, question.principals)
        and all(_condition_holds(name, keys, question.context) for name, keys in statement.get("Condition", {}).items())
    )


def _names(statement: Mapping[str, Any], element: str, value: str, *, ignore_case: bool) -> bool:
    fold: Callable[[str], str] = str.lower if ignore_case else str
    if f"Not{element}" in statement:
        return not any(matches(fold(p), fold(value)) for p in _listed(statement[f"Not{element}"]))
    if element not in statement:
        # A trust policy and most repository policies have no Resource: they speak of what they stand on.
        return element == "Resource"
    return any(matches(fold(p), fold(value)) for p in _listed(statement[element]))


def _includes_principal(statement: Mapping[str, Any], principals: Mapping[str, tuple[str, ...]]) -> bool:
    if "Principal" not in statement:
        return not principals and "NotPrincipal" not in statement
    wanted = statement["Principal"]
    if wanted == "*":
        return True
    return any(
        pattern == "*" or pattern in principals.get(kind, ())
        for kind, patterns in wanted.items()
        for pattern in _listed(patterns)
    )


def matches(pattern: str, value: str) -> bool:
    """Tell whether *value* fits *pattern*, in which ``*`` is any text and ``?`` any one character."""
    return _compiled(pattern).fullmatch(value) is not None


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> re.Pattern[str]:
    pieces = {"*": ".*", "?": "."}
    return re.compile("".join(pieces.get(c) or re.escape(c) for c in pattern), re.DOTALL)


def _equal(pattern: str, value: str) -> bool:
    return pattern == value


def _equal_in_any_case(pattern: str, value: str) -> bool:
    return pattern.lower() == value.lower()


def _compared(read: Callable[[str], float], compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    """Return an operator on values that *read* makes numbers of; what is none compares with nothing."""

    def holds(pattern: str, value: str) -> bool:
        try:
            return compare(read(value), read(pattern))
        except ValueError:
            return False

    return holds


def _moment(text: str) -> float:
    """Return seconds since the epoch, which may also be what is given; ValueError for what is no date."""
    return float(text) if text.isdecimal() else datetime.fromisoformat(text).timestamp()


def _is_in_network(pattern: str, value: str) -> bool:
    try:
        return ip_address(value) in ip_network(pattern, strict=False)
    except ValueError:
        return False


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _equal,
    "StringLike": matches,
    "StringEqualsIgnoreCase": _equal_in_any_case,
    "ArnEquals": matches,
    "ArnLike": matches,
    "Bool": _equal_in_any_case,
    "NumericEquals": _compared(float, operator.eq),
    "NumericLessThan": _compared(float, operator.lt),
    "NumericLessThanEquals": _compared(float, operator.le),
    "NumericGreaterThan": _compared(float, operator.gt),
    "NumericGreaterThanEquals": _compared(float, operator.ge),
    "DateEquals": _compared(_moment, operator.eq),
    "DateLessThan": _compared(_moment, operator.lt),
    "DateLessThanEquals": _compared(_moment, operator.le),
    "DateGreaterThan": _compared(_moment, operator.gt),
    "DateGreaterThanEquals": _compared(_moment, operator.ge),
    "IpAddress": _is_in_network,
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotLike": "StringLike",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}


def _condition_holds(condition: str, keys: Mapping[str, Any], context: Context) -> bool:
    folded = {k.lower(): v for k, v in context.items()}
    quantifier, _, name = condition.rpartition(":")
    optional = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    return all(
        _key_holds(quantifier, name, optional, _listed(wanted), folded.get(key.lower())) for key, wanted in keys.items()
    )


def _key_holds(quantifier: str, name: str, optional: bool, wanted: list[Any], actual: str | list[str] | None) -> bool:
    patterns = [_text(w) for w in wanted]
    if name == "Null":
        return all((actual is None) == (p == "true") for p in patterns)
    negated = name in _NEGATED
    test = _OPERATORS.get(_NEGATED.get(name, name))
    if test is None:
        return False
    if actual is None:
        return optional or negated or quantifier == "ForAllValues"
    values = [actual] if isinstance(actual, str) else actual
    outcomes = [any(test(p, v) for p in patterns) != negated for v in values]
    return any(outcomes) if quantifier == "ForAnyValue" else all(outcomes)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
