"""The bump as a pull request: what each state of the branch and of its pull requests leads to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from ecr_action.errors import GitOpsBusy, NoReference
from ecr_action.gitops import pulls
from ecr_action.gitops.edit import Edit, Result
from ecr_action.gitops.find import Found
from ecr_action.gitops.message import Origin, Shipped
from ecr_action.gitops.superseded import Verdict
from ecr_action.gitops_protocols import Commit, File, Proposed, PullRequest, Snapshot, Stale
from ecr_action.image.reference import Reference
from ecr_action.proposal import Proposal

DIGEST = f"sha256:{'a' * 64}"
BASE = Snapshot(repository="o/r", branch="main", head="base", files=(File(path="a.yaml", content=b"old"),))
HERE = Found(file="a.yaml", line=1, path="image", kind="image", name=Reference(host=None, path="app", tag="v1"))
EDIT = Edit(path="a.yaml", content=b"on branch", original=b"old", before="", after="", places=())
TO_EDIT, UNCHANGED = Result(edits=(EDIT,)), Result(unchanged=(HERE,))
NEWER = Result(kept=((HERE, Verdict(go=False, notice="NOT DEPLOYED: v9 stands")),))
OPEN = PullRequest(number=1, url="https://github.com/o/r/pull/1", state="open", head="head", body="")
THERE = Proposed(branch="ours", head="head", pulls=(OPEN,))


@dataclass
class Branch:
    """A branch in memory; *does* is what was done to it."""

    found: Proposed
    head: str = "head"
    does: list[str] = field(default_factory=list)
    armed: int = 0
    told: tuple[list[str], list[str]] = ([], [])

    def described(self, earlier: Sequence[Shipped], behind: Collection[str]) -> tuple[str, str]:
        self.told = ([item.name for item in earlier], sorted(behind))
        return "title", "body"

    def look(self, base: Snapshot, branch: str) -> Proposed:
        return self.found

    def read(self, proposed: Proposed, patterns: Sequence[str], needles: Sequence[bytes]) -> Snapshot:
        return replace(BASE, branch="ours", head=self.head)

    def commit(self, base: Snapshot, proposed: Proposed, changes: Mapping[str, bytes], message: str) -> Commit:
        self.does.append("anew")
        return Commit(oid="c" * 40, url="")

    def add(self, on: Snapshot, changes: Mapping[str, bytes], message: str) -> Commit:
        assert changes == {"a.yaml": b"on branch"}
        self.does.append("on top")
        return Commit(oid="d" * 40, url="")

    def merge_when_ready(self, base: Snapshot, pull: PullRequest) -> None:
        self.armed = pull.number

    def close(self, base: Snapshot, pull: PullRequest, why: str) -> None:
        self.does.append(f"closed {pull.number}: {why}")

    def ask(self, base: Snapshot, proposed: Proposed, title: str, body: str) -> PullRequest:
        self.does.append("update" if proposed.open else "open")
        return OPEN


class Base:
    """The base, which is only read."""

    def read(self, patterns: Sequence[str], needles: Sequence[bytes]) -> Snapshot:
        return BASE

    def commit(self, snapshot: Snapshot, changes: Mapping[str, bytes], message: str) -> Commit:
        raise AssertionError("the base is never committed to")


def proposing(branch: Branch, result: Result | None, *, consent: bool = False) -> Proposal:
    """A proposal; *result* is what the branch comes to, None: its files are of no use."""

    def judge(snapshot: Snapshot) -> Result:
        if result is None:
            raise NoReference("The image is nowhere.")
        return result

    return Proposal(
        base=Base(), proposals=branch, branch="ours", patterns=(), needles=(), consent=consent,
        digests=lambda: [DIGEST], describe=branch.described, judge=judge, overtakes=judge, places=lambda: {"a.yaml"},
    )  # fmt: skip


def made(branch: Branch, result: Result | None, *, consent: bool = False) -> Proposal:
    """A proposal after its commit."""
    proposal = proposing(branch, result, consent=consent)
    proposal.commit(proposal.read((), ()), {"a.yaml": b"new", "copied.yaml": b"x"}, "message")
    return proposal


@pytest.mark.parametrize(
    ("found", "result", "does"),
    [
        (Proposed(branch="ours"), None, ["anew", "open"]),
        (THERE, TO_EDIT, ["anew", "update"]),
        (THERE, UNCHANGED, []),
        (THERE, Result(), ["anew", "update"]),
        (THERE, NEWER, []),
        (THERE, replace(NEWER, edits=(EDIT,)), ["on top", "update"]),
        (THERE, None, ["anew", "update"]),
        (replace(THERE, foreign=True), TO_EDIT, ["on top", "update"]),
        (replace(THERE, files=frozenset({"b.yaml"})), TO_EDIT, ["on top", "update"]),
        (replace(THERE, files=frozenset({"a.yaml", "copied.yaml"})), TO_EDIT, ["anew", "update"]),
        (replace(THERE, foreign=True), UNCHANGED, []),
        (replace(THERE, foreign=True, conflicts=True), UNCHANGED, []),
        (replace(THERE, conflicts=True), UNCHANGED, ["anew", "update"]),
        (replace(THERE, pulls=()), UNCHANGED, ["open"]),
        (replace(THERE, pulls=()), TO_EDIT, ["anew", "open"]),
        (replace(THERE, pulls=(replace(OPEN, state="merged"),)), NEWER, ["anew", "open"]),
        (replace(THERE, pulls=(replace(OPEN, state="closed"),)), UNCHANGED, ["anew", "open"]),
    ],
    ids=[
        *["no branch", "older stands", "ours stands", "a file is missing there", "newer stands", "some newer"],
        *["files of no use", "others' commits", "another image's", "the same files"],
        *["others' commits and ours", "theirs conflict", "ours conflicts"],
        *["cut off before the pull request", "older and cut off", "merged", "another one closed"],
    ],
)
def test_what_a_run_does(found: Proposed, result: Result | None, does: list[str]) -> None:
    """Never back, never over others' commits, never two pull requests, never two writes of the same."""
    branch = Branch(found)
    proposal = made(branch, result)
    assert branch.does == does
    assert proposal.standing is (result is not NEWER or "anew" in does)
    assert bool(proposal.held) is not proposal.standing
    assert branch.armed == (1 if proposal.standing else 0)


