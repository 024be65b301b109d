"""The command line that asks buildx for a build."""

from __future__ import annotations

import dataclasses

import pytest

from ecr_action.image.arguments import BuildRequest, buildx_arguments, described


def argv(push_to: str | None = None, **changes: object) -> list[str]:
    request = dataclasses.replace(BuildRequest(workspace="/w"), **changes)  # type: ignore[arg-type]
    return list(buildx_arguments(request, push_to=push_to, metadata_file="/t/m.json"))


PLAIN = ["buildx", "build", "--progress=plain", "--metadata-file=/t/m.json", "--provenance=false", "--sbom=false"]


def test_a_build_without_a_push_keeps_nothing() -> None:
    """Without a reference the result stays in the build cache alone."""
    assert argv() == [*PLAIN, "--output=type=cacheonly", "--", "."]


def test_a_push_names_its_one_reference() -> None:
    """The builder pushes what it built, under one tag."""
    assert argv("host/app:1")[len(PLAIN) :] == ["--push", "--tag=host/app:1", "--", "."]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"file": "docker/Dockerfile"}, ["--file=docker/Dockerfile"]),
        ({"target": "app"}, ["--target=app"]),
        (
            {"build_args": (("A", "1=2, 3"), ("B", None), ("C", ""))},
            ["--build-arg=A=1=2, 3", "--build-arg=B", "--build-arg=C="],
        ),
        ({"labels": {"a.b": "c\nd", "e": "--push"}}, ["--label=a.b=c\nd", "--label=e=--push"]),
        ({"platforms": ("linux/amd64", "linux/arm64")}, ["--platform=linux/amd64,linux/arm64"]),
    ],
    ids=["file", "target", "build-args", "labels", "platforms"],
)
def test_each_input_is_an_argument(changes: dict[str, object], expected: list[str]) -> None:
    """Each part of a request has its own flag, values attached to it as they are."""
    assert argv(**changes)[len(PLAIN) : -3] == expected


@pytest.mark.parametrize(
    ("changes", "push_to", "expected"),
    [
        ({"outputs": ("type=local,dest=out", "dist")}, None, ["--output=type=local,dest=out", "--output=dist"]),
        (
            {"outputs": ("type=local,dest=out",)},
            "host/app:1",
            ["--output=type=image,name=host/app:1,push=true", "--output=type=local,dest=out"],
        ),
        (
            {"outputs": ("type=registry,push=true,compression=zstd,force-compression=true",)},
            "host/app:1",
            ["--output=type=image,name=host/app:1,push=true,compression=zstd,force-compression=true"],
        ),
        ({"outputs": ("type=image,compression=zstd",)}, None, ["--output=type=cacheonly"]),
        ({"load_as": "app:3f2c1ab"}, None, ["--output=type=docker,name=app:3f2c1ab"]),
        ({"call": "check"}, None, ["--call=check"]),
    ],
)
def test_where_the_result_goes(changes: dict[str, object], push_to: str | None, expected: list[str]) -> None:
    """To the registry, into files, into the engine's store, nowhere."""
    assert argv(push_to, **changes)[len(PLAIN) : -2] == expected


@pytest.mark.parametrize("context", ["-", "-rf", "--push"])
def test_a_context_is_never_a_flag(context: str) -> None:
    """A folder that begins with a dash is a folder, also the one that would mean standard input."""
    assert argv(context=context)[-2:] == ["--", f"./{context}"]


def test_a_file_is_never_standard_input() -> None:
    """A Dockerfile called ``-`` is a file."""
    assert "--file=./-" in argv(file="-")


@pytest.mark.parametrize(
    ("context", "file", "expected"),
    [
        (".", None, "Dockerfile"),
        ("app", None, "app/Dockerfile"),
        ("./app/", None, "app/Dockerfile"),
        ("app", "Dockerfile.prod", "Dockerfile.prod"),
    ],
)
def test_the_dockerfile_lies_in_the_context_unless_named(context: str, file: str | None, expected: str) -> None:
    """By default it is the context's; a given path begins at the workspace."""
    assert BuildRequest(workspace="/w", context=context, file=file).dockerfile == expected


def test_values_of_build_arguments_are_not_told() -> None:
    """The log has their names alone."""
    request = BuildRequest(workspace="/w", build_args=(("TOKEN", "hunter2"), ("B", None)), platforms=("linux/arm64",))
    assert described(request) == "context ., file Dockerfile, platforms linux/arm64, build-args TOKEN, B"
