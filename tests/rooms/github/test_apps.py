"""A GitHub App's tokens: for one repository, with what is needed, renewed before they end; refusals in words."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ecr_action.errors import AppRefused, GitOpsAccess
from ecr_action.github.answers import ApiError
from ecr_action.github.api import Api
from ecr_action.github.apps import AppTokens
from ecr_action.secret import Secret
from lab.github import client
from tests.rooms.github.said import QuickClock, Said

NUMBERS = itertools.count(1)
WRITE = ({"contents": "write"},)
BOTH = ({"contents": "write", "pull_requests": "write"}, {"contents": "write"})


def pem(key: Any) -> str:
    """A private key as GitHub hands it out."""
    return str(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        ).decode()
    )


KEY, OTHER = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


@dataclass
class App:
    """An App on the lab's GitHub, installed on *repository*."""

    github: client.GitHub
    repository: str
    id: str
    said: Said = field(default_factory=Said)
    clock: QuickClock = field(default_factory=QuickClock)

    def tokens(self, **changes: Any) -> AppTokens:
        """Its tokens, as a job gets them."""
        given = {"app_id": self.id, "key": Secret(pem(KEY), "key"), "repository": self.repository,
                 "permissions": WRITE, **changes}  # fmt: skip
        return AppTokens(self.github.url, console=self.said, clock=self.clock, **given)

    def api(self, tokens: AppTokens) -> Api:
        """The API with these tokens."""
        return Api(self.github.url, tokens.token(), self.said, self.clock, renew=tokens.token)


def app_on(github: client.GitHub, *, suspended: bool = False, **permissions: str) -> App:
    """A new App, on one of two repositories of its owner."""
    name = f"acme/app-gitops{next(NUMBERS)}"
    for one in (name, f"{name}-2"):
        github.repository(one, {"a.yaml": "a: 1\n"})
    public = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip
    row = {"account": "acme", "repositories": [name, f"{name}-2"], "permissions": permissions, "suspended": suspended}
    told = github.app(f"bumper-{next(NUMBERS)}", public.decode(), [row])
    return App(github, name, str(told["id"]))


def test_a_token_is_for_one_repository_and_for_what_is_needed(github: client.GitHub) -> None:
    """The other one of the installation is out of its reach, and so is what nobody asked for; both are masked."""
    app = app_on(github, contents="write", pull_requests="write", administration="write")
    tokens = app.tokens()
    api = app.api(tokens)
    assert api.get(f"/repos/{app.repository}")["full_name"] == app.repository
    with pytest.raises(ApiError) as denied:
        api.get(f"/repos/{app.repository}-2")
    assert denied.value.status == 404
    assert app.said.lines[-1].endswith("(contents: write, metadata: read)")
    assert tokens.token().reveal() in app.said.masked
    assert len(app.said.masked) >= 2


def test_what_the_installation_lacks_is_left_out_where_it_may_be(github: client.GitHub) -> None:
    """The run then learns from GitHub what it can't do."""
    app = app_on(github, contents="write")
    app.tokens(permissions=BOTH).token()
    assert "pull_requests" not in app.said.lines[-1]


def test_a_token_is_renewed_before_its_hour_ends(github: client.GitHub) -> None:
    """A build may take longer than a token lives."""
    app = app_on(github, contents="write")
    tokens = app.tokens()
    api = app.api(tokens)
    first = tokens.token()
    app.clock.sleep(49 * 60)
    assert tokens.token() == first
    app.clock.sleep(2 * 60)
    revoked = Api(github.url, first, app.said, app.clock)
    revoked.send("DELETE", "/installation/token")
    with pytest.raises(ApiError):
        revoked.get(f"/repos/{app.repository}")
    assert api.get(f"/repos/{app.repository}")["full_name"] == app.repository
    assert api.token != first
    assert api.token.reveal() in app.said.masked


@pytest.mark.parametrize(
    ("changes", "what", "fix"),
    [
        ({"app_id": "1"}, "There is no App 1", "gitops-app-id:"),
        ({"key": Secret(pem(OTHER), "key")}, "is no key of the App", "gh secret set"),
        ({"permissions": BOTH[:1]}, "lacks a permission", "Pull requests: Read and write"),
        ({"key": Secret(pem(ec.generate_private_key(ec.SECP256R1())), "key")}, "is no RSA key", "gh secret set"),
        ({"key": Secret("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "key")}, "cut", "gh secret"),
    ],
    ids=["another id", "another key", "a permission", "no RSA", "cut"],
)
def test_refusals_say_what_to_set(github: client.GitHub, changes: dict[str, Any], what: str, fix: str) -> None:
    """Each with its own fix, and no word of the key."""
    app = app_on(github, contents="write")
    with pytest.raises(AppRefused) as refused:
        app.tokens(**changes).token()
    assert what in refused.value.what
    assert fix in refused.value.fix
    assert "-----BEGIN" not in str(refused.value)


def test_an_app_that_is_not_installed_may_be_so_soon(github: client.GitHub) -> None:
    """As a repository that is made at this moment, it is asked for again."""
    with pytest.raises(GitOpsAccess, match="is not installed on acme/elsewhere") as refused:
        app_on(github, contents="write").tokens(repository="acme/elsewhere").token()
    assert (refused.value.transient, "Install App" in refused.value.fix) == (True, True)


def test_a_suspended_installation_is_named(github: client.GitHub) -> None:
    """Its owner has to lift that."""
    with pytest.raises(AppRefused, match="may not be used") as refused:
        app_on(github, suspended=True, contents="write").tokens().token()
    assert "Unsuspend" in refused.value.fix


def test_a_fault_of_github_passes(github: client.GitHub) -> None:
    """The run may be started again."""
    app = app_on(github, contents="write")
    github.fault(method="POST", path="access_tokens", status=502)
    try:
        with pytest.raises(AppRefused) as refused:
            app.tokens().token()
    finally:
        github.clear_faults()
    assert refused.value.transient
