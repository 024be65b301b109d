"""Which of two commits is the newer one, as GitHub tells it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ecr_action.errors import HistoryUnreadable
from ecr_action.github.api import Api, GitHubHistory
from ecr_action.protocols import Revision, Running
from ecr_action.secret import Secret
from lab.github import client, git, setup

from .said import QuickClock, Said
from .web import Reply, serving

_NUMBERS = itertools.count(1)


@dataclass
class App:
    """An app's repository: *first*, *second* on main, *hotfix* on a branch off the first."""

    github: client.GitHub
    name: str
    bare: Path
    first: str
    second: str
    hotfix: str

    def history(self, token: str | None = None) -> GitHubHistory:
        """The history as a job with *token* sees it (None: one that may read)."""
        given = Secret(f"ghs_{self.name}" if token is None else token, "github-token")
        return GitHubHistory(Api(self.github.url, given, Said(), QuickClock()), self.name)


@pytest.fixture
def app(github: client.GitHub) -> Iterator[App]:
    """A repository with two lines of commits."""
    name = f"acme/app{next(_NUMBERS)}"
    bare = github.repository(name, {"a": "1"})
    github.token(f"ghs_{name}", "bot", {name: "read"}, "actions")
    first = setup.head(bare)
    second = setup.commit(bare, {"a": "2"}, "Second")
    setup.branch(bare, "hotfix", first)
    hotfix = setup.commit(bare, {"a": "3"}, "Hotfix", branch="hotfix")
    github.clear_calls()
    yield App(github, name, bare, first, second, hotfix)
    github.clear_faults()


def test_each_status_is_githubs_own(app: App) -> None:
    """The base is what stands, the head is ours."""
    compare = app.history().compare
    assert (compare(app.first, app.second).status, compare(app.first, app.second).ahead_by) == ("ahead", 1)
    assert compare(app.second, app.first).status == "behind"
    assert compare(app.second, app.second).status == "identical"
    assert compare(app.second, app.hotfix).status == "diverged"


def test_one_call_that_brings_the_commits_between(app: App) -> None:
    """Newest first, the first line of each message alone, and GitHub's page of them."""
    third = setup.commit(app.bare, {"a": "3"}, "Third\n\nWith a body")
    told = app.history().compare(app.first, third)
    assert told.revisions == (Revision(sha=third, subject="Third"), Revision(sha=app.second, subject="Second"))
    assert told.url.endswith(f"/{app.name}/compare/{app.first}...{third}")
    assert len(app.github.calls()) == 1
    back = app.history().compare(third, app.first)
    assert (back.behind_by, back.revisions) == (2, ())


@pytest.mark.parametrize("count", [100, 101, 119, 201])
def test_the_last_of_many_commits(app: App, count: int) -> None:
    """At least twenty of them, in a second call where they are more than a page."""
    repo, person, parent = git.Bare(app.bare), git.Person("Ada", "ada@example.com", "1700000000 +0000"), app.second
    tree = repo.write_tree(None, {})
    for number in range(count):
        parent = repo.write_commit(tree, [parent], f"Commit {number}\n", person, person)
    setup.branch(app.bare, "many", parent)
    told = app.history().compare(app.second, parent)
    expected = [f"Commit {number}" for number in range(count)][::-1]
    assert told.ahead_by == count
    assert len(told.revisions) >= 20
    assert [revision.subject for revision in told.revisions] == expected[: len(told.revisions)]
    assert len(app.github.calls()) == (1 if count <= 100 else 2)


def test_a_difference_too_large_for_github_is_compared_without_its_files() -> None:
    """They are on the first page only; what decides is on the second one too."""
    with serving(Reply(422, b'{"message": "too large"}'), Reply(200, b'{"status": "ahead", "ahead_by": 1}')) as web:
        api = Api(web.url, Secret("ghs_x", "github-token"), Said(), QuickClock())
        told = GitHubHistory(api, "o/r").compare("aaa", "bbb")
    assert (told.status, told.ahead_by, told.revisions) == ("ahead", 1, ())
    assert [asked.path for asked in web.asked] == [
        "/repos/o/r/compare/aaa...bbb?per_page=100", "/repos/o/r/compare/aaa...bbb?page=2&per_page=1"
    ]  # fmt: skip


