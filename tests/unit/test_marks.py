"""The tags that say what runs in an environment, and two runs that deploy at the same moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from ecr_action.image import version
from ecr_action.plan import Plan
from ecr_action.protocols import Image, RepositoryState
from ecr_action.tagging import mark_deployed
from tests.builders import SHA
from tests.unit.blank import Blank

STATE = RepositoryState(name="app", uri="host/app", arn="", account="123456789012", mutability="MUTABLE")
VERSIONS = ("v1.0.0", "v1.1.0", "v1.2.0")
IMAGES = {tag: Image(digest=f"sha256:{number}", media_type="m", manifest="{}") for number, tag in enumerate(VERSIONS)}
MARK = "deployed-prod"


@dataclass
class Registry(Blank):
    """Tags of one repository, by their versions' names."""

    marked: dict[str, str] = field(default_factory=dict)
    looks: list[list[tuple[str, str, str]]] = field(default_factory=list)

    def find(self, repository: str, tags: Sequence[str]) -> Mapping[str, Image]:
        names = {**{tag: tag for tag in VERSIONS}, **self.marked}
        return {tag: IMAGES[names[tag]] for tag in tags if tag in names}

    def by_digest(self, repository: str, digest: str) -> Image | None:
        return next((image for image in IMAGES.values() if image.digest == digest), None)

    def tags(self, repository: str, image: Image) -> tuple[str, ...]:
        return tuple(tag for tag, one in IMAGES.items() if one == image)

    def put_tag(self, repository: str, image: Image, tag: str) -> bool:
        (self.marked[tag],) = self.tags(repository, image)
        return True

    def deployed(
        self, tag: str, before: str, *, event: str = "push", back: bool = False, changed: bool = True
    ) -> dict[str, str]:
        """The marks after a run that deployed *tag*, and that saw *before* deployed when it began."""
        plan = Plan(
            event=event, commit=SHA, version=version.parse(tag), environment="prod", repository="app", named=True
        )
        there = {MARK: IMAGES[before]}
        looks = iter([*self.looks, []])
        services = self.services()
        mark_deployed(
            plan, IMAGES[tag], STATE, there, self, services, look=lambda: next(looks), changed=changed, back=back
        )
        return self.marked


def test_what_took_its_place_is_kept_beside_it() -> None:
    """For the way back."""
    registry = Registry({MARK: "v1.0.0"})
    assert registry.deployed("v1.1.0", "v1.0.0") == {MARK: "v1.1.0", f"{MARK}-previous": "v1.0.0"}


def test_a_newer_release_that_was_deployed_meanwhile_keeps_the_mark() -> None:
    """Its run committed after ours, and came first with its mark."""
    registry = Registry({MARK: "v1.2.0", f"{MARK}-previous": "v1.0.0"})
    assert registry.deployed("v1.1.0", "v1.0.0") == {MARK: "v1.2.0", f"{MARK}-previous": "v1.0.0"}


def test_an_older_release_that_was_deployed_meanwhile_is_the_previous_one() -> None:
    """Its run committed before ours."""
    registry = Registry({MARK: "v1.1.0", f"{MARK}-previous": "v1.0.0"})
    assert registry.deployed("v1.2.0", "v1.0.0") == {MARK: "v1.2.0", f"{MARK}-previous": "v1.1.0"}


@pytest.mark.parametrize("before", ["v1.0.0", "v1.2.0"])
def test_a_person_who_names_the_image_has_the_last_word(before: str) -> None:
    """Whatever was deployed meanwhile."""
    registry = Registry({MARK: "v1.2.0"})
    assert registry.deployed("v1.1.0", before, event="workflow_dispatch")[MARK] == "v1.1.0"


def test_a_rollback_leaves_the_way_back_where_it_is() -> None:
    """Else a second run of it would go forward again."""
    registry = Registry({MARK: "v1.1.0", f"{MARK}-previous": "v1.0.0"})
    after = {MARK: "v1.0.0", f"{MARK}-previous": "v1.0.0"}
    assert registry.deployed("v1.0.0", "v1.1.0", event="workflow_dispatch", back=True) == after


def test_the_mark_follows_what_was_rolled_out_between_our_look_and_our_mark() -> None:
    """Nobody sees that on the tag, since the last one who puts it wins: the GitOps repository tells."""
    registry = Registry({MARK: "v1.0.0"}, looks=[[("app", "v1.2.0", "")], []])
    assert registry.deployed("v1.1.0", "v1.0.0") == {MARK: "v1.2.0", f"{MARK}-previous": "v1.1.0"}


def test_what_a_person_deployed_and_another_run_replaced_is_the_previous_one() -> None:
    """That run was first with its mark, though it committed last."""
    registry = Registry({MARK: "v1.2.0", f"{MARK}-previous": "v1.0.0"}, looks=[[("app", "v1.2.0", "")], []])
    after = {MARK: "v1.2.0", f"{MARK}-previous": "v1.1.0"}
    assert registry.deployed("v1.1.0", "v1.0.0", event="workflow_dispatch") == after


@pytest.mark.parametrize(("changed", "mark"), [(True, "v1.1.0"), (False, "v1.2.0")])
def test_what_stood_when_the_run_began_counts_only_where_nothing_was_changed(changed: bool, mark: str) -> None:
    """Another run may have rolled out, marked and looked by the time that ours went back by a commit."""
    registry = Registry({MARK: "v1.2.0"})
    assert registry.deployed("v1.1.0", "v1.1.0", event="workflow_dispatch", changed=changed)[MARK] == mark


@pytest.mark.parametrize(
    "references",
    [
        [("app", "v1.1.0", "")],
        [("app", "", "sha256:1")],
        [("app", "v1.0.0", ""), ("app", "v1.2.0", "")],
        [("app", "v1.0.0", ""), ("app", "v1.1.0", "")],
        [("app", "gone", "")],
        [("other", "v1.2.0", "")],
    ],
    ids=["ours", "ours by digest", "several", "ours beside another", "not in the registry", "of another repository"],
)
def test_the_mark_stays_where_it_can_not_be_told_what_else_runs(references: list[tuple[str, str, str]]) -> None:
    """Or where it is ours that runs."""
    registry = Registry({MARK: "v1.0.0"}, looks=[references] * 9)
    assert registry.deployed("v1.1.0", "v1.0.0")[MARK] == "v1.1.0"


def test_a_digest_that_was_rolled_out_meanwhile_is_marked_too() -> None:
    """Some teams pin."""
    registry = Registry({MARK: "v1.0.0"}, looks=[[("app", "v1.2.0", "sha256:2")], []])
    assert registry.deployed("v1.1.0", "v1.0.0")[MARK] == "v1.2.0"
