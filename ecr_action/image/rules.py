"""Tags by rules: the ``type=...`` lines of docker/metadata-action (its README, "tags input"), read as it reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ecr_action.image import version
from ecr_action.image.lists import entries

_EVENTS = ("branch", "tag", "pr")
# Type -> the attributes that it takes beside those of every type.
TYPES: Mapping[str, tuple[str, ...]] = {
    "ref": ("event",),
    "sha": ("format",),
    "semver": ("pattern", "value"),
    "raw": ("value",),
    "schedule": ("pattern",),
    "edge": ("branch",),
    "match": ("pattern", "group", "value"),
}
_COMMON = ("enable", "prefix", "suffix", "priority")
_EXPRESSION = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_DATES = {"YYYYMMDD": 8, "YYYYMM": 6, "YYYY": 4}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a run is of: at most one of *branch*, *tag* and *pull* is not empty. *sha* has 40 hex, *date* 8 digits."""

    sha: str
    branch: str = ""
    tag: str = ""
    pull: str = ""
    default: bool = False
    scheduled: bool = False
    date: str = ""
    short: int = 7


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One line: its *type* and what else it says, by lower-case name."""

    type: str
    given: Mapping[str, str] = field(default_factory=dict)


def is_rule(line: str) -> bool:
    """Whether *line* is one of these rules."""
    return bool(re.match(r'\s*"?type=', line))


def parse(line: str) -> Rule:
    """The rule of *line*. Raises ValueError, which says what is wrong with it."""
    given: dict[str, str] = {}
    for part in entries(line):
        name, equals, text = part.partition("=")
        # A field without a name is the value.
        given[name.strip().lower() if equals else "value"] = (text if equals else name).strip()
    kind = given.pop("type")
    if kind not in TYPES:
        raise ValueError(f"has type={kind}; there are {', '.join(TYPES)}")
    if unknown := sorted(set(given) - {*TYPES[kind], *_COMMON}):
        raise ValueError(f"has {unknown[0]!r}, which type={kind} does not take")
    _check(kind, given)
    return Rule(type=kind, given=given)


def _check(kind: str, given: Mapping[str, str]) -> None:
    if kind == "ref" and given.get("event") not in _EVENTS:
        raise ValueError("has type=ref without event=branch, event=tag or event=pr")
    if kind in ("semver", "match") and not given.get("pattern"):
        raise ValueError(f"has type={kind} without a pattern")
    if kind == "raw" and not given.get("value"):
        raise ValueError("has type=raw without a value")
    if kind == "match":
        group = given.get("group", "0")
        if not group.isdigit() or int(group) > _regex(given["pattern"]).groups:
            raise ValueError(f"has group={group}, which the pattern has not")
    for text in given.values():
        for name in _EXPRESSION.findall(text):
            if kind == "semver" and name in _SEMVER:
                continue
            if name.split(" ")[0] not in _NAMES:
                raise ValueError(f"has {{{{{name}}}}}, which there is not")
            if name.startswith("date") and not re.fullmatch(r"date '(YYYYMMDD|YYYYMM|YYYY)'", name):
                raise ValueError(f"has {{{{{name}}}}}; it takes {{{{date 'YYYYMMDD'}}}}, 'YYYYMM' or 'YYYY'")


_NAMES = ("branch", "tag", "sha", "is_default_branch", "is_not_default_branch", "date")
_SEMVER = ("version", "raw", "major", "minor", "patch")


def tag(rule: Rule, facts: Facts) -> str | None:
    """The tag that *rule* gives for *facts*, None where it gives none.

    Raises ValueError where ``enable`` is no boolean.
    """
    given = {name: text if rule.type == "match" and name == "pattern" else _expanded(text, facts, rule.type)
             for name, text in rule.given.items()}  # fmt: skip
    enable = given.get("enable", "true")
    if enable not in ("true", "false"):
        raise ValueError(f"has enable={enable}; it takes true or false")
    body = _body(rule.type, given, facts) if enable == "true" else None
    if not body:
        return None
    own = {"sha": "sha-", "pr": "pr-"}.get(given.get("event", rule.type), "")
    return re.sub(r"[^A-Za-z0-9._-]+", "-", given.get("prefix", own) + body + given.get("suffix", ""))


def _body(kind: str, given: Mapping[str, str], facts: Facts) -> str | None:
    if kind == "ref":
        return {"branch": facts.branch, "tag": facts.tag, "pr": facts.pull}[given["event"]]
    if kind == "sha":
        return facts.sha if given.get("format") == "long" else facts.sha[: facts.short]
    if kind == "raw":
        return given["value"]
    if kind == "schedule":
        return (given.get("pattern") or "nightly") if facts.scheduled else None
    if kind == "edge":
        wanted = given.get("branch") or (facts.branch if facts.default else "")
        return "edge" if facts.branch and facts.branch == wanted else None
    if kind == "semver":
        return _semver(given["pattern"], given.get("value") or facts.tag)
    match = _regex(given["pattern"]).search(given.get("value") or facts.tag)
    return match[int(given.get("group", "0"))] if match else None


def _semver(pattern: str, text: str) -> str | None:
    found = version.parse(text)
    if found is None:
        return None
    core = f"{found.major}.{found.minor}.{found.patch}" + (f"-{found.pre}" if found.pre else "")
    if found.pre and _EXPRESSION.sub(lambda match: match[1], pattern) != "raw":
        # A pre-release moves no tag that others follow.
        return core
    values = {"version": core, "raw": text, "major": found.major, "minor": found.minor, "patch": found.patch}
    return _EXPRESSION.sub(lambda match: str(values.get(match[1], match[0])), pattern)


def _regex(pattern: str) -> re.Pattern[str]:
    match = re.fullmatch(r"/(.*)/([a-z]*)", pattern)
    try:
        return re.compile(match[1] if match else pattern, re.I if match and "i" in match[2] else 0)
    except re.error as error:
        raise ValueError(f"has a pattern that can't be read: {error}") from error


def _expanded(text: str, facts: Facts, kind: str) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        if kind == "semver" and name in _SEMVER:
            return match[0]
        if name.startswith("date"):
            return facts.date[: _DATES[name.split("'")[1]]]
        return {
            "branch": facts.branch,
            "tag": facts.tag,
            "sha": facts.sha[: facts.short],
            "is_default_branch": str(facts.default).lower(),
            "is_not_default_branch": str(not facts.default).lower(),
        }[name]

    return _EXPRESSION.sub(value, text)
