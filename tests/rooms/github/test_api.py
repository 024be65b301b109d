"""How GitHub is asked: addresses, headers, patience, and no token anywhere but where it belongs."""

from __future__ import annotations

import base64
import json
import time
import traceback
from pathlib import Path

import pytest

from ecr_action.errors import InputProblems
from ecr_action.github.answers import ApiError
from ecr_action.github.api import Api
from ecr_action.secret import Secret
from lab.github import client

from .said import QuickClock, Said
from .web import Reply, serving

TOKEN = "ghp_canary0123456789"


def api(url: str, token: str = TOKEN, clock: QuickClock | None = None) -> Api:
    """An Api at *url* whose waits take no time."""
    return Api(url, Secret(token, "gitops-token"), Said(), clock or QuickClock())


def everything(error: BaseException) -> str:
    """An error with its causes and their texts, as a debug log would show them."""
    return "".join(traceback.format_exception(error)) + repr(error.args)


BASES = [("", "/graphql"), ("/api/v3", "/api/graphql"), ("/api/v3/", "/api/graphql")]


@pytest.mark.parametrize(("base", "graphql"), BASES)
def test_rest_and_graphql_of_an_enterprise_server_lie_beside_each_other(base: str, graphql: str) -> None:
    """GITHUB_API_URL ends in ``/api/v3`` there; GraphQL is at ``/api/graphql``."""
    with serving(Reply(body=b'{"data": {"x": 1}}')) as web:
        asked = api(web.url + base)
        asked.query("query { x }", {"a": 1})
        asked.get("/repos/o/r", {"page": 2})
    assert [(row.method, row.path) for row in web.asked] == [
        ("POST", graphql),
        ("GET", f"{base.rstrip('/')}/repos/o/r?page=2"),
    ]
    assert json.loads(web.asked[0].body) == {"query": "query { x }", "variables": {"a": 1}}


def test_each_request_says_who_asks() -> None:
    """The program's name and the token; without one, none."""
    with serving(Reply()) as web:
        api(web.url).get("/repos/o/r")
        api(web.url, "").get("/repos/o/r")
    assert {row.headers["user-agent"] for row in web.asked} == {"ecr-publish"}
    assert web.asked[0].headers["authorization"] == f"token {TOKEN}"
    assert "authorization" not in web.asked[1].headers


def test_nothing_waits_between_requests() -> None:
    """PyGithub's own quarter of a second, and a second between writes, are off."""
    with serving(Reply(body=b'{"data": {"x": 1}}')) as web:
        asked = api(web.url)
        start = time.monotonic()
        for _ in range(4):
            asked.mutation("mutation { x }", {})
        assert time.monotonic() - start < 0.9


def test_the_archive_comes_from_another_host_without_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link is signed by itself; neither our token nor a .netrc entry of the machine goes there."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login x password netrc-canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving(Reply(body=b"\x1f\x8bbytes")) as host:
        link = f"{host.url}/o/r/legacy.tar.gz/abc?token=ticket"
        with serving(Reply(302, b"", {"location": link})) as web:
            assert api(web.url).archive("o/r", "abc") == b"\x1f\x8bbytes"
    assert web.asked[0].path == "/repos/o/r/tarball/abc"
    assert host.asked[0].path == "/o/r/legacy.tar.gz/abc?token=ticket"
    assert "authorization" not in host.asked[0].headers


def test_an_archive_host_that_does_not_answer_keeps_the_link_to_itself() -> None:
    """The link opens the archive to whoever has it."""
    with serving(Reply(302, b"", {"location": "http://127.0.0.1:9/x?token=ticket-canary"})) as web:
        with pytest.raises(ApiError) as failed:
            api(web.url).archive("o/r", "abc")
        assert len(web.asked) == 4
    assert failed.value.passing
    assert "ticket-canary" not in everything(failed.value)


@pytest.mark.parametrize("token", [f"{TOKEN}\n", f"{TOKEN}\r\nx: y", f" {TOKEN}", f'"{TOKEN}" ', "tok\u00e9n-canary"])
def test_a_token_that_no_header_can_carry_is_an_input_problem_that_does_not_hold_it(token: str) -> None:
    """The library's own error would print it."""
    with pytest.raises(InputProblems) as failed:
        api("http://127.0.0.1:9", token)
    assert "gitops-token" in str(failed.value)
    assert "canary" not in everything(failed.value)


