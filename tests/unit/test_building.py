"""The build's inputs, with the list syntax of docker/build-push-action, and the command line they come to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ecr_action import building, inputs
from ecr_action.converters import Wrong
from ecr_action.image.arguments import BuildRequest, BuildSecret, buildx_arguments, unsupported
from ecr_action.image.lists import entries, lines, untrimmed
from ecr_action.secret import Secret
from tests.builders import make_inputs

# What csv-parse 7 makes of it with the options of docker/actions-toolkit (Util.getInputList).
GOLDEN = [
    (lines, "A=1\nB=x,y\nC=a b ", ("A=1", "B=x,y", "C=a b")),
    (lines, 'A="v"', ('A="v"',)),
    (lines, "B='v'", ("B='v'",)),
    (lines, '"A=l1\nl2\n\nl4"\nB=2', ("A=l1\nl2\n\nl4", "B=2")),
    (lines, '"A={""k"":""v""}"', ('A={"k":"v"}',)),
    (lines, 'A={"k":"v","n":1}', ('A={"k":"v","n":1}',)),
    (lines, 'A=x,"y,z"', ("A=x,y,z",)),
    (lines, '"A=1" x', ('"A=1" x',)),
    (lines, "# x", ("# x",)),
    (untrimmed, "A= v \nB=x", ("A= v ", "B=x")),
    (entries, "a:1,a:2\na:3", ("a:1", "a:2", "a:3")),
]


@pytest.mark.parametrize(("reader", "text", "expected"), GOLDEN)
def test_lists_are_read_as_the_peer_reads_them(
    reader: Callable[[str], tuple[str, ...]], text: str, expected: tuple[str, ...]
) -> None:
    """Quotes, commas, blanks, several lines."""
    assert reader(text) == expected


def test_a_quote_that_is_not_closed_is_an_error() -> None:
    """In every list."""
    _, problems = inputs.parse({"build-args": '"A=1\nB=2', "cache-from": '"x'})
    assert sorted(problem.name for problem in problems) == ["build-args", "cache-from"]


def argv(**given: str) -> list[str]:
    """The flags that these inputs add, secrets written to /s/<id>."""
    parsed = make_inputs(**given)
    names = {name.replace("-", "_") for name in inputs.TABLE} & set(BuildRequest.__dataclass_fields__)
    made: dict[str, Any] = {name: getattr(parsed, name) for name in names - {"labels"}}
    made["secrets"] = (*parsed.secrets, *parsed.secret_envs, *parsed.secret_files)
    request = BuildRequest(workspace="/w", builder_id="https://github.com/o/r/actions/runs/1", **made)
    files = {secret.id: f"/s/{secret.id}" for secret in parsed.secrets}
    whole = buildx_arguments(request, push_to=None, metadata_file="/m", secret_files=files)
    return [word for word in whole[4:-3] if word not in ("--provenance=false", "--sbom=false")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"add_hosts": "db:10.0.0.7,cache:10.0.0.8"}, ["--add-host=db:10.0.0.7", "--add-host=cache:10.0.0.8"]),
        ({"allow": "network.host\nsecurity.insecure"}, ["--allow=network.host", "--allow=security.insecure"]),
        ({"annotations": "index:a=1, 2\nb=3"}, ["--annotation=index:a=1, 2", "--annotation=b=3"]),
        ({"attests": "type=sbom,generator=x"}, ["--attest=type=sbom,generator=x"]),
        ({"build_contexts": "a=docker-image://b"}, ["--build-context=a=docker-image://b"]),
        ({"build_contexts": "c={{defaultContext}}"}, ["--build-context=c=."]),
        ({"build_contexts": "c={{defaultContext}}:sub"}, ["--build-context=c=sub"]),
        ({"builder": "builder-1"}, ["--builder=builder-1"]),
        ({"cache_from": "type=registry,ref=h/a:c\nh/b"}, ["--cache-from=type=registry,ref=h/a:c", "--cache-from=h/b"]),
        ({"cache_to": "type=inline"}, ["--cache-to=type=inline"]),
        ({"cgroup_parent": "/ci"}, ["--cgroup-parent=/ci"]),
        ({"network": "none"}, ["--network=none"]),
        ({"no_cache": "true", "pull": "TRUE"}, ["--no-cache", "--pull"]),
        ({"no_cache_filters": "one,two"}, ["--no-cache-filter=one", "--no-cache-filter=two"]),
        ({"provenance": "false"}, []),
        ({"provenance": "true"}, ["--provenance=builder-id=https://github.com/o/r/actions/runs/1"]),
        ({"provenance": "mode=max"}, ["--provenance=mode=max,builder-id=https://github.com/o/r/actions/runs/1"]),
        ({"provenance": "mode=min,builder-id=x"}, ["--provenance=mode=min,builder-id=x"]),
        ({"sbom": "true"}, ["--sbom=true"]),
        ({"secrets": 'npm=a=b\n"key=l1\nl2"'}, ["--secret=id=npm,src=/s/npm", "--secret=id=key,src=/s/key"]),
        ({"secret_envs": "npm=NPM_TOKEN"}, ["--secret=id=npm,env=NPM_TOKEN"]),
        ({"secret_files": 'npm=a "b"'}, ['--secret=id=npm,"src=a ""b"""']),
        ({"secret_files": "npm=a, b"}, ['--secret=id=npm,"src=a, b"']),
        ({"shm_size": "128m"}, ["--shm-size=128m"]),
        ({"ssh": "default,key=/run/k"}, ["--ssh=default", "--ssh=key=/run/k"]),
        ({"ulimit": "nofile=1024:2048"}, ["--ulimit=nofile=1024:2048"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) and value else "",
)  # fmt: skip
def test_each_input_is_its_flag(given: dict[str, str], expected: list[str]) -> None:
    """By the peer's name, entry by entry; nothing else changes."""
    assert argv(**given) == expected


