"""Never backwards: what may replace what."""

from __future__ import annotations

import pytest

from ecr_action.gitops.superseded import Ours, Standing, verdict
from ecr_action.image import version
from ecr_action.protocols import Comparison


def _ours(tag: str) -> Ours:
    return Ours(commit="c" * 40, version=version.of_tag(tag), release=version.of_tag(tag) is not None)


def _standing(tag: str | None, environment: str | None = "dev") -> Standing:
    return Standing(tag=tag, version=version.of_tag(tag or ""), file_environment=environment, file="a.yaml")


# ours, what stands, its file's environment, GitHub's answer: (go, level)
TABLE = [
    ("abc1234", "def5678", "dev", "ahead", True, "info"),
    ("abc1234", "def5678", "dev", "identical", True, "info"),
    ("abc1234", "def5678", "dev", "behind", False, "notice"),
    ("abc1234", "def5678", "dev", "diverged", True, "notice"),
    ("abc1234", "def5678", "dev", None, True, "notice"),
    ("abc1234", "def5678", "dev", "no answer", True, "notice"),
    ("abc1234", None, "dev", None, True, "info"),
    ("abc1234", "v1.0.0", "dev", "ahead", True, "info"),
    ("abc1234", "v1.0.0", "dev", "behind", False, "notice"),
    # releases: the version decides, whatever the commits say
    ("v1.1.0", "v1.0.0", "prod", "behind", True, "info"),
    ("v1.0.0", "v1.0.0", "prod", "behind", True, "info"),
    ("v1.0.1", "v1.1.0", "prod", "ahead", False, "warning"),
    ("v1.10.0", "v1.9.0", "prod", "diverged", True, "info"),
    ("v1.0.0", "v1.0.0-rc.1", "prod", "identical", True, "info"),
    ("v1.0.0-rc.2", "v1.0.0", "staging", "ahead", False, "warning"),
    ("v1.0.0-rc.2", "v1.0.0-rc.10", "staging", "ahead", False, "warning"),
    ("v1.0.0", "abc1234", "prod", "behind", True, "info"),
    # a file of no environment has one stream
    ("abc1234", "v1.0.0", None, "ahead", False, "notice"),
    ("v1.1.0-rc.1", "v1.0.0", None, "ahead", False, "notice"),
    ("v1.1.0", "v1.0.0", None, "ahead", True, "info"),
    ("v0.9.0", "v1.0.0", None, "ahead", False, "warning"),
    ("abc1234", "v1.0.0-rc.1", None, "ahead", True, "info"),
    ("abc1234", "def5678", None, "ahead", True, "info"),
]


@pytest.mark.parametrize(("ours", "stands", "environment", "status", "go", "level"), TABLE)
def test_who_may_replace_whom(
    ours: str, stands: str | None, environment: str | None, status: str | None, go: bool, level: str
) -> None:
    """Branches by their commits, releases by their versions."""
    answer = Comparison(status=None if status == "no answer" else status) if status else None
    found = verdict(_ours(ours), _standing(stands, environment), answer, allow=False)
    assert (found.go, found.level) == (go, level)
    assert bool(found.notice) == (level != "info")


@pytest.mark.parametrize(
    ("ours", "stands", "status", "newer"),
    [
        ("abc1234", "def5678", "ahead", True),
        *(("abc1234", "def5678", status, False) for status in ("identical", "behind", "diverged", None, "no answer")),
        ("abc1234", "v1.0.0", "diverged", False),
        ("v1.1.0", "v1.0.0", "diverged", True),
        ("v1.0.0", "v1.0.0-rc.1", None, True),
        ("v1.0.0", "v1.0.0", "ahead", False),
        ("v1.0.0", "v1.1.0", "ahead", False),
        ("v1.0.0", "abc1234", "ahead", True),
        ("v1.0.0", "abc1234", None, False),
    ],
)
def test_what_is_known_to_be_newer(ours: str, stands: str, status: str | None, newer: bool) -> None:
    """A higher version, or a commit that has the other one behind it: nothing less."""
    answer = Comparison(status=None if status == "no answer" else status) if status else None
    assert verdict(_ours(ours), _standing(stands), answer, allow=False).newer is newer


@pytest.mark.parametrize(("ours", "stands", "environment", "status", "go", "level"), TABLE)
def test_a_person_may_go_back(
    ours: str, stands: str | None, environment: str | None, status: str | None, go: bool, level: str
) -> None:
    """Naming the image is consent."""
    answer = Comparison(status=None if status == "no answer" else status) if status else None
    assert verdict(_ours(ours), _standing(stands, environment), answer, allow=True).go


def test_the_notice_of_the_stream_has_the_lines_that_change_it() -> None:
    """First what happened, then both ways out, ready to paste."""
    notice = verdict(_ours("abc1234"), _standing("v1.0.0", None), None, allow=False).notice
    assert notice.startswith("NOT DEPLOYED: v1.0.0 is out")
    assert "gitops-files: 'dev: a.yaml'" in notice
    assert "gitops-files: 'prod: a.yaml'" in notice


def test_the_same_image_stays() -> None:
    """On a branch, where the digest is known; a release takes its tag all the same."""
    standing = Standing(tag="def5678", digest="sha256:x", file_environment="dev")
    assert not verdict(Ours(commit="c", digest="sha256:x"), standing, None, allow=False).go
    release = Ours(commit="c", version=version.parse("1.0.0"), release=True, digest="sha256:x")
    assert verdict(release, standing, None, allow=False).go
