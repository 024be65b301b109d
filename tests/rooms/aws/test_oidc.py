"""Identity tokens, against the lab's issuer and against servers that misbehave."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ecr_action import errors
from ecr_action.aws import trust
from ecr_action.github.oidc import GitHubIdToken
from ecr_action.secret import Secret

from .world import Job, Recorder, World

CANARY = "canary-request-token"


@contextmanager
def server(status: int, body: bytes, headers: dict[str, str] | None = None) -> Iterator[tuple[str, list[str]]]:
    """A server that gives one answer to everything; its address, and the Authorization headers it saw."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(str(self.headers.get("Authorization")))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return None

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}/token?v=2", seen
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


def asking(job: Job, url: str, **more: object) -> GitHubIdToken:
    return GitHubIdToken(url, Secret(CANARY, "request token"), job.console, job.clock, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("audience", ["sts.amazonaws.com", "sts.amazonaws.com.cn", "https://a b&c=d/ü?"])
def test_a_token_is_for_its_audience(job: Job, world: World, audience: str) -> None:
    """The audience arrives as it was written, and each call gives another token, masked."""
    tokens = world.tokens(job.console, job.clock)
    one, other = tokens.token(audience), tokens.token(audience)
    assert trust.claims_of(one.reveal())["aud"] == audience
    assert one != other
    assert {one.reveal(), other.reveal()} <= set(job.console.of("mask"))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_fault_that_passes_is_asked_again(job: Job, world: World, status: int) -> None:
    """Twice refused, then a token."""
    world.fault("oidc:GET token", "Busy", "later", status, times=2)
    assert world.tokens(job.console, job.clock).token("a")
    assert job.clock.slept == [0.5, 1.0]


def test_a_wrong_request_token_is_not_asked_again(job: Job, world: World) -> None:
    """401 is an answer: the permission, and no waiting."""
    with pytest.raises(errors.OidcUnreachable) as refused:
        asking(job, world.control("POST", "oidc", {})["url"]).token("a")
    assert "401" in refused.value.what
    assert "id-token: write" in refused.value.fix
    assert job.clock.slept == []


@pytest.mark.parametrize("body", [b"<html>login</html>", b"{}", b"[]", b'{"value": null}', b'{"value": ""}', b"\xff"])
def test_an_answer_without_a_token_is_told(job: Job, body: bytes) -> None:
    """Whatever stands in GitHub's place: a failure in words, within the time allowed, without the secret."""
    with server(200, body) as (url, seen), pytest.raises(errors.OidcUnreachable) as refused:
        asking(job, url).token("a")
    assert "without a token" in refused.value.what
    assert 10 < job.clock.monotonic() <= 20
    assert len(seen) > 3
    assert CANARY not in str(refused.value)
    assert job.console.leaks() == []


def test_nobody_there_is_told(job: Job) -> None:
    """A refused connection is asked again, then told."""
    with server(200, b"") as (url, _):
        pass
    with pytest.raises(errors.OidcUnreachable) as refused:
        asking(job, url).token("a")
    assert "refused" in refused.value.what
    assert refused.value.transient


def test_a_redirect_is_not_followed(job: Job) -> None:
    """The request token goes to the host it belongs to, and to no other."""
    with server(200, b'{"value": "x"}') as (elsewhere, seen), server(302, b"", {"Location": elsewhere}) as (url, _):
        with pytest.raises(errors.OidcUnreachable) as refused:
            asking(job, url).token("a")
        assert seen == []
    assert "302" in refused.value.what


def test_an_address_that_is_no_web_address_is_refused(job: Job) -> None:
    """No file is read in place of a token."""
    with pytest.raises(errors.OidcUnreachable):
        asking(job, "file:///etc/hostname").token("a")


def test_a_proxy_is_used(job: Job) -> None:
    """A proxy that was given gets the request."""
    with server(200, b'{"value": "by-proxy"}') as (url, seen):
        proxy = url.partition("/token")[0]
        tokens = asking(job, "http://github.invalid/token?v=2", proxies={"http": proxy})
        assert tokens.token("a").reveal() == "by-proxy"
        assert seen == [f"bearer {CANARY}"]


@pytest.mark.parametrize(
    ("event", "fork", "why", "fix"),
    [
        ("push", False, "calling job", "id-token: write"),
        ("pull_request", True, "a fork's", "push: auto"),
        ("pull_request", False, "Dependabot", "id-token: write"),
        ("workflow_run", True, "calling job", "id-token: write"),
    ],
)
def test_the_text_fits_the_event(job: Job, event: str, fork: bool, why: str, fix: str) -> None:
    """A fork's pull request can't be helped by a permission, everything else can."""
    with pytest.raises(errors.NoIdToken) as refused:
        GitHubIdToken("", Secret("", "t"), Recorder(), job.clock, event=event, fork=fork).token("a")
    assert why in refused.value.why
    assert fix in refused.value.fix
