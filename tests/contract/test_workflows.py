"""What holds for every workflow of this repository: rights, pins, tokens; and how a release is put together."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .source import ROOT

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS: dict[str, dict[str, Any]] = {file.name: yaml.safe_load(file.read_text("utf-8")) for file in FILES}
each = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))


def jobs(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = WORKFLOWS[name]["jobs"]
    return found


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in jobs(name).values() for step in job.get("steps", [])]


@each
def test_no_right_is_given_on_top(file: Path) -> None:
    """The workflow gives nothing; each job names what it needs."""
    assert WORKFLOWS[file.name]["permissions"] == {}
    assert [name for name, job in jobs(file.name).items() if "permissions" not in job] == []


@each
def test_actions_are_pinned_by_commit(file: Path) -> None:
    """Every action is named by its full commit id with the version as a comment, or is of this repository."""
    used = re.findall(r"^ +(?:- )?uses: (\S+)(.*)$", file.read_text("utf-8"), re.M)
    foreign = [(name, rest) for name, rest in used if not name.startswith(("./", "darede-labs/ecr-publish@v"))]
    assert used
    assert [name for name, _ in foreign if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", name)] == []
    assert [name for name, rest in foreign if not re.fullmatch(r" # v\d+\.\d+\.\d+", rest)] == []


def test_an_action_has_one_version() -> None:
    """The workflows agree on the commit of each action."""
    found: dict[str, set[str]] = {}
    for file in FILES:
        for name, pin in re.findall(r"uses: ([\w./-]+)@(\S+ # \S+)", file.read_text("utf-8")):
            found.setdefault(name, set()).add(pin)
    assert {name: pins for name, pins in found.items() if len(pins) > 1} == {}


@each
def test_no_checkout_keeps_its_token(file: Path) -> None:
    """No later step can read the token from the work tree."""
    checkouts = [step for step in steps(file.name) if "checkout@" in step.get("uses", "")]
    assert [step for step in checkouts if step["with"]["persist-credentials"] is not False] == []


@each
def test_make_targets_are_there(file: Path) -> None:
    """Whatever a workflow makes, the Makefile has."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    runs = [line for step in steps(file.name) for line in step.get("run", "").splitlines()]
    found = [re.match(r'(?:sudo -E env "PATH=\$PATH" )?make ([^#]+)', line) for line in runs]
    targets = [word for made in found if made for word in made[1].split() if "=" not in word]
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.M)] == []


def test_a_release_waits_for_the_tests_and_tags_come_last() -> None:
    """Nobody gets `v1` before the tests have passed and the image is there."""
    release = jobs("release.yml")
    assert release["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert "workflow_call" in WORKFLOWS["ci.yml"][True]  # YAML 1.1 reads the key `on` as true.
    assert set(release["image"]["needs"]) == {"notes", "ci"}
    assert release["tags"]["needs"] == "image"


def test_the_released_image_is_this_actions_work_and_attested() -> None:
    """The step that publishes is the commit that is released; the provenance is about its digest."""
    publish, attest = jobs("release.yml")["image"]["steps"][-2:]
    assert publish["uses"] == "./"
    assert attest["uses"].startswith("actions/attest-build-provenance@")
    assert attest["with"]["subject-digest"] == "${{ steps.publish.outputs.digest }}"


@pytest.mark.parametrize(
    ("name", "job", "variable"), [("release.yml", "tags", "TOKEN"), ("dependencies.yml", "propose", "GH_TOKEN")]
)
def test_git_gets_the_token_from_the_environment(name: str, job: str, variable: str) -> None:
    """The push's password is the job's token, which stands in no argument and in no file."""
    env = jobs(name)[job]["steps"][-1]["env"]
    assert env[variable] == "${{ github.token }}"
    asked = subprocess.run(
        ["git", "credential", "fill"],
        input="protocol=https\nhost=github.com\n\n",
        env={"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", **env, variable: "t0ken"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "username=x-access-token\npassword=t0ken\n" in asked.stdout


def test_what_may_write_runs_no_new_package() -> None:
    """The job that resolves and tests newer packages can't write; the one that can write starts no Python."""
    dependencies = jobs("dependencies.yml")
    assert dependencies["lock"]["permissions"] == {"contents": "read"}
    scripts = [step.get("run", "") for step in dependencies["propose"]["steps"]]
    assert [script for script in scripts if re.search(r"^\s*(make|python3?|pip|uv)\b", script, re.M)] == []
