"""The writers of a dry run: they say what they would do, and do nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ecr_action.aws.simulate import Stored
from ecr_action.gitops_protocols import Commit, GitOps, Proposals, Proposed, PullRequest, Snapshot
from ecr_action.image.arguments import BuildRequest
from ecr_action.image.promotion import Copied
from ecr_action.protocols import (
    Archived,
    Built,
    Console,
    Image,
    Images,
    Lifecycle,
    Login,
    Logins,
    Repository,
    RepositorySpec,
    RepositoryState,
    Scanning,
)


class DryRepository:
    """Reads for real, writes nothing. A repository that is not there yet is made up, under the registry's own name."""

    def __init__(self, real: Repository, logins: Logins, console: Console) -> None:
        self._real, self._logins, self._console = real, logins, console

    def read(self, name: str) -> RepositoryState | None:
        return self._real.read(name)

    def read_lifecycle(self, name: str) -> Lifecycle:
        return self._real.read_lifecycle(name)

    def create(self, spec: RepositorySpec) -> tuple[RepositoryState, bool]:
        self._console.info(f"Dry run: would create the repository {spec.name}")
        host = self._logins.login().host
        state = RepositoryState(name=spec.name, uri=f"{host}/{spec.name}", arn="", account="", mutability="MUTABLE")
        return state, True

    def scanning(self, name: str) -> Scanning | None:
        return self._real.scanning(name)

    def templated(self, spec: RepositorySpec) -> RepositorySpec:
        return self._real.templated(spec)

    def write_scanning(self, name: str, on: bool) -> bool:
        self._console.info(f"Dry run: would switch scanning on push {'on' if on else 'off'} in {name}")
        return True

    def write_mutability(self, spec: RepositorySpec) -> bool:
        self._console.info(f"Dry run: would make {spec.name} {spec.mutability}")
        return True

    def write_lifecycle(self, name: str, text: str) -> bool:
        self._console.info(f"Dry run: would write the lifecycle policy of {name}")
        return True

    def stored(self, name: str) -> tuple[Stored, ...] | None:
        return self._real.stored(name)


class DryImages:
    """Reads for real, moves no tag."""

    def __init__(self, real: Images, console: Console) -> None:
        self._real, self._console = real, console

    def find(self, repository: str, tags: Sequence[str]) -> Mapping[str, Image]:
        return self._real.find(repository, tags)

    def by_digest(self, repository: str, digest: str) -> Image | None:
        return self._real.by_digest(repository, digest)

    def commits(self, repository: str, image: Image) -> tuple[str, ...]:
        return self._real.commits(repository, image)

    def labels(self, repository: str, image: Image) -> Mapping[str, str]:
        return self._real.labels(repository, image)

    def platforms(self, repository: str, image: Image) -> tuple[str, ...]:
        return self._real.platforms(repository, image)

    def pushed(self, repository: str, image: Image) -> datetime | None:
        return self._real.pushed(repository, image)

    def tags(self, repository: str, image: Image) -> tuple[str, ...]:
        return self._real.tags(repository, image)

    def archived(self, repository: str, names: Sequence[str]) -> Archived | None:
        return self._real.archived(repository, names)

    def put_tag(self, repository: str, image: Image, tag: str) -> bool:
        self._console.info(f"Dry run: would put the tag {tag} on {image.digest or 'the new image'}")
        return False


class DryCopies:
    """Copies nothing."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def copy(self, image: Image, source: str, target: str) -> Copied:
        self._console.info(f"Dry run: would copy {image.digest} from {source} to {target}")
        return Copied()


class DryEngine:
    """Builds nothing."""

    name = "none"

    def __init__(self, console: Console) -> None:
        self._console = console

    def build(self, request: BuildRequest, push_to: str | None, login: Login | None) -> Built:
        pushed = f" and push it to {push_to}" if push_to else ""
        self._console.info(f"Dry run: would build {request.context}{pushed}")
        return Built(digest=None, engine=self.name)

    def load(self, reference: str, name: str, login: Login) -> None:
        self._console.info(f"Dry run: would load {name} into the engine's store")


class DryGitOps:
    """Reads for real, commits nothing."""

    def __init__(self, real: GitOps, console: Console) -> None:
        self._real, self._console = real, console

    def read(self, patterns: Sequence[str], needles: Sequence[bytes]) -> Snapshot:
        return self._real.read(patterns, needles)

    def commit(self, snapshot: Snapshot, changes: Mapping[str, bytes], message: str) -> Commit | None:
        self._console.info(f"Dry run: would commit {', '.join(changes)} to {snapshot.repository}")
        return None


class DryProposals:
    """Reads for real, proposes nothing."""

    def __init__(self, real: Proposals, console: Console) -> None:
        self._real, self._console = real, console

    def look(self, base: Snapshot, branch: str) -> Proposed:
        return self._real.look(base, branch)

    def read(self, proposed: Proposed, patterns: Sequence[str], needles: Sequence[bytes]) -> Snapshot:
        return self._real.read(proposed, patterns, needles)

    def commit(self, base: Snapshot, proposed: Proposed, changes: Mapping[str, bytes], message: str) -> Commit | None:
        self._console.info(f"Dry run: would commit {', '.join(changes)} to {proposed.branch} of {base.repository}")
        return None

    def add(self, on: Snapshot, changes: Mapping[str, bytes], message: str) -> Commit | None:
        self._console.info(f"Dry run: would commit {', '.join(changes)} on top of {on.branch} of {on.repository}")
        return None

    def ask(self, base: Snapshot, proposed: Proposed, title: str, body: str) -> PullRequest | None:
        what = f"update {proposed.open.url}" if proposed.open else f"open a pull request onto {base.branch}"
        self._console.info(f"Dry run: would {what} ({title})")
        return proposed.open

    def close(self, base: Snapshot, pull: PullRequest, why: str) -> None:
        self._console.info(f"Dry run: would close {pull.url} ({why})")

    def merge_when_ready(self, base: Snapshot, pull: PullRequest) -> None:
        """Nothing is switched on in a dry run."""
