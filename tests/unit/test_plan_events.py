"""What each event asks for, from GitHub's own example payloads."""

from __future__ import annotations

from typing import Any

import pytest

from lab.github.events import example
from tests.builders import REPOSITORY, SHA, make_checkout, make_plan, try_plan

SHORT = SHA[:7]
HOME = {"repository.full_name": REPOSITORY, "repository.name": "hello-node", "repository.default_branch": "main"}
MAIN = "refs/heads/main"


def push(ref: str, **changes: Any) -> dict[str, Any]:
    """A push of *ref*: the example is a deleted tag's, so that its flags are set too."""
    return example("push", **{**HOME, "ref": ref, "deleted": False, "created": False, "after": SHA, **changes})


def pull_request(event: str = "pull_request", head: str | None = REPOSITORY, **changes: Any) -> dict[str, Any]:
    """Pull request 7 whose head lies in the repository *head*; None: that repository was deleted."""
    payload = example("pull_request", "opened", **{**HOME, "number": 7, "pull_request.number": 7, **changes})
    payload["pull_request"]["head"]["sha"] = "a" * 40
    payload["pull_request"]["head"]["repo"] = {"full_name": head} if head else None
    return payload


def seen(plan: Any) -> dict[str, Any]:
    """The parts of a plan that the table of events has."""
    return {
        "push": plan.push,
        "environment": plan.environment,
        "primary": plan.tags.primary,
        "tags": list(plan.tags.order),
        "latest": plan.latest,
        "gitops": plan.gitops,
    }


BUILD_ONLY = {"push": False, "environment": None, "primary": None, "tags": [], "latest": False, "gitops": False}
DEFAULT_BRANCH = {
    "push": True,
    "environment": "dev",
    "primary": SHORT,
    "tags": [SHA, SHORT, f"dev-{SHORT}", "latest"],
    "latest": True,
    "gitops": True,
}
RELEASE = {
    "push": True,
    "environment": "prod",
    "primary": "v1.2.3",
    "tags": ["v1.2.3", "prod-v1.2.3", SHA, SHORT],
    "latest": False,
    "gitops": True,
}
CANDIDATE = {
    **RELEASE,
    "environment": "staging",
    "primary": "v1.2.3-rc.1",
    "tags": ["v1.2.3-rc.1", "staging-v1.2.3-rc.1", SHA, SHORT],
}
FEATURE = {
    **DEFAULT_BRANCH,
    "environment": None,
    "tags": [SHA, SHORT, f"branch-feature-login-{SHORT}"],
    "latest": False,
    "gitops": False,
}
PULL_REQUEST = {
    **BUILD_ONLY,
    "push": True,
    "primary": f"pr-7-{'a' * 7}",
    "tags": ["pr-7", f"pr-7-{'a' * 7}"],
}


def test_a_pull_request_is_built_and_not_pushed() -> None:
    """Nothing of a pull request is published by default."""
    plan = make_plan("pull_request", "refs/pull/7/merge", pull_request())
    assert seen(plan) == BUILD_ONLY
    assert plan.commit == SHA


def test_a_pull_request_that_pushes_has_its_own_tags() -> None:
    """`push: true` publishes the head commit's tags and deploys nothing, whatever `environment:` says."""
    plan = make_plan("pull_request", "refs/pull/7/merge", pull_request(), push="true", environment="dev")
    assert seen(plan) == PULL_REQUEST


@pytest.mark.parametrize("head", ["stranger/hello-node", None])
@pytest.mark.parametrize("event", ["pull_request", "pull_request_target", "pull_request_review"])
def test_a_forks_head_is_never_pushed(event: str, head: str | None) -> None:
    """Neither a fork's head nor one whose repository was deleted, even with `push: true`."""
    plan = make_plan(event, "refs/pull/7/merge", pull_request(head=head), push="true", environment="dev")
    assert seen(plan) == BUILD_ONLY


def test_a_merge_group_is_built_and_never_pushed() -> None:
    """The queue's branch is no branch of anybody's."""
    payload = example("merge_group", "checks_requested", **HOME)
    ref = "refs/heads/gh-readonly-queue/main/pr-7-abc"
    assert seen(make_plan("merge_group", ref, payload, push="true")) == BUILD_ONLY


def test_a_push_of_the_queues_branch_is_built_and_not_pushed() -> None:
    """The merge queue pushes its branches too."""
    ref = "refs/heads/gh-readonly-queue/main/pr-7-abc"
    assert seen(make_plan("push", ref, push(ref))) == BUILD_ONLY


