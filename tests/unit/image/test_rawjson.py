"""BuildKit's progress as JSON: steps, their output and times, told stage by stage."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest

from ecr_action.github.commands import Runner
from ecr_action.image.groups import Groups
from ecr_action.image.rawjson import RawJson, is_known_to, stage_of


def at(seconds: float) -> str:
    return f"2026-11-24T22:16:{int(seconds):02}.{round(seconds % 1 * 10**9):09}Z"


def step(name: str, began: float, ended: float | None = None, **more: Any) -> str:
    """A step under way, or done; the name is its digest too."""
    completed = {"completed": at(ended)} if ended is not None else {}
    vertex = {"digest": name, "name": name, "started": at(began), **completed, **more}
    return json.dumps({"vertexes": [vertex]})


def said(name: str, text: str) -> str:
    log = {"vertex": name, "stream": 1, "data": base64.b64encode(text.encode()).decode(), "timestamp": at(0)}
    return json.dumps({"logs": [log]})


def read(*lines: str, told: RawJson | None = None) -> list[tuple[str, str]]:
    told = told or RawJson()
    return [shown for line in lines for shown in told.feed(line)] + told.finish()


ONE, TWO = "[one 2/2] RUN make a", "[linux/arm64 two 2/2] RUN make b"


def test_steps_with_their_output_and_times() -> None:
    """A step is named once, its output follows, its time is that of the command; what is announced is not shown."""
    announced = json.dumps({"vertexes": [{"digest": ONE, "name": ONE}]})
    told = RawJson()
    shown = read(
        announced, step(ONE, 1.5), said(ONE, "10%\r20%\nhalf a "), said(ONE, "line"), step(ONE, 1.5, 4.0), told=told
    )
    assert shown == [("one", f"#1 {ONE}"), ("one", "#1 20%"), ("one", "#1 half a line"), ("one", "#1 DONE 2.5s")]
    assert [(one.name, one.seconds, one.cached) for one in told.log.steps] == [(ONE, 2.5, False)]


def test_the_cache_also_where_it_is_found_at_the_second_look() -> None:
    """The base image is looked for, then taken."""
    base, told = "[1/2] FROM busybox:stable", RawJson()
    lines = [
        step(base, 1, 2),
        step(base, 3, cached=True),
        step(base, 3, 4, cached=True),
        step("[2/2] RUN x", 5, 5, cached=True),
    ]
    assert read(*lines, told=told) == [
        ("", f"#1 {base}"),
        ("", "#1 DONE 1.0s"),
        ("", "#2 [2/2] RUN x"),
        ("", "#2 CACHED"),
    ]
    told.feed(step(base, 5))
    assert [one.cached for one in told.log.steps] == [True, True]


def test_stages_that_run_side_by_side_are_told_one_after_the_other() -> None:
    """The first has the floor until it is done; then the other's lines come, in their own order."""
    lines = [step(ONE, 1), step(TWO, 1), said(ONE, "a1\n"), said(TWO, "b1\n"), said(ONE, "a2\n"), step(TWO, 1, 2)]
    stages = [stage for stage, _ in read(*lines, step(ONE, 1, 3))]
    assert stages == ["one"] * 4 + ["linux/arm64 two"] * 3
    assert [line for _, line in read(*lines)][-1] == "#2 DONE 1.0s"


def test_a_failure_is_the_last_of_its_step_and_the_builders_words_follow() -> None:
    """With the place in the Dockerfile, which the builder gives as plain text."""
    told = RawJson()
    error = 'process "/bin/sh -c make a" did not complete successfully: exit code: 2'
    plain = [
        "Dockerfile:7",
        "-" * 20,
        "   7 | >>> RUN make a",
        "-" * 20,
        f"ERROR: failed to build: failed to solve: {error}",
    ]
    shown = read(step(ONE, 1), said(ONE, "no rule"), step(ONE, 1, 2, error=error), *plain, told=told)
    assert [line for _, line in shown] == [f"#1 {ONE}", "#1 no rule", f"#1 ERROR: {error}", plain[-1]]
    assert told.log.failed is not None
    assert (list(told.log.failed.lines), told.log.location) == (["no rule"], ("Dockerfile", 7))
    assert told.log.error == f"failed to build: failed to solve: {error}"


def test_what_takes_long_is_told_at_its_end() -> None:
    """The context and the layers; not the reading of .dockerignore, nor every layer of a base."""

    def done(name: str, what: str, size: int) -> str:
        status = {"id": what, "vertex": name, "current": size, "started": at(1), "completed": at(3)}
        return json.dumps({"statuses": [status]})

    ignore = "[internal] load .dockerignore"
    lines = [step(ignore, 1), done(ignore, "transferring context:", 2), step("exporting to image", 1)]
    lines += [done("exporting to image", "pushing layers", 2_400_000), done("exporting to image", "naming to x", 0)]
    assert [line for _, line in read(*lines)] == ["#2 exporting to image", "#2 pushing layers 2.4 MB 2.0s done"]


