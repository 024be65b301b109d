"""What is written is a string for every reader: kubectl's, Argo CD's, Flux's, and those of scripts."""

from __future__ import annotations

import pytest

from ecr_action.gitops.splice import is_plain, rendered
from ecr_action.image.tags import is_tag

from .golden import TAGS, measured, rows
from .readers import NAMES, read

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def test_the_table_is_what_the_readers_say() -> None:
    """The committed table has at least a hundred tags, and each reader takes each of them as it says there."""
    assert len(set(TAGS)) == len(TAGS) > 100
    assert all(map(is_tag, TAGS))
    assert rows() == [["tag", "written", *NAMES], *measured(TAGS)]


def test_readers_disagree_on_plain_tags() -> None:
    """That is why the table is: no single reader can tell whether a tag may stay without quotes."""
    split = {row[0] for row in rows()[1:] if len(set(row[2:])) > 1}
    assert {"08", "1e10", "12e4567", "y", "2024-1-1"} <= split


@pytest.mark.parametrize("form", ["a: {}\n", "{{a: {}}}\n", "{{b: [x], a: {}, c: 1}}\n", "a: {} # latest\r\nb: 1\r\n"])
def test_what_is_written_is_that_string_for_every_reader(form: str) -> None:
    """A tag, in block and flow."""
    found = read([form.format(rendered(tag, None)) for tag in TAGS])
    wrong = {(tag, name): found[name][at] for name in NAMES for at, tag in enumerate(TAGS)}
    assert {key: answer for key, answer in wrong.items() if answer != ("string", key[0])} == {}


def test_a_whole_reference_is_that_string_for_every_reader() -> None:
    """Host, name and tag; with a digest as well."""
    names = [f"{HOST}/team/app:{tag}" for tag in TAGS] + [f"{HOST}/app:{tag}@sha256:{'a' * 64}" for tag in TAGS]
    found = read([f"a: {rendered(name, None)}\n" for name in names])
    assert [(name, kind) for name in NAMES for kind in found[name]] == [
        (name, ("string", text)) for name in NAMES for text in names
    ]


def test_the_rule_leaves_common_tags_plain() -> None:
    """Quotes come only where some reader needs them, or where it can't be told by a short rule."""
    assert {row[0] for row in rows()[1:] if is_plain(row[0])} >= {"latest", "v1.2.3", "1.2.3", "3f2c1ab", "1.2.3-rc.1"}
    quoted = [row[0] for row in rows()[1:] if set(row[2:]) != {"string"}]
    assert [tag for tag in quoted if is_plain(tag)] == []
