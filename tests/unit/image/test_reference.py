"""References, registries and repository names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action.image.reference import Reference, Registry, parse, registry_of, repository_problem

DIGEST = "sha256:" + "0a" * 32
OURS = Registry("123456789012", "us-east-1")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com", OURS),
        ("123456789012.DKR.ECR.us-east-1.amazonaws.com", OURS),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", OURS),
        ("123456789012.dkr-ecr.us-east-1.on.aws", OURS),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", Registry("123456789012", "cn-north-1")),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com.cn", None),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com", None),
        ("12345678901.dkr.ecr.us-east-1.amazonaws.com", None),
        ("x123456789012.dkr.ecr.us-east-1.amazonaws.com", None),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example", None),
        ("public.ecr.aws", None),
        ("ghcr.io", None),
        ("", None),
    ],
)
def test_hosts_of_one_registry(host: str, expected: Registry | None) -> None:
    """All of ECR's own forms mean account and Region, no other host does."""
    assert registry_of(host) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx", Reference(None, "nginx")),
        ("library/nginx:1.27", Reference(None, "library/nginx", "1.27")),
        ("localhost/app", Reference("localhost", "app")),
        ("host:5000/a/b:t", Reference("host:5000", "a/b", "t")),
        ("ghcr.io/o/app@" + DIGEST, Reference("ghcr.io", "o/app", None, DIGEST)),
        (f"ghcr.io/o/app:v1@{DIGEST}", Reference("ghcr.io", "o/app", "v1", DIGEST)),
        ("a__b/c-d---e.f", Reference(None, "a__b/c-d---e.f")),
    ],
)
def test_what_a_reference_is_made_of(text: str, expected: Reference) -> None:
    """Host, path, tag and digest; and written again it is the same text."""
    assert parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "a:",
        "a:.x",
        "A",
        "a//b",
        "a/",
        "/a",
        "a b",
        "a@sha256:12",
        "a:" + "x" * 129,
        "${X}/a:1",
        "a:1\n",
        "h:p/a",
    ],
)
def test_what_is_no_reference(text: str) -> None:
    """Everything else is None."""
    assert parse(text) is None


def test_the_registry_of_a_reference() -> None:
    """A reference knows its registry, and its name without tag and digest."""
    found = parse(f"123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app:v1@{DIGEST}")
    assert found is not None
    assert (found.registry, found.name) == (OURS, "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app")
    plain = Reference(None, "nginx")
    assert (plain.registry, plain.name) == (None, "nginx")


@given(st.text(alphabet="aA0.:/@-_ ${}\n", max_size=30))
def test_any_text_comes_back_or_is_none(text: str) -> None:
    """Whatever is parsed is written again as it was."""
    found = parse(text)
    assert found is None or str(found) == text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a", "1 characters"),
        ("a" * 257, "257 characters"),
        ("Team/App", "'team/app'"),
        ("a--b", "single"),
        ("a/", "single"),
        ("/a", "single"),
        ("a_.b", "single"),
        ("ä-b", "single"),
    ],
)
def test_names_that_ecr_refuses(name: str, words: str) -> None:
    """Each with the reason."""
    assert words in (repository_problem(name) or "")


@pytest.mark.parametrize("name", ["ab", "team/app", "a.b_c-d/e1", "a" * 256])
def test_names_that_ecr_takes(name: str) -> None:
    """Nothing is wrong with them."""
    assert repository_problem(name) is None
