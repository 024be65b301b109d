"""Tags by rules: the ``type=...`` lines of docker/metadata-action (its README, "tags input"), read as it reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

from ecr_action.image import dates, version
from ecr_action.image.lists import entries

_EVENTS = ("branch", "tag", "pr")
# Type -> the attributes that it takes beside those of every type.
TYPES: Mapping[str, tuple[str, ...]] = {
    "ref": ("event",),
    "sha": ("format",),
    "semver": ("pattern", "value", "match"),
    "pep440": ("pattern", "value", "match"),
    "raw": ("value",),
    "schedule": ("pattern",),
    "edge": ("branch",),
    "match": ("pattern", "group", "value"),
}
_COMMON = ("enable", "prefix", "suffix", "priority")
_VERSIONED = ("semver", "pep440")
_EXPRESSION = re.compile(r"\{\{([^{}]*)\}\}")
_NAMES = ("branch", "tag", "sha", "base_ref", "is_default_branch", "is_not_default_branch")
_OF_A_VERSION = ("version", "raw", "major", "minor", "patch")
# PEP 440, appendix B, in its normal form.
_PEP440 = re.compile(
    r"v?(?P<version>(?:[0-9]+!)?(?P<major>[0-9]+)(?:\.(?P<minor>[0-9]+))?(?:\.(?P<patch>[0-9]+))?(?:\.[0-9]+)*"
    r"(?P<pre>(?:(?:a|b|rc)[0-9]+)?)(?P<post>(?:\.post[0-9]+)?)(?P<dev>(?:\.dev[0-9]+)?))(?:\+[a-z0-9.]+)?"
)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a run is of: at most one of *branch*, *tag* and *pull* (its number) is not empty; *sha* has 40 hex.

    *base* is the branch that a pull request is for, *now* the time of the run, *committed* the commit's.
    """

    sha: str
    branch: str = ""
    tag: str = ""
    pull: str = ""
    base: str = ""
    default: bool = False
    scheduled: bool = False
    now: datetime | None = None
    committed: datetime | None = None
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
    kind = given.pop("type", "")
    if kind not in TYPES:
        raise ValueError(f"has type={kind}; there are {', '.join(TYPES)}")
    if unknown := sorted(set(given) - {*TYPES[kind], *_COMMON}):
        raise ValueError(f"has {unknown[0]!r}, which type={kind} does not take")
    _check(kind, given)
    return Rule(type=kind, given=given)


def _check(kind: str, given: Mapping[str, str]) -> None:
    if kind == "ref" and given.get("event") not in _EVENTS:
        raise ValueError("has type=ref without event=branch, event=tag or event=pr")
    if kind in (*_VERSIONED, "match") and not given.get("pattern"):
        raise ValueError(f"has type={kind} without a pattern")
    if kind == "raw" and not given.get("value"):
        raise ValueError("has type=raw without a value")
    if kind == "match":
        group = given.get("group", "0")
        if not group.isdigit() or int(group) > _regex(given["pattern"]).groups:
            raise ValueError(f"has group={group}, which the pattern has not")
    for name, text in given.items():
        if _is_regex(kind, name):
            _regex(text)
            continue
        for expression in _EXPRESSION.findall(text):
            _check_expression(kind, expression.strip())


def _check_expression(kind: str, name: str) -> None:
    if name in _NAMES or (kind in _VERSIONED and name in _OF_A_VERSION):
        return
    date = dates.expression(name)
    if date is None:
        known = ", ".join((*_NAMES, "date 'YYYYMMDD'", "commit_date 'YYYYMMDD'"))
        raise ValueError(f"has {{{{{name}}}}}, which there is not; there are {known}")
    dates.written(datetime(2026, 1, 1, tzinfo=timezone.utc), *date[1:])


def _is_regex(kind: str, name: str) -> bool:
    return name == "match" or (kind == "match" and name == "pattern")


def tag(rule: Rule, facts: Facts) -> str | None:
    """The tag that *rule* gives for *facts*, None where it gives none.

    Raises ValueError where ``enable`` is no boolean, or where a time is asked for that is not known.
    """
    given = {
        name: text if _is_regex(rule.type, name) else _expanded(text, facts, rule.type)
        for name, text in rule.given.items()
    }
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
    text = given.get("value") or facts.tag
    if kind in _VERSIONED:
        return _version(kind, given["pattern"], _part(given["match"], text) if given.get("match") else text)
    match = _regex(given["pattern"]).search(text)
    return match[int(given.get("group", "0"))] if match else None


def _part(pattern: str, text: str) -> str:
    """What *pattern* finds of *text*, its first group where it has one; all of it where it finds nothing."""
    found = _regex(pattern).search(text)
    if found is None:
        return text
    return found[1] if found.re.groups else found[0]


def _version(kind: str, pattern: str, text: str) -> str | None:
    values = _semver(text) if kind == "semver" else _pep440(text)
    if values is None:
        return None
    if values["pre"] and _EXPRESSION.sub(lambda match: match[1].strip(), pattern) != "raw":
        # A pre-release moves no tag that others follow.
        return values["version"]
    return _EXPRESSION.sub(lambda match: values.get(match[1].strip(), match[0]), pattern)


def _semver(text: str) -> dict[str, str] | None:
    found = version.parse(text)
    if found is None:
        return None
    core = f"{found.major}.{found.minor}.{found.patch}" + (f"-{found.pre}" if found.pre else "")
    numbers = {"major": str(found.major), "minor": str(found.minor), "patch": str(found.patch)}
    return {"version": core, "raw": text, "pre": found.pre, **numbers}


def _pep440(text: str) -> dict[str, str] | None:
    found = _PEP440.fullmatch(text)
    if found is None:
        return None
    numbers = {name: found[name] or "0" for name in ("major", "minor", "patch")}
    return {"version": found["version"], "raw": text, "pre": found["pre"] + found["dev"], **numbers}


def _regex(pattern: str) -> re.Pattern[str]:
    match = re.fullmatch(r"/(.*)/([a-z]*)", pattern)
    try:
        return re.compile(match[1] if match else pattern, re.I if match and "i" in match[2] else 0)
    except re.error as error:
        raise ValueError(f"has a pattern that can't be read: {error}") from error


def _expanded(text: str, facts: Facts, kind: str) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1].strip()
        if kind in _VERSIONED and name in _OF_A_VERSION:
            return match[0]
        if date := dates.expression(name):
            return _date(date, facts)
        return {
            "branch": facts.branch,
            "tag": facts.tag,
            "sha": facts.sha[: facts.short],
            "base_ref": facts.base,
            "is_default_branch": str(facts.default).lower(),
            "is_not_default_branch": str(not facts.default).lower(),
        }[name]

    return _EXPRESSION.sub(value, text)


def _date(asked: tuple[str, str, str], facts: Facts) -> str:
    name, form, zone = asked
    moment = facts.now if name == "date" else facts.committed
    if moment is None:
        raise ValueError(f"asks for the {name.replace('_', ' ')}, which this run does not know")
    return dates.written(moment, form, zone)
