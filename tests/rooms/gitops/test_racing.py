"""Several jobs on one branch: nothing lost, nothing doubled, and few calls for each retry."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping

import pytest

from ecr_action.errors import GitOpsBusy
from ecr_action.github.api import Api
from ecr_action.gitops.commit import GitHubGitOps
from ecr_action.gitops.write import write
from ecr_action.gitops_protocols import Snapshot
from ecr_action.secret import Secret
from lab.github import client, setup
from tests.rooms.github.said import QuickClock, Said

from .place import DEV, FILES, NEEDLES, PROD, Place, bumped, place_in

Decide = Callable[[Snapshot], Mapping[str, bytes]]


def disturbed(place: Place, theirs: Mapping[str, str]) -> tuple[list[Snapshot], Decide]:
    """A decision during which somebody else commits *theirs*, the first time; with the snapshots that it was given."""
    seen: list[Snapshot] = []

    def decide(snapshot: Snapshot) -> Mapping[str, bytes]:
        seen.append(snapshot)
        if len(seen) == 1:
            place.commit(dict(theirs))
            place.calls()
        return bumped()(snapshot)

    return seen, decide


@pytest.mark.parametrize("patterns", [(DEV,), ()])
def test_a_branch_that_moved_is_read_and_decided_on_again_in_two_calls(place: Place, patterns: tuple[str, ...]) -> None:
    """Head and files in one query, then the mutation; the other one's change stays."""
    seen, decide = disturbed(place, {DEV: "image: registry/hello-node:old # changed\n"})
    made = place.write(place.room(), decide, patterns=patterns)
    assert place.calls() == ["createCommitOnBranch", "repository", "createCommitOnBranch"]
    assert made is not None
    assert place.read(DEV) == b"image: registry/hello-node:new # changed\n"
    assert place.subjects() == ["Bump", "Somebody else", "Initial commit"]
    assert [snapshot.head for snapshot in seen][1] == setup.log(place.bare)[1].oid
    assert [snapshot.since for snapshot in seen] == [None, 1]


def test_what_another_run_did_meanwhile_is_not_done_twice(place: Place) -> None:
    """The second decision finds nothing to change."""
    _, decide = disturbed(place, {DEV: FILES[DEV].replace(":old", ":new")})
    assert place.write(place.room(), decide) is None
    assert place.subjects() == ["Somebody else", "Initial commit"]


def test_a_file_that_became_a_link_meanwhile_is_not_written_through(place: Place) -> None:
    """The whole tree is read again."""
    seen: list[Snapshot] = []

    def linked(snapshot: Snapshot) -> Mapping[str, bytes]:
        seen.append(snapshot)
        if len(seen) == 1:
            place.commit({DEV: ("120000", "../prod/hello-node.yaml:old")})
        return bumped()(snapshot)

    assert place.write(place.room(), linked, patterns=()) is not None
    assert setup.mode(place.bare, DEV) == "120000"
    assert place.read(DEV) == b"../prod/hello-node.yaml:old"
    assert [file.path for file in seen[1].files] == [PROD]


def test_a_file_that_is_gone_meanwhile_is_not_made_again(place: Place) -> None:
    """Deleted on purpose."""
    seen: list[Snapshot] = []

    def deleted(snapshot: Snapshot) -> Mapping[str, bytes]:
        seen.append(snapshot)
        if len(seen) == 1:
            place.commit({DEV: None})
        return bumped()(snapshot)

    assert place.write(place.room(), deleted, patterns=()) is not None
    assert setup.mode(place.bare, DEV) is None


def test_a_head_that_github_shows_late_is_waited_for(place: Place) -> None:
    """Reads right after a write may show what was before it, though nobody else writes."""
    room = place.room()
    place.github.fault(kind="stale", seconds=0.7)
    other = place.room()
    snapshot = other.read([PROD], NEEDLES)
    other.commit(snapshot, bumped()(snapshot), "First")
    place.clock.meanwhile = lambda: time.sleep(0.4)
    assert place.write(room, bumped()) is not None
    assert place.subjects() == ["Bump", "First", "Initial commit"]


def test_a_branch_that_never_rests_is_given_up_after_ten_minutes(place: Place) -> None:
    """With the number of attempts, and with waits that grow."""

    def decide(snapshot: Snapshot) -> Mapping[str, bytes]:
        place.commit({PROD: f"{snapshot.head}\n"})
        return bumped()(snapshot)

    with pytest.raises(GitOpsBusy) as busy:
        place.write(place.room(), decide)
    assert busy.value.transient
    assert 500 < sum(place.clock.slept) <= 600
    assert len([call for call in place.calls() if call == "createCommitOnBranch"]) < 200


def test_ten_jobs_at_once_all_land(github: client.GitHub) -> None:
    """Each changes its own app; the branch has one commit for each, on top of each other."""
    apps = {f"apps/app{number}.yaml": f"image: registry/hello-node:old # {number}\n" for number in range(10)}
    place = place_in(github, apps)
    failed: list[BaseException] = []

    def job(path: str, seed: int) -> None:
        said = Said()
        room = GitHubGitOps(Api(github.url, Secret(place.token, "gitops-token"), said, QuickClock()), place.name, None,
                            said)  # fmt: skip
        try:
            write(room, bumped(), patterns=[path], needles=NEEDLES, message=lambda: f"Bump {path}", console=said,
                  clock=QuickClock(), chance=random.Random(seed).random)  # fmt: skip
        except BaseException as error:
            failed.append(error)

    jobs = [threading.Thread(target=job, args=(path, seed)) for seed, path in enumerate(apps)]
    for thread in jobs:
        thread.start()
    for thread in jobs:
        thread.join(60)
    assert failed == []
    assert sorted(place.subjects()) == sorted(["Initial commit", *(f"Bump {path}" for path in apps)])
    for path, text in apps.items():
        assert place.read(path) == text.replace(":old", ":new").encode()