def test_a_push_to_the_default_branch_goes_to_dev() -> None:
    """The shas, `dev-<sha7>` and `latest`, and a bump of dev."""
    assert seen(make_plan("push", MAIN, push(MAIN))) == DEFAULT_BRANCH


def test_another_environment_takes_the_place_of_dev() -> None:
    """`environment: staging` on the default branch gives `staging-<sha7>` instead of `dev-<sha7>`."""
    plan = make_plan("push", MAIN, push(MAIN), environment="staging")
    tags = [SHA, SHORT, f"staging-{SHORT}", "latest"]
    assert seen(plan) == {**DEFAULT_BRANCH, "environment": "staging", "tags": tags}


def test_a_push_to_another_branch_is_published_and_not_deployed() -> None:
    """The branch's name becomes part of a tag."""
    ref = "refs/heads/feature/login"
    assert seen(make_plan("push", ref, push(ref))) == FEATURE


def test_another_branch_is_deployed_where_environment_is_given() -> None:
    """It then also has the environment's tag."""
    ref = "refs/heads/feature/login"
    plan = make_plan("push", ref, push(ref), environment="qa")
    assert seen(plan) == {
        **FEATURE,
        "environment": "qa",
        "tags": [SHA, SHORT, f"branch-feature-login-{SHORT}", f"qa-{SHORT}"],
        "gitops": True,
    }


@pytest.mark.parametrize("name", ["v1.2.3", "1.2.3"])
def test_a_version_tag_is_a_release(name: str) -> None:
    """With and without `v` it is the same version, published with it."""
    assert seen(make_plan("push", f"refs/tags/{name}", push(f"refs/tags/{name}"))) == RELEASE


def test_a_published_release_is_the_same_as_its_tags_push() -> None:
    """Both events fire; the second finds everything done."""
    payload = example("release", "published", **HOME, **{"release.tag_name": "v1.2.3", "release.prerelease": False})
    assert seen(make_plan("release", "refs/tags/v1.2.3", payload)) == RELEASE


def test_a_release_marked_pre_release_counts_as_one_whatever_its_version() -> None:
    """It goes to staging."""
    payload = example("release", "published", **HOME, **{"release.tag_name": "v1.2.3", "release.prerelease": True})
    plan = make_plan("release", "refs/tags/v1.2.3", payload)
    assert seen(plan) == {**RELEASE, "environment": "staging", "tags": ["v1.2.3", "staging-v1.2.3", SHA, SHORT]}


@pytest.mark.parametrize("action", ["created", "edited", "deleted", "released", "prereleased"])
def test_a_release_that_is_not_published_does_nothing(action: str) -> None:
    """Only `published` publishes."""
    plan = make_plan("release", "refs/tags/v1.2.3", example("release", action, **HOME), push="true")
    assert plan.nothing is not None
    assert seen(plan) == BUILD_ONLY


def test_a_release_whose_event_does_not_say_what_was_done() -> None:
    """In words, and not as Python's nothing."""
    payload = {name: value for name, value in example("release", "published", **HOME).items() if name != "action"}
    assert "without an 'action'" in str(make_plan("release", "refs/tags/v1.2.3", payload).nothing)


def test_a_candidate_goes_to_staging() -> None:
    """A pre-release by its version."""
    ref = "refs/tags/v1.2.3-rc.1"
    assert seen(make_plan("push", ref, push(ref))) == CANDIDATE


def test_build_metadata_becomes_part_of_the_tag() -> None:
    """`+` is no character of a tag."""
    ref = "refs/tags/v1.2.3+build.5"
    assert make_plan("push", ref, push(ref)).tags.order[:2] == ("v1.2.3_build.5", "prod-v1.2.3_build.5")


@pytest.mark.parametrize(
    ("name", "tag"), [("v2", "v2"), ("nightly/mon day", "nightly-mon-day"), ("v1.02.3", "v1.02.3")]
)
def test_a_tag_that_is_no_version_is_published_under_its_name(name: str, tag: str) -> None:
    """It is deployed nowhere by itself, and may move."""
    plan = make_plan("push", f"refs/tags/{name}", push(f"refs/tags/{name}"))
    assert seen(plan) == {**BUILD_ONLY, "push": True, "primary": tag, "tags": [tag, SHA, SHORT]}
    assert plan.tags.moving == (tag,)


def test_a_tag_that_is_no_version_is_deployed_where_environment_is_given() -> None:
    """With `<env>-<sha7>` beside the shas."""
    plan = make_plan("push", "refs/tags/nightly", push("refs/tags/nightly"), environment="qa")
    assert seen(plan) == {
        "push": True,
        "environment": "qa",
        "primary": "nightly",
        "tags": ["nightly", SHA, SHORT, f"qa-{SHORT}"],
        "latest": False,
        "gitops": True,
    }


