"""The labels that an image gets."""

from __future__ import annotations

import pytest

from ecr_action.image.labels import PREFIX, Facts, standard, utc

FULL = Facts(
    title="app",
    description="An app",
    url="https://github.com/o/app",
    version="v1.2.3",
    created="2026-11-03T23:30:00-03:00",
    revision="a" * 40,
    licenses="MIT",
)


def short(labels: dict[str, str]) -> dict[str, str]:
    return {name.removeprefix(PREFIX): value for name, value in labels.items()}


def test_the_standard_set() -> None:
    """All eight keys, the date in UTC, the source like the URL unless it is another."""
    assert short(standard(FULL, {})) == {
        "title": "app",
        "description": "An app",
        "url": "https://github.com/o/app",
        "source": "https://github.com/o/app",
        "version": "v1.2.3",
        "created": "2026-11-04T02:30:00Z",
        "revision": "a" * 40,
        "licenses": "MIT",
    }


def test_what_is_not_known_is_left_out() -> None:
    """An empty label says nothing."""
    assert short(standard(Facts(title="app"), {})) == {"title": "app"}


def test_uncommitted_changes_show() -> None:
    """The revision of a dirty checkout is not the commit's."""
    assert short(standard(Facts(revision="b" * 40, dirty=True), {})) == {"revision": f"{'b' * 40}-dirty"}
    assert standard(Facts(dirty=True), {}) == {}


def test_the_users_own_win() -> None:
    """Own labels are added, and replace a standard one, also by an empty text."""
    made = standard(Facts(title="app", version="1"), {PREFIX + "title": "Mine", PREFIX + "version": "", "team": "a"})
    assert made == {PREFIX + "title": "Mine", PREFIX + "version": "", "team": "a"}


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2026-11-03T23:30:00Z", "2026-11-03T23:30:00Z"),
        ("2026-11-03T23:30:00+05:30", "2026-11-03T18:00:00Z"),
        ("2026-11-03T23:30:00", ""),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_dates_are_rfc_3339_in_utc(date: str, expected: str) -> None:
    """A date without an offset, or none at all, is no date."""
    assert utc(date) == expected
