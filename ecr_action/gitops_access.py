"""How the GitOps repository is reached: with a token as it is, one that AWS keeps, or those of a GitHub App."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ecr_action import credentials
from ecr_action.aws import secret_arn
from ecr_action.aws.secret_arn import SecretArn
from ecr_action.errors import SecretUnusable
from ecr_action.gitops import modes
from ecr_action.inputs import Inputs
from ecr_action.protocols import Clock, Console
from ecr_action.secret import Secret
from ecr_action.wanted import GitOpsWanted

if TYPE_CHECKING:
    from ecr_action.aws.session import Session
    from ecr_action.github.api import Api

_READS: Mapping[str, str] = {"contents": "read"}
_COMMITS: Mapping[str, str] = {"contents": "write"}
_PULLS: Mapping[str, str] = {**_COMMITS, "pull_requests": "write"}
# What an App's token may do: no more than the run needs. Whether `auto` comes to a pull request is seen later.
_PERMISSIONS = {modes.COMMIT: (_COMMITS,), modes.PULL_REQUEST: (_PULLS,), modes.AUTO: (_PULLS, _COMMITS)}


def api(
    inputs: Inputs,
    wanted: GitOpsWanted,
    url: str,
    connected: Callable[[], Session],
    console: Console,
    clock: Clock,
    *,
    writes: bool = True,
) -> Api:
    """GitHub's API at *url* for the repository that is *wanted*. Raises errors.Failure.

    *connected* gives the session with AWS; it is asked only where an input is the ARN of a secret. *writes*: an App's
    token may do so.
    """
    from ecr_action.github.api import Api
    from ecr_action.github.apps import AppTokens

    if not inputs.gitops_app_id or inputs.gitops_token:
        token = _value(inputs.gitops_token, connected, console) or inputs.github_token
        return Api(url, token, console, clock)
    given = _value(inputs.gitops_app_private_key, connected, console)
    key = credentials.pem(given.reveal())
    if key is None:
        raise SecretUnusable(
            "The secret that gitops-app-private-key names holds no private key in PEM format.",
            fix="Store the file that GitHub gave you, as it is.",
        )
    may = _PERMISSIONS[wanted.mode] if writes else (_READS,)
    app = AppTokens(url, inputs.gitops_app_id, Secret(key, given.name), wanted.repository, may, console, clock)
    return Api(url, app.token(), console, clock, renew=app.token)


def is_own(inputs: Inputs) -> bool:
    """Whether the job's own token is used."""
    return not inputs.gitops_token and not inputs.gitops_app_id


def _value(given: Secret, connected: Callable[[], Session], console: Console) -> Secret:
    """The value of an input: itself, or what the ARN that it is stands for."""
    named = secret_arn.parse(given.reveal())
    return given if named is None else kept(named, given.name, connected, console)


def kept(
    named: SecretArn, name: str, connected: Callable[[], Session], console: Console, *, whole: bool = False
) -> Secret:
    """The value of the secret *named* by the input *name*, read with the role. Raises errors.Failure."""
    from ecr_action.aws import secret_values

    service = connected().service(named.service, region=named.region)
    return secret_values.read(service, named, name, console, whole=whole)
