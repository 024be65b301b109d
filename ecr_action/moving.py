"""Tags that stand on another image and move: forward only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ecr_action.gitops.superseded import Ours, Standing, Verdict, verdict
from ecr_action.image import tags, version
from ecr_action.plan import Plan
from ecr_action.protocols import Clock, Comparison, Console, History, Image, Images

# An image built from many commits (the same bytes) has many commit tags; these many are compared.
_MOST = 3


class World(Protocol):
    """The parts of the services that are needed here."""

    @property
    def console(self) -> Console: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def history(self) -> History: ...


def move_tags(
    plan: Plan, moving: Sequence[str], there: Mapping[str, Image], image: Image, images: Images, world: World
) -> tuple[str, ...]:
    """Put each of *moving* on *image* unless what it stands on is newer; the ones that were held back."""
    held = []
    for tag in moving:
        standing = there.get(tag)
        if standing is not None and standing.digest == image.digest:
            continue
        if standing is not None:
            found = _verdict(plan, tag, standing, images, world)
            if not found.go:
                world.console.notice(f"The tag {tag} stays where it is: {found.notice}", title="Superseded")
                held.append(tag)
                continue
            if found.notice:
                world.console.notice(f"The tag {tag}: {found.notice}")
        if images.put_tag(plan.repository, image, tag):
            world.console.info(f"Tagged {tag}" + (f" (was on {standing.digest})" if standing else ""))
    return tuple(held)


def _verdict(plan: Plan, tag: str, standing: Image, images: Images, world: World) -> Verdict:
    names = images.tags(plan.repository, standing)
    commits = images.commits(plan.repository, standing)
    versions = [found for name in names if (found := version.of_tag(name))]
    stands = Standing(
        tag=tag,
        digest=standing.digest,
        version=max(versions, default=None),
        commit=commits[0] if commits else None,
        file_environment="tag",
    )
    ours = Ours(commit=plan.commit, version=plan.version, release=plan.version is not None)
    return verdict(ours, stands, compared(plan.commit, commits, world.history), allow=False)


def compared(ours: str, commits: Sequence[str], history: History) -> Comparison | None:
    """GitHub's answer on *commits* (what stands) and *ours*: that of the newest of them.

    None where there is no commit to compare with.
    """
    if not commits:
        return None
    if ours in commits:
        return Comparison(status="identical")
    answers = [history.compare(commit, ours) for commit in commits[:_MOST] if tags.SHA.fullmatch(commit)]
    behind = [answer for answer in answers if answer.status == "behind"]
    known = [answer for answer in answers if answer.status]
    best = behind or known or answers
    return best[0] if best else None
