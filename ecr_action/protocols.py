"""What the run needs of the world, in our own types: each protocol reads or writes, none decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ecr_action.aws.findings import Scan
from ecr_action.aws.simulate import Stored
from ecr_action.image.arguments import BuildRequest
from ecr_action.secret import Secret


class Console(Protocol):
    """Where a run says what it does. Only ``github/commands.py`` implements it for real."""

    def info(self, text: str) -> None: ...
    def debug(self, text: str) -> None: ...
    def notice(self, text: str, *, title: str = "") -> None: ...
    def warning(self, text: str, *, title: str = "", file: str | None = None, line: int | None = None) -> None: ...
    def group(self, title: str) -> AbstractContextManager[None]: ...
    def mask(self, secret: Secret) -> None: ...


class Clock(Protocol):
    """Time, so that waiting can be shortened where nobody should wait."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


# -- AWS -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who we are for AWS: *account* (12 digits), *arn*, and *how* we became that, in words."""

    account: str
    arn: str
    how: str


@dataclass(frozen=True, kw_only=True)
class RepositorySpec:
    """The repository as the inputs want it. *lifecycle_policy* is the JSON text, None = leave policies alone.

    *lifecycle_asked_for*: the user wrote the input out, which is consent to what the policy expires. *drift*: what to
    do about a repository that differs, ``warn``, ``fix`` or ``ignore``. *mutability*, *immutable_except*: as ECR has
    them. *template*: the prefix of the creation template that gave defaults; *policy*: its repository policy.
    """

    name: str
    create: bool = True
    scan_on_push: bool = True
    encryption: str = "AES256"
    kms_key: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    mutability: str = "MUTABLE"
    immutable_except: tuple[str, ...] = ()
    lifecycle_policy: str | None = None
    lifecycle_is_default: bool = False
    lifecycle_asked_for: bool = False
    drift: str = "warn"
    template: str = ""
    policy: str | None = None


@dataclass(frozen=True, kw_only=True)
class RepositoryState:
    """The repository as it is. *uri* is ECR's own (host and name), *mutability* ECR's word (``MUTABLE``, ...).

    *lifecycle*: the text of the policy that holds once the repository step is done, None where it is not known.
    """

    name: str
    uri: str
    arn: str
    account: str
    mutability: str
    immutable_except: tuple[str, ...] = ()
    scan_on_push: bool = False
    encryption: str = "AES256"
    kms_key: str = ""
    created_at: datetime | None = None
    lifecycle: str | None = None


@dataclass(frozen=True, kw_only=True)
class Scanning:
    """How a repository is scanned in effect; *by_rule*: a rule of the registry's configuration says so."""

    on_push: bool
    by_rule: bool = False


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """What could be read of the lifecycle policy: *readable* is False where the role may not read it."""

    readable: bool
    text: str | None = None


class Repository(Protocol):
    """ECR repositories. Every method raises ``errors.Failure`` subclasses only."""

    def read(self, name: str) -> RepositoryState | None: ...
    def read_lifecycle(self, name: str) -> Lifecycle: ...
    def scanning(self, name: str) -> Scanning | None:
        """None where that can't be told; with a notice where the role may not ask."""

    def templated(self, spec: RepositorySpec) -> RepositorySpec:
        """*spec* with the defaults of the creation template for its name; with a notice where the role may not ask."""

    def create(self, spec: RepositorySpec) -> tuple[RepositoryState, bool]:
        """Create it; the flag is False where another job was faster. Untagged where tags are denied, with a notice."""

    def write_lifecycle(self, name: str, text: str) -> bool:
        """False where the role may not, with a notice."""

    def write_scanning(self, name: str, on: bool) -> bool:
        """False where the role may not, with a notice."""

    def write_mutability(self, spec: RepositorySpec) -> bool:
        """False where the role may not, with a notice."""

    def stored(self, name: str) -> tuple[Stored, ...] | None:
        """Every image of the repository, archived ones too; None where the role may not list them, with a notice."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image as the registry has it: *manifest* is the exact text, *tags* those it was found by."""

    digest: str
    media_type: str
    manifest: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Archived:
    """An image in the archive: asked for as *name*; *activating*: it is on its way back, which takes 20 minutes."""

    name: str
    digest: str
    activating: bool = False


