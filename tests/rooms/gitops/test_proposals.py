"""Pull requests through GitHub's API: what is read of them, and what is left where something goes wrong on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from ecr_action.errors import GitOpsAccess, GitOpsRefused
from ecr_action.github.api import Api
from ecr_action.gitops import pulls
from ecr_action.gitops.proposals import GitHubProposals
from ecr_action.gitops_protocols import Commit, Proposed, Snapshot, Stale
from ecr_action.secret import Secret
from lab.github import git, setup
from tests.rooms.github.said import Said

from .place import DEV, FILES, NEEDLES, Place

BRANCH, SCRATCH = "ecr-publish/hello-node/dev", "ecr-publish/scratch/1-ab"
MESSAGE = "Deploy\n\nEcr-Publish-Image: registry/hello-node:new\nEcr-Publish-Source: o/app@1\n"
NEW = {DEV: b"image: registry/hello-node:new # dev\n"}


def proposals(place: Place, *, own: bool = False, auto_merge: bool = False) -> GitHubProposals:
    """As a job of its own makes them."""
    api = Api(place.github.url, Secret(place.token, "gitops-token"), place.said, place.clock)
    return GitHubProposals(api, place.name, place.said, scratch=SCRATCH, own=own, auto_merge=auto_merge)


def base(place: Place) -> Snapshot:
    """The base as it is."""
    return place.room().read([DEV], NEEDLES)


def proposed(place: Place, message: str = MESSAGE) -> tuple[GitHubProposals, Snapshot, Commit]:
    """One commit on our branch, and a pull request for it."""
    room, snapshot = proposals(place), base(place)
    there = room.look(snapshot, BRANCH)
    made = room.commit(snapshot, there, NEW, message)
    assert made is not None
    room.ask(snapshot, there, "Deploy", "body")
    return room, snapshot, made


def branches(place: Place) -> dict[str, str]:
    """Branch -> commit."""
    found = git.Bare(place.bare).references("refs/heads/")
    return {name.removeprefix("refs/heads/"): oid for name, oid in found.items()}


@pytest.fixture(autouse=True)
def _no_fault_is_left(place: Place) -> Iterator[None]:
    yield
    place.github.clear_faults()


def test_a_commit_on_a_branch_of_ours_and_a_pull_request_in_six_calls(place: Place) -> None:
    """Two to look, three to write, one to ask; the base stays, and nothing else is left over."""
    snapshot = base(place)
    place.calls()
    room, _, made = proposed(place)
    assert place.calls()[1:] == [
        *["repository", f"/repos/{place.name}/pulls", "updateRefs", "createCommitOnBranch", "updateRefs"],
        f"/repos/{place.name}/pulls",
    ]
    assert branches(place) == {"main": snapshot.head, BRANCH: made.oid}
    assert setup.read(place.bare, DEV, f"refs/heads/{BRANCH}") == NEW[DEV]
    there = room.look(snapshot, BRANCH)
    assert (there.head, there.live, there.foreign) == (made.oid, True, False)
    assert [(pull.number, pull.state, pull.head) for pull in there.pulls] == [(1, "open", made.oid)]


def test_a_newer_commit_takes_the_place_of_the_older_one_on_the_newest_base(place: Place) -> None:
    """The pull request stays open, with one commit, and its text is put where the old one was."""
    room, _, _ = proposed(place)
    place.commit({"other/deploy.yaml": "image: registry/other:2\n"})
    snapshot = base(place)
    there = room.look(snapshot, BRANCH)
    made = room.commit(snapshot, there, {DEV: b"image: registry/hello-node:newer\n"}, MESSAGE)
    pull = room.ask(snapshot, there, "Deploy newer", "body")
    assert pull is not None
    assert (pull.number, pull.state, pull.title) == (1, "open", "Deploy newer")
    assert made is not None
    assert git.Bare(place.bare).commit(made.oid).parents == (snapshot.head,)
    assert branches(place)[BRANCH] == made.oid


def test_a_branch_that_moved_meanwhile_is_never_overwritten(place: Place) -> None:
    """Neither one that was there, nor one that came; the scratch branch is taken away."""
    room, snapshot, made = proposed(place)
    there = room.look(snapshot, BRANCH)
    fix = setup.commit(place.bare, {"fix.yaml": "a: 1\n"}, "A fix", branch=BRANCH)
    with pytest.raises(Stale):
        room.commit(snapshot, there, NEW, MESSAGE)
    with pytest.raises(Stale):
        room.commit(snapshot, Proposed(branch=BRANCH, repository_id=there.repository_id), NEW, MESSAGE)
    assert branches(place) == {"main": snapshot.head, BRANCH: fix}
    assert room.look(snapshot, BRANCH).foreign is True
    on = room.read(room.look(snapshot, BRANCH), [DEV], NEEDLES)
    assert room.add(on, {DEV: b"image: registry/hello-node:newer\n"}, MESSAGE) is not None
    assert [row.subject for row in setup.log(place.bare, f"refs/heads/{BRANCH}")][:3] == ["Deploy", "A fix", "Deploy"]
    assert made.oid in [row.oid for row in setup.log(place.bare, f"refs/heads/{BRANCH}")]


def test_a_commit_of_ours_that_somebody_amended_is_theirs(place: Place) -> None:
    """It has our message and their change: it is not overwritten."""
    room, snapshot, made = proposed(place)
    bare = git.Bare(place.bare)
    ours = bare.commit(made.oid)
    ada = git.Person("Ada", "1+ada@users.noreply.github.com", "1700000000 +0000")
    tree = bare.commit(setup.commit(place.bare, {"fix.yaml": "a: 1\n"}, "A fix", branch=BRANCH)).tree
    amended = bare.write_commit(tree, ours.parents, ours.message, ours.author, ada)
    bare.run("update-ref", f"refs/heads/{BRANCH}", amended)
    assert bare.commit(amended).message == ours.message
    assert room.look(snapshot, BRANCH).foreign is True


def test_what_is_closed_stays_closed_and_says_why(place: Place) -> None:
    """Below what stood there."""
    room, snapshot, _ = proposed(place)
    pull = room.look(snapshot, BRANCH).open
    assert pull is not None
    room.close(snapshot, pull, "main has a newer image by now.")
    (closed,) = room.look(snapshot, BRANCH).pulls
    assert (closed.state, closed.body) == ("closed", pulls.closing("body", "main has a newer image by now."))


def test_a_pull_request_that_conflicts_is_told(place: Place) -> None:
    """Somebody changed the same line of the base."""
    room, snapshot, _ = proposed(place)
    assert room.look(snapshot, BRANCH).conflicts is False
    place.commit({DEV: "image: registry/hello-node:other # dev\n"})
    assert room.look(base(place), BRANCH).conflicts is True


@pytest.mark.parametrize("ended", ["merged", "closed"])
def test_a_branch_whose_pull_request_came_to_an_end_holds_no_proposal(place: Place, ended: str) -> None:
    """Until something new is put there."""
    room, snapshot, _ = proposed(place)
    if ended == "merged":
        path, method, body = "pulls/1/merge", "PUT", {"merge_method": "squash"}
    else:
        path, method, body = "pulls/1", "PATCH", {"state": "closed"}
    assert place.github.request(method, f"/repos/{place.name}/{path}", place.token, body).status == 200
    there = room.look(base(place), BRANCH)
    assert (there.live, there.open, there.pulls[0].state) == (False, None, ended)
    room.commit(base(place), there, {DEV: b"image: registry/hello-node:newer\n"}, MESSAGE)
    assert room.look(base(place), BRANCH).live is True
    assert snapshot.branch == "main"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["createCommitOnBranch", "updateRefs"])
def test_an_answer_that_is_lost(place: Place, operation: str, when: str) -> None:
    """The commit is found where it was made; where it was not the run may be started again. No branch is left over."""
    room, snapshot = proposals(place), base(place)
    there = room.look(snapshot, BRANCH)
    place.github.fault(operation=operation, when=when, status=502)
    try:
        made = room.commit(snapshot, there, NEW, MESSAGE)
        assert made is not None
        assert branches(place)[BRANCH] == made.oid
    except Stale:
        assert set(branches(place)) == {"main"}
        assert BRANCH not in branches(place)
    place.github.clear_faults()
    there = room.look(snapshot, BRANCH)
    if not there.head:
        room.commit(snapshot, there, NEW, MESSAGE)
    assert set(branches(place)) == {"main", BRANCH}


def test_a_refused_commit_leaves_no_branch(place: Place) -> None:
    """A rule for all branches."""
    room, snapshot = proposals(place), base(place)
    there = room.look(snapshot, BRANCH)
    place.github.fault(
        operation="createCommitOnBranch", type="BRANCH_PROTECTION_RULE_VIOLATION", message="Protected branch"
    )
    with pytest.raises(GitOpsRefused) as refused:
        room.commit(snapshot, there, NEW, MESSAGE)
    assert (type(refused.value), "Exclude by pattern: ecr-publish/**" in refused.value.fix) == (GitOpsRefused, True)
    assert BRANCH in refused.value.what
    assert branches(place) == {"main": snapshot.head}


def test_a_scratch_branch_that_can_not_be_taken_away_is_told(place: Place) -> None:
    """By its name."""
    room, snapshot = proposals(place), base(place)
    there = room.look(snapshot, BRANCH)
    place.github.fault(operation="createCommitOnBranch", message="no", type="UNPROCESSABLE")
    place.github.fault(method="DELETE", status=500)
    with pytest.raises(GitOpsRefused):
        room.commit(snapshot, there, NEW, MESSAGE)
    assert any(SCRATCH in line and "left over" in line for line in place.said.lines)


def test_two_runs_that_ask_at_once_have_one_pull_request(place: Place) -> None:
    """GitHub refuses the second one, which is then the first."""
    room, snapshot, _ = proposed(place)
    before = Proposed(branch=BRANCH, repository_id="x", head="")
    pull = room.ask(snapshot, before, "Deploy", "body")
    assert pull is not None
    assert pull.number == 1
    place.github.fault(method="POST", path="/pulls$", when="before", status=502)
    assert room.ask(snapshot, before, "Deploy", "body") == pull


def test_a_pull_request_by_the_jobs_own_token_says_what_it_lacks(place: Place) -> None:
    """Its checks never come."""
    snapshot, room = base(place), proposals(place, own=True)
    there = room.look(snapshot, BRANCH)
    room.commit(snapshot, there, NEW, MESSAGE)
    room.ask(snapshot, there, "Deploy", "body")
    assert any("starts no workflow" in line for line in place.said.lines)


@pytest.mark.parametrize(
    ("status", "text", "words"),
    [
        (403, "GitHub Actions is not permitted to create or approve pull requests.", "Allow GitHub Actions"),
        (403, "Resource not accessible by personal access token", "Pull requests: Read and write"),
        (422, "Validation Failed", "by hand"),
    ],
)
def test_refusals_of_a_pull_request(place: Place, status: int, text: str, words: str) -> None:
    """Each with what to tick."""
    room, snapshot = proposals(place), base(place)
    there = room.look(snapshot, BRANCH)
    room.commit(snapshot, there, NEW, MESSAGE)
    place.github.fault(method="POST", path="/pulls$", status=status, body={"message": text})
    with pytest.raises((GitOpsAccess, GitOpsRefused)) as refused:
        room.ask(snapshot, there, "Deploy", "body")
    assert words in refused.value.fix


def test_other_files_are_as_they_were(place: Place) -> None:
    """On the branch as well."""
    proposed(place)
    for path, text in FILES.items():
        if path != DEV:
            assert setup.read(place.bare, path, f"refs/heads/{BRANCH}") == text.encode()


@dataclass
class Hinge(Said):
    """A console that does something between the commit and the move of our branch."""

    then: Callable[[], object] = lambda: None

    def info(self, text: str) -> None:
        super().info(text)
        if text.startswith("Committed"):
            self.then()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_move_whose_answer_is_lost(place: Place, when: str) -> None:
    """Our branch is looked at: the move was made, or the run tries again."""
    place.said = Hinge(then=lambda: place.github.fault(operation="updateRefs", when=when, status=502))
    room, snapshot = proposals(place), base(place)
    there = room.look(snapshot, BRANCH)
    if when == "before":
        with pytest.raises(Stale, match="failed to answer"):
            room.commit(snapshot, there, NEW, MESSAGE)
        assert set(branches(place)) == {"main"}
    else:
        made = room.commit(snapshot, there, NEW, MESSAGE)
        assert made is not None
        assert branches(place) == {"main": snapshot.head, BRANCH: made.oid}


@pytest.mark.parametrize("allowed", [True, False])
def test_auto_merge_is_switched_on_where_the_base_requires_something(place: Place, allowed: bool) -> None:
    """Once, whatever the merge method that is allowed; else a warning says what to set."""
    place.github.repository(
        place.name, allow_auto_merge=allowed, allow_squash_merge=False, required={"main": ["build"]}
    )
    room, snapshot = proposals(place, auto_merge=True), base(place)
    there = room.look(snapshot, BRANCH)
    made = room.commit(snapshot, there, NEW, MESSAGE)
    pull = room.ask(snapshot, there, "Deploy", "body")
    assert made is not None
    assert pull is not None
    for _ in range(2):
        room.merge_when_ready(snapshot, pull)
    assert place.calls().count("enablePullRequestAutoMerge") == (1 if allowed else 0)
    place.github.repository(place.name, checks={made.oid: {"build": "success"}})
    assert (place.read(DEV) == NEW[DEV]) is allowed
    assert any("Allow auto-merge" in line for line in place.said.lines) is not allowed


def test_auto_merge_that_github_refuses_leaves_the_pull_request(place: Place) -> None:
    """With GitHub's reason in a warning."""
    place.github.repository(place.name, allow_auto_merge=True, required={"main": ["build"]})
    room, snapshot = proposals(place, auto_merge=True), base(place)
    there = room.look(snapshot, BRANCH)
    room.commit(snapshot, there, NEW, MESSAGE)
    pull = room.ask(snapshot, there, "Deploy", "body")
    assert pull is not None
    place.github.fault(operation="enablePullRequestAutoMerge", message="Pull request is in unstable status")
    room.merge_when_ready(snapshot, pull)
    place.github.fault(operation="repository", message="Resource not accessible", type="FORBIDDEN")
    room.merge_when_ready(snapshot, pull)
    told = [line for line in place.said.lines if "is not merged by itself" in line]
    assert ["Require a review" in told[0], "Resource not accessible" in told[1]] == [True, True]
    assert room.look(snapshot, BRANCH).open == pull