def test_no_error_holds_the_token() -> None:
    """Refused, failed, cut, not there at all."""
    replies = [Reply(401, b'{"message": "Bad credentials"}'), Reply(500, b""), Reply(200, b"{", cut=True)]
    found = []
    for reply in replies:
        with serving(reply) as web, pytest.raises(ApiError) as failed:
            api(web.url).get("/repos/o/r")
        found.append(everything(failed.value))
    with pytest.raises(ApiError) as failed:
        api("http://127.0.0.1:9").get("/repos/o/r")
    assert "canary" not in "".join([*found, everything(failed.value)])


def test_a_cut_answer_to_a_read_is_asked_for_again() -> None:
    """Once, and the pause before it is short."""
    replies = [Reply(200, b'{"a"', cut=True), Reply(200, b'{"a": 1}')]
    clock = QuickClock()
    with serving(*replies) as web:
        assert api(web.url, clock=clock).get("/repos/o/r") == {"a": 1}
    assert clock.slept == [1.0]


@pytest.mark.parametrize("reply", [Reply(502), Reply(200, b'{"a"', cut=True), Reply(500, b"")])
def test_a_mutation_is_sent_once_whatever_becomes_of_its_answer(reply: Reply) -> None:
    """It may have done its work."""
    with serving(reply) as web:
        with pytest.raises(ApiError) as failed:
            api(web.url).mutation("mutation { x }", {})
        assert len(web.asked) == 1
    assert failed.value.passing


def test_a_mutation_that_a_rate_limit_refused_is_sent_again() -> None:
    """It did nothing; the header says when."""
    replies = [Reply(403, b'{"message": "slow"}', {"Retry-After": "3"}), Reply(200, b'{"data": {"x": 1}}')]
    clock = QuickClock()
    with serving(*replies) as web:
        assert api(web.url, clock=clock).mutation("mutation { x }", {}).data == {"x": 1}
    assert clock.slept == [4.0]


def test_a_primary_limit_is_waited_for_until_it_is_reset() -> None:
    """``x-ratelimit-reset`` is in seconds since 1970."""
    clock = QuickClock()
    headers = {
        "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(clock.now().timestamp()) + 100),
    }  # fmt: skip
    replies = [Reply(403, b'{"message": "API rate limit exceeded for x."}', headers), Reply()]
    with serving(*replies) as web:
        api(web.url, clock=clock).get("/repos/o/r")
    assert 99 <= clock.slept[0] <= 101


def test_a_limit_that_names_no_end_is_waited_for_longer_each_time() -> None:
    """A minute, two, four; then ten minutes would be over."""
    clock = QuickClock()
    with serving(Reply(429, b'{"message": "Too many"}')) as web, pytest.raises(ApiError) as failed:
        api(web.url, clock=clock).get("/repos/o/r")
    assert clock.slept == [60.0, 120.0, 240.0]
    assert failed.value.limited


def test_a_refusal_is_not_asked_for_again() -> None:
    """403 without a limit, 404, 422: the answer will not change."""
    for status in (401, 403, 404, 422):
        with serving(Reply(status, b'{"message": "no\\nway"}')) as web:
            with pytest.raises(ApiError) as failed:
                api(web.url).get("/repos/o/r")
            assert len(web.asked) == 1
        assert (failed.value.status, failed.value.message) == (status, "no way")


@pytest.mark.parametrize("location", ["https://127.0.0.1:1/x", "http://example.invalid/x"])
def test_a_redirect_to_another_server_is_refused_in_words(location: str) -> None:
    """PyGithub's own complaint, as an error of ours that is not repeated."""
    with serving(Reply(301, b"", {"location": location})) as web:
        with pytest.raises(ApiError, match="redirect") as failed:
            api(web.url).get("/repos/o/r")
        assert len(web.asked) == 1
    assert not failed.value.passing


def test_a_blob_comes_byte_for_byte(github: client.GitHub) -> None:
    """Base64 in JSON, with line breaks in it."""
    content = bytes(range(256)) * 40
    sent = base64.b64encode(content).decode()
    github.repository("acme/blobs", {"a": "a"})
    github.token(TOKEN, "ada", {"acme/blobs": "write"})
    body = {"content": sent, "encoding": "base64"}
    oid = github.request("POST", "/repos/acme/blobs/git/blobs", TOKEN, body).json["sha"]
    assert api(github.url).blob("acme/blobs", oid) == content


def test_the_server_sees_what_was_asked(github: client.GitHub) -> None:
    """An enterprise server's address with the lab behind it."""
    github.repository("acme/seen", {"a": "a"})
    github.token(TOKEN, "ada", {"acme/seen": "read"})
    assert api(f"{github.url}/api/v3").get("/repos/acme/seen")["full_name"] == "acme/seen"