class Images(Protocol):
    """Images of one repository through the ECR API, no bytes of layers moved."""

    def find(self, repository: str, tags: Sequence[str]) -> Mapping[str, Image]:
        """Tag -> image for those of *tags* that are there (one BatchGetImage for each 100)."""

    def by_digest(self, repository: str, digest: str) -> Image | None: ...
    def commits(self, repository: str, image: Image) -> tuple[str, ...]:
        """The commits (40 hex) that *image* was built from, as far as its tags or its revision label tell."""

    def labels(self, repository: str, image: Image) -> Mapping[str, str]:
        """The labels of *image* (of an index: of its first one); none where the role may not read them."""

    def platforms(self, repository: str, image: Image) -> tuple[str, ...]:
        """What *image* runs on (``linux/arm64``); none where that is not known."""

    def pushed(self, repository: str, image: Image) -> datetime | None:
        """When *image* was first pushed; None where the role may not ask."""

    def tags(self, repository: str, image: Image) -> tuple[str, ...]:
        """Every tag of *image*; only those it was found by where the role may not ask."""

    def archived(self, repository: str, names: Sequence[str]) -> Archived | None:
        """The first of *names* (tags, digests) that is an image which can't be read, since it is archived."""

    def put_tag(self, repository: str, image: Image, tag: str) -> bool:
        """Put *tag* on *image* by PutImage of its exact bytes; False where it was there already."""


class Scans(Protocol):
    """Scans of images, each by its digest."""

    def read(self, repository: str, digest: str) -> Scan:
        """The scan with all its findings; one without a status where there is none."""

    def start(self, repository: str, digest: str) -> Scan:
        """Begin one: a scan that runs, or one that says why none will."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """A registry's password. *host* has no scheme."""

    host: str
    user: str
    password: Secret
    expires: datetime


class Logins(Protocol):
    def login(self) -> Login: ...


# -- Build ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a build: *name* as the builder words it, *seconds*, *cached*."""

    name: str
    seconds: float
    cached: bool


@dataclass(frozen=True, kw_only=True)
class Built:
    """What a build gave: *digest* where it was pushed, the *steps* as far as the builder tells them."""

    digest: str | None
    engine: str
    steps: tuple[Step, ...] = ()


class Engine(Protocol):
    """Builds an image; pushes it under one reference where asked to; loads one into the engine's own store."""

    name: str

    def build(self, request: BuildRequest, push_to: str | None, login: Login | None) -> Built: ...
    def load(self, reference: str, name: str, login: Login) -> None: ...


# -- GitHub --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Revision:
    """A commit of the app: *sha* (40 hex) and the first line of its message."""

    sha: str
    subject: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """GitHub's compare of *base* (what stands) and head (ours): *status* is None where GitHub knows one of them not.

    *status*: ``ahead``, ``behind``, ``identical``, ``diverged``. *ahead_by* commits are in ours alone, *behind_by* in
    what stands alone; *revisions* are the last of the former, newest first (at least 20 where there are so many);
    *url* is GitHub's page of the comparison.
    """

    status: str | None
    ahead_by: int = 0
    behind_by: int = 0
    revisions: tuple[Revision, ...] = ()
    url: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Running:
    """A workflow run that has not ended: its *id* (GITHUB_RUN_ID), *event*, and *branch* (a tag's name for a tag)."""

    id: str
    event: str
    branch: str


class History(Protocol):
    def running(self, commit: str) -> tuple[Running, ...]:
        """The workflow runs of *commit* that have not ended; none where the token may not read them."""

    def compare(self, base: str, head: str) -> Comparison: ...
    def after(self, commit: str, branch: str) -> tuple[str, ...]:
        """The commits of *branch* that descend from *commit*, oldest first; none where that can't be told."""
