"""Who may do what: permissions, scopes, single sign-on, Apps, renamed and late repositories, rate limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

QUERY = """query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {
  nameWithOwner defaultBranchRef { name } pullRequests(first: 1) { totalCount } } }"""


def ask(place: Any, token: str) -> dict[str, Any]:
    """Read the repository by GraphQL."""
    owner, name = place.full_name.split("/")
    answer: dict[str, Any] = place.github.graphql(token, QUERY, owner=owner, name=name)
    return answer


def test_fine_grained_token_has_each_permission_by_itself(place: Any) -> None:
    """What is missing is 403 with the permission that it takes; metadata is always there."""
    place.github.token("narrow", "ada", {place.full_name: "write"}, "fine-grained", permissions={"contents": "write"})
    assert place.github.request("GET", place.api, "narrow").status == 200
    assert "errors" not in place.commit({"a": "1"}, token="narrow")
    reply = place.github.request("GET", f"{place.api}/pulls", "narrow")
    assert (reply.status, reply.json["message"]) == (403, "Resource not accessible by personal access token")
    assert reply.headers["x-accepted-github-permissions"] == "pull_requests=read"
    error = ask(place, "narrow")["errors"][0]
    assert (error["type"], error["path"]) == ("FORBIDDEN", ["repository", "pullRequests"])


def test_reading_permission_does_not_write(place: Any) -> None:
    """contents: read reads, and is refused by both APIs when it writes."""
    place.github.token("reads", "bot", {place.full_name: "write"}, "actions", permissions={"contents": "read"})
    assert place.github.request("GET", f"{place.api}/branches/main", "reads").status == 200
    assert place.commit({"a": "1"}, token="reads")["errors"][0]["type"] == "FORBIDDEN"
    reply = place.github.request("POST", f"{place.api}/git/blobs", "reads", {"content": "x"})
    assert (reply.status, reply.json["message"]) == (403, "Resource not accessible by integration")


def test_classic_token_without_repo_scope_sees_nothing_private(place: Any) -> None:
    """A private repository is missing to a token of other scopes, which the headers tell."""
    place.github.token("scoped", "ada", {place.full_name: "write"}, scopes=["read:org"])
    reply = place.github.request("GET", place.api, "scoped")
    assert (reply.status, reply.json["message"]) == (404, "Not Found")
    assert (reply.headers["x-oauth-scopes"], reply.headers["x-accepted-oauth-scopes"]) == ("read:org", "repo")


def test_workflow_files_take_a_right_of_their_own(place: Any) -> None:
    """`.github/workflows` needs the scope or permission for workflows."""
    files = {".github/workflows/ci.yml": "on: push\n"}
    assert "without `workflow` scope" in place.commit(files)["errors"][0]["message"]
    place.github.token("flows", "ada", {place.full_name: "write"}, scopes=["repo", "workflow"])
    assert "errors" not in place.commit(files, token="flows")


def test_token_without_single_sign_on_is_refused(place: Any) -> None:
    """403 with the address where the owner can grant it; FORBIDDEN by GraphQL."""
    place.github.token("nosso", "ada", {place.full_name: "write"}, unauthorized=["acme"])
    reply = place.github.request("GET", place.api, "nosso")
    assert reply.status == 403
    assert reply.json["message"].startswith("Resource protected by organization SAML enforcement.")
    assert reply.headers["x-github-sso"].startswith("required; url=")
    assert ask(place, "nosso")["errors"][0]["type"] == "FORBIDDEN"


def test_token_ends(place: Any) -> None:
    """An ended token is a bad one."""
    place.github.token("brief", "ada", {place.full_name: "write"}, "app", expires_in=600)
    assert place.github.request("GET", place.api, "brief").status == 200
    place.github.advance(601)
    reply = place.github.request("GET", place.api, "brief")
    assert (reply.status, reply.json["message"]) == (401, "Bad credentials")


def test_renamed_repository_redirects(place: Any) -> None:
    """301 for reads, 307 for writes, to an address by id that works; GraphQL follows unless told not to."""
    old = f"{place.full_name}-before"
    place.github.repository(place.full_name, renamed_from=[old])
    reply = place.github.request("GET", f"/repos/{old}/branches/main", place.token)
    assert (reply.status, reply.json["message"]) == (301, "Moved Permanently")
    assert place.github.request("GET", reply.headers["location"], place.token).json["name"] == "main"
    write = place.github.request("POST", f"/repos/{old}/git/blobs", place.token, {"content": "x"})
    assert write.status == 307
    assert place.github.request("POST", write.headers["location"], place.token, {"content": "x"}).status == 201
    owner, name = old.split("/")
    found = place.github.graphql(place.token, QUERY, owner=owner, name=name)
    assert found["data"]["repository"]["nameWithOwner"] == place.full_name
    query = QUERY.replace("name: $name", "name: $name, followRenames: false")
    assert place.github.graphql(place.token, query, owner=owner, name=name)["errors"][0]["type"] == "NOT_FOUND"


def test_repository_appears_later(place: Any) -> None:
    """As after a creation: some calls find nothing yet, by both APIs."""
    place.github.repository(place.full_name, hidden_calls=2)
    assert place.get("").status == 404
    assert ask(place, place.token)["errors"][0]["type"] == "NOT_FOUND"
    assert place.get("").status == 200


def test_hourly_limit_is_enforced(place: Any) -> None:
    """403 by REST, RATE_LIMITED inside a 200 by GraphQL, until the reset that the headers tell."""
    place.github.limits(hourly=2)
    seen = [place.get("") for _ in range(3)]
    assert [reply.status for reply in seen] == [200, 200, 403]
    assert seen[2].json["message"].startswith("API rate limit exceeded for user ID")
    assert (seen[2].headers["x-ratelimit-remaining"], seen[2].headers["x-ratelimit-limit"]) == ("0", "2")
    assert "retry-after" not in seen[2].headers
    free = place.github.request("GET", "/rate_limit", place.token)
    assert (free.status, free.json["resources"]["core"]["remaining"]) == (200, 0)
    answers = [ask(place, place.token) for _ in range(3)]
    assert ["errors" in answer for answer in answers] == [False, False, True]
    assert answers[2]["errors"][0]["type"] == "RATE_LIMITED"
    place.github.advance(3601)
    assert place.get("").status == 200


@pytest.mark.parametrize(("status", "told"), [(403, True), (429, False)])
def test_secondary_limit_is_enforced(place: Any, status: int, told: bool) -> None:
    """Writes cost five points a minute; the refusal is 403 or 429, with or without `retry-after`, on both APIs."""
    place.github.limits(points=6, status=status, retry_after=told)
    assert "errors" not in place.commit({"a": "1"})
    assert ask(place, place.token)["data"]["repository"] is not None
    body = {"query": QUERY, "variables": {"owner": "acme", "name": "x"}}
    reply = place.github.request("POST", "/graphql", place.token, body)
    assert (reply.status, "retry-after" in reply.headers) == (status, told)
    assert reply.json["message"].startswith("You have exceeded a secondary rate limit.")
    assert place.get("").status == 200
    place.github.advance(61)
    assert "errors" not in place.commit({"a": "2"})


def test_content_is_made_so_many_times_a_minute(place: Any) -> None:
    """Reads do not count."""
    place.github.limits(content=1)
    assert place.send("POST", "/git/blobs", {"content": "x"}).status == 201
    assert place.send("POST", "/git/blobs", {"content": "y"}).status == 403
    assert place.get("").status == 200


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
).decode()  # fmt: skip
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def app(place: Any) -> Callable[..., str]:
    """An App installed on the test's repository; signs a JWT, whose claims a test may change."""
    permissions = {"contents": "write", "pull_requests": "write"}
    told = place.github.app(f"app{place.full_name[9:]}", PUBLIC, [
        {"account": "acme", "repositories": [place.full_name], "permissions": permissions}])  # fmt: skip
    ahead = place.github._ask("POST", "clock", {"advance": 0})["ahead"]

    def sign(key: Any = KEY, algorithm: str = "RS256", **claims: Any) -> str:
        now = int(time.time() + ahead)
        given = {"iat": now - 60, "exp": now + 500, "iss": told["client_id"]}
        given |= {name: now + value if isinstance(value, int) else value for name, value in claims.items()}
        kept = {name: value for name, value in given.items() if value is not None}
        return jwt.encode(kept, key, algorithm)

    return sign


