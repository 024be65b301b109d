"""When an image that is there is taken and when another one is built: whole runs."""

from __future__ import annotations

import uuid
from pathlib import Path

from lab.stage import Stage
from tests.job.seen import described, keys_of, push_again_in_the_past, tags_of, writes
from tests.job.test_deploy import NO_ENGINE
from tests.job.test_publish import NO_GITOPS, copy_of, ok, while_it_builds

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


def test_a_release_of_an_index_needs_no_engine(stage: Stage) -> None:
    """The same digest with all that it names, by the registry's API alone, on a machine without an engine."""
    stage.commit("No commands", {"Dockerfile": "FROM scratch\nCOPY index.html /\n"})
    platforms = {"platforms": "linux/amd64,linux/arm64", **NO_GITOPS}
    first = ok(stage.publish(stage.push_payload(), **platforms))
    stage.calls()
    release = ok(
        stage.publish(stage.push_payload("refs/tags/v1.2.3"), ref="refs/tags/v1.2.3", variables=NO_ENGINE, **platforms)
    )
    assert not any(call.startswith("registry:") or call == "ecr:GetAuthorizationToken" for call in stage.calls())
    assert release.outputs["digest"] == tags_of(stage)["v1.2.3"] == first.outputs["digest"]


def test_an_immutable_repository_that_the_run_creates(stage: Stage) -> None:
    """What has to move may move; the output says what it is; a re-run of the commit and the next one succeed."""
    first = ok(stage.publish(stage.push_payload(), tag_mutability="immutable"))
    assert first.outputs["tag-mutability"] == described(stage)["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    filters = [row["filter"] for row in described(stage)["imageTagMutabilityExclusionFilters"]]
    assert filters == ["latest", "deployed-*", "buildcache*", "key-*", "sha256-*"]
    again = ok(stage.publish(stage.push_payload()))
    assert (again.outputs["reused"], again.outputs["digest"]) == ("true", first.outputs["digest"])
    stage.commit("Second", {"index.html": "revision 2\n"})
    second = ok(stage.publish(stage.push_payload()))
    tags = tags_of(stage)
    assert tags["latest"] == tags["deployed-dev"] == second.outputs["digest"]
    assert "tags are IMMUTABLE_WITH_EXCLUSION except latest" in second.log
    refused = stage.publish(stage.push_payload(), tags="edge", **NO_GITOPS)
    assert (refused.exit_code, "E-ECR-TAG" in refused.log) == (1, True)


def test_two_jobs_of_one_commit_with_other_inputs_at_once(stage: Stage, tmp_path: Path) -> None:
    """Neither takes the other's image for its own: the one that ends later is the second image of the commit."""
    lines = "FROM busybox:stable\nARG SLEEP=0\nCOPY index.html /\nRUN sleep $SLEEP\n"
    stage.commit("Slow", {"Dockerfile": lines, ".dockerignore": "", "index.html": uuid.uuid4().hex})
    other = copy_of(stage, tmp_path)
    slow = ok(
        while_it_builds(
            stage,
            lambda: other.publish(other.push_payload(), build_args="SLEEP=6", **NO_GITOPS),
            lambda: stage.publish(stage.push_payload(), **NO_GITOPS),
        )
    )
    tags, short = tags_of(stage), stage.head[:7]
    assert tags[slow.outputs["tag"]] == slow.outputs["digest"]
    (second,) = {digest for tag, digest in tags.items() if tag.startswith(f"{short}-r")}
    assert tags[stage.head] == tags[short] != second
    assert sorted(keys_of(stage).values()) == sorted([tags[stage.head], second])


def test_an_image_that_is_too_old_is_built_again(stage: Stage) -> None:
    """For fixes of its base image; a younger one, and that of a release, is taken as it is."""
    first = ok(stage.publish(stage.push_payload(), **NO_GITOPS))
    push_again_in_the_past(stage, first.outputs["digest"], 10)
    ref = {"ref": "refs/tags/v1.0.0", **NO_GITOPS}
    for given in ({"reuse_max_age": "11", **NO_GITOPS}, {"reuse_max_age": "9", **ref}):
        kept = ok(stage.publish(stage.push_payload(given.get("ref", "refs/heads/main")), **given))
        assert (kept.outputs["reused"], kept.outputs["digest"]) == ("true", first.outputs["digest"])
    again = ok(stage.publish(stage.push_payload(), reuse_max_age="9", cache="registry", **NO_GITOPS))
    assert (again.outputs["reused"], "-r" in again.outputs["tag"]) == ("false", True)
    assert "Cache: reads none; writes type=registry" in again.log