def test_others_files_that_can_not_be_read_are_an_error() -> None:
    """Their branch is not made anew."""
    branch = Branch(replace(THERE, foreign=True))
    with pytest.raises(NoReference):
        made(branch, None)
    assert branch.does == []


def test_others_commits_are_kept_where_a_file_is_missing_there() -> None:
    """Only they can merge the base into their branch."""
    branch = Branch(replace(THERE, foreign=True))
    proposal = made(branch, Result())
    assert (branch.does, proposal.standing) == ([], False)
    assert "lacks a.yaml" in proposal.held


def test_a_branch_that_moves_between_two_looks_is_looked_at_again() -> None:
    """Its files would be another commit's."""
    with pytest.raises(Stale):
        made(Branch(THERE, head="elsewhere"), UNCHANGED)


@pytest.mark.parametrize("consent", [False, True])
def test_what_was_closed_without_a_merge_takes_a_persons_word(consent: bool) -> None:
    """Then a new one is opened; the closed one stays closed."""
    closed = replace(OPEN, state="closed", body=DIGEST)
    branch = Branch(replace(THERE, pulls=(closed,)))
    proposal = made(branch, TO_EDIT, consent=consent)
    assert branch.does == (["anew", "open"] if consent else [])
    assert ("closed without a merge" in proposal.held) is not consent


def test_what_was_proposed_before_stays_in_the_text_of_what_goes_on_top() -> None:
    """A newer image of ours that stands there too; what takes its place anew is described alone."""
    images = [Shipped(name=f"host/{name}", repository=name, tag="v1") for name in ("api", "app")]
    open_ = replace(OPEN, body=pulls.body(images, Origin(repository="o/app", sha="b" * 40), "prod"))
    newer = replace(HERE, target="app")
    branch = Branch(replace(THERE, pulls=(open_,), foreign=True))
    proposal = made(branch, Result(edits=(EDIT,), kept=((newer, NEWER.kept[0][1]),)))
    assert (branch.told, proposal.behind) == ((["host/api", "host/app"], ["app"]), {"app"})
    alone = Branch(replace(THERE, pulls=(open_,)))
    made(alone, TO_EDIT)
    assert alone.told == ([], [])


@pytest.mark.parametrize(
    ("found", "result", "closes"),
    [
        (replace(THERE, files=frozenset({"a.yaml"})), TO_EDIT, True),
        (replace(THERE, files=frozenset({"a.yaml", "b.yaml"})), TO_EDIT, False),
        (replace(THERE, foreign=True), TO_EDIT, False),
        (THERE, UNCHANGED, False),
        (THERE, NEWER, False),
        (replace(THERE, files=frozenset({"a.yaml"})), replace(NEWER, edits=(EDIT,)), False),
        (THERE, None, False),
        (replace(THERE, pulls=()), TO_EDIT, False),
        (Proposed(branch="ours"), TO_EDIT, False),
    ],
    ids=[
        *["older", "another image's file", "others' commits", "ours", "newer", "some newer", "of no use"],
        *["no pull request", "none"],
    ],
)
@pytest.mark.parametrize("consent", [False, True])
def test_a_pull_request_that_was_overtaken_is_closed(
    found: Proposed, result: Result | None, closes: bool, consent: bool
) -> None:
    """Merging it would take back what stands on the base by now; a person who goes back decides about theirs."""
    branch = Branch(found)
    proposal = proposing(branch, result, consent=consent)
    proposal.read((), ())
    assert proposal.settle() == ""
    assert branch.does == (["closed 1: main has a newer image by now."] if closes and not consent else [])


def test_a_pull_request_that_can_not_be_looked_at_fails_nothing() -> None:
    """What was to be rolled out stands."""

    class Deaf(Branch):
        def look(self, base: Snapshot, branch: str) -> Proposed:
            raise GitOpsBusy("GitHub did not answer.", transient=True)

    proposal = proposing(Deaf(THERE), TO_EDIT)
    proposal.read((), ())
    assert proposal.settle().endswith("GitHub did not answer.")
