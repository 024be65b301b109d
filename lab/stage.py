"""One team's app on the lab: its repositories, role and tokens, published by the composite action's own steps."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.aws import setup as aws
from lab.github import git
from lab.github import setup as github
from lab.github.client import GitHub
from lab.paths import Paths
from lab.runner import shim
from lab.runner.container import Container
from lab.runner.process import Patience
from lab.runner.shim import StepResult

ACTION = Path(__file__).resolve().parents[1]
EXAMPLES = ACTION / "examples"
REGION = "us-east-1"
# Commits of the example have fixed dates, a minute apart, so that their ids are the same on every machine.
FIRST_COMMIT = 1_790_000_000


@dataclass
class Stage:
    """The app *name* (``owner/name``) on the lab of *paths*, whose *environment* is what Lab.up returned.

    *role* is the ARN that the app's workflow assumes; *app* the work tree; *gitops* the GitOps repository's name;
    *action* the folder of the action that publishes; *source* the folder that the app begins as.
    """

    paths: Paths
    environment: Mapping[str, str]
    name: str = "darede-labs/hello-web"
    gitops: str = "darede-labs/hello-web-gitops"
    role: str = ""
    action: Path = ACTION
    source: Path = EXAMPLES / "hello-web"
    last_calls: list[str] = field(default_factory=list)
    token: str = field(default_factory=lambda: f"ghs_{secrets.token_hex(18)}", repr=False)
    gitops_token: str = field(default_factory=lambda: f"github_pat_{secrets.token_hex(20)}", repr=False)

    @property
    def github(self) -> GitHub:
        """The lab's GitHub."""
        return GitHub(self.environment["GITHUB_API_URL"], self.paths.state / "github")

    @property
    def endpoint(self) -> str:
        """The address of the lab's AWS."""
        return self.environment["AWS_ENDPOINT_URL"]

    @property
    def app(self) -> Path:
        """The app's work tree, as actions/checkout leaves it."""
        return self.paths.state / "apps" / self.name.rpartition("/")[2]

    def set_up(self, manifests: Mapping[str, str] | None = None, *, full: bool = True) -> bool:
        """Make what is missing: role, app and GitOps repository; the tokens are new each time. True if all was new.

        *manifests* are the GitOps repository's first files, by default the example's; *full*: the role has all
        permissions that the action declares, else those that the platform's role has today.
        """
        owner = self.name.partition("/")[0]
        iam = aws.admin_client("iam", self.endpoint)
        self.role = aws.full_role(iam, owner) if full else aws.platform_role(iam, owner)
        new = not (self.app / ".git").exists()
        if new:
            self._begin()
        self.github.repository(self.name)
        files = manifests if manifests is not None else read_folder(EXAMPLES / "hello-web-gitops")
        github.create(self.github.state, self.gitops, files, date=f"{FIRST_COMMIT} +0000")
        self.github.repository(self.gitops)
        self.github.token(self.token, "github-actions[bot]", {self.name: "read"}, kind="actions")
        self.github.token(self.gitops_token, "platform-bot", {self.gitops: "write"}, kind="fine-grained")
        return new

    def _begin(self) -> None:
        shutil.copytree(self.source, self.app)
        self._git("init", "--quiet", "--initial-branch=main")
        github.create(self.github.state, self.name)
        self.commit("First version")

    def _git(self, *arguments: str, date: str = "") -> str:
        settings = {**git.environment(), **({"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date else {})}
        person = ("-c", "user.name=Ada Developer", "-c", "user.email=ada@example.com")
        command = ["git", *person, "-C", str(self.app), *arguments]
        return subprocess.run(command, env=settings, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, message: str, files: Mapping[str, str] | None = None, *, branch: str = "main") -> str:
        """Commit *files* to the app and push them to *branch*, which may have been made anew; the commit's id."""
        for path, text in (files or {}).items():
            (self.app / path).parent.mkdir(parents=True, exist_ok=True)
            (self.app / path).write_text(text)
        self._git("add", "--all")
        self._git("commit", "--quiet", "-m", message, date=f"{FIRST_COMMIT + 60 * self.revision} +0000")
        bare = github.repository(self.github.state, self.name)
        github.push(self.app, bare, f"{'' if branch == 'main' else '+'}HEAD:refs/heads/{branch}")
        return self.head

    def checkout(self, commit: str) -> None:
        """Put the work tree on *commit*, as a re-run of an old run does."""
        self._git("checkout", "--quiet", commit)

    def pull(self) -> None:
        """Bring the work tree to what GitHub has on main."""
        self._git("pull", "--quiet", "--ff-only", str(github.repository(self.github.state, self.name)), "main")

    def tag(self, name: str) -> None:
        """Put the git tag *name* on the commit that is checked out."""
        self._git("tag", name)

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return self._git("rev-parse", "HEAD")

    @property
    def revision(self) -> int:
        """How many commits the app has."""
        log = self._git("rev-list", "--all")
        return len(log.splitlines())

    def gitops_head(self) -> str:
        """The commit at the head of the GitOps repository."""
        return github.head(github.repository(self.github.state, self.gitops))

    def gitops_diff(self, old: str, new: str) -> str:
        """What changed between two commits of the GitOps repository."""
        return github.diff(github.repository(self.github.state, self.gitops), old, new)

    def job(self, event: str = "push", ref: str = "refs/heads/main", **claims: Any) -> dict[str, str]:
        """The environment of one job: the lab's, and the right to identity tokens with the job's own claims."""
        about = {"repository": self.name, "ref": ref, "event": event, "sha": self.head, **claims}
        told = _ask(f"{self.endpoint}/_lab/oidc", about)
        identity = {"ACTIONS_ID_TOKEN_REQUEST_URL": told["url"], "ACTIONS_ID_TOKEN_REQUEST_TOKEN": told["token"]}
        return {**self.environment, **identity}

    def inputs(self, **changes: str) -> dict[str, str]:
        """The step's ``with:``, as the example's workflow has it."""
        given = {
            "role-to-assume": self.role,
            "aws-region": REGION,
            "gitops-repository": self.gitops,
            "gitops-token": self.gitops_token,
        }
        changed = {name.replace("_", "-"): value for name, value in changes.items()}
        return {name: value for name, value in {**given, **changed}.items() if value != "-"}

    def push_payload(self, ref: str = "refs/heads/main") -> dict[str, Any]:
        """What GitHub tells a workflow about a push, as far as the action reads it."""
        owner, _, name = self.name.partition("/")
        about = {
            "full_name": self.name,
            "name": name,
            "default_branch": "main",
            "private": True,
            "owner": {"login": owner},
        }
        return {"ref": ref, "after": self.head, "deleted": False, "repository": about}

    def publish(
        self,
        payload: Mapping[str, Any],
        *,
        event: str = "push",
        ref: str = "refs/heads/main",
        variables: Mapping[str, str] | None = None,
        echo: Callable[[str], None] | None = None,
        cancelled: threading.Event | None = None,
        container: Container | None = None,
        **changes: str,
    ) -> StepResult:
        """Run the action's steps on the app's checkout; *changes* are inputs (``-`` leaves one out), *variables* the
        job's own. *cancelled* cancels the job when it is set, with all the time it may take to end; *container*: the
        job runs in one, and finds the engine there."""
        around = {**self.job(event, ref), **(variables or {})}
        if container is not None:
            around = {name: value for name, value in around.items() if not name.startswith(("DOCKER_", "SSL_"))}
        return shim.run(
            self.action,
            with_=self.inputs(**changes),
            event=event,
            payload=payload,
            repository=self.name,
            workspace=self.app,
            environment=around,
            ref=ref,
            sha=self.head,
            token=self.token,
            secrets=[self.gitops_token, self.role],
            echo=echo,
            cancelled=cancelled,
            container=container,
            patience=Patience(interrupt=120.0),
        )

    def calls(self) -> list[str]:
        """The calls since the last time, in order: ``ecr:PutImage``, ``registry:...``, ``github:POST /graphql``."""
        cloud = _ask(f"{self.endpoint}/_lab/calls", method="DELETE")
        hub = self.github.clear_calls()
        return [
            *_named(cloud),
            *(f"github:{call['method']} {call['operation'] or _kind(call['path'])}" for call in hub),
        ]

    def operations(self) -> list[str]:
        """All operations that were ever called on this lab, administrators' own left out."""
        return [*_ask(f"{self.endpoint}/_lab/operations"), *self.github.operations()]


def _named(calls: Any) -> list[str]:
    return [f"{call['service']}:{call['operation']}" for call in calls]


_KINDS = {"/git/trees/": "tree", "/git/blobs/": "blob", "/tarball/": "tarball", "/compare/": "compare"}


def _kind(path: str) -> str:
    """A path without what differs from run to run; the archive's own address is a redirect, no call."""
    if path.startswith("/_codeload/"):
        return "codeload"
    return next((name for part, name in _KINDS.items() if part in path), path)


def read_folder(folder: Path) -> dict[str, str]:
    """The files below *folder* by their relative paths."""
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def _ask(url: str, body: Any = None, method: str | None = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, data, method=method), timeout=30) as answer:
        return json.load(answer)
