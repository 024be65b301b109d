"""Tags by docker/metadata-action's rules: each event, each type."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ecr_action import inputs
from ecr_action.image import rules
from ecr_action.image.rules import Facts
from tests.builders import REPOSITORY, SHA, make_plan, try_plan

NOW = datetime(2026, 11, 3, 23, 30, 5, tzinfo=timezone.utc)
COMMITTED = datetime(2026, 7, 9, 4, 5, 6, tzinfo=timezone.utc)
MAIN = Facts(sha=SHA, branch="main", default=True, now=NOW, committed=COMMITTED)
BRANCH = Facts(sha=SHA, branch="feature/a b", now=NOW, committed=COMMITTED)
RELEASE = Facts(sha=SHA, tag="v1.2.3")
PRE = Facts(sha=SHA, tag="v2.0.0-rc.1")
PULL = Facts(sha=SHA, pull="7", base="release/2")
NIGHT = Facts(sha=SHA, branch="main", default=True, scheduled=True, now=NOW, committed=COMMITTED)

TABLE = [
    ("type=sha", MAIN, f"sha-{SHA[:7]}"),
    ("type=sha,format=long", MAIN, f"sha-{SHA}"),
    ("type=sha,prefix=", MAIN, SHA[:7]),
    ("type=ref,event=branch", BRANCH, "feature-a-b"),
    ("type=ref,event=branch", RELEASE, None),
    ("type=ref,event=tag", RELEASE, "v1.2.3"),
    ("type=ref,event=pr", PULL, "pr-7"),
    ("type=ref,event=pr,prefix=mr-,suffix=-x", PULL, "mr-7-x"),
    ("type=ref,event=pr", MAIN, None),
    ("type=semver,pattern={{version}}", RELEASE, "1.2.3"),
    ("type=semver,pattern={{major}}.{{minor}}", RELEASE, "1.2"),
    ("type=semver,pattern=v{{major}}", RELEASE, "v1"),
    ("type=semver,pattern={{raw}}", PRE, "v2.0.0-rc.1"),
    ("type=semver,pattern={{major}}.{{minor}}", PRE, "2.0.0-rc.1"),
    ("type=semver,pattern={{version}},value=v3.4.5", MAIN, "3.4.5"),
    ("type=semver,pattern={{version}}", Facts(sha=SHA, tag="v1.2"), None),
    ("type=semver,pattern={{version}}", MAIN, None),
    ("type=semver,pattern={{version}}", Facts(sha=SHA, tag="api/v1.2.3"), None),
    (r"type=semver,pattern={{version}},match=v\d+\.\d+\.\d+$", Facts(sha=SHA, tag="api/v1.2.3"), "1.2.3"),
    (r"type=semver,pattern={{major}},match=/^api\/(.*)$/", Facts(sha=SHA, tag="api/v1.2.3"), "1"),
    ("type=pep440,pattern={{version}}", RELEASE, "1.2.3"),
    ("type=pep440,pattern={{major}}.{{minor}}", Facts(sha=SHA, tag="1.2"), "1.2"),
    ("type=pep440,pattern={{major}}.{{minor}}", Facts(sha=SHA, tag="1.2.3rc4"), "1.2.3rc4"),
    ("type=pep440,pattern={{major}}.{{minor}}", Facts(sha=SHA, tag="1.2.3.post1"), "1.2"),
    ("type=pep440,pattern={{version}}", Facts(sha=SHA, tag="1.2.3-beta"), None),
    ("type=raw,value=stable", MAIN, "stable"),
    ("type=raw,value=for-{{base_ref}}", PULL, "for-release-2"),
    ("type=raw,stable", MAIN, "stable"),
    ("type=raw,value=latest,enable={{is_default_branch}}", MAIN, "latest"),
    ("type=raw,value=latest,enable={{is_default_branch}}", BRANCH, None),
    ("type=raw,value=x,enable=false", MAIN, None),
    ("type=raw,value={{branch}}-{{sha}}-{{date 'YYYYMMDD'}}", MAIN, f"main-{SHA[:7]}-20261103"),
    ("type=raw,value={{date 'YYYY-MM-DD HH:mm:ss'}}", MAIN, "2026-11-03-23-30-05"),
    ("type=raw,value={{date 'D[th]' tz='Asia/Tokyo'}}", MAIN, "4th"),
    ("type=raw,value={{commit_date 'YYMMDD-hhA'}}", MAIN, "260709-04AM"),
    ("type=schedule", NIGHT, "nightly"),
    ("type=schedule,pattern={{date 'YYYYMMDD'}}", NIGHT, "20261103"),
    ("type=schedule", MAIN, None),
    ("type=edge", MAIN, "edge"),
    ("type=edge,branch=main", BRANCH, None),
    ("type=edge", RELEASE, None),
    (r"type=match,pattern=v(\d+)\.(\d+),group=1", RELEASE, "1"),
    (r"type=match,pattern=/V(.*)/i,group=1", RELEASE, "1.2.3"),
    (r"type=match,pattern=\d{8}", RELEASE, None),
]


@pytest.mark.parametrize(("line", "facts", "expected"), TABLE)
def test_a_rule_gives_its_tag(line: str, facts: Facts, expected: str | None) -> None:
    """Or none, where it is for another event."""
    assert rules.tag(rules.parse(line), facts) == expected


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("type=calver,pattern={{version}}", "type=calver"),
        ('"type=sha" format=long', "there are ref"),
        ("type=pep440", "without a pattern"),
        ("type=semver,pattern={{version}},match=(", "can't be read"),
        ("type=raw,value={{date 'YYYY' tz='Mars/Olympus'}}", "Mars/Olympus"),
        ("type=ref", "event=branch"),
        ("type=semver", "without a pattern"),
        ("type=raw", "without a value"),
        ("type=sha,event=tag", "'event'"),
        ("type=raw,value={{nope}}", "{{nope}}"),
        ("type=raw,value={{date 'QQ'}}", "'Q' in a date"),
        ("type=match,pattern=(", "can't be read"),
        ("type=match,pattern=x,group=1", "group=1"),
    ],
)
def test_a_rule_that_is_wrong_is_an_error(line: str, said: str) -> None:
    """metadata-action warns of some of these and makes no tag."""
    _, problems = inputs.parse({"tags": line})
    assert [problem.name for problem in problems] == ["tags"]
    assert said in str(problems[0])


def test_rules_plain_tags_and_commas_together() -> None:
    """A block that is copied keeps its commas; the tags move or stay by what they are."""
    payload = {"repository": {"full_name": REPOSITORY, "default_branch": "main"}}
    text = "type=sha\n# of our own\ntype=raw,value=stable\na,b-{sha7}\ntype=ref,event=tag"
    tags = make_plan("push", "refs/heads/main", payload, tags=text).tags
    assert set(tags.order) >= {f"sha-{SHA[:7]}", "stable", "a", f"b-{SHA[:7]}"}
    assert set(tags.moving) == {"stable", "a", "latest"}
    assert f"sha-{SHA[:7]}" in tags.fixed


def test_blanks_without_an_end_are_read_in_no_time() -> None:
    """A pattern that takes blanks in two places would try each split of them."""
    assert rules.tag(rules.parse("type=raw,value={{" + " " * 50_000 + "x"), MAIN)


def test_a_branch_named_like_a_version_moves_on() -> None:
    """A tag that is a version by itself never does, wherever it comes from."""
    payload = {"repository": {"full_name": REPOSITORY, "default_branch": "main"}}
    text = "type=ref,event=branch\nx-{branch}"
    tags = make_plan("push", "refs/heads/release/1.2.0", payload, tags=text).tags
    assert {"release-1.2.0", "x-release-1.2.0"} <= set(tags.moving)
    assert "v2.0.0" in make_plan("push", "refs/heads/v2.0.0", payload, tags=text).tags.versions


HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def test_a_full_reference_of_this_repository_is_its_tag() -> None:
    """As docker/build-push-action's `tags` are written; beside plain ones."""
    payload = {"repository": {"full_name": REPOSITORY, "default_branch": "main"}}
    text = f"{HOST}/hello-node:edge\n{HOST}/hello-node:b-{{sha7}},plain"
    tags = make_plan("push", "refs/heads/main", payload, tags=text, aws_region="eu-west-1").tags
    assert set(tags.moving) == {"edge", "plain", "latest"}
    assert f"b-{SHA[:7]}" in tags.fixed


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"{HOST}/other:edge", "'other'"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/hello-node:edge", "us-east-1"),
        ("210987654321.dkr.ecr.eu-west-1.amazonaws.com/hello-node:edge", "210987654321"),
    ],
)
def test_a_reference_of_another_place_is_an_error(line: str, said: str) -> None:
    """It would be another image in another place."""
    payload = {"repository": {"full_name": REPOSITORY, "default_branch": "main"}}
    given = {"tags": line, "aws_region": "eu-west-1", "role_to_assume": "arn:aws:iam::123456789012:role/push"}
    _, problems = try_plan("push", "refs/heads/main", payload, **given)
    assert [problem.name for problem in problems] == ["tags"]
    assert said in str(problems[0])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("docker.io/library/app:1", "Amazon ECR alone"),
        (f"{HOST}/hello-node", "no tag"),
        (f"{HOST}/hello-node:deployed-prod", "for itself"),
    ],
)
def test_a_reference_that_can_not_be_is_refused_with_the_inputs(line: str, said: str) -> None:
    """Before any effect."""
    _, problems = inputs.parse({"tags": line})
    assert said in str(problems[0])