def test_a_dispatch_with_a_version_is_that_release() -> None:
    """By hand, on a branch; HEAD where the tag does not exist yet."""
    payload = example("workflow_dispatch", **HOME, ref=MAIN)
    plan = make_plan("workflow_dispatch", MAIN, payload, version="1.2.3")
    assert seen(plan) == RELEASE
    assert plan.commit == SHA


def test_a_dispatch_with_a_version_that_is_tagged_means_the_tags_commit() -> None:
    """Not what the default branch has moved on to."""
    payload = example("workflow_dispatch", **HOME, ref=MAIN)
    tagged = "b" * 40
    plan = make_plan("workflow_dispatch", MAIN, payload, version="v1.2.3", git_tags={"v1.2.3": tagged})
    assert plan.commit == tagged
    assert list(plan.tags.order) == ["v1.2.3", "prod-v1.2.3", tagged, tagged[:7]]


@pytest.mark.parametrize("event", ["workflow_dispatch", "repository_dispatch"])
def test_a_dispatch_is_a_push_of_its_ref(event: str) -> None:
    """Without a version."""
    assert seen(make_plan(event, MAIN, example(event, **HOME))) == DEFAULT_BRANCH


def test_a_dispatch_on_a_tag_is_that_tags_push() -> None:
    """A person chose the tag in the menu."""
    payload = example("workflow_dispatch", **HOME, ref="refs/tags/v1.2.3")
    assert seen(make_plan("workflow_dispatch", "refs/tags/v1.2.3", payload)) == RELEASE


def test_a_schedule_is_a_push_of_the_default_branch_that_never_reuses() -> None:
    """It exists to take fixes of the base image."""
    payload = {"schedule": "0 4 * * 1", "repository": push(MAIN)["repository"]}
    plan = make_plan("schedule", MAIN, payload)
    assert seen(plan) == DEFAULT_BRANCH
    assert (plan.reuse, make_plan("push", MAIN, push(MAIN)).reuse) == (False, True)


def workflow_run(branch: str, head: str | None = REPOSITORY) -> dict[str, Any]:
    """A workflow's end, for a push of *branch* in the repository *head*."""
    payload = example("workflow_run", "completed", **HOME, **{"workflow_run.head_branch": branch})
    payload["workflow_run"]["head_repository"] = {"full_name": head} if head else None
    return payload


def test_a_workflow_run_builds_and_does_not_push() -> None:
    """Unless it is told to."""
    assert seen(make_plan("workflow_run", MAIN, workflow_run("main"))) == BUILD_ONLY


def test_a_workflow_run_that_pushes_is_a_push_of_the_head_branch_without_a_bump() -> None:
    """`latest` included on the default branch."""
    plan = make_plan("workflow_run", MAIN, workflow_run("main"), push="true")
    assert seen(plan) == {**DEFAULT_BRANCH, "environment": None, "gitops": False}
    plan = make_plan("workflow_run", MAIN, workflow_run("feature/login"), push="true")
    assert seen(plan) == FEATURE


def test_a_workflow_run_bumps_where_environment_is_given() -> None:
    """By name, so that it is asked for."""
    plan = make_plan("workflow_run", MAIN, workflow_run("main"), push="true", environment="dev")
    assert seen(plan) == DEFAULT_BRANCH


@pytest.mark.parametrize("head", ["stranger/hello-node", None])
def test_a_workflow_run_of_a_forks_head_is_never_pushed(head: str | None) -> None:
    """A fork may call its branch main."""
    assert seen(make_plan("workflow_run", MAIN, workflow_run("main", head), push="true")) == BUILD_ONLY


def test_pull_request_target_pushes_only_when_told_to() -> None:
    """As a pull request's tags."""
    assert seen(make_plan("pull_request_target", MAIN, pull_request())) == BUILD_ONLY
    assert seen(make_plan("pull_request_target", MAIN, pull_request(), push="true")) == PULL_REQUEST


def test_an_issue_comment_never_pushes() -> None:
    """Its payload does not say whose the head is."""
    payload = example("issue_comment", "created", **HOME)
    assert seen(make_plan("issue_comment", MAIN, payload, push="true", environment="dev")) == BUILD_ONLY


