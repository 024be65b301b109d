"""`gitops-mode`: one mode, or a line for each environment."""

from __future__ import annotations

import pytest

from ecr_action.converters import Wrong
from ecr_action.delivery import gitops_mode


@pytest.mark.parametrize(
    ("text", "modes"),
    [
        ("", ("commit", "commit", "commit")),
        ("auto", ("auto", "auto", "auto")),
        ("prod: pull-request", ("commit", "pull-request", "commit")),
        ("auto\nprod: pull-request\ndev: commit", ("commit", "pull-request", "auto")),
        ("production: pull-request", ("commit", "pull-request", "commit")),
        ("Prod:auto, dev:pull-request", ("pull-request", "auto", "commit")),
    ],
)
def test_each_environment_has_its_mode(text: str, modes: tuple[str, str, str]) -> None:
    """By any of its names; the line without a name is for the others."""
    parsed = gitops_mode(text)
    assert tuple(parsed.of(name) for name in ("dev", "prod", "qa")) == modes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pull request", "Did you mean 'pull-request'?"),
        ("prod: pr", "it takes commit, pull-request or auto"),
        (": auto", "ENVIRONMENT: MODE"),
        ("auto\ncommit", "another mode"),
        ("prod: auto\nproduction: commit", "another mode"),
        ("pr od: auto", "letters, digits"),
    ],
)
def test_what_is_no_mode_is_refused(text: str, words: str) -> None:
    """With what it could be."""
    with pytest.raises(Wrong) as wrong:
        gitops_mode(text)
    assert words in f"{wrong.value.what} {wrong.value.fix}"
