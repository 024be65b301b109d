"""Secrets hidden in everything that is shown: the registered values, and the forms in which they leak."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from urllib.parse import quote
from xml.sax.saxutils import escape


class Masks:
    """The values that a job hides; grows while it runs."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self.values: list[str] = []
        self._forms: list[str] = []
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        """Hide *value* from now on; of several lines each is hidden by itself, blank ones are ignored."""
        if not value.strip():
            return
        for part in dict.fromkeys([value, *value.splitlines()]):
            if part.strip() and part not in self.values:
                self.values.append(part)
                self._forms.extend(_forms(part))
        self._forms.sort(key=len, reverse=True)

    def hide(self, text: str) -> str:
        """Return *text* with every hidden value replaced by `***`."""
        for form in self._forms:
            text = text.replace(form, "***")
        return text


def _forms(value: str) -> set[str]:
    """Return the encodings that actions/runner's SecretMasker hides too (SecretMasker.cs, ValueEncoders.cs)."""
    data = value.encode()
    # The base64 of a text that holds the secret at any offset: the whole groups of it.
    shifted = [base64.b64encode(data[skip:]).decode().rstrip("=") for skip in (0, 1, 2)]
    quotes = {'"': "&quot;", "'": "&apos;"}
    forms = {
        value, json.dumps(value, ensure_ascii=False)[1:-1], quote(value, safe=""), escape(value, quotes),
        value.replace("'", "''"), value.strip('"'), *(form[:-1] for form in shifted),
    }  # fmt: skip
    return {form for form in forms if len(form) > 2 or form == value}
