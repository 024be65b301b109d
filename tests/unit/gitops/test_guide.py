"""docs/gitops.md: each of its layouts is run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ecr_action import inputs
from ecr_action.errors import EnvironmentUnclear
from ecr_action.job_outputs import listing
from tests.unit.gitops.world import IMAGE, after

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "gitops.md").read_text(encoding="utf-8")
_LAYOUT = re.compile(
    r"### (?P<title>[^\n]+)\n\n<!-- layout -->\n```yaml\n(?P<files>.*?)```\n\n(?P<table>(?:\|[^\n]*\n)+)", re.S
)
_FILE = re.compile(r"^# (\S+/?\S*\.yaml)\n", re.M)
LAYOUTS = {match["title"]: (match["files"], match["table"]) for match in _LAYOUT.finditer(PAGE)}
RUNS = [
    pytest.param(files, *(cell.strip() for cell in row.strip("|").split("|")), id=f"{title}, {row}")
    for title, (files, table) in LAYOUTS.items()
    for row in table.splitlines()[2:]
]


def test_every_layout_of_the_page_is_run() -> None:
    """None is passed over for its form."""
    assert len(LAYOUTS) == PAGE.count("<!-- layout -->") == PAGE.count("| Run of | Edits |") >= 10


def test_every_form_of_images_is_read() -> None:
    """Each is the same image."""
    part = PAGE.partition("<!-- images -->")[2].partition("\n\nOf the jobs")[0].replace("<image>", IMAGE)
    shown = re.findall(r"```json\n(.*?)```", part, re.S)
    assert len(shown) >= 4
    for text in shown:
        found = [(image.repository, image.tag) for image in listing(text).images]
        assert found == [("hello-node", "3f2c1ab")], text


@pytest.mark.parametrize(("files", "environment", "edits"), RUNS)
def test_a_run_edits_what_the_page_says(files: str, environment: str, edits: str) -> None:
    """Those files, and in them tags alone; or nothing at all."""
    parts = _FILE.split(files.replace("<image>", IMAGE))
    before = dict(zip(parts[1::2], parts[2::2], strict=True))
    if edits.startswith("nothing"):
        with pytest.raises(EnvironmentUnclear):
            after(before, environment=environment)
        return
    changed = after(before, environment=environment)
    assert {path for path in before if changed[path] != before[path]} == set(re.findall(r"`([^`]+)`", edits))
    wanted = {path: text.replace("placeholder", f"{IMAGE}:old") for path, text in before.items()}
    assert {path: text.replace("abc1234", "old") for path, text in changed.items()} == wanted


def test_every_step_of_the_page_has_inputs_that_there_are() -> None:
    """Each with a value that it takes; an expression counts as a token."""
    texts = [match[0] for match in re.finditer(r"^( +)- uses: darede-labs/.*\n(?:\1  .*\n)*", PAGE, re.M)]
    assert len(texts) == PAGE.count("uses: darede-labs/") >= 5
    for (step,) in map(yaml.safe_load, texts):
        given = {name: re.sub(r"\$\{\{.*?\}\}", "", str(value)) for name, value in step["with"].items()}
        given = {name: "true" if value == "True" else value for name, value in given.items()}
        assert inputs.parse(given)[1] == ()
