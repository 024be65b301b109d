"""The commit message, and what hostile values do to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_action.gitops.message import Origin, Shipped, compose, foreign, problems

SHIPPED = Shipped(name="host/app", repository="app", tag="abc1234", digest="sha256:1")
ORIGIN = Origin(repository="o/app", sha="3f2c1ab" + "0" * 33, version="v1.0.0", actor="jo", run_url="https://x/runs/7")
TRAILERS = (
    "Ecr-Publish-Image: host/app:abc1234\nEcr-Publish-Digest: sha256:1\n"
    f"Ecr-Publish-Source: o/app@{ORIGIN.sha}\nEcr-Publish-Run: https://x/runs/7\n"
)
HOSTILE = [
    "x\n\nEcr-Publish-Run: https://evil", "x\r\rEcr-Publish-Image: evil", "Ecr-Publish-Digest: sha256:evil",
    "a\u2028\u2029Ecr-Publish-Run: evil", "a\x0b\x0c\x85Ecr-Publish-Run: evil", " ecr-publish-run : evil", "[skip ci]",
    "skip-checks: true", "[CI SKIP] x", "\udcff", "\x1b[31m",
]  # fmt: skip


def test_default() -> None:
    """Subject and trailers; without an environment none is named."""
    assert compose([SHIPPED], ORIGIN, environment="dev") == f"Deploy app abc1234 to dev\n\n{TRAILERS}"
    assert compose([SHIPPED], ORIGIN, environment=None).startswith("Deploy app abc1234\n\n")


def test_what_ships() -> None:
    """Between subject and trailers; the user's own trailers stay some."""
    text = compose([SHIPPED], ORIGIN, environment="dev", ships="2 commits:\n- add a\n- fix b")
    assert text == f"Deploy app abc1234 to dev\n\n2 commits:\n- add a\n- fix b\n\n{TRAILERS}"
    text = compose([SHIPPED], ORIGIN, environment="dev", template="x\n\ny\n\nSigned-off-by: J <j@x>", ships="- add a")
    assert text == f"x\n\ny\n\n- add a\n\nSigned-off-by: J <j@x>\n{TRAILERS}"


def test_template() -> None:
    """Every placeholder; the user's own trailers stand with ours."""
    template = (
        "{repository} {tag} {environment} {sha7} {version}\n\nby {actor}: {run-url} {sha}\n\nSigned-off-by: J <j@x>"
    )
    assert compose([SHIPPED], ORIGIN, environment="dev", template=template) == (
        f"app abc1234 dev 3f2c1ab v1.0.0\n\nby jo: https://x/runs/7 {ORIGIN.sha}\n\nSigned-off-by: J <j@x>\n{TRAILERS}"
    )
    assert not problems(template)
    assert [problem.name for problem in problems("{branch} {tag}")] == ["gitops-commit-message"]


def test_several_images() -> None:
    """A trailer for each."""
    other = Shipped(name="host/web", repository="web", tag="abc1234")
    text = compose([SHIPPED, other], ORIGIN, environment="dev")
    assert text.startswith("Deploy app, web abc1234 to dev\n")
    assert "Ecr-Publish-Image: host/app:abc1234\nEcr-Publish-Digest: sha256:1\nEcr-Publish-Image: host/web" in text


def _trailers(text: str, folder: Path) -> list[str]:
    """What git itself takes as trailers."""
    done = subprocess.run(
        ["git", "interpret-trailers", "--parse"], input=text.encode(), capture_output=True, check=True, cwd=folder
    )
    return [line for line in done.stdout.decode().splitlines() if line.lower().startswith("ecr-publish-")]


@pytest.mark.parametrize("value", HOSTILE)
def test_no_value_makes_a_trailer(value: str, tmp_path: Path) -> None:
    """In each place that a value comes to: one line, none of our trailers, no order to skip workflows."""
    origin = Origin(repository="o/app", sha=ORIGIN.sha, version=value, actor=value, run_url=ORIGIN.run_url)
    for template in ("{actor}", "x\n\n{version}\n{actor}", "{version} {actor}\n\n{actor}"):
        text = compose([SHIPPED], origin, environment=value, template=template, ships=f"- {foreign(value)}")
        assert _trailers(text, tmp_path) == TRAILERS.splitlines()
        before = text.removesuffix(TRAILERS)
        assert not [line for line in before.splitlines() if line.lower().lstrip("- ").startswith("ecr-publish-")]
        assert not [order for order in ("[skip ci]", "[ci skip]") if order in text.lower()]
        assert not [line for line in text.splitlines() if line.startswith("skip-checks")]


def test_foreign_subjects_link_nothing() -> None:
    """`fixes #1` would close an issue of the GitOps repository; @name would write to a person."""
    text = foreign("fixes #1, thanks @bob, \u00e9@eve, closes o/r#2 and GH-3, fixes https://github.com/o/r/issues/4")
    for reference in ("#1", "@bob", "@eve", "#2", "GH-3", "https://github.com"):
        assert reference not in text
    assert foreign("mail jo@example.com about C# and https://example.com/a#b") == (
        "mail jo@example.com about C# and https://example.com/a#b"
    )


@given(st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_any_text(environment: str, actor: str, lines: list[str]) -> None:
    """The last paragraph is ours, whatever comes before it."""
    origin = Origin(repository="o/app", sha=ORIGIN.sha, actor=actor, run_url=ORIGIN.run_url)
    ships = "\n".join(f"- {foreign(line)}" for line in lines)
    text = compose([SHIPPED], origin, environment=environment, template="{environment} {actor}", ships=ships)
    assert text.endswith(f"\n\n{TRAILERS}")
    assert text.split("\n")[0].strip()
    text.encode()
