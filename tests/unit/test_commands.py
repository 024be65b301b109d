"""The runner's protocol: nothing that a text holds can become a command, and no secret is shown."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecr_action.github.commands import SUMMARY_LIMIT, Runner, Terminal, harmless
from ecr_action.secret import Secret
from lab.runner.commands import parse

CUT = "\n\n_Cut here: GitHub takes 1 MiB of a step's summary._\n"


def shown(write: str, text: str) -> list[str]:
    """The lines that a console's method *write* puts out for *text*."""
    stream = io.StringIO()
    getattr(Runner(stream), write)(text)
    return stream.getvalue().split("\n")[:-1]


@given(st.text())
def test_a_log_line_is_never_a_command(text: str) -> None:
    """Whatever a branch, a commit message or a Dockerfile prints."""
    for line in shown("info", text):
        assert parse(line) is None
        assert "##[" not in line


@pytest.mark.parametrize("text", ["::add-mask::a", "  ::set-output name=x::y", "a\r::error::x", "x ##[error]y"])
def test_known_ways_into_the_log_are_closed(text: str) -> None:
    """At the start of a line, after white space, after a carriage return, in the old form."""
    assert all(parse(line) is None and "##[" not in line for line in shown("info", text))


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",))))
def test_an_annotation_arrives_whole(text: str) -> None:
    """Percent signs, line ends and all, on one line."""
    stream = io.StringIO()
    Runner(stream).warning(text, title=text or "t", file="a,b:c", line=3)
    (line,) = stream.getvalue().removesuffix("\n").split("\n")
    command = parse(line)
    assert command is not None
    assert (command.name, command.data, command.properties["file"]) == ("warning", text, "a,b:c")
    assert command.properties["title"] == (text or "t")


def test_a_secret_is_masked_before_it_can_show() -> None:
    """By the runner, and by us wherever we write it."""
    stream = io.StringIO()
    console = Runner(stream)
    console.mask(Secret("s3cr3t-value", "x"))
    console.info("the s3cr3t-value is here")
    with console.group("a s3cr3t-value"):
        console.warning("s3cr3t-value", title="s3cr3t-value")
    first, *rest = stream.getvalue().splitlines()
    assert first == "::add-mask::s3cr3t-value"
    assert "s3cr3t-value" not in "\n".join(rest)


def test_a_secret_of_several_lines_is_masked_line_by_line() -> None:
    """The runner matches by line."""
    stream = io.StringIO()
    Runner(stream).mask(Secret("first-line\nsecond-line", "x"))
    assert set(stream.getvalue().splitlines()) == {"::add-mask::first-line", "::add-mask::second-line"}


def test_outputs_of_any_text_can_be_read_back(tmp_path: Path) -> None:
    """A value can't end its own block and begin another output."""
    file = tmp_path / "output"
    Runner(io.StringIO(), output_file=str(file)).outputs({"tags": "a\nevil<<EOF\nx\nEOF", "tag": "b"})
    text = file.read_text()
    delimiter = text.split("<<")[1].split("\n")[0]
    assert text.startswith(f"tags<<{delimiter}\na\nevil<<EOF\nx\nEOF\n{delimiter}\ntag<<")


@settings(max_examples=30)
@given(st.lists(st.integers(0, SUMMARY_LIMIT + 2), max_size=4), st.sampled_from("a\u00e9"))
def test_summaries_never_exceed_what_github_takes(lengths: list[int], letter: str) -> None:
    """GitHub refuses the whole otherwise; a run that failed late has two, and the second one is cut first."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "summary")
        file.touch()
        for length in lengths:
            Runner(io.StringIO(), summary_file=str(file)).summary(letter * length)
        written, wanted = file.read_text(), sum(lengths) * len(letter.encode())
    assert len(written.encode()) <= SUMMARY_LIMIT
    assert (written == letter * sum(lengths)) == (wanted <= SUMMARY_LIMIT)


def test_a_summary_that_is_too_long_is_cut_with_a_note(tmp_path: Path) -> None:
    """Between two letters, and what others wrote before it counts."""
    file = tmp_path / "summary"
    file.write_text("x" * 1000)
    Runner(io.StringIO(), summary_file=str(file)).summary("\u00e9" * SUMMARY_LIMIT)
    assert SUMMARY_LIMIT - 1 <= file.stat().st_size <= SUMMARY_LIMIT
    assert file.read_text().endswith(f"\u00e9{CUT}")


def test_at_a_prompt_the_result_stands_alone_on_stdout() -> None:
    """Everything else is on stderr, without workflow commands."""
    log, results = io.StringIO(), io.StringIO()
    console = Terminal(log, results)
    console.warning("careful", title="Lifecycle")
    with console.group("Plan"):
        console.result("{}")
    assert results.getvalue() == "{}\n"
    assert log.getvalue() == "warning: Lifecycle: careful\nPlan\n"


def test_control_characters_do_not_reach_the_log() -> None:
    """An escape sequence can hide or repaint lines."""
    assert harmless("a\x1b[2Kb\x00") == "a\ufffd[2Kb\ufffd"
