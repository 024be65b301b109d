"""Which path is answered by what, and the permission that it takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from lab.github import apps, contents, pulls, rest, rest_git, runs
from lab.github.call import Answer, Call


@dataclass(frozen=True)
class Route:
    """*accepted* is GitHub's permission line (`contents=write`); a `write` takes push access to the repository."""

    method: str
    pattern: re.Pattern[str]
    answer: Callable[[Call], Answer]
    accepted: str
    path: str

    @property
    def writes(self) -> bool:
        return self.accepted.endswith("=write")


def _route(method: str, path: str, answer: Callable[[Call], Answer], accepted: str) -> Route:
    # A name ending in `*` takes slashes too: branches and paths have them.
    pattern = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", path)
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
    whole = re.compile(f"/repos/(?P<owner>[^/]+)/(?P<repo>[^/]+){pattern}")
    return Route(method, whole, answer, accepted, f"/repos/{{owner}}/{{repo}}{path}")


def _app(method: str, path: str, answer: Callable[[Call], Answer]) -> Route:
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
    return Route(method, re.compile(pattern), answer, "", path)


READ, WRITE = "contents=read", "contents=write"
LABELS = "issues=write; pull_requests=write"

# Answered to a GitHub App's JWT, which is no token.
APP_ROUTES = (
    _app("GET", "/app", apps.about),
    _app("POST", "/app/installations/{installation}/access_tokens", apps.access_tokens),
    _app("GET", "/repos/{owner}/{repo}/installation", apps.of_repository),
    _app("DELETE", "/installation/token", apps.revoke),
)

ROUTES = (
    _route("GET", "", rest.repository, "metadata=read"),
    _route("GET", "/branches/{branch*}", rest.branch, READ),
    _route("GET", "/commits", rest.commits, READ),
    _route("GET", "/commits/{ref}/pulls", pulls.of_commit, "pull_requests=read"),
    _route("GET", "/commits/{ref*}", rest.commit, READ),
    _route("GET", "/compare/{basehead*}", rest.compare, READ),
    _route("GET", "/contents/?", rest.contents, READ),
    _route("GET", "/contents/{path*}", rest.contents, READ),
    _route("PUT", "/contents/{path*}", contents.put, WRITE),
    _route("GET", "/tarball", rest.tarball, READ),
    _route("GET", "/tarball/{ref*}", rest.tarball, READ),
    _route("GET", "/rules/branches/{branch*}", rest.branch_rules, "metadata=read"),
    _route("GET", "/git/trees/{sha*}", rest_git.tree, READ),
    _route("POST", "/git/trees", rest_git.create_tree, WRITE),
    _route("GET", "/git/blobs/{sha}", rest_git.blob, READ),
    _route("POST", "/git/blobs", rest_git.create_blob, WRITE),
    _route("POST", "/git/commits", rest_git.create_commit, WRITE),
    _route("GET", "/git/ref/{ref*}", rest_git.reference, READ),
    _route("POST", "/git/refs", rest_git.create_reference, WRITE),
    _route("PATCH", "/git/refs/{ref*}", rest_git.update_reference, WRITE),
    _route("DELETE", "/git/refs/{ref*}", rest_git.delete_reference, WRITE),
    _route("GET", "/pulls", pulls.listing, "pull_requests=read"),
    _route("POST", "/pulls", pulls.create, "pull_requests=write"),
    _route("GET", "/pulls/{number}", pulls.one, "pull_requests=read"),
    _route("PATCH", "/pulls/{number}", pulls.update, "pull_requests=write"),
    _route("GET", "/pulls/{number}/merge", pulls.is_merged, "pull_requests=read"),
    _route("PUT", "/pulls/{number}/merge", pulls.merge, WRITE),
    _route("GET", "/issues/{number}/labels", pulls.labels, "issues=read; pull_requests=read"),
    _route("POST", "/issues/{number}/labels", pulls.labels, LABELS),
    _route("PUT", "/issues/{number}/labels", pulls.labels, LABELS),
    _route("GET", "/actions/runs", runs.listing, "actions=read"),
    _route("GET", "/actions/runs/{run}", runs.one, "actions=read"),
    _route("GET", "/git/matching-refs/{ref*}", rest_git.matching, READ),
)


def find_app(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route of a GitHub App's own request, None when it is none."""
    for route in APP_ROUTES:
        match = route.pattern.fullmatch(path)
        if match and route.method == method:
            return route, match.groupdict()
    return None


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route of a request and the parts of its path, None when there is none."""
    for route in ROUTES:
        match = route.pattern.fullmatch(path)
        if match and route.method == method:
            return route, match.groupdict()
    return None
