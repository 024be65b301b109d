"""GitHub's API through PyGithub's requester: one place for time-outs, retries, rate limits and errors."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from ecr_action.errors import HistoryUnreadable, InputProblems, Problem
from ecr_action.github.answers import Answer, ApiError
from ecr_action.protocols import Clock, Comparison, Console, Revision, Running
from ecr_action.secret import Secret

T = TypeVar("T")
_TIMEOUT_SECONDS = 30
# Between attempts at a read that failed on the way; a write is never sent twice from here.
_PAUSES = (1.0, 2.0, 4.0)
# GitHub's advice ("Best practices for using the REST API"): at least a minute where no header says how long, then
# twice as long each time.
_RATE_PAUSE = 60.0
_LONGEST_RATE_WAIT = 600.0
# Commits of a comparison on one page, GitHub's most ("Compare two commits"), and the pages that are read.
_PAGE = 100
_MOST_PAGES = 10
# Commits that are told of a comparison at least.
_SHOWN = 20


class Api:
    """One GitHub at *url* (GITHUB_API_URL) with *token* (empty: anonymous). Raises InputProblems for a broken token.

    *bearer*: the token is an App's web token. *renew* gives the token for the next call, the same or a newer one.
    """

    def __init__(
        self,
        url: str,
        token: Secret,
        console: Console,
        clock: Clock,
        *,
        bearer: bool = False,
        renew: Callable[[], Secret] | None = None,
    ) -> None:
        from github.Requester import Requester

        console.mask(token)
        _check(token)
        self.token = token
        self._renew = renew
        self._console = console
        self._clock = clock
        self._requester = Requester(
            auth=_auth(token, bearer),
            base_url=url.rstrip("/"),
            timeout=_TIMEOUT_SECONDS,
            user_agent="ecr-publish",
            per_page=100,
            verify=True,
            retry=None,
            pool_size=None,
        )

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """The JSON of ``GET path``. Raises ApiError."""
        return self._patiently(lambda: self._json("GET", path, parameters))

    def blob(self, repository: str, oid: str) -> bytes:
        """The exact bytes of a blob, 100 MB at most. Raises ApiError."""
        return base64.b64decode(self.get(f"/repos/{repository}/git/blobs/{oid}")["content"])

    def archive(self, repository: str, commit: str) -> bytes:
        """The gzipped tar of *commit*, as ``git archive`` makes it. Raises ApiError."""
        return self._patiently(lambda: self._download(f"/repos/{repository}/tarball/{commit}"))

    def query(self, text: str, variables: Mapping[str, Any]) -> Answer:
        """The answer of a GraphQL query, which changes nothing. Raises ApiError."""
        return self._patiently(lambda: self._graphql(text, variables))

    def mutation(self, text: str, variables: Mapping[str, Any]) -> Answer:
        """The answer of a GraphQL mutation, sent again only where a rate limit refused it. Raises ApiError."""
        return self._patiently(lambda: self._graphql(text, variables), pauses=())

    def send(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON of a request that changes something, sent again only where a rate limit refused it.

        None where the answer has no body. Raises ApiError.
        """
        return self._patiently(lambda: self._json(verb, path, None, dict(body) if body else None), pauses=())

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON of ``PUT path``, sent again only where a rate limit refused it. Raises ApiError."""
        return self._patiently(lambda: self._json("PUT", path, body=dict(body)), pauses=())

    # -- one request ----------------------------------------------------------------------------------------------

    def _json(self, verb: str, path: str, parameters: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        status, headers, text = self._raw(verb, path, parameters, body)
        if status >= 300:
            raise ApiError(status, _message(text), headers=headers)
        return _parsed(text, status) if status != 204 else None

    def _graphql(self, text: str, variables: Mapping[str, Any]) -> Answer:
        body = {"query": text, "variables": dict(variables)}
        status, headers, answer = self._raw("POST", self._requester.graphql_url, None, body)
        if status >= 300:
            raise ApiError(status, _message(answer), headers=headers)
        told = _parsed(answer, status)
        if not isinstance(told, dict) or not (told.get("data") or told.get("errors")):
            raise ApiError(0, "an answer that is not GitHub's")
        errors = tuple(
            ApiError(status, str(error.get("message", "")), str(error.get("type", "")), headers)
            for error in told.get("errors") or ()
        )
        for error in errors:
            if error.limited or error.passing:
                raise error
        return Answer(told.get("data") or {}, errors)

    def _download(self, path: str) -> bytes:
        import requests

        status, headers, text = self._raw("GET", path)
        if status >= 400:
            raise ApiError(status, _message(text), headers=headers)
        if not headers.get("location"):
            raise ApiError(0, f"no link to an archive, but HTTP {status}")
        # The link is signed by itself and lives for minutes: no token goes to the host behind it, nor one of .netrc.
        try:
            answer = requests.get(
                headers["location"],
                timeout=_TIMEOUT_SECONDS,
                headers={"User-Agent": "ecr-publish"},
                auth=lambda request: request,
            )
        except requests.RequestException as error:
            # Without its cause: that one holds the link.
            raise ApiError(0, f"no answer from the archive's host: {type(error).__name__}") from None
        if answer.status_code != 200:
            # Whatever it says, a fresh link may mend it, and it is no word on access.
            raise ApiError(0, f"the archive's host answered {answer.status_code}")
        return answer.content

    def _raw(
        self, verb: str, path: str, parameters: Mapping[str, Any] | None = None, body: Any = None
    ) -> tuple[int, Mapping[str, str], str]:
        import requests

        self._renewed()
        try:
            status, headers, text = self._requester.requestJson(
                verb, path, dict(parameters) if parameters else None, None, body
            )
        except (requests.RequestException, OSError) as error:
            raise ApiError(0, f"no answer from GitHub: {type(error).__name__}") from error
        except RuntimeError as error:
            # PyGithub's for a redirect to another scheme or host.
            raise ApiError(421, " ".join(str(error).split())) from error
        return status, headers, text

    def _renewed(self) -> None:
        token = self._renew() if self._renew else self.token
        if token != self.token:
            self.token = token
            self._requester = self._requester.withAuth(_auth(token))

    # -- patience -------------------------------------------------------------------------------------------------

    def _patiently(self, ask: Callable[[], T], pauses: tuple[float, ...] = _PAUSES) -> T:
        end = self._clock.monotonic() + _LONGEST_RATE_WAIT
        left, unsaid = list(pauses), _RATE_PAUSE
        while True:
            try:
                return ask()
            except ApiError as error:
                if error.limited:
                    wait = self._rate_wait(error, unsaid)
                    if self._clock.monotonic() + wait > end:
                        raise
                    unsaid *= 2
                    self._console.info(f"GitHub's rate limit: {error.message} Waiting {wait:.0f} s.")
                elif error.passing and left:
                    wait = left.pop(0)
                else:
                    raise
            self._clock.sleep(wait)

    def _rate_wait(self, error: ApiError, unsaid: float) -> float:
        """Seconds to wait ("Rate limits for the REST API"): ``retry-after``, else until the reset, else *unsaid*."""
        after, reset = error.headers.get("retry-after", ""), error.headers.get("x-ratelimit-reset", "")
        if after.isdigit():
            return float(after) + 1
        if error.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
            return max(float(reset) - self._clock.now().timestamp(), 0.0) + 1
        return unsaid


def _auth(token: Secret, bearer: bool = False) -> Any:
    from github import Auth

    if not token:
        return None
    return Auth.AppAuthToken(token.reveal()) if bearer else Auth.Token(token.reveal())


def _check(token: Secret) -> None:
    """A token that no header can carry; the error of the library that sends it would hold the token."""
    if any(not "!" <= character <= "~" for character in token.reveal()):
        what = "holds a blank, a line break or another character that no token has."
        raise InputProblems([Problem(token.name, what, "Set the secret again, without quotes or a line break.")])


def _parsed(text: str, status: int) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ApiError(0, f"HTTP {status} with an answer that is not GitHub's") from error


def _message(text: str) -> str:
    """GitHub's own words in an error's body, one line, without what a proxy's page would bring."""
    try:
        told = json.loads(text)
    except ValueError:
        return ""
    return " ".join(str(told.get("message", "") if isinstance(told, dict) else "").split())