def test_any_other_event_pushes_only_when_told_to() -> None:
    """Then as a push of the ref, deployed only with `environment:`."""
    payload = example("create", **HOME)
    assert seen(make_plan("create", MAIN, payload)) == BUILD_ONLY
    plan = make_plan("create", MAIN, payload, push="true")
    assert seen(plan) == {**DEFAULT_BRANCH, "environment": None, "gitops": False}
    assert seen(make_plan("create", MAIN, payload, push="true", environment="dev")) == DEFAULT_BRANCH


@pytest.mark.parametrize("event", ["push", "delete"])
def test_a_deletion_does_nothing(event: str) -> None:
    """It runs with the default branch's commit, which is not what was deleted."""
    payload = push("refs/heads/old", deleted=True) if event == "push" else example("delete", **HOME)
    plan = make_plan(event, MAIN, payload, push="true")
    assert "was deleted" in (plan.nothing or "")
    assert seen(plan) == BUILD_ONLY


def test_push_false_publishes_nothing() -> None:
    """On any event."""
    assert seen(make_plan("push", MAIN, push(MAIN), push="false")) == BUILD_ONLY


def test_an_unknown_default_branch_deploys_nothing() -> None:
    """A payload without it can't tell; the plan says so."""
    payload = push(MAIN)
    del payload["repository"]["default_branch"], payload["repository"]["master_branch"]
    plan = make_plan("push", MAIN, payload)
    assert (plan.environment, plan.gitops, plan.latest) == (None, False, False)
    assert any("does not say which branch is the default" in reason for reason in plan.explain())


def test_a_tag_of_another_prefix_is_left_alone() -> None:
    """A monorepo's services each have their own."""
    plan = make_plan("push", "refs/tags/web/v1.2.3", push("refs/tags/web/v1.2.3"), tag_prefix="api/")
    assert "tag-prefix" in (plan.nothing or "")
    assert seen(plan) == BUILD_ONLY


def test_a_tag_of_our_prefix_is_its_version() -> None:
    """`api/v1.2.3` is `v1.2.3` of api."""
    plan = make_plan("push", "refs/tags/api/v1.2.3", push("refs/tags/api/v1.2.3"), tag_prefix="api/")
    assert seen(plan) == RELEASE


def test_the_checkout_wins_over_github_sha() -> None:
    """What is built is what is named; a notice would say so."""
    head = "c" * 40
    plan = make_plan("push", MAIN, push(MAIN), checkout=make_checkout(head=head))
    assert (plan.commit, plan.tags.order[0]) == (head, head)


def test_a_dirty_checkout_is_never_taken_for_its_commit() -> None:
    """Uncommitted changes: no reuse."""
    assert make_plan("push", MAIN, push(MAIN), checkout=make_checkout(dirty=True)).reuse is False


def test_tags_of_the_users_own_with_every_placeholder() -> None:
    """Those that name the commit are fixed, any other may move."""
    given = "{sha}-x, {sha7}.y\n{branch}-edge\nrun-{run-number}\n{date}"
    plan = make_plan("push", MAIN, push(MAIN), tags=given)
    assert list(plan.tags.order) == [
        *[SHA, SHORT, f"dev-{SHORT}", f"{SHA}-x", f"{SHORT}.y", "main-edge", "run-42", "20261103", "latest"]
    ]
    assert plan.tags.moving == ("main-edge", "run-42", "20261103", "latest")


def test_version_on_a_branch_is_an_input_error() -> None:
    """A branch has none; on a run that pushes nothing it does not matter."""
    _, problems = try_plan("push", MAIN, push(MAIN), tags="release-{version}")
    assert [problem.name for problem in problems] == ["tags"]
    assert "no version" in problems[0].what
    _, problems = try_plan("pull_request", "refs/pull/7/merge", pull_request(), tags="release-{version}")
    assert problems == ()


def test_the_placeholder_version_holds_the_v() -> None:
    """As the tag does."""
    plan = make_plan("push", "refs/tags/1.2.3", push("refs/tags/1.2.3"), tags="r-{version}")
    assert plan.tags.order[-1] == "r-v1.2.3"


def test_latest_can_be_forced_either_way() -> None:
    """`latest: true` on a release, `false` on the default branch."""
    plan = make_plan("push", "refs/tags/v1.2.3", push("refs/tags/v1.2.3"), latest="true")
    assert (plan.latest, plan.tags.order[-1], plan.tags.moving) == (True, "latest", ("latest",))
    plan = make_plan("push", MAIN, push(MAIN), latest="false")
    assert (plan.latest, plan.tags.order, plan.tags.moving) == (False, (SHA, SHORT, f"dev-{SHORT}"), ())


