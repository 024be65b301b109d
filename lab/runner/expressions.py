"""The expressions of an action.yml, for the forms that composite actions here use; any other is an error."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w-]*)"
    r"|(?P<operator>==|!=|&&|\|\||[!().]))"
)
_EMBEDDED = re.compile(r"\$\{\{(?P<inner>(?:[^'}]|'(?:[^']|'')*'|\}(?!\}))*)\}\}")
_WORDS = {"true": True, "false": False, "null": None}


class ExpressionError(Exception):
    """An expression that this evaluator does not know; the message holds it."""


def interpolate(text: str, contexts: Mapping[str, Any]) -> str:
    """Replace every `${{ ... }}` of *text* by its value as the runner writes it. Raises ExpressionError."""
    return _EMBEDDED.sub(lambda match: as_text(evaluate(match["inner"], contexts)), text)


def condition(text: str | None, contexts: Mapping[str, Any]) -> bool:
    """Evaluate a step's `if:`; without a status function the runner puts `success() &&` before it."""
    if text is None:
        return truth(evaluate("success()", contexts))
    match = _EMBEDDED.fullmatch(text.strip())
    inner = match["inner"] if match else text
    if not re.search(r"\b(always|success|failure|cancelled)\s*\(", inner):
        inner = f"success() && ({inner})"
    return truth(evaluate(inner, contexts))


def evaluate(expression: str, contexts: Mapping[str, Any]) -> Any:
    """Evaluate one expression (without `${{ }}`). Names are found in any case; a missing property is null.

    Contexts are mappings, functions callables of the evaluated arguments. Raises ExpressionError.
    """
    parser = _Parser(expression, contexts)
    value = parser.either()
    parser.end()
    return value


def truth(value: Any) -> bool:
    """Return GitHub's truth of a value: false, 0, the empty string and null are false."""
    return value not in (False, 0, "", None)


def as_text(value: Any) -> str:
    """Return a value as it appears in a string."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "Object" if isinstance(value, Mapping) else str(value)


def to_json(value: Any) -> str:
    """Return `toJSON(value)`: two blanks of indentation, nothing escaped that need not be."""
    return json.dumps(value, indent=2, ensure_ascii=False)


class _Parser:
    def __init__(self, expression: str, contexts: Mapping[str, Any]) -> None:
        self.expression, self.contexts = expression.strip(), contexts
        self.tokens = list(self._tokens())
        self.at = 0

    def _tokens(self) -> Any:
        position = 0
        while position < len(self.expression):
            match = _TOKEN.match(self.expression, position)
            if match is None or not match.lastgroup:
                raise self.unknown()
            yield match.lastgroup, match[match.lastgroup]
            position = match.end()

    def unknown(self) -> ExpressionError:
        return ExpressionError(f"the expression `{self.expression}` has a form that this runner does not know")

    def take(self, *operators: str) -> str | None:
        if self.at < len(self.tokens) and self.tokens[self.at] in [("operator", o) for o in operators]:
            self.at += 1
            return str(self.tokens[self.at - 1][1])
        return None

    def end(self) -> None:
        if self.at != len(self.tokens):
            raise self.unknown()

    def either(self) -> Any:
        value = self.both()
        while self.take("||"):
            other = self.both()
            value = value if truth(value) else other
        return value

    def both(self) -> Any:
        value = self.comparison()
        while self.take("&&"):
            other = self.comparison()
            value = other if truth(value) else value
        return value

    def comparison(self) -> Any:
        value = self.negation()
        while operator := self.take("==", "!="):
            same = _equal(value, self.negation())
            value = same if operator == "==" else not same
        return value

    def negation(self) -> Any:
        return not truth(self.negation()) if self.take("!") else self.value()

    def value(self) -> Any:
        if self.take("("):
            inner = self.either()
            self._expect(")")
            return inner
        kind, text = self._next()
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind != "name":
            raise self.unknown()
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        return self.call(text) if self.take("(") else self.member(text)

    def call(self, name: str) -> Any:
        function = _get(self.contexts, name)
        if not callable(function):
            raise self.unknown()
        arguments = [] if self.take(")") else [self.either()]
        if arguments:
            self._expect(")")
        try:
            return function(*arguments)
        except TypeError:
            raise self.unknown() from None

    def member(self, name: str) -> Any:
        value = _get(self.contexts, name)
        if not isinstance(value, Mapping):
            raise self.unknown()
        while self.take("."):
            kind, key = self._next()
            if kind != "name":
                raise self.unknown()
            value = _get(value, key) if isinstance(value, Mapping) else None
        return value

    def _next(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise self.unknown()
        self.at += 1
        kind, text = self.tokens[self.at - 1]
        return kind, text

    def _expect(self, operator: str) -> None:
        if not self.take(operator):
            raise self.unknown()


def _get(mapping: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in mapping.items() if key.lower() == name.lower()), None)


def _equal(one: Any, other: Any) -> bool:
    # Strings are compared without regard to case; of two kinds both are taken as numbers.
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    if type(one) is type(other) or (one is None and other is None):
        return bool(one == other)
    return _number(one) == _number(other)


def _number(value: Any) -> float:
    if value is None or value == "":
        return 0.0
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
