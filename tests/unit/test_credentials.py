"""Inputs that hold credentials: what is taken, and what is refused without being repeated."""

from __future__ import annotations

import pytest

from ecr_action import credentials, inputs
from ecr_action.converters import Wrong

PEM = "-----BEGIN RSA PRIVATE KEY-----\nTUlJ\nRXBB==\n-----END RSA PRIVATE KEY-----\n"
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:gitops-AbCdEf"


@pytest.mark.parametrize(
    "text",
    [PEM, PEM.strip(), PEM.replace("\n", "\r\n"), PEM.replace("\n", "\\n"), f"\n  {PEM}\n".replace("\n", "\n  ")],
)
def test_a_key_is_taken_however_its_lines_were_kept(text: str) -> None:
    """With the line breaks of Windows, as escapes, indented."""
    assert credentials.private_key(text).reveal() == PEM


@pytest.mark.parametrize(
    "text",
    [
        "my-secret",
        PEM.replace("RSA ", "EC "),
        PEM[:-20],
        PEM.replace("PRIVATE", "PUBLIC"),
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_what_is_no_key_is_refused_and_not_shown(text: str) -> None:
    """Another kind of key, a cut one, an encrypted one."""
    with pytest.raises(Wrong) as wrong:
        credentials.private_key(text)
    assert text not in f"{wrong.value.what}{wrong.value.fix}"
    assert "gh secret set" in wrong.value.fix


@pytest.mark.parametrize("text", ["123456", "Iv23liAbCdEf0123", "Iv1.8a61f9b3a7aba766", " 42 "])
def test_an_app_has_an_id_or_a_client_id(text: str) -> None:
    """Both name it in its web token."""
    assert credentials.app_id(text) == text.strip()


@pytest.mark.parametrize("text", ["my-app", "0", "12 34"])
def test_another_name_of_an_app_is_refused(text: str) -> None:
    """Its slug is none."""
    with pytest.raises(Wrong):
        credentials.app_id(text)


def test_an_arn_of_something_else_is_refused() -> None:
    """Before anything is read."""
    given = {"gitops-token": "arn:aws:iam::123456789012:role/x", "gitops-app-private-key": f"{ARN}:a:b:c:d"}
    _, problems = inputs.parse(given)
    assert [problem.name for problem in problems] == ["gitops-token", "gitops-app-private-key"]
    assert inputs.parse({"gitops-token": f"{ARN}:token::"})[1] == ()


def test_the_token_of_the_job_is_no_arn() -> None:
    """It comes from GitHub itself, and is never looked up."""
    given = "arn:aws:iam::123456789012:role/x"
    parsed, problems = inputs.parse({"github-token": given})
    assert (parsed.github_token.reveal(), problems) == (given, ())


def test_a_token_and_an_app_are_one_too_many() -> None:
    """It can't be told which is meant."""
    _, problems = inputs.parse({"gitops-token": "ghp_x", "gitops-app-id": "1"})
    assert [problem.name for problem in problems] == ["gitops-app-id"]
