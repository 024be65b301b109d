"""The commands and flags of ``python -m ecr_action``."""

from __future__ import annotations

import json

import pytest

from ecr_action import prompt
from ecr_action.errors import InputProblems
from ecr_action.plan import Plan


def test_publish_is_the_default() -> None:
    """Without arguments, and with flags alone."""
    assert prompt.parse([]).name == "publish"
    assert prompt.parse(["--push", "false"]).flags == {"push": ("false",)}


def test_a_flag_takes_its_value_either_way() -> None:
    """`--name value` and `--name=value`; a switch needs none."""
    command = prompt.parse(["plan", "--environment=qa", "--version", "v1.2.3", "--dry-run", "--format", "json"])
    assert command.flags == {
        "environment": ("qa",),
        "version": ("v1.2.3",),
        "dry-run": ("true",),
        "format": ("json",),
    }


def test_a_switch_takes_its_value_only_where_it_is_one() -> None:
    """A path after it is a path."""
    assert prompt.parse(["bump", "--dry-run", "deploy/"]).paths == ("deploy/",)
    assert prompt.parse(["publish", "--scan-on-push", "false"]).one("scan-on-push") == "false"


def test_several_images_and_paths() -> None:
    """Each `--image` is kept; what follows `--` is a path whatever it looks like."""
    command = prompt.parse(["bump", "--image", "a", "x.yaml", "--image", "b", "--", "--odd.yaml"])
    assert command.flags["image"] == ("a", "b")
    assert command.paths == ("x.yaml", "--odd.yaml")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bmup"], ["Did you mean 'bump'?"]),
        (["bump", "--xyz", "1"], ["It takes --image, --tag, --digest"]),
        (["plan", "--xyz"], ["Each input of the README is one."]),
        (["plan", "-e", "prod"], ["-e is no flag of plan: all begin with two dashes"]),
        (["plan", "--enviroment", "x", "--verison", "y"], ["--environment?", "--version?"]),
        (["plan", "--version"], ["lacks its value"]),
        (["plan", "path"], ["takes flags only"]),
        (["bump", "--engine", "x"], ["no flag of bump"]),
    ],
)
def test_all_wrong_words_are_named_at_once(arguments: list[str], words: list[str]) -> None:
    """With what was probably meant."""
    with pytest.raises(InputProblems) as caught:
        prompt.parse(arguments)
    for word in words:
        assert word in caught.value.what
    assert len(caught.value.problems) == len(words)


def test_the_plan_as_json_has_these_keys() -> None:
    """They are what other programs read."""
    plan = json.loads(prompt.plan_json(Plan(event="push", commit="c")))
    assert plan == {
        "event": "push",
        "commit": "c",
        "push": False,
        "environment": None,
        "primary": None,
        "tags": [],
        "latest": False,
        "gitops": False,
        "reasons": [],
    }
