"""Tags by docker/metadata-action's rules: each event, each type."""

from __future__ import annotations

import pytest

from ecr_action import inputs
from ecr_action.image import rules
from ecr_action.image.rules import Facts
from tests.builders import REPOSITORY, SHA, make_plan

MAIN = Facts(sha=SHA, branch="main", default=True, date="20261103")
BRANCH = Facts(sha=SHA, branch="feature/a b", date="20261103")
RELEASE = Facts(sha=SHA, tag="v1.2.3")
PRE = Facts(sha=SHA, tag="v2.0.0-rc.1")
PULL = Facts(sha=SHA, pull="7")
NIGHT = Facts(sha=SHA, branch="main", default=True, scheduled=True, date="20261103")

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
    ("type=raw,value=stable", MAIN, "stable"),
    ("type=raw,stable", MAIN, "stable"),
    ("type=raw,value=latest,enable={{is_default_branch}}", MAIN, "latest"),
    ("type=raw,value=latest,enable={{is_default_branch}}", BRANCH, None),
    ("type=raw,value=x,enable=false", MAIN, None),
    ("type=raw,value={{branch}}-{{sha}}-{{date 'YYYYMMDD'}}", MAIN, f"main-{SHA[:7]}-20261103"),
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
        ("type=pep440,pattern={{version}}", "type=pep440"),
        ("type=ref", "event=branch"),
        ("type=semver", "without a pattern"),
        ("type=raw", "without a value"),
        ("type=sha,event=tag", "'event'"),
        ("type=raw,value={{nope}}", "{{nope}}"),
        ("type=raw,value={{date 'DD'}}", "YYYYMMDD"),
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
    text = "type=sha\ntype=raw,value=stable\na,b-{sha7}\ntype=ref,event=tag"
    tags = make_plan("push", "refs/heads/main", payload, tags=text).tags
    assert set(tags.order) >= {f"sha-{SHA[:7]}", "stable", "a", f"b-{SHA[:7]}"}
    assert set(tags.moving) == {"stable", "a", "latest"}
    assert f"sha-{SHA[:7]}" in tags.fixed
