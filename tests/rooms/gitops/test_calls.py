"""How often GitHub is asked for one roll-out, compare in the app's repository included; redirects are not counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ecr_action import environment
from ecr_action.errors import EnvironmentUnclear, Failure, GitOpsAccess, GitOpsMissing, GitOpsParse
from ecr_action.report import RolledOut
from lab.github import client, git, setup

from .job import HOST, roll_out_of
from .place import Place, place_in

APP = "acme/counted"
MANIFEST = "applications/workloads/shop/counted/deployment.yaml"
READ, WRITE = ["repository", "trees", "tarball"], ["compare", "createCommitOnBranch"]
AGAIN = ["repository", "createCommitOnBranch"]


def pod(tag: str) -> str:
    """The app's manifest."""
    return f"kind: Pod\nmetadata: {{name: counted}}\nspec:\n  containers:\n    - image: {HOST}/counted:{tag} # ours\n"


@pytest.fixture(scope="module")
def commits(github: client.GitHub) -> tuple[str, str]:
    """Two commits of the app: what is deployed, and what is to be."""
    bare = github.repository(APP, {"Dockerfile": "FROM scratch\n"})
    return setup.head(bare), setup.commit(bare, {"x": "1\n"}, "Second")


@pytest.fixture(scope="module")
def large(github: client.GitHub) -> Place:
    """A repository of 5,000 files, none of which mentions the app; made by one process of git, into one pack."""
    place = place_in(github, empty=True)
    person = "Ada <ada@example.com> 1700000000 +0000"
    parts = [f"commit refs/heads/main\ncommitter {person}\ndata 7\nInitial\n"]
    for number in range(5000):
        text = f"image: registry/other:{number}\n"
        path = f"applications/workloads/ns{number % 50}/app{number}/deployment.yaml"
        parts.append(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n")
    git.Bare(place.bare).run("fast-import", "--quiet", stdin="".join(parts).encode())
    return place


@pytest.fixture
def run(github: client.GitHub, commits: tuple[str, str], tmp_path: Path) -> Callable[..., RolledOut]:
    """One roll-out into a place, with *inputs* beside the usual ones."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"repository": {"full_name": APP, "default_branch": "main"}}))

    def once(place: Place, meanwhile: Callable[[], object] = lambda: None, **inputs: str) -> RolledOut:
        github.token("ghs_counted", "bot", {APP: "read"}, "actions")
        given = {
            "aws-region": "us-east-1",
            "gitops-repository": place.name,
            "gitops-token": place.token,
            "github-token": "ghs_counted",
        }
        given |= {name.replace("_", "-"): text for name, text in inputs.items()}
        job = {
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_SHA": commits[1],
            "GITHUB_REPOSITORY": APP,
            "GITHUB_API_URL": github.url,
            "GITHUB_EVENT_PATH": str(event),
            "ECR_PUBLISH_INPUTS": json.dumps(given),
        }
        github.clear_calls()
        started = environment.read(job, [])
        return roll_out_of(started, place.said, meanwhile=meanwhile, clock=place.clock, chance=lambda: 0.25)

    return once


def test_five_calls_where_the_file_is_searched_among_five_thousand(
    large: Place, run: Callable[..., RolledOut], commits: tuple[str, str]
) -> None:
    """Head, tree, archive, compare, commit; what was read before the build is not read again after it.

    With the file's name they are three, and where somebody else commits meanwhile two more.
    """
    large.commit({MANIFEST: pod(commits[0])})
    assert run(large).commit is not None
    assert large.calls() == READ + WRITE
    assert large.read(MANIFEST).decode() == pod(commits[1][:7])

    large.commit({MANIFEST: pod(commits[0])})
    assert run(large, gitops_files=MANIFEST).commit is not None
    assert large.calls() == ["repository", *WRITE]

    large.commit({MANIFEST: pod(commits[0])})
    assert run(large, lambda: large.commit({"other.yaml": "a: 1\n"})).commit is not None
    assert large.calls() == READ + WRITE + AGAIN
    assert large.subjects()[1:3] == ["Somebody else", "Somebody else"]
    assert large.read(MANIFEST).decode() == pod(commits[1][:7])


BAD: list[tuple[dict[str, str], dict[str, str], type[Failure]]] = [
    ({"pod.yaml": "PODa: b: c\n"}, {}, GitOpsParse),
    ({"pod.yaml": "POD"}, {"gitops_files": "none/*.yaml"}, GitOpsMissing),
    ({"base/pod.yaml": "POD", "overlays/prod/x.yaml": "resources: [../../base]\n"}, {}, EnvironmentUnclear),
    ({"pod.yaml": "POD"}, {"gitops_repository": "acme/nowhere"}, GitOpsAccess),
]


@pytest.mark.parametrize(("files", "inputs", "kind"), BAD, ids=[row[2].code for row in BAD])
def test_what_is_wrong_is_told_before_the_build_but_for_a_repository_that_may_come(
    github: client.GitHub, run: Callable[..., RolledOut], commits: tuple[str, str],
    files: dict[str, str], inputs: dict[str, str], kind: type[Failure],
) -> None:  # fmt: skip
    """The build has not begun by then; for what is not there it has, and two minutes were waited after it."""
    place = place_in(github, {path: text.replace("POD", pod(commits[0])) for path, text in files.items()})
    built: list[bool] = []
    with pytest.raises(kind):
        run(place, lambda: built.append(True), **inputs)
    late = kind is GitOpsAccess
    assert (built, 110 < sum(place.clock.slept) <= 120) == ([True] if late else [], late)
    assert place.subjects() == ["Initial commit"]


def test_a_repository_that_is_made_after_the_build_is_rolled_out_to(
    github: client.GitHub, run: Callable[..., RolledOut], commits: tuple[str, str]
) -> None:
    """A minute later it is there, empty; half a minute after that it has its manifests."""
    place = place_in(github, empty=True)
    github.repository(place.name, hidden_calls=5)

    def scaffold() -> None:
        if len(place.clock.slept) == 8:
            place.commit({MANIFEST: pod(commits[0])})

    place.clock.meanwhile = scaffold
    assert run(place).commit is not None
    assert place.read(MANIFEST).decode() == pod(commits[1][:7])
    assert sum(place.clock.slept) == 40
