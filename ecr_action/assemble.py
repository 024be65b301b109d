"""From what is wanted to the services that do it: chooses and wraps, decides nothing else."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timezone
from functools import cache
from typing import TYPE_CHECKING

from ecr_action import gitops_access
from ecr_action.aws import secret_arn
from ecr_action.checkout import WorkTree
from ecr_action.dry import DryEngine, DryGitOps, DryImages, DryProposals, DryRepository
from ecr_action.environment import Environment
from ecr_action.errors import Problem
from ecr_action.github.commands import Runner
from ecr_action.github.context import Context
from ecr_action.gitops_protocols import Folder, GitOps, Proposals
from ecr_action.inputs import Inputs
from ecr_action.kept_secrets import WithKeptSecrets
from ecr_action.plan import Plan
from ecr_action.protocols import Clock, Comparison, Engine, Images, Logins, Repository, Running, Scans
from ecr_action.secret import Secret
from ecr_action.services import Cloud, Services
from ecr_action.wanted import BOOTSTRAP, Wanted

if TYPE_CHECKING:
    from ecr_action.aws.session import IdTokens, Session
    from ecr_action.github.api import Api, GitHubHistory
    from ecr_action.github.oidc import GitHubIdToken


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def missing_files(plan: Plan, wanted: Wanted, environment: Environment) -> tuple[Problem, ...]:
    """What the build or the roll-out needs and checkout or job lack; nothing where nothing is done."""
    if plan.nothing or not plan.builds:
        return ()
    from ecr_action.image.sources import preflight

    # Parts are built already.
    build = () if wanted.parts.given else preflight(wanted.build, environment.variables)
    return (*build, *_no_manifests(wanted, environment))


def _no_manifests(wanted: Wanted, environment: Environment) -> tuple[Problem, ...]:
    """A folder to copy from that the user named, and that is none. The default one need not be there."""
    name = wanted.gitops.bootstrap if wanted.gitops else ""
    if name in ("", BOOTSTRAP) or WorkTree(environment.workspace, environment.child()).has_folder(name):
        return ()
    what = f"is {name!r}, which is no folder of the commit that is checked out."
    return (Problem("gitops-bootstrap", what, "Correct the path, or write 'gitops-bootstrap: none'."),)


def services(wanted: Wanted, inputs: Inputs, context: Context, environment: Environment, console: Runner) -> Services:
    """The services of one run, each made when it is first asked for."""
    clock = SystemClock()
    connected = cache(lambda: _connected(inputs, context, environment, console, clock))
    github = cache(lambda: _github(wanted, inputs, environment, console, clock, connected))
    return Services(
        console=console,
        clock=clock,
        cloud=cache(
            lambda: _cloud(inputs, connected(), lambda: _tokens(context, environment, console, clock), console, clock)
        ),
        engine=cache(lambda: _engine(inputs, environment, connected, console, clock)),
        gitops=cache(lambda: _gitops(wanted, inputs, github(), console)),
        proposals=cache(lambda: _proposals(wanted, inputs, github(), console)),
        history=history(inputs, context, environment, console),
        chance=random.random,
        manifests=cache(lambda: _manifests(wanted, environment)),
        dry_run=inputs.dry_run,
    )


def _connected(inputs: Inputs, context: Context, environment: Environment, console: Runner, clock: Clock) -> Session:
    from ecr_action.aws import session

    settings = session.Settings(
        region=inputs.aws_region or "",
        role=inputs.role_to_assume,
        audience=inputs.audience,
        session_name=inputs.role_session_name,
        duration=inputs.role_duration_seconds,
        allowed_accounts=inputs.allowed_account_ids,
    )
    return session.connect(settings, _tokens(context, environment, console, clock), console, clock)


def _tokens(context: Context, environment: Environment, console: Runner, clock: Clock) -> GitHubIdToken:
    from ecr_action.github.oidc import GitHubIdToken

    token = Secret(environment.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN"), "identity token request")
    console.mask(token)
    url = environment.get("ACTIONS_ID_TOKEN_REQUEST_URL")
    return GitHubIdToken(url, token, console, clock, event=context.event, fork=context.fork)


def _cloud(inputs: Inputs, connected: Session, tokens: Callable[[], IdTokens], console: Runner, clock: Clock) -> Cloud:
    from ecr_action.aws.calls import Losses
    from ecr_action.aws.images import EcrImages, EcrLogins
    from ecr_action.aws.layers import Layers
    from ecr_action.aws.repository import EcrRepository
    from ecr_action.aws.scans import EcrScans
    from ecr_action.registries import elsewhere

    ecr = connected.service("ecr", inputs.registry_id)
    losses = Losses(console)
    repository: Repository = EcrRepository(ecr, losses, clock)
    images: Images = EcrImages(ecr, losses, clock)
    logins: Logins = EcrLogins(ecr, console, clock)
    scans: Scans = EcrScans(ecr, losses)
    others = cache(lambda host: elsewhere(host, inputs, connected, tokens(), logins, console, clock))
    if inputs.dry_run:
        repository, images = DryRepository(repository, logins, console), DryImages(images, console)
    return Cloud(
        repository=repository,
        images=images,
        logins=logins,
        scans=scans,
        elsewhere=others,
        refusal=Layers(ecr, clock).refusal,
    )


def _engine(
    inputs: Inputs, environment: Environment, connected: Callable[[], Session], console: Runner, clock: Clock
) -> Engine:
    if inputs.dry_run:
        return DryEngine(console)
    from ecr_action.image.engine import engine
    from ecr_action.image.sources import caches_of_github

    real = engine(
        inputs.engine,
        environment=environment.child(caching=caches_of_github(inputs.cache_from, inputs.cache_to)),
        temp=environment.temporary,
        console=console,
        clock=clock,
    )
    if not any(secret_arn.parse(secret.value.reveal()) for secret in inputs.secrets):
        return real
    return WithKeptSecrets(real, lambda named, name: gitops_access.kept(named, name, connected, console, whole=True))


def _github(
    wanted: Wanted,
    inputs: Inputs,
    environment: Environment,
    console: Runner,
    clock: Clock,
    connected: Callable[[], Session],
) -> Api:
    read, writes = wanted.gitops_read, wanted.gitops is not None
    assert read is not None
    return gitops_access.api(inputs, read, _api_url(environment), connected, console, clock, writes=writes)


def _gitops(wanted: Wanted, inputs: Inputs, api: Api, console: Runner) -> GitOps:
    from ecr_action.gitops.commit import GitHubGitOps

    read, writes = wanted.gitops_read, wanted.gitops is not None
    assert read is not None
    real = GitHubGitOps(api, read.repository, read.branch, console, writes=writes)
    return DryGitOps(real, console) if inputs.dry_run else real


def _manifests(wanted: Wanted, environment: Environment) -> Folder | None:
    bootstrap = wanted.gitops_read.bootstrap if wanted.gitops_read else ""
    return WorkTree(environment.workspace, environment.child()).folder(bootstrap) if bootstrap else None


def _proposals(wanted: Wanted, inputs: Inputs, api: Api, console: Runner) -> Proposals:
    from ecr_action.gitops.message import SCRATCH
    from ecr_action.gitops.proposals import GitHubProposals

    assert wanted.gitops is not None
    # Of this process alone: jobs of one run may propose at the same time.
    scratch = f"{SCRATCH}{wanted.run_id}-{secrets.token_hex(4)}"
    own = gitops_access.is_own(inputs)
    wish = wanted.gitops.auto_merge
    real = GitHubProposals(api, wanted.gitops.repository, console, scratch=scratch, own=own, auto_merge=wish)
    return DryProposals(real, console) if inputs.dry_run else real


def _api_url(environment: Environment) -> str:
    return environment.get("GITHUB_API_URL") or "https://api.github.com"


def history(inputs: Inputs, context: Context, environment: Environment, console: Runner) -> LazyHistory:
    """The history of the app's own repository, as GitHub knows it."""

    def made() -> GitHubHistory:
        from ecr_action.github.api import Api, GitHubHistory

        api = Api(_api_url(environment), inputs.github_token, console, SystemClock())
        return GitHubHistory(api, context.repository)

    return LazyHistory(made)


class LazyHistory:
    """A history that is made when it is first asked: PyGithub is not loaded by a run that compares nothing."""

    def __init__(self, make: Callable[[], GitHubHistory]) -> None:
        self._make = cache(make)
        # Two commits stand to each other as they do, however often that is asked.
        self._compare = cache(lambda base, head: self._make().compare(base, head))

    def compare(self, base: str, head: str) -> Comparison:
        """GitHub's answer. Raises errors.Failure."""
        return self._compare(base, head)

    def running(self, commit: str) -> tuple[Running, ...]:
        """The runs of the commit that have not ended, as of now. Raises errors.Failure."""
        return self._make().running(commit)

    def after(self, commit: str, branch: str) -> tuple[str, ...]:
        """The branch's commits after *commit*, as of now. Raises errors.Failure."""
        return self._make().after(commit, branch)

    def commit_of_tag(self, name: str) -> str | None:
        """The commit of a git tag that GitHub knows. Raises errors.Failure."""
        return self._make().commit_of_tag(name)
