"""What a Dockerfile needs before it can be built."""

from __future__ import annotations

import pytest

from ecr_action.image.dockerfile import bases, beyond_the_api, is_stock, parse, replaced

PLATFORM = "linux/arm64/v8"


def images(text: str, target: str | None = None, **arguments: str) -> list[str | None]:
    return [base.image for base in bases(parse(text), arguments, PLATFORM, target)]


def test_each_base_once_in_order() -> None:
    """Every FROM that is no stage and not scratch."""
    text = "FROM a:1 AS one\nFROM b\nFROM one AS two\nCOPY --from=two x y\n"
    text += "FROM scratch\nCOPY --from=1 a b\nCOPY --from=0 a b\n"
    assert images(text) == ["a:1", "b"]


def test_only_what_the_target_needs() -> None:
    """BuildKit builds no other stage, so no other base is pulled."""
    text = "FROM a AS build\nFROM b AS test\nFROM c AS final\nCOPY --from=build x y\n"
    assert images(text) == ["a", "c"]
    assert images(text, "test") == ["b"]
    assert images(text, "TEST") == ["b"]
    assert images(text, "0") == ["a"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("FROM node:$VERSION", ["node:22"]),
        ("FROM node:${VERSION}-slim", ["node:22-slim"]),
        ('FROM "node:$VERSION"', ["node:22"]),
        ("FROM node:${NONE:-1}", ["node:1"]),
        ("FROM node:${EMPTY:-1}", ["node:1"]),
        ("FROM node:x${EMPTY-1}", ["node:x"]),
        ("FROM node${VERSION:+:set}", ["node:set"]),
        ("FROM node:${VERSION%2}", [None]),
        ("FROM node:${NONE:?needed}", [None]),
        ("FROM $NONE", [None]),
        ("FROM base-$TARGETARCH", ["base-arm64"]),
        ("FROM $MIX", ["x-22"]),
    ],
)
def test_variables_are_replaced(line: str, expected: list[str | None]) -> None:
    """ARGs before the first FROM, by default or as given, and what BuildKit sets; the rest can't be told."""
    text = f"ARG VERSION=20\nARG EMPTY=\nARG MIX=\"x-$VERSION\" OTHER='y'\n{line}\n"
    assert images(text, VERSION="22", NONE="not declared") == expected


def test_an_argument_after_from_is_the_stages_own() -> None:
    """ARG inside a stage does not reach a later FROM."""
    assert images("ARG V=1\nFROM a:$V\nARG V=2\nFROM b:$V\nCOPY --from=0 x y\n") == ["a:1", "b:1"]


def test_platforms_of_bases() -> None:
    """A base with a platform of its own is pulled for that one."""
    text = "FROM --platform=$BUILDPLATFORM a\nFROM --platform=linux/s390x b\nCOPY --from=0 x y"
    found = bases(parse(text), {}, PLATFORM, None)
    assert [(base.image, base.platform) for base in found] == [("a", PLATFORM), ("b", "linux/s390x")]


def test_images_that_files_are_copied_of() -> None:
    """COPY --from and RUN --mount=from= need images too."""
    text = "FROM a\nCOPY --chown=1:1 --from=docker.io/nginx:1 /x /y\n"
    text += "RUN --mount=type=bind,from=tools:2,target=/t --network=none t\n"
    assert images(text) == ["a", "docker.io/nginx:1", "tools:2"]


def test_lines_that_only_look_like_from() -> None:
    """Comments, continued lines and here-documents hold no instruction."""
    text = (
        "# FROM c1\nFROM a\nRUN echo \\\n# FROM c2\n\n  FROM-x \\\n  && true\n"
        "RUN <<EOF cat && cat <<-'END'\nFROM h1\nEOF\n\tFROM h2\n\tEND\n"
        "COPY <<F1 <<F2 /x/\nFROM h3\nF1\nFROM h4\nF2\nCMD echo <<<EOF\nFROM b\n"
    )
    found = parse(text)
    assert [i.name for i in found.instructions] == ["FROM", "RUN", "RUN", "COPY", "CMD", "FROM"]
    assert [i.line for i in found.instructions] == [2, 3, 8, 13, 18, 19]
    assert images(text) == ["b"]


def test_other_ways_to_write_it() -> None:
    """Lower case, tabs, Windows' line ends, a byte order mark, another escape character."""
    assert images("\ufeff# escape=`\r\nfrom\ta:1 `\r\n  as\tx\r\nFrom X\r\n") == ["a:1"]


def test_directives_end_at_the_first_other_line() -> None:
    """``syntax`` counts at the very top alone."""
    assert parse("# syntax=docker/dockerfile:1\n#check=skip=all\nFROM a").directives == {
        "syntax": "docker/dockerfile:1",
        "check": "skip=all",
    }
    assert parse("# a comment\n# syntax=x\nFROM a").directives == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a\nRUN --mount=type=secret,id=x cat", ((2, "RUN --mount=type=secret"),)),
        ("FROM a\n\nRUN --mount=type=cache,target=/c --mount=type=ssh x", ((3, "RUN --mount=type=ssh"),)),
        ("FROM a\nRUN --mount=target=/c <<EOF\nRUN --mount=type=secret x\nEOF", ()),
        ("# syntax=my/frontend:2\nFROM a", ((1, "# syntax=my/frontend:2"),)),
        ("# syntax=docker/dockerfile:1-labs\nFROM a", ((1, "# syntax=docker/dockerfile:1-labs"),)),
        ("# syntax=docker/dockerfile:1.7\nFROM a", ()),
    ],
)
def test_what_the_api_cannot_give(text: str, expected: tuple[tuple[int, str], ...]) -> None:
    """Secrets, ssh and other frontends are found before the build, with their line."""
    assert beyond_the_api(parse(text)) == expected


@pytest.mark.parametrize(
    ("syntax", "expected"),
    [
        ("docker/dockerfile", True),
        ("docker.io/docker/dockerfile:1", True),
        ("docker/dockerfile:1.4.3@sha256:00", True),
        ("docker/dockerfile-upstream:master", False),
        ("docker/dockerfile:2", False),
        ("", False),
    ],
)
def test_the_stock_frontend(syntax: str, expected: bool) -> None:
    """Docker's own stable frontend is inside every BuildKit."""
    assert is_stock(syntax) is expected


def test_a_steps_words_lead_to_a_line() -> None:
    """The builder's name of a step finds its instruction."""
    found = parse("FROM a\nRUN one \\\n    two\nCOPY x  /y\n")
    assert (found.line_of("RUN one     two"), found.line_of("COPY x /y"), found.line_of("RUN three")) == (2, 4, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$", "$"),
        ("a$", "a$"),
        ("${", None),
        ("${A", None),
        ("$$A", "$1"),
        ("${A:-${B}}", None),
        ("${B?}", None),
        ("${A?}${B+x}${B-y}", "1y"),
    ],
)
def test_odd_variables(text: str, expected: str | None) -> None:
    """What is not plain can't be told, which is never an error."""
    assert replaced(text, {"A": "1"}) == expected
