"""When an image that is there is taken and when another one is built: whole runs."""

from __future__ import annotations

from lab.stage import Stage
from tests.job.seen import keys_of, tags_of, writes
from tests.job.test_publish import NO_GITOPS, ok

ARGUMENTS = "FROM busybox:stable\nARG GREETING=none\nLABEL greeting=$GREETING\nCOPY index.html /\n"


def test_other_build_inputs_make_a_second_image(stage: Stage) -> None:
    """The first one keeps its tags; a re-run finds the second; an argument that is ignored makes none."""
    stage.commit("With an argument", {"Dockerfile": ARGUMENTS})
    first = ok(stage.publish(stage.push_payload(), build_args="GREETING=a", **NO_GITOPS))
    second = ok(stage.publish(stage.push_payload(), build_args="GREETING=b", **NO_GITOPS))
    assert (second.outputs["reused"], second.outputs["tag"].startswith(f"{stage.head[:7]}-r")) == ("false", True)
    assert "was built with another build-args" in second.log
    tags = tags_of(stage)
    assert (tags[stage.head], tags["latest"]) == (first.outputs["digest"], second.outputs["digest"])
    assert set(keys_of(stage).values()) == {first.outputs["digest"], second.outputs["digest"]}
    stage.calls()
    again = ok(stage.publish(stage.push_payload(), build_args="GREETING=b", **NO_GITOPS))
    assert (again.outputs["digest"], again.outputs["tag"]) == (second.outputs["digest"], second.outputs["tag"])
    assert writes(stage.calls()) == []


def test_an_argument_that_is_ignored_makes_no_second_image(stage: Stage) -> None:
    """Such as a build number."""
    stage.commit("With an argument", {"Dockerfile": ARGUMENTS})
    given = {"reuse_ignore": "GREETING", **NO_GITOPS}
    first = ok(stage.publish(stage.push_payload(), build_args="GREETING=a", **given))
    again = ok(stage.publish(stage.push_payload(), build_args="GREETING=b", **given))
    assert (again.outputs["reused"], again.outputs["digest"]) == ("true", first.outputs["digest"])


def test_another_service_of_the_commit_needs_its_own_repository(stage: Stage) -> None:
    """Nothing is built, and no tag moves."""
    stage.commit("Two services", {"svc/Dockerfile": "FROM busybox:stable\nCOPY a /\n", "svc/a": "a"})
    ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    before = tags_of(stage)
    other = stage.publish(stage.push_payload(), context="svc", **NO_GITOPS)
    assert other.exit_code == 1
    assert "E-ECR-TAG" in other.log
    assert "repository: " in other.log
    assert tags_of(stage) == before


def test_by_content_an_unchanged_service_is_not_built_again(stage: Stage) -> None:
    """Another commit elsewhere in the repository gets the same image; a change in the context another one."""
    stage.commit("A service", {"svc/Dockerfile": "FROM busybox:stable\nCOPY a /\n", "svc/a": "a"})
    given = {"context": "svc", "reuse": "content", **NO_GITOPS}
    first = ok(stage.publish(stage.push_payload(), **given))
    stage.commit("Elsewhere", {"README.md": "more words\n"})
    second = ok(stage.publish(stage.push_payload(), **given))
    assert (second.outputs["reused"], second.outputs["digest"]) == ("true", first.outputs["digest"])
    assert tags_of(stage)[stage.head] == tags_of(stage)["latest"] == first.outputs["digest"]
    stage.commit("In the service", {"svc/a": "b"})
    third = ok(stage.publish(stage.push_payload(), **given))
    assert third.outputs["digest"] != first.outputs["digest"]


def test_a_context_that_is_not_in_git_is_reused_by_commit(stage: Stage) -> None:
    """What its content is can't be told; a notice says so."""
    stage.commit("Ignored", {".gitignore": "out/\n"})
    (stage.app / "out").mkdir()
    (stage.app / "out" / "Dockerfile").write_text("FROM busybox:stable\nLABEL a=b\n")
    given = {"context": "out", "reuse": "content", **NO_GITOPS}
    first = ok(stage.publish(stage.push_payload(), **given))
    assert "is not in git" in first.log
    stage.commit("Elsewhere", {"README.md": "more words\n"})
    assert ok(stage.publish(stage.push_payload(), **given)).outputs["reused"] == "false"


def test_never_builds_again_and_so_does_a_schedule(stage: Stage) -> None:
    """The key moves to the new image, which later runs of the commit take."""
    first = ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    second = ok(stage.publish(stage.push_payload(), reuse="never", labels="base=fixed", **NO_GITOPS))
    assert (second.outputs["reused"], tags_of(stage)[stage.head]) == ("false", first.outputs["digest"])
    assert list(keys_of(stage).values()) == [second.outputs["digest"]]
    later = ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    assert (later.outputs["digest"], later.outputs["tag"]) == (second.outputs["digest"], second.outputs["tag"])


def test_uncommitted_changes_are_nobody_elses_image(stage: Stage) -> None:
    """Neither reused nor taken by later runs."""
    (stage.app / "index.html").write_text("changed\n")
    dirty = ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    assert dirty.outputs["tag"].startswith(f"{stage.head[:7]}-r")
    assert stage.head not in tags_of(stage)
    assert keys_of(stage) == {}
    stage._git("checkout", "--quiet", "--", "index.html")
    clean = ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    assert (clean.outputs["reused"], clean.outputs["digest"] != dirty.outputs["digest"]) == ("false", True)
