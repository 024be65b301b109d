"""A running server seen from a test or the demo: start it, set the scene, count calls."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.github import setup

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS, TIMEOUT_SECONDS = 2, 30


@dataclass(frozen=True)
class Reply:
    """An answer: *headers* by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON, None when it is empty."""
        return json.loads(self.body) if self.body else None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


# The lab is on loopback: a proxy of the job is never asked.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


@dataclass(frozen=True)
class GitHub:
    """The lab's GitHub at *url* (no slash at its end), with its state in the folder *state*."""

    url: str
    state: Path

    @property
    def environment(self) -> dict[str, str]:
        """GITHUB_API_URL, GITHUB_GRAPHQL_URL and GITHUB_SERVER_URL, as the server itself names them."""
        found: dict[str, str] = self._ask("GET", "environment")
        return found

    def token(
        self, token: str, login: str, repositories: Mapping[str, str], kind: str = "pat", **about: Any
    ) -> None:  # fmt: skip
        """Register a token: `{"o/r": "read" | "write" | "admin"}`; kind pat, fine-grained, app or actions.

        *about*: permissions (`{"contents": "read"}`), scopes, unauthorized (organisations), expires_in (seconds).
        """
        self._ask("POST", "tokens", {
            "token": token, "login": login, "repositories": dict(repositories), "kind": kind} | about)  # fmt: skip

    def app(self, slug: str, public_key: str, installations: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
        """Register a GitHub App by its public key (PEM); its id, client_id and the ids of its installations.

        An installation: account, repositories (`o/r`), permissions, suspended.
        """
        body = {"slug": slug, "public_key": public_key, "installations": list(installations)}
        told: dict[str, Any] = self._ask("POST", "apps", body)
        return told

    def advance(self, seconds: float) -> None:
        """Move the lab's clock on: tokens, links and windows of rate limits end without waiting."""
        self._ask("POST", "clock", {"advance": seconds})

    def limits(self, **limits: Any) -> None:
        """Enforce rate limits (see lab.github.limits.Limits), or none of them."""
        self._ask("POST", "limits", limits)

    def repository(self, full_name: str, files: Mapping[str, str] | None = None, **settings: Any) -> Path:
        """Make `owner/name` (or change its settings) and return its bare repository; no *files*: it is empty."""
        owner, name = full_name.split("/")
        self._ask("POST", "repositories", {"owner": owner, "name": name, "files": files} | settings)
        return setup.repository(self.state, full_name)

    def fault(self, **fields: Any) -> None:
        """Set a fault; see lab.github.faults.Faults.add."""
        self._ask("POST", "faults", fields)

    def clear_faults(self) -> None:
        """Forget all faults and limits."""
        self._ask("DELETE", "faults")
        self.limits()

    def calls(self) -> list[dict[str, Any]]:
        """Return every call since the last clear_calls, as `lab.github.server.answered` records it."""
        found: list[dict[str, Any]] = self._ask("GET", "calls")
        return found

    def clear_calls(self) -> list[dict[str, Any]]:
        """Forget the recorded calls; which they were."""
        taken: list[dict[str, Any]] = self._ask("DELETE", "calls")
        return taken

    def operations(self) -> list[str]:
        """Return what was ever called: `GET /repos/{owner}/{repo}/pulls`, or a GraphQL document's first field."""
        found: list[str] = self._ask("GET", "operations")
        return found

    def request(
        self, method: str, path: str, token: str | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:  # fmt: skip
        """Send one request (path or whole URL, *body* as JSON) and return the reply whatever its status.

        Redirects are not followed.
        """
        data = json.dumps(body).encode() if body is not None else None
        url = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(url, data, dict(headers or {}), method=method)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return Reply(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, dict(error.headers), error.read())

    def graphql(self, token: str, query: str, **variables: Any) -> dict[str, Any]:
        """Send a GraphQL document and return the answer's JSON."""
        body = {"query": query, "variables": variables}
        answer: dict[str, Any] = self.request("POST", "/graphql", token, body).json
        return answer

    def _ask(self, method: str, what: str, body: Any = None) -> Any:
        reply = self.request(method, f"/_lab/{what}", body=body)
        if reply.status >= 400:
            raise ValueError(f"{method} {what}: {reply.json['message']}")
        return reply.json


@contextlib.contextmanager
def running(state: Path, port: int = 0) -> Iterator[GitHub]:
    """Start a server on *state* and stop it at the end. Raises RuntimeError with its own words if it won't start."""
    argv = [sys.executable, "-m", "lab.github", "--state", str(state), "--port", str(port)]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().strip() if process.stdout else ""
        if not url:
            raise RuntimeError(f"lab.github ended with {process.wait(STOP_SECONDS)} before it answered")
        yield GitHub(url, state)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
