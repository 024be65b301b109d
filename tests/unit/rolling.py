"""What a roll-out needs in memory: a GitOps branch, and what a push wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ecr_action import plan, wanted
from ecr_action.github import context
from ecr_action.gitops_protocols import Commit, File, Snapshot
from ecr_action.wanted import Wanted
from tests.builders import REPOSITORY, make_checkout, make_inputs, variables


@dataclass
class Branch:
    """A branch in memory, of which only the files with one of the words are read; *meanwhile* comes after a read."""

    files: dict[str, str]
    meanwhile: Callable[[], object] = lambda: None
    commits: list[set[str]] = field(default_factory=list)

    def read(self, patterns: Sequence[str], needles: Sequence[bytes]) -> Snapshot:
        found = {path: text.encode() for path, text in self.files.items()}
        files = tuple(File(path=path, content=text) for path, text in found.items() if any(n in text for n in needles))
        paths, head = tuple(self.files), f"{len(self.commits)}"
        self.meanwhile()
        return Snapshot(repository="o/g", branch="main", head=head, files=files, paths=paths)

    def commit(self, snapshot: Snapshot, changes: Mapping[str, bytes], message: str) -> Commit:
        self.files |= {path: text.decode() for path, text in changes.items()}
        self.commits.append(set(changes))
        return Commit(oid="c" * 40, url="")


def asked(ref: str, **given: str) -> Wanted:
    """What a push of *ref* wants."""
    home = {"full_name": REPOSITORY, "default_branch": "main"}
    inputs = make_inputs(aws_region="us-east-1", gitops_token="t", gitops_repository="o/g", **given)
    found = context.read(variables("push", ref), {"repository": home, "ref": ref}, make_checkout())
    planned, _ = plan.make(inputs, found, commit_of_tag=lambda _: None)
    made, problems = wanted.wanted(planned, inputs, found, workspace=".", read_file=lambda _: None)
    assert problems == ()
    return made
