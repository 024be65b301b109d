"""A pull request that a commit on the base overtook: closed only where ours is known to be newer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from ecr_action.gitops import pulls
from ecr_action.gitops_protocols import Commit, File, Proposed, PullRequest, Snapshot
from ecr_action.protocols import Comparison
from ecr_action.report import Outcome, RolledOut
from ecr_action.rollout import roll_out

from .blank import Blank
from .rolling import Branch, asked

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
DIGEST = "sha256:" + "1" * 64
PULL = PullRequest(number=9, url="https://github.com/o/g/pull/9", state="open", head="head", body=DIGEST)


@dataclass
class Pulls:
    """Our branch with one pull request, and what its file holds."""

    text: str
    pull: PullRequest = PULL
    does: list[str] = field(default_factory=list)

    def look(self, base: Snapshot, branch: str) -> Proposed:
        return Proposed(branch=branch, head="head", pulls=(self.pull,), files=frozenset({"dev/app.yaml"}))

    def read(self, proposed: Proposed, patterns: Sequence[str], needles: Sequence[bytes]) -> Snapshot:
        files = (File(path="dev/app.yaml", content=self.text.encode()),)
        return Snapshot(repository="o/g", branch=proposed.branch, head="head", files=files, paths=("dev/app.yaml",))

    def commit(self, base: Snapshot, proposed: Proposed, changes: Mapping[str, bytes], message: str) -> Commit:
        self.does.append("anew")
        return Commit(oid="c" * 40, url="")

    def add(self, on: Snapshot, changes: Mapping[str, bytes], message: str) -> Commit:
        raise AssertionError("nobody else committed to it")

    def ask(self, base: Snapshot, proposed: Proposed, title: str, body: str) -> PullRequest:
        self.does.append("asked")
        return replace(self.pull, state="open")

    def close(self, base: Snapshot, pull: PullRequest, why: str) -> None:
        self.does.append("closed")

    def merge_when_ready(self, base: Snapshot, pull: PullRequest) -> None:
        """Nobody asked for it."""


class History(Blank):
    """GitHub's one answer to every compare."""

    def __init__(self, status: str | None) -> None:
        self.status = status

    def compare(self, base: str, head: str) -> Comparison:
        return Comparison(status=self.status)


def rolled_out(
    proposals: Pulls, status: str | None, *, stands: str, ref: str = "refs/heads/main", mode: str = "pull-request"
) -> RolledOut:
    """What a push does; *stands* is the tag on the base, empty for that of the push itself."""
    wants, history = asked(ref, gitops_mode=mode), History(status)
    tag = wants.plan.tags.primary or ""
    base = Branch({"dev/app.yaml": f"image: {HOST}/hello-node:{stands or tag}\n"})
    services = replace(history.services(), gitops=lambda: base, proposals=lambda: proposals)
    outcome = Outcome(plan=wants.plan, uri=f"{HOST}/hello-node", primary=tag, digest=DIGEST)
    return roll_out(wants, [outcome], history, services)


@pytest.mark.parametrize("status", ["ahead", "identical", "behind", "diverged", None])
def test_only_what_is_known_to_be_older_is_closed(status: str | None) -> None:
    """A newer one may stand there where GitHub does not answer, or where the branch was pushed by force."""
    proposals = Pulls(f"image: {HOST}/hello-node:bbbbbbb\n")
    done = rolled_out(proposals, status, stands="")
    assert (done.deployed, proposals.does) == (("hello-node",), ["closed"] if status == "ahead" else [])


@pytest.mark.parametrize("ours", [True, False], ids=["a run closed it", "somebody closed it"])
def test_what_a_run_closed_is_proposed_again(ours: bool) -> None:
    """The base went back to something older since; nobody has said no to this image."""
    text = pulls.closing(DIGEST, "main has a newer image by now.") if ours else DIGEST
    proposals = Pulls(f"image: {HOST}/hello-node:bbbbbbb\n", replace(PULL, state="closed", body=text))
    done = rolled_out(proposals, "ahead", stands="aaaaaaa")
    assert (bool(done.proposed), bool(done.held), proposals.does) == (ours, not ours, ["anew", "asked"] * ours)
