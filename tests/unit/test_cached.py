"""Which cache a build has, by its run and its repository."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from ecr_action import plan, wanted
from ecr_action.aws.session import Settings, connect
from ecr_action.cached import build_alone, cached
from ecr_action.github import context
from ecr_action.image import caching, key
from ecr_action.image.arguments import BuildRequest
from ecr_action.obtain import choose
from ecr_action.part import tag_of
from ecr_action.protocols import Built, Image, Login, RepositoryState
from ecr_action.secret import Secret
from ecr_action.services import Cloud
from ecr_action.wanted import Wanted
from tests.builders import REPOSITORY, SHA, make_checkout, make_inputs, variables
from tests.rooms.github.said import QuickClock, Said
from tests.unit.blank import Blank

STATE = RepositoryState(name="app", uri="host/app", arn="", account="1", mutability="MUTABLE")
EXCLUDING = "IMMUTABLE_WITH_EXCLUSION"


def made(event: str = "push", part: str = "", **given: str) -> Wanted:
    """What a run of main wants; *part* is a platform of two."""
    home = {"full_name": REPOSITORY, "default_branch": "main"}
    inputs = make_inputs(**{"aws_region": "us-east-1", **given})
    found = context.read(variables(event, "refs/heads/main"), {"repository": home}, make_checkout())
    planned, problems = plan.make(inputs, found, commit_of_tag=lambda _: None)
    assert problems == ()
    wanted_, problems = wanted.wanted(planned, inputs, found, workspace="/w", read_file=lambda _: None)
    assert problems == ()
    return replace(wanted_, part=part)


def entries_of(request: BuildRequest) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a builder that can do all is asked for."""
    assert request.cache is not None
    return caching.entries(request.cache, caching.REGISTRY)


@pytest.mark.parametrize(("event", "anew", "reads"), [("push", False, 1), ("schedule", False, 0), ("push", True, 0)])
def test_what_a_build_anew_reads(event: str, anew: bool, reads: int) -> None:
    """A scheduled run, and one whose image is too old, wants new packages: the cache is written, not read."""
    read, written = entries_of(cached(made(event, cache="registry"), STATE, Said(), anew=anew))
    assert (len(read), len(written)) == (reads, 1)


def test_an_image_that_is_too_old_asks_for_a_build_anew() -> None:
    """`reuse-max-age` would else put the old packages into the new image."""

    class Old(Blank):
        def pushed(self, repository: str, image: Image) -> datetime | None:
            return QuickClock().now() - timedelta(days=9)

        def labels(self, repository: str, image: Image) -> dict[str, str]:
            return {key.LABEL: asked.key.label}

        def commits(self, repository: str, image: Image) -> tuple[str, ...]:
            return (SHA,)

    chosen = []
    for age in ("7", "10"):
        asked, images = made(cache="registry", reuse_max_age=age), Old()
        there = {SHA: Image(digest="sha256:1", media_type="", manifest="", tags=(SHA,))}
        none: Any = None
        cloud = Cloud(repository=none, images=images, logins=none, scans=none, elsewhere=none, refusal=none)
        choice = choose(asked, STATE, there, cloud, images.services())
        chosen.append((choice.image is None, choice.anew))
    assert chosen == [(True, True), (False, False)]


@pytest.mark.parametrize(
    ("mutability", "filters", "part", "kind", "said"),
    [
        (EXCLUDING, ("buildcache",), "", "registry", ""),
        (EXCLUDING, ("buildcache",), "linux/arm64", "registry", "buildcache-linux-arm64 can't move: no cache"),
        (EXCLUDING, ("buildcache",), "linux/arm64", "auto", "buildcache-linux-arm64 can't move: the cache goes"),
        (EXCLUDING, ("buildcache*",), "linux/arm64", "registry", ""),
        ("IMMUTABLE", (), "", "auto", "buildcache can't move: the cache goes into the image itself"),
        ("IMMUTABLE", (), "", "inline", ""),
    ],
)
def test_the_tag_that_can_not_move(mutability: str, filters: tuple[str, ...], part: str, kind: str, said: str) -> None:
    """It is the part's own that decides, and what becomes of the cache is said as it is."""
    state, console = replace(STATE, mutability=mutability, immutable_except=filters), Said()
    _, written = entries_of(cached(made(part=part, cache=kind), state, console))
    assert said in "".join(console.lines)
    assert bool(console.lines) is bool(said)
    place = "type=inline" if kind == "inline" or "goes" in "".join(console.lines) else "type=registry"
    assert [entry.partition(",")[0] for entry in written] == ([] if "no cache" in said else [place])


class Builder:
    """An engine that keeps what it was asked for."""

    name = "kept"

    def __init__(self) -> None:
        self.built: list[tuple[BuildRequest, str | None]] = []

    def build(self, request: BuildRequest, push_to: str | None, login: Login | None) -> Built:
        self.built.append((request, push_to))
        return Built(digest="sha256:" + "1" * 64, engine=self.name)

    def load(self, reference: str, name: str, login: Login) -> None:
        raise AssertionError("nothing is loaded")


class Tokens:
    """A job that may ask for identity tokens, and does not need to."""

    available = True

    def token(self, audience: str) -> Secret:
        raise AssertionError("without a Region nothing is asked for")


def test_without_a_region_a_build_has_no_cache() -> None:
    """A pull request needs no Region: with one notice it builds without what a registry has."""
    engine, blank, role = Builder(), Blank(), "arn:aws:iam::123456789012:role/ci"
    console = Said()

    def cloud() -> Cloud:
        connect(Settings(region="", role=role), Tokens(), console, QuickClock())
        raise AssertionError("connected to no Region")

    services = replace(blank.services(), console=console, cloud=cloud, engine=lambda: engine)
    build_alone(made(cache="auto"), services)
    (said,) = console.lines
    assert said.strip() == "No build cache is read: aws-region is empty, and AWS_REGION is not set either."
    assert [request.cache for request, _ in engine.built] == [None]


def test_the_tag_of_a_part_in_an_immutable_repository() -> None:
    """A builder that can't push without a tag pushes under it: where it can't move each build has another."""
    asked, clock, tags = made(part="linux/arm64"), QuickClock(), []
    for state in (STATE, replace(STATE, mutability="IMMUTABLE")):
        for _ in range(2):
            tags.append(tag_of(asked, state, clock))
            clock.sleep(1)
    assert tags[0] == tags[1] == "buildcache-part-linux-arm64"
    assert len(set(tags)) == 3
    assert all(tag.startswith(f"{tags[0]}-{SHA}-") and len(tag) <= 128 for tag in tags[2:])