def test_app_mints_a_token_for_one_repository_and_permission(place: Any, app: Callable[..., str]) -> None:
    """JWT -> installation of the repository -> token narrowed to it, for an hour."""
    found = place.github.request("GET", f"{place.api}/installation", app())
    assert found.status == 200
    name = place.full_name.split("/")[1]
    path = f"/app/installations/{found.json['id']}/access_tokens"
    body = {"repositories": [name], "permissions": {"contents": "write"}}
    minted = place.github.request("POST", path, app(), body)
    assert (minted.status, minted.json["permissions"]) == (201, {"metadata": "read", "contents": "write"})
    token = minted.json["token"]
    assert "errors" not in place.commit({"a": "1"}, token=token)
    assert place.github.request("GET", f"{place.api}/pulls", token).status == 403
    place.github.advance(3601)
    assert place.github.request("GET", place.api, token).status == 401


def test_app_is_told_what_it_asks_too_much(place: Any, app: Callable[..., str]) -> None:
    """Repositories outside the installation and permissions that it lacks are 422."""
    number = place.github.request("GET", f"{place.api}/installation", app()).json["id"]
    path = f"/app/installations/{number}/access_tokens"
    for body, text in (
        ({"repositories": ["other"]}, "There is at least one repository that does not exist"),
        ({"permissions": {"actions": "read"}}, "The permissions requested are not granted"),
        ({"permissions": {"contents": "admin"}}, "The permissions requested are not granted"),
    ):
        reply = place.github.request("POST", path, app(), body)
        assert reply.status == 422
        assert reply.json["message"].startswith(text)
    assert place.github.request("POST", "/app/installations/1/access_tokens", app(), {}).status == 404
    assert place.github.request("GET", "/repos/acme/none/installation", app()).status == 404


