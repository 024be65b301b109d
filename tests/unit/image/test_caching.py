"""Which cache a builder can do, and what that asks of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ecr_action.image.arguments import BuildRequest, buildx_arguments, unsupported
from ecr_action.image.caching import Cache, entries, exported, pushes_by_digest

DOCKER = """\
Name:          default
Driver:        docker
Nodes:
Name:             default
Endpoint:         default
Status:           running
BuildKit version: v0.0.0+unknown
Labels:
"""
CLASSIC = DOCKER + " org.mobyproject.buildkit.worker.moby.host-gateway-ip: 172.17.0.1\n"
CONTAINERD = DOCKER + " org.mobyproject.buildkit.worker.containerd.namespace: moby\n"
SNAPSHOTTER = CLASSIC + " org.mobyproject.buildkit.worker.snapshotter:          overlayfs\n"
OTHERS = "Name:          builder-1\nDriver:        {}\nNodes:\nName:      builder-10\nStatus:    inactive\n"


@pytest.mark.parametrize(
    ("inspected", "expected"),
    [
        (CONTAINERD, "registry"),
        (SNAPSHOTTER, "registry"),
        (CLASSIC, "inline"),
        (DOCKER, "inline"),
        (OTHERS.format("docker-container"), "registry"),
        (OTHERS.format("kubernetes"), "registry"),
        (OTHERS.format("remote"), "registry"),
        (OTHERS.format("cloud"), "registry"),
        ("", "inline"),
        ("ERROR: no builder \"x\" found\n", "inline"),
    ],
    ids="containerd snapshotter classic docker docker-container kubernetes remote cloud silent unknown".split(),
)
def test_what_a_builder_can_export(inspected: str, expected: str) -> None:
    """A BuildKit of its own can do all, docker's own driver what its image store can; what can't be told, the least."""
    assert exported(inspected) == expected


WANTED = Cache(kind="auto", repository="h/app", writes=True)
PLACE = "type=registry,ref=h/app:buildcache"
FORM = "mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true"
LATEST = "type=registry,ref=h/app:latest"


@pytest.mark.parametrize(
    ("changes", "can", "reads", "writes"),
    [
        ({}, "registry", PLACE, f"{PLACE},{FORM}"),
        ({}, "inline", LATEST, "type=inline"),
        ({"writes": False}, "registry", PLACE, None),
        ({"writes": False}, "inline", LATEST, None),
        ({"movable": False}, "registry", LATEST, "type=inline"),
        ({"kind": "registry"}, "", PLACE, f"{PLACE},{FORM}"),
        ({"kind": "registry", "movable": False}, "", PLACE, None),
        ({"kind": "inline"}, "registry", LATEST, "type=inline"),
        ({"kind": "inline", "movable": False}, "", LATEST, "type=inline"),
    ],
)
def test_what_is_asked_of_it(changes: dict[str, Any], can: str, reads: str, writes: str | None) -> None:
    """In the one form that ECR takes; a run that may not write one reads it all the same."""
    assert entries(replace(WANTED, **changes), can) == ((reads,), (writes,) if writes else ())


@pytest.mark.parametrize(("kind", "writes"), [("registry", f"{PLACE},{FORM}"), ("inline", "type=inline")])
def test_a_cache_that_is_written_alone(kind: str, writes: str) -> None:
    """A build from the ground up leaves what it made to the next one."""
    assert entries(replace(WANTED, kind=kind, reads=False), kind) == ((), (writes,))


def test_the_builder_is_named_and_gets_the_entries() -> None:
    """Whatever its driver is: it is the current one, or the one that the input names."""
    reads, writes = entries(WANTED, "registry")
    request = BuildRequest(workspace="/w", builder="kube", cache=WANTED, cache_from=reads, cache_to=writes)
    argv = buildx_arguments(request, push_to="h/app:t", metadata_file="m")
    flags = ("--builder=kube", f"--cache-from={PLACE}", f"--cache-to={PLACE},{FORM}", "--push")
    assert [flag for flag in flags if flag not in argv] == []


def test_the_engine_alone_has_no_cache() -> None:
    """`auto` is what it can do: none. The others are refused by name."""
    kinds = ("auto", "registry", "inline")
    asked = [unsupported(BuildRequest(workspace="/w", cache=replace(WANTED, kind=kind))) for kind in kinds]
    assert asked == [(), ("cache",), ("cache",)]


@pytest.mark.parametrize(("driver", "expected"), [("docker-container", True), ("kubernetes", True), ("docker", False)])
def test_a_push_by_digest_where_the_builder_can(driver: str, expected: bool) -> None:
    """Then no tag is written at all; a file beside it stays what it is."""
    assert pushes_by_digest(OTHERS.format(driver)) is expected
    request = BuildRequest(workspace="/w", by_digest=True, outputs=("out", "type=image,compression=zstd"))
    argv = buildx_arguments(request, push_to="h/app:t", metadata_file="m")
    place = "--output=type=image,name=h/app,push-by-digest=true,name-canonical=true,push=true,compression=zstd"
    assert [flag for flag in argv if flag.startswith(("--output", "--push", "--tag"))] == [place, "--output=out"]
