"""Which paths a pattern means."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ecr_action.gitops.tree import is_glob, matches, path_of, wanted

TABLE = [
    ("apps/*.yaml", "apps/a.yaml", True),
    ("apps/*.yaml", "apps/deep/a.yaml", False),
    ("*.yaml", "apps/a.yaml", False),
    ("**/*.yaml", "apps/deep/a.yaml", True),
    ("**/*.yaml", "a.yaml", True),
    ("apps/**/dev/*.yaml", "apps/dev/a.yaml", True),
    ("apps/**/dev/*.yaml", "apps/x/y/dev/a.yaml", True),
    ("apps/**/dev/*.yaml", "apps/x/notdev/a.yaml", False),
    ("apps/**", "apps/x/y.yaml", True),
    ("apps/**", "apps2/y.yaml", False),
    ("apps/", "apps/x/y.yaml", True),
    ("apps", "apps2/y.yaml", False),
    ("./apps/a.yaml", "apps/a.yaml", True),
    ("apps/a.yaml#spec.image", "apps/a.yaml", True),
    ("values-?.yaml", "values-1.yaml", True),
    ("values-?.yaml", "values-12.yaml", False),
    ("values-[dp]*.yaml", "values-prod.yaml", True),
    ("values-[!d]*.yaml", "values-dev.yaml", False),
    ("values-[^d]*.yaml", "values-^x.yaml", True),
    ("values-[a.yaml", "values-[a.yaml", True),
    ("a.yaml", "axyaml", False),
    ("*", ".argocd-source-app.yaml", True),
]


@pytest.mark.parametrize(("pattern", "path", "meant"), TABLE)
def test_a_pattern_means_what_people_expect_of_it(pattern: str, path: str, meant: bool) -> None:
    """Stars stay within a part, two of them do not; a folder means all of it."""
    assert matches(pattern, path) is meant


@pytest.mark.parametrize(
    ("path", "mode", "may"),
    [
        ("a.yaml", "100644", True),
        ("a.YML", "100755", True),
        ("a.json", "100644", True),
        ("a.txt", "100644", False),
        ("yaml", "100644", False),
        ("link.yaml", "120000", False),
        ("module.yaml", "160000", False),
        (".github/workflows/ci.yaml", "100644", False),
        ("apps/.github/x.yaml", "100644", True),
    ],
)
def test_only_plain_manifests_are_ever_written(path: str, mode: str, may: bool) -> None:
    """Whether or not a pattern names them."""
    assert wanted(path, mode, ()) is may
    assert wanted(path, mode, [path]) is may


def test_a_manifest_outside_the_patterns_is_not_meant() -> None:
    """One pattern is enough, none is none."""
    assert wanted("b/x.yaml", "100644", ["a/**", "b/*"])
    assert not wanted("c/x.yaml", "100644", ["a/**", "b/*"])


def test_a_name_is_a_pattern_without_its_field() -> None:
    """And without what people write around it."""
    assert [path_of(text) for text in ("./a.yaml", "a.yaml#x.y", "apps/")] == ["a.yaml", "a.yaml", "apps"]
    assert [is_glob(text) for text in ("a.yaml", "a*", "a?", "a[b]")] == [False, True, True, True]


@given(st.text(), st.text())
def test_any_text_may_stand_in_a_pattern(pattern: str, path: str) -> None:
    """No pattern of a user breaks the run."""
    assert matches(pattern, path) in (True, False)


@example("././.")
@given(st.from_regex(r"[a-z.(+{^$|\\ ]{1,8}(/[a-z.(+{^$|\\ ]{1,8}){0,3}", fullmatch=True))
def test_a_name_without_stars_means_itself(path: str) -> None:
    """Characters that a regular expression would read are characters."""
    name = path_of(path)
    # Git has no part named "." in a path.
    if name and not name.startswith("./"):
        assert matches(name, name)
        assert not matches(name, name + "x")
