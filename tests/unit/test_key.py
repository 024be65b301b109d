"""The key of an image: every input that makes another image is in it, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action import plan, wanted
from ecr_action.github import context
from ecr_action.image import key
from ecr_action.image.arguments import BuildRequest, BuildSecret
from ecr_action.image.key import Key
from ecr_action.secret import Secret
from tests.builders import REPOSITORY, make_checkout, make_inputs, variables
from tests.contract.source import ROOT

# Each input of the build: another value for it, where that makes another image; else the reason why it makes none.
MAKES_ANOTHER = {
    "context": "svc",
    "file": "other.Dockerfile",
    "target": "small",
    "build-args": "GREETING=hello",
    "platforms": "linux/arm64",
    "add-hosts": "db:10.0.0.7",
    "allow": "network.host",
    "annotations": "org.example=1",
    "attests": "type=sbom",
    "build-contexts": "more=other",
    "network": "none",
    "outputs": "type=image,compression=zstd",
    "provenance": "mode=max",
    "sbom": "true",
    "secrets": "npm=token",
    "shm-size": "64m",
    "ssh": "default",
    "ulimit": "nofile=1024:2048",
}
MAKES_NO_OTHER = {
    "part": "is one of the same platforms",
    "parts": "are the platforms, built elsewhere",
    "push": "says whether the image leaves the machine",
    "call": "makes no image",
    "load": "says where else the image goes",
    "builder": "is where the same Dockerfile is built",
    "cache": "is a cache",
    "cache-from": "is a cache",
    "cache-to": "is a cache",
    "cgroup-parent": "is the builder's own affair",
    "no-cache": "says how the same image is built",
    "no-cache-filters": "says how the same image is built",
    "pull": "says how the same image is built",
    "secret-envs": "is in the key by way of 'secrets'",
    "secret-files": "is in the key by way of 'secrets'",
    "engine": "builds the same Dockerfile",
    "reuse": "says when an image is taken; 'content' has a key of its own",
    "reuse-max-age": "says when an image is taken",
    "reuse-ignore": "names what is left out of the key",
}


def build_inputs() -> list[str]:
    """The inputs of the build, as action.yml groups them."""
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    section = text.partition("  # -- Build\n")[2].partition("  # -- ")[0]
    return re.findall(r"^  ([a-z-]+):$", section, re.M)


def key_of(*, content: str | None = None, **given: str) -> Key:
    """The key of a push to main with these inputs."""
    payload: dict[str, Any] = {"repository": {"full_name": REPOSITORY, "default_branch": "main"}}
    inputs = make_inputs(**{"aws_region": "us-east-1", **given})
    found = context.read(variables("push", "refs/heads/main"), payload, make_checkout())
    planned, _ = plan.make(inputs, found, commit_of_tag=lambda _: None)
    asked, problems = wanted.wanted(planned, inputs, found, workspace="/w", read_file=lambda _: None, content=content)
    assert problems == ()
    assert asked.build.labels[key.LABEL] == asked.key.label
    return asked.key


def test_every_input_of_the_build_has_its_line_here() -> None:
    """A new one makes another image, or the table says why not."""
    assert sorted(build_inputs()) == sorted([*MAKES_ANOTHER, *MAKES_NO_OTHER])


@pytest.mark.parametrize("name", MAKES_ANOTHER)
def test_an_input_that_makes_another_image_is_in_the_key(name: str) -> None:
    """And the label tells which one it is."""
    plain, other = key_of(), key_of(**{name.replace("-", "_"): MAKES_ANOTHER[name]})
    assert other.tag != plain.tag
    assert name in key.differing(other.inputs, plain.inputs)


def test_files_beside_the_image_make_no_other_image() -> None:
    """Only how it is packed does."""
    assert key_of(outputs="type=local,dest=out") == key_of()


def test_the_same_inputs_have_the_same_key() -> None:
    """In whatever order and spelling they are written."""
    assert key_of(file="Dockerfile") == key_of(file="./Dockerfile") == key_of()
    assert key_of(build_args="A=1\nB=2") == key_of(build_args="B=2\nA=1")
    assert re.fullmatch(r"key-[0-9a-f]{16}", key_of().tag)


def test_arguments_that_are_ignored_are_not_in_the_key() -> None:
    """Only those that are named."""
    one, two = (key_of(build_args=f"BUILD={n}\nA=1", reuse_ignore="BUILD") for n in "12")
    assert one == two
    assert one != key_of(build_args="BUILD=1\nA=2", reuse_ignore="BUILD")


def test_by_content_the_commit_is_not_in_the_key() -> None:
    """But what git has is; where that can't be told it is the commit again."""
    content = "content aaa bbb"
    assert key_of(content=content, reuse="content").tag != key_of(reuse="content").tag
    assert key_of(content=content, reuse="content").tag != key_of(content="content ccc bbb", reuse="content").tag
    assert key_of(reuse="content").tag == key_of().tag


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_secrets_value_is_never_in_the_key(one: str, other: str) -> None:
    """Its name is."""

    def made(name: str, value: str) -> Key:
        secret = BuildSecret(id=name, value=Secret(value, "secrets"))
        return key.key(BuildRequest(workspace="/w", secrets=(secret,)), "commit x")

    assert made("npm", one) == made("npm", other)
    assert made("npm", one) != made("pypi", one)


def test_a_field_that_an_older_image_does_not_know_makes_no_difference() -> None:
    """A newer version of the action can still take its images."""
    assert key.differing({"a": "1", "new": "2"}, {"a": "1"}) == ()
    assert key.listed("a=1 b=2") == {"a": "1", "b": "2"}
    assert key.listed("") is None