def test_app_reads_itself_and_gives_its_token_back(place: Any, app: Callable[..., str]) -> None:
    """GET /app, and DELETE /installation/token."""
    assert place.github.request("GET", "/app", app()).json["permissions"]["contents"] == "write"
    row = place.github.request("GET", f"{place.api}/installation", app()).json
    minted = place.github.request("POST", f"/app/installations/{row['id']}/access_tokens", app()).json["token"]
    assert place.github.request("DELETE", "/installation/token", minted).status == 204
    assert place.github.request("GET", place.api, minted).status == 401


def test_suspended_installation_mints_nothing(place: Any, app: Callable[..., str]) -> None:
    """403 in GitHub's words."""
    place.github.app("suspended", PUBLIC, [])
    told = place.github.app("suspended", PUBLIC, [
        {"account": "acme", "repositories": [place.full_name], "permissions": {}, "suspended": True}])  # fmt: skip
    path = f"/app/installations/{told['installations'][0]}/access_tokens"
    reply = place.github.request("POST", path, app(iss=told["client_id"]), {})
    assert (reply.status, reply.json["message"]) == (403, "This installation has been suspended")


@pytest.mark.parametrize(
    ("claims", "status", "text"),
    [({"iat": 30}, 401, "'Issued at' claim ('iat') must be an Integer"),
     ({"exp": 660}, 401, "'Expiration time' claim ('exp') is too far in the future"),
     ({"exp": -10}, 401, "'Expiration time' claim ('exp') must be a numeric value"),
     ({"iss": None}, 401, "'Issuer' claim ('iss') must be an Integer"),
     ({"iss": "1"}, 404, "Integration not found"),
     ({"key": OTHER}, 401, "A JSON web token could not be decoded"),
     ({"key": "s" * 32, "algorithm": "HS256"}, 401, "A JSON web token could not be decoded")],
)  # fmt: skip
def test_jwt_has_limits(
    place: Any, app: Callable[..., str], claims: dict[str, Any], status: int, text: str
) -> None:  # fmt: skip
    """A clock that is ahead, ten minutes, RS256, the App's own key."""
    reply = place.github.request("GET", "/app", app(**claims))
    assert reply.status == status
    assert reply.json["message"].startswith(text)


def test_token_is_no_jwt(place: Any) -> None:
    """A token, or nothing, does not speak for an App."""
    for token in (place.token, None):
        reply = place.github.request("GET", f"{place.api}/installation", token)
        assert (reply.status, reply.json["message"]) == (401, "A JSON web token could not be decoded")
