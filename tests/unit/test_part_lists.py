"""What other jobs built, as their outputs tell it."""

from __future__ import annotations

import json

import pytest

from ecr_action import inputs
from ecr_action.converters import Wrong
from ecr_action.part_lists import Parts, parts

ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def needs(**jobs: tuple[str, dict[str, str]]) -> str:
    return json.dumps({name: {"result": result, "outputs": outputs} for name, (result, outputs) in jobs.items()})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Parts()),
        (needs(a=("success", {"digest": ONE}), b=("success", {"digest": TWO})), Parts((ONE, TWO), given=True)),
        (needs(a=("success", {"digest": ONE}), test=("success", {}), b=("skipped", {})), Parts((ONE,), given=True)),
        (needs(a=("success", {"digest": ""})), Parts((), given=True)),
        ("{}", Parts((), given=True)),
        (f"{ONE}\n{TWO}, {ONE}", Parts((ONE, TWO), given=True)),
        (f"host/app@{ONE}", Parts((ONE,), given=True)),
        (json.dumps([ONE, TWO]), Parts((ONE, TWO), given=True)),
    ],
)
def test_digests_of_jobs_and_lists(text: str, expected: Parts) -> None:
    """Each once, in order; a job without a digest is none of a part."""
    assert parts(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (needs(arm=("failure", {})), "the job arm"),
        (needs(arm=("cancelled", {"digest": ONE})), "'cancelled'"),
        ('{"a": 1}', "no job of 'needs'"),
        ("{", "no JSON"),
        ("latest", "'latest', which is no digest"),
        ("[1]", "'1', which is no digest"),
    ],
)
def test_what_is_no_part_is_refused(text: str, words: str) -> None:
    """With what it takes, before anything is done."""
    with pytest.raises(Wrong) as raised:
        parts(text)
    assert words in raised.value.what


BOTH = {"platforms": "linux/amd64,linux/arm64"}


@pytest.mark.parametrize(
    ("given", "name", "words"),
    [
        ({"part": "linux/amd64", "parts": ONE, **BOTH}, "part", "beside 'parts'"),
        ({"part": "linux/amd64", "mode": "deploy", **BOTH}, "part", "the mode is deploy"),
        ({"parts": ONE}, "parts", "without 'platforms'"),
        ({"part": "linux/s390x", **BOTH}, "part", "none of 'platforms'"),
        ({"part": "linux/amd64,linux/arm64", **BOTH}, "part", "one of the platforms"),
    ],
)
def test_contradictions(given: dict[str, str], name: str, words: str) -> None:
    """A job builds one of the platforms, or merges them all."""
    _, problems = inputs.parse(given)
    assert words in {problem.name: str(problem) for problem in problems}[name]