def test_a_longer_short_sha() -> None:
    """Everywhere that it stands."""
    plan = make_plan("push", MAIN, push(MAIN), short_sha_length="10", tags="x-{sha7}")
    assert list(plan.tags.order) == [SHA, SHA[:10], f"dev-{SHA[:10]}", f"x-{SHA[:10]}", "latest"]


@pytest.mark.parametrize(
    ("branch", "slug"),
    [
        ("feature/login", "-feature-login"),
        ("dependabot/npm_and_yarn/left-pad-1.0", "-dependabot-npm_and_yarn-left-pad-1.0"),
        ("-.odd.-", "-odd"),
        ("x" * 60, "-" + "x" * 40),
        ("a" * 39 + "/b", "-" + "a" * 39),
        ("\u65e5\u672c", ""),
        ("a$(rm -rf /)`b`", "-a-rm--rf-b"),
    ],
)
def test_a_branchs_name_as_part_of_a_tag(branch: str, slug: str) -> None:
    """Runs of other characters become one dash, 40 characters at most, no dash or dot at either end."""
    ref = f"refs/heads/{branch}"
    assert make_plan("push", ref, push(ref)).tags.order[2] == f"branch{slug}-{SHORT}"


def test_every_plan_says_why() -> None:
    """Each decision has its reason."""
    text = "\n".join(make_plan("push", MAIN, push(MAIN)).explain())
    for word in ("commit:", "push: yes", "environment: dev", "latest: yes", "tags:"):
        assert word in text


def test_a_version_given_by_hand_keeps_the_releases_mark() -> None:
    """A GitHub release marked as a pre-release never goes to prod."""
    payload = example("release", "published", **HOME, **{"release.tag_name": "v1.2.3", "release.prerelease": True})
    plan = make_plan("release", "refs/tags/v1.2.3", payload, version="v1.2.3")
    assert (plan.environment, plan.prerelease) == ("staging", True)


@pytest.mark.parametrize(("name", "tag"), [("v1.2.3-", "v1.2.3"), ("prod-v1.2.3", "prod-v1.2.3")])
def test_a_tag_that_reads_as_a_version_is_written_once(name: str, tag: str) -> None:
    """Though as a git tag it is none."""
    plan = make_plan("push", f"refs/tags/{name}", push(f"refs/tags/{name}"))
    assert (plan.tags.versions, plan.tags.moving) == ((tag,), ())


def test_a_users_tag_that_reads_as_a_version_is_written_once() -> None:
    """A push of a branch can't move a release's tag."""
    plan = make_plan("push", MAIN, push(MAIN), tags="v1.2.3,prod-v1.2.3,edge")
    assert (plan.tags.versions, plan.tags.moving) == (("v1.2.3", "prod-v1.2.3"), ("edge", "latest"))


@pytest.mark.parametrize("name", ["deployed-prod", "f" * 40, "key-0123456789abcdef"])
def test_a_git_tag_that_would_mislead_us_is_an_error(name: str) -> None:
    """The action reads tags of that form back."""
    _, problems = try_plan("push", f"refs/tags/{name}", push(f"refs/tags/{name}"))
    assert [problem.name for problem in problems] == ["tag"]


def test_a_git_tag_called_latest_stands_once() -> None:
    """In the list, and as a tag that moves."""
    plan = make_plan("push", "refs/tags/latest", push("refs/tags/latest"), latest="true")
    assert list(plan.tags.order) == [SHA, SHORT, "latest"] or list(plan.tags.order) == ["latest", SHA, SHORT]
    assert plan.tags.moving == ("latest",)


def test_a_schedule_without_a_repository_in_its_payload_is_the_default_branchs() -> None:
    """It runs on no other."""
    assert seen(make_plan("schedule", MAIN, {"schedule": "0 4 * * 1"})) == DEFAULT_BRANCH


@pytest.mark.parametrize("number", ["5; rm", None, {}])
def test_a_pull_request_without_a_number_is_not_pushed(number: Any) -> None:
    """It would have no tag of its own."""
    payload = pull_request()
    payload["number"] = payload["pull_request"]["number"] = number
    assert seen(make_plan("pull_request_target", MAIN, payload, push="true")) == BUILD_ONLY


def test_a_tag_that_is_the_prefix_alone_does_nothing_and_says_why() -> None:
    """It names no version and no image."""
    plan = make_plan("push", "refs/tags/web-", push("refs/tags/web-"), tag_prefix="web-")
    assert plan.nothing == "the tag 'web-' is the tag-prefix and nothing else"
    assert seen(plan) == BUILD_ONLY