def test_values_of_secrets_are_on_no_command_line() -> None:
    """Nor in the words that describe them."""
    line = argv(secrets="npm=canary-1\nkey=canary-2", secret_envs="a=B", secret_files="f=g")
    assert "canary" not in " ".join(line)
    assert "canary" not in repr(make_inputs(secrets="npm=canary-1").secrets)


def test_blanks_of_a_secrets_value_are_kept() -> None:
    """They may belong to it."""
    assert building.secrets("A= v \nB=x")[0].value.reveal() == " v "


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("secrets", "npm=x\ncanary", "line 2"),
        ("secrets", "npm=", "'npm' is empty"),
        ("secrets", "canary\nnpm=\nb=x", "line 1: it has no name before '='. line 2: the secret 'npm' is empty"),
        ("secrets", "npm=arn:aws:secretsmanager:us-east-1:1:canary", "line 1: 'npm' is an ARN, and none of a secret"),
        ("secret-envs", "a=b c\nd=e-f", "line 2: what follows d="),
        ("secrets", "a=x\na=y", "twice"),
        ("secret-envs", "npm=canary value", "line 1"),
        ("secret-files", "canary", "line 1"),
        ("ssh", "default=-----BEGIN OPENSSH PRIVATE KEY-----\ncanary", "ssh-agent"),
        ("add-hosts", "db", "NAME:ADDRESS"),
        ("annotations", "x", "KEY=VALUE"),
        ("attests", "sbom", "type=sbom"),
        ("cache-to", "ref=x", "no type"),
        ("provenance", "maybe", "true, false"),
        ("shm-size", "large", "like 128m"),
        ("ulimit", "nofile", "nofile=1024"),
        ("pull", "yes", "true or false"),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(name: str, text: str, said: str) -> None:
    """The input and the line; a value that may be a secret never."""
    _, problems = inputs.parse({name: text})
    assert [problem.name for problem in problems] == [name]
    assert said in str(problems[0])
    assert "canary" not in str(problems[0])


def test_what_takes_buildx_is_told_by_name() -> None:
    """The engine's own API would build without it, and say nothing."""
    secret = BuildSecret(id="npm", value=Secret("x", "secrets"))
    request = BuildRequest(
        workspace="/w", secrets=(secret,), cache_to=("type=inline",), sbom="false", provenance="true"
    )
    assert unsupported(request) == ("cache-to", "secrets", "provenance")
    assert unsupported(BuildRequest(workspace="/w", no_cache=True, pull=True, network="none", shm_size="1m")) == ()


def test_a_wrong_size_is_wrong() -> None:
    """Not nothing."""
    with pytest.raises(Wrong):
        building.size("12x")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"no-cache": "true", "no-cache-filters": "one"}, "no-cache-filters"),
        ({"secrets": "npm=x", "secret-envs": "npm=X"}, "secrets"),
    ],
)
def test_inputs_that_exclude_each_other(given: dict[str, str], name: str) -> None:
    """The builder would refuse both, or take one of them in silence."""
    _, problems = inputs.parse(given)
    assert [problem.name for problem in problems] == [name]
