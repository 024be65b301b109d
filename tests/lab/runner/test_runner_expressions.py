"""The expressions that the shim knows, and its refusal of all others."""

from __future__ import annotations

from typing import Any

import pytest

from lab.runner import expressions

CONTEXTS: dict[str, Any] = {
    "inputs": {"Dry-Run": "true", "empty": ""}, "steps": {"main": {"outputs": {"tag": "v1"}}},
    "toJSON": expressions.to_json, "success": lambda: True, "failure": lambda: False, "always": lambda: True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("inputs.dry-run", "true"), ("inputs.DRY-RUN == 'TRUE'", True), ("inputs.missing", None),
        ("inputs.missing == ''", True), ("steps.main.outputs.tag", "v1"), ("steps.none.outputs.tag", None),
        ("'it''s'", "it's"), ("inputs.empty || 'other'", "other"), ("inputs.dry-run && 'a' || 'b'", "a"),
        ("!inputs.empty", True), ("(1 == 2) || true", True), ("inputs.dry-run != 'true'", False),
        ("'a' == 'a' && 'b' == 'c'", False), ("toJSON(inputs)", '{\n  "Dry-Run": "true",\n  "empty": ""\n}'),
        ("'1' == 1", True), ("null == ''", True), ("'' == 0", True), ("'x' == 0", False),
    ],
)  # fmt: skip
def test_expression_has_githubs_value(expression: str, value: Any) -> None:
    """Names in any case, strings compared without it, and `&&` and `||` that return an operand."""
    assert expressions.evaluate(expression, CONTEXTS) == value


@pytest.mark.parametrize(
    "expression", ["hashFiles('x')", "matrix.os", "inputs['a']", "1 < 2", "inputs.a ==", "contains('a', 'b')", "'a", ""]
)
def test_unknown_form_is_named(expression: str) -> None:
    """An expression that is not understood is an error that shows it, never an empty string."""
    with pytest.raises(expressions.ExpressionError) as caught:
        expressions.evaluate(expression, CONTEXTS)
    assert f"`{expression}`" in str(caught.value)


def test_text_around_expressions_is_kept() -> None:
    """Only `${{ }}` is replaced; a quoted brace inside does not end it."""
    text = "a ${{ steps.main.outputs.tag }} $HOME ${{ '}}' }} ${x}"
    assert expressions.interpolate(text, CONTEXTS) == "a v1 $HOME }} ${x}"


@pytest.mark.parametrize(
    ("text", "failed", "runs"),
    [(None, False, True), (None, True, False), ("always()", True, True), ("failure()", True, True),
     ("inputs.dry-run == 'true'", True, False), ("${{ inputs.dry-run == 'true' }}", False, True),
     ("!cancelled()", True, True)],
)  # fmt: skip
def test_condition_has_success_before_it_unless_it_names_a_status(text: str | None, failed: bool, runs: bool) -> None:
    """A plain comparison is not asked after a failure."""
    status = {"success": lambda: not failed, "failure": lambda: failed, "cancelled": lambda: False}
    assert expressions.condition(text, CONTEXTS | status) is runs