def test_a_short_id_of_what_stands_is_understood(app: App) -> None:
    """GitOps files hold seven characters."""
    assert app.history().compare(app.first[:7], app.second).status == "ahead"


@pytest.mark.parametrize("token", ["ghs_stranger", ""])
def test_what_the_token_may_not_read_is_told_and_decides_nothing(app: App, token: str) -> None:
    """With the permission to write, not as an error."""
    app.github.token("ghs_stranger", "eve", {}, "actions")
    told = app.history(token).compare(app.first, app.second)
    assert told.status is None
    assert "contents: read" in told.why


def test_a_commit_that_is_nowhere_is_told_and_decides_nothing(app: App) -> None:
    """A history that was rewritten, or another repository's commit."""
    told = app.history().compare("f" * 40, app.second)
    assert told.status is None
    assert "no such commit" in told.why


def test_commits_without_a_common_ancestor_are_told_in_githubs_words(app: App) -> None:
    """They are there, so that nobody should look for a permission."""
    repo = git.Bare(app.bare)
    person = git.Person("Ada", "ada@example.com", "1700000000 +0000")
    orphan = repo.write_commit(repo.write_tree(None, {}), [], "Orphan\n", person, person)
    setup.branch(app.bare, "orphan", orphan)
    told = app.history().compare(orphan, app.second)
    assert told.status is None
    assert "No common ancestor" in told.why


def test_github_without_an_answer_is_an_error_that_stops_the_bump(app: App) -> None:
    """Without it an old run could move something back."""
    app.github.fault(path="/compare/", times=None, status=502)
    with pytest.raises(HistoryUnreadable) as failed:
        app.history().compare(app.first, app.second)
    assert failed.value.transient
    assert "ghs_" not in str(failed.value)


def test_an_answer_that_fails_once_is_asked_for_again(app: App) -> None:
    """GitHub's bad moment."""
    app.github.fault(path="/compare/", status=502)
    assert app.history().compare(app.first, app.second).status == "ahead"


def test_a_tags_commit_is_found_whatever_its_name(app: App) -> None:
    """git allows more in a name than an address does."""
    for name in ("v1.0.0", "api/v2", "v1#50%25"):
        setup.tag(app.bare, name, app.first)
        assert app.history().commit_of_tag(name) == app.first
    assert app.history().commit_of_tag("v9") is None


def test_the_commits_of_a_branch_after_one(app: App) -> None:
    """Oldest first, over several pages; none after the last one, none where the commit is not in the branch."""
    after = app.history().after
    later = [setup.commit(app.bare, {"b": str(number)}, f"Commit {number}") for number in range(101)]
    assert after(app.first, "main") == (app.second, *later)
    assert after(later[-3], "main") == tuple(later[-2:])
    assert after(later[-1], "main") == ()
    assert after(app.hotfix, "main") == ()


def test_the_runs_of_a_commit_that_have_not_ended(app: App) -> None:
    """None where the token may not read runs: the caller goes on without."""
    rows = [
        {"id": 1, "head_sha": app.first, "status": "completed"},
        {"id": 2, "head_sha": app.first, "status": "in_progress", "event": "push", "head_branch": "main"},
        {"id": 3, "head_sha": app.second, "status": "queued"},
    ]
    app.github.repository(app.name, runs=rows)
    about = {"permissions": {"actions": "read", "contents": "read"}}
    app.github.token("ghs_reader", "bot", {app.name: "read"}, "actions", **about)
    assert app.history("ghs_reader").running(app.first) == (Running(id="2", event="push", branch="main"),)
    app.github.token("ghs_without", "bot", {app.name: "read"}, "actions", permissions={"contents": "read"})
    assert app.history("ghs_without").running(app.first) == ()