def test_a_password_is_taken_out_of_what_is_encoded() -> None:
    """Of output, names and errors, before anybody sees them."""
    told = RawJson(lambda text: text.replace("s3cr3t", "***"))
    read(
        step("[2/2] RUN s3cr3t", 1),
        said("[2/2] RUN s3cr3t", "is s3cr3t\n"),
        step("[2/2] RUN s3cr3t", 1, 2, error="s3cr3t"),
        told=told,
    )
    assert told.log.failed is not None
    assert "s3cr3t" not in repr(told.log)


@pytest.mark.parametrize(
    "line", ["", "{", "{}", '{"a": 1}', "[1]", "NAME   DESCRIPTION", '{"vertexes": null, "x": "\\ud800"']
)
def test_lines_of_another_form_are_the_builders_own_words(line: str) -> None:
    """A list of targets, a warning of docker's: shown as they are."""
    assert read(line) == ([("", line)] if line else [])


@pytest.mark.parametrize(
    ("version", "known"),
    [("v0.29.1", True), ("0.14.0+ds1", True), ("v1.0.0", True), ("v0.11.2", False), ("unknown", False), ("", False)],
)
def test_an_older_buildx_is_read_as_plain_text(version: str, known: bool) -> None:
    """And one that does not tell."""
    assert is_known_to(version) is known


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("[build 2/5] RUN make", "build"),
        ("[linux/arm64 build 2/5] RUN make", "linux/arm64 build"),
        ("[linux/arm64 2/5] RUN make", "linux/arm64"),
        ("[2/5] RUN make", ""),
        ("[internal] load metadata for x", ""),
        ("exporting to image", ""),
        ("[build 10/12] COPY [a] [b 1/2] x", "build"),
    ],
)
def test_the_stage_of_a_step(name: str, stage: str) -> None:
    """As BuildKit names them."""
    assert stage_of(name) == stage


def test_a_group_for_each_stage_inside_the_steps_own() -> None:
    """Groups of the log can't nest: the outer one goes on after them."""
    stream = io.StringIO()
    console = Runner(stream)
    with console.group("Image"), Groups(console) as groups:
        groups.show([("", "first"), ("one", "a"), ("one", "b"), ("two", "c"), ("", "last"), ("two", "d")])
    console.info("outside")
    assert stream.getvalue().splitlines() == [
        *("::group::Image", "first", "::endgroup::"),
        *("::group::Stage one", "a", "b", "::endgroup::"),
        *("::group::Stage two", "c", "::endgroup::"),
        *("::group::Image", "last", "::endgroup::"),
        *("::group::Stage two", "d", "::endgroup::", "outside"),
    ]


def logged(data: bytes | str) -> str:
    encoded = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    return json.dumps({"logs": [{"vertex": ONE, "data": encoded}]})


def test_a_secret_that_a_piece_cuts_within_a_character() -> None:
    """The builder cuts its output into pieces by bytes: a line is read whole, so that the secret in it is known."""
    secret, told = "pässwort", RawJson(lambda text: text.replace("pässwort", "***"))
    line = f"{secret}\n".encode()
    assert read(step(ONE, 1), logged(line[:2]), logged(line[2:]), told=told)[1:] == [("one", "#1 ***")]


@pytest.mark.parametrize(
    "line",
    [
        '{"vertexes":["x"]}',
        '{"vertexes":5}',
        '{"logs":[{"vertex":"x","data":5}]}',
        '{"statuses":"abc"}',
        json.dumps({"vertexes": [{"digest": "a", "name": "[internal] a", "started": "soon", "completed": at(1)}]}),
    ],
)
def test_a_message_of_no_known_form_is_shown_as_it_is(line: str) -> None:
    """The build goes on, whatever its builder says, and what waited is shown before."""
    told = RawJson()
    assert read(step(ONE, 1), line, step(ONE, 1, 2), told=told) == [
        ("one", f"#1 {ONE}"),
        ("", line),
        ("one", "#1 DONE 1.0s"),
    ]


def test_output_that_can_not_be_decoded_is_not_shown_encoded() -> None:
    """Nothing could be taken out of it there."""
    shown = read(step(ONE, 1), logged("abc"))
    assert shown[1] == ("", json.dumps({"logs": [{"vertex": ONE, "data": "..."}]}))


@pytest.mark.parametrize(
    ("began", "ended", "seconds"),
    [
        ("2026-11-24T10:00:00-03:00", "2026-11-24T10:00:01-03:00", 1.0),
        ("2026-11-24T10:00:00.9-03:00", "2026-11-24T13:00:01.1Z", 0.2),
        ("2026-11-24T10:00:00.123456789Z", "2026-11-24T10:00:02.12345678Z", 2.0),
        ("2026-11-24T12:00:00+02:00", "2026-11-24T10:00:00.5Z", 0.5),
    ],
)
def test_times_with_an_offset_and_any_fraction(began: str, ended: str, seconds: float) -> None:
    """A builder can stand in another time zone, and leaves out a fraction of zero."""
    told = RawJson()
    read(json.dumps({"vertexes": [{"digest": ONE, "name": ONE, "started": began, "completed": ended}]}), told=told)
    assert [round(one.seconds, 6) for one in told.log.steps] == [seconds]