class GitHubHistory:
    """Comparisons of commits of the app's *repository* (``owner/name``)."""

    def __init__(self, api: Api, repository: str) -> None:
        self._api = api
        self._repository = repository

    def compare(self, base: str, head: str) -> Comparison:
        """How *head* stands to *base*, and the commits between, in one call; two where they are more than a page.

        Raises HistoryUnreadable where GitHub gives no answer at all.
        """
        path = self._path(base, head)
        try:
            told = self._compared(path)
        except ApiError as error:
            if error.passing or error.limited:
                raise _unreadable(self._repository, error) from error
            return Comparison(status=None, why=_why(error, self._repository))
        ahead = int(told.get("ahead_by", 0))
        return Comparison(
            status=str(told["status"]),
            ahead_by=ahead,
            behind_by=int(told.get("behind_by", 0)),
            revisions=self._revisions(path, told.get("commits") or (), ahead),
            url=str(told.get("html_url") or ""),
        )

    def _compared(self, path: str) -> Any:
        """The first page, which brings the files too, up to 300 with their patches (REST reference, "Compare two
        commits"). Where GitHub fails over them, the second one alone: it has all that decides."""
        try:
            return self._api.get(path, {"per_page": _PAGE})
        except ApiError as error:
            if error.limited or error.status in (401, 403, 404):
                raise
        return self._api.get(path, {"per_page": 1, "page": 2})

    def _revisions(self, path: str, first: Sequence[Any], ahead: int) -> tuple[Revision, ...]:
        """The last commits, newest first: GitHub lists them oldest first."""
        if ahead <= _PAGE:
            return _newest_first(first if len(first) == ahead else ())
        # A page size by which the last page has at least 20 of them.
        size = next(size for size in range(_PAGE, _SHOWN - 1, -1) if (ahead - 1) % size >= _SHOWN - 1)
        try:
            told = self._api.get(path, {"per_page": size, "page": -(-ahead // size)})
        except ApiError:
            return ()
        return _newest_first(told["commits"])

    def running(self, commit: str) -> tuple[Running, ...]:
        """The runs of *commit* that have not ended ("List workflow runs for a repository"); none where none are told.

        It takes the job's permission ``actions: read``; a run goes on without it.
        """
        try:
            told = self._api.get(f"/repos/{self._repository}/actions/runs", {"head_sha": commit, "per_page": _PAGE})
        except ApiError:
            return ()
        return tuple(
            Running(id=str(row["id"]), event=str(row["event"]), branch=str(row.get("head_branch") or ""))
            for row in told["workflow_runs"]
            if row["status"] != "completed"
        )

    def after(self, commit: str, branch: str) -> tuple[str, ...]:
        """The last commits of *branch* (1,000 at most) after *commit*, oldest first; none where it is not in it.

        Raises HistoryUnreadable where GitHub gives no answer at all.
        """
        count = self.compare(commit, branch)
        if count.status != "ahead":
            return ()
        if len(count.revisions) == count.ahead_by:
            return tuple(revision.sha for revision in reversed(count.revisions))
        last = -(-count.ahead_by // _PAGE)
        pages = range(max(1, last - _MOST_PAGES + 1), last + 1)
        try:
            told = [self._api.get(self._path(commit, branch), {"per_page": _PAGE, "page": page}) for page in pages]
        except ApiError as error:
            raise _unreadable(self._repository, error) from error
        return tuple(str(row["sha"]) for answer in told for row in answer["commits"])

    def _path(self, base: str, head: str) -> str:
        return f"/repos/{self._repository}/compare/{quote(base)}...{quote(head)}"

    def commit_of_tag(self, name: str) -> str | None:
        """The commit (40 hex) that the git tag *name* stands on; None where there is no such tag, or none is told."""
        try:
            return str(self._api.get(f"/repos/{self._repository}/commits/tags/{quote(name)}")["sha"])
        except ApiError as error:
            if error.passing or error.limited:
                raise _unreadable(self._repository, error) from error
            return None


def _newest_first(rows: Sequence[Any]) -> tuple[Revision, ...]:
    found = ((str(row["sha"]), str((row.get("commit") or {}).get("message") or "")) for row in rows)
    return tuple(Revision(sha=sha, subject=(text.splitlines() or [""])[0]) for sha, text in found)[::-1]


def _why(error: ApiError, repository: str) -> str:
    if error.status == 404 and error.message in ("", "Not Found"):
        return f"{repository} has no such commit, or github-token may not read it: 'permissions: contents: read'"
    return f"GitHub answered {error.status} {error.message}".strip()


def _unreadable(repository: str, error: ApiError) -> HistoryUnreadable:
    return HistoryUnreadable(
        f"GitHub did not compare two commits of {repository}: {error.message or error.status}.",
        why="Without it an old run could move a tag or a deployment back. What was pushed by now stays.",
        fix="Run the job again.",
        transient=True,
    )
