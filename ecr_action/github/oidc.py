"""Identity tokens from GitHub: who this job is, signed, for one audience and a few minutes.

Source: GitHub's OpenID Connect reference, "Methods for requesting the OIDC token": GET the address that the runner
gives, with ``audience``, authorized by the token that the runner gives.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

from ecr_action.errors import NoIdToken, OidcUnreachable
from ecr_action.protocols import Clock, Console
from ecr_action.secret import Secret

# For the connection, and for each wait on the answer.
TIMEOUT_SECONDS = 5.0
# No attempt begins later than this after the first.
BUDGET_SECONDS = 20.0
_BACKOFF = (0.5, 1.0, 2.0, 4.0)
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_PERMISSIONS = "permissions:\n  id-token: write\n  contents: read"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the request token to another host."""

    def redirect_request(self, *_: Any) -> None:
        return None


class GitHubIdToken:
    """Asks for a fresh token at every call.

    Parameters: *url* and *request_token* are ACTIONS_ID_TOKEN_REQUEST_URL and _TOKEN (empty where the job has no
    right to tokens); *event* is the event's name, *fork* whether the head is another repository's (None: unknown);
    *proxies* by scheme, None = those of the environment.
    """

    def __init__(
        self,
        url: str,
        request_token: Secret,
        console: Console,
        clock: Clock,
        *,
        event: str = "",
        fork: bool | None = False,
        proxies: Mapping[str, str] | None = None,
    ) -> None:
        self._url = url
        self._request_token = request_token
        self._console = console
        self._clock = clock
        self._event = event
        self._fork = fork
        proxy = urllib.request.ProxyHandler(None if proxies is None else dict(proxies))
        self._opener = urllib.request.build_opener(proxy, _NoRedirect())
        console.mask(request_token)

    @property
    def available(self) -> bool:
        """Whether the job may ask for tokens at all."""
        return bool(self._url and self._request_token)

    def token(self, audience: str) -> Secret:
        """A new token for *audience*, masked. Raises NoIdToken, OidcUnreachable (after 20 seconds of attempts)."""
        if not self.available:
            raise self._missing()
        start = self._clock.monotonic()
        for attempt in range(1, 100):
            wait = _BACKOFF[min(attempt, len(_BACKOFF)) - 1]
            try:
                return self._ask(audience)
            except OidcUnreachable as failure:
                spent = self._clock.monotonic() - start
                if not failure.transient or spent + wait > BUDGET_SECONDS:
                    raise
                self._console.debug(f"Identity token, attempt {attempt}: {failure.what}")
            self._clock.sleep(wait)
        raise AssertionError("the budget ends the loop")

    def _ask(self, audience: str) -> Secret:
        token = Secret(_value(self._answer(self._request(audience))), "identity token")
        self._console.mask(token)
        return token

    def _request(self, audience: str) -> urllib.request.Request:
        if urlsplit(self._url).scheme not in ("http", "https"):
            raise OidcUnreachable("ACTIONS_ID_TOKEN_REQUEST_URL is no http address.", fix=_PERMISSIONS)
        joint = "&" if "?" in self._url else "?"
        url = f"{self._url}{joint}audience={quote(audience, safe='')}"
        headers = {"Authorization": f"bearer {self._request_token.reveal()}", "Accept": "application/json"}
        return urllib.request.Request(url, headers=headers)

    def _answer(self, request: urllib.request.Request) -> bytes:
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                content: bytes = answer.read(1 << 20)
                return content
        except urllib.error.HTTPError as error:
            raise self._refused(error.code) from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or str(error) or type(error).__name__
            raise _unreachable(f"GitHub's identity token service did not answer: {reason}.") from error

    def _refused(self, status: int) -> OidcUnreachable:
        what = f"GitHub's identity token service answered {status}."
        if status in _PASSING:
            return _unreachable(what)
        why = "The right to ask ends with the job's step or was never given; a proxy may answer in GitHub's place."
        return OidcUnreachable(what, why=why, fix=_PERMISSIONS)

    def _missing(self) -> NoIdToken:
        what = "role-to-assume is given, but GitHub offers this job no identity token."
        if self._fork and self._event.startswith("pull_request"):
            return NoIdToken(
                what,
                why="The head of this pull request is a fork's: GitHub gives its workflows no identity token.",
                fix="push: auto  # builds a fork's pull request and pushes nothing",
            )
        return NoIdToken(
            what,
            why="The job lacks the permission. A job's permissions replace the workflow's; a reusable workflow "
            "has at most what the calling job grants; a pull request of a fork or of Dependabot may not get it at all.",
            fix=f"Write into the job (where it is called from another workflow: into the calling job too):\n"
            f"{_PERMISSIONS}",
        )


def _unreachable(what: str) -> OidcUnreachable:
    fix = "Run the job again. On a runner of your own: check that the address is reachable, and HTTPS_PROXY."
    return OidcUnreachable(what, fix=fix, transient=True)


def _value(content: bytes) -> str:
    try:
        value = json.loads(content)["value"]
    except (ValueError, KeyError, TypeError) as error:
        raise _unreachable("GitHub's identity token service answered without a token.") from error
    if not isinstance(value, str) or not value:
        raise _unreachable("GitHub's identity token service answered without a token.")
    return value
