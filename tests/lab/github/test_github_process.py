"""The server as a process: start, stop, restart, and the clients that people use."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import github as pygithub

from lab.github import client, git, setup


def test_state_survives_a_restart(tmp_path: Path) -> None:
    """Tokens, ids, settings, pull requests and commits are there after a stop."""
    with client.running(tmp_path) as first:
        bare = first.repository("acme/shop", {"a": "1"}, archived=True)
        first.token("secret", "ada", {"acme/shop": "write"})
        before = first.request("GET", "/repos/acme/shop", "secret").json
    with client.running(tmp_path) as second:
        after = second.request("GET", "/repos/acme/shop", "secret").json
        other = second.repository("acme/other")
        assert second.request("GET", "/repos/acme/shop/branches/main", "secret").status == 200
    assert (after["id"], after["owner"]["id"], after["archived"]) == (before["id"], before["owner"]["id"], True)
    assert setup.read(bare, "a") == b"1"
    assert other.is_dir()


def test_stops_on_sigterm_within_two_seconds(tmp_path: Path) -> None:
    """A client that keeps its connection open does not hold it up."""
    argv = [sys.executable, "-m", "lab.github", "--state", str(tmp_path), "--port", "0"]
    with subprocess.Popen(argv, cwd=client.ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        lab = client.GitHub(url, tmp_path)
        assert lab.request("GET", "/_lab/health").json == {"status": "ok"}
        assert lab.environment["GITHUB_API_URL"] == url
        asked = time.monotonic()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(5) == 0
        assert time.monotonic() - asked < 2


def test_repository_put_on_disk_by_other_means_is_adopted(place: Any) -> None:
    """The demo makes repositories with git before the server looks."""
    setup.create(place.github.state, "acme/adopted", {"a": "1"}, date="1700000000 +0000")
    place.github.token("adopter", "ada", {"acme/adopted": "read"})
    assert place.github.request("GET", "/repos/ACME/Adopted", "adopter").json["full_name"] == "acme/adopted"


def test_fixed_date_gives_a_fixed_commit(tmp_path: Path) -> None:
    """The demo's repositories have the same commits on every machine."""
    heads = {
        setup.head(setup.create(tmp_path / folder, "acme/app", {"a": "1"}, date="1700000000 +0000"))
        for folder in ("one", "two")
    }
    assert len(heads) == 1


def test_pygithub_reads_and_commits(place: Any) -> None:
    """The client library of the action meets nothing that it does not know."""
    api = pygithub.Github(
        base_url=place.github.url, auth=pygithub.Auth.Token(place.token), seconds_between_requests=None,
        seconds_between_writes=None,
    )  # fmt: skip
    repo, old = api.get_repo(place.full_name), place.head()
    _, made = repo.requester.graphql_named_mutation(
        "createCommitOnBranch",
        {
            "branch": {"repositoryNameWithOwner": place.full_name, "branchName": "main"}, "expectedHeadOid": old,
            "message": {"headline": "bump"},
            "fileChanges": {"additions": [{"path": "a", "contents": base64.b64encode(b"1").decode()}]},
        },
        "commit { oid }",
    )  # fmt: skip
    assert made == {"commit": {"oid": place.head()}}
    assert repo.compare(old, made["commit"]["oid"]).status == "ahead"
    assert [element.path for element in repo.get_git_tree("main", recursive=True).tree] == [
        "README.md", "a", "app", "app/deploy.yaml"]  # fmt: skip
    assert repo.get_contents("a").decoded_content == b"1"  # type: ignore[union-attr]


def test_git_clones_and_pushes_over_http(place: Any, tmp_path: Path) -> None:
    """git's own protocol with a token as password; a reader may not push."""
    place.github.token("reader", "eve", {place.full_name: "read"})

    def run(*argv: str, token: str = "", cwd: Path = tmp_path) -> int:
        header = base64.b64encode(f"x-access-token:{token or place.token}".encode()).decode()
        variables = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader",
                     "GIT_CONFIG_VALUE_0": f"Authorization: Basic {header}", "no_proxy": "127.0.0.1"}  # fmt: skip
        return subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *argv], cwd=cwd, capture_output=True,
            env=git.environment() | variables, check=False,
        ).returncode  # fmt: skip

    assert run("clone", "-q", f"{place.github.url}/{place.full_name}.git", "work") == 0
    work = tmp_path / "work"
    (work / "new").write_text("1")
    assert run("add", "new", cwd=work) == run("commit", "-qm", "new", cwd=work) == 0
    assert run("push", "-q", cwd=work, token="reader") != 0
    assert run("push", "-q", cwd=work) == 0
    assert setup.log(place.bare)[0].subject == "new"


def test_work_tree_is_pushed_by_the_helper(place: Any, tmp_path: Path) -> None:
    """The demo pushes its app with one call."""
    for argv in (["init", "-q", "-b", "main"], ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q",
                                               "--allow-empty", "-m", "first"]):  # fmt: skip
        subprocess.run(["git", "-C", str(tmp_path), *argv], check=True, env=git.environment())
    bare = setup.create(place.github.state, "acme/pushed")
    assert setup.log(bare) == []
    setup.push(tmp_path, bare)
    assert [row.subject for row in setup.log(bare)] == ["first"]
