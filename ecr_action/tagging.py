"""The tags step: those that name the image, then those that move, forward only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecr_action.gitops.superseded import Ours, Standing, Verdict, verdict
from ecr_action.image import reuse, version
from ecr_action.image.reuse import Choice
from ecr_action.plan import Plan
from ecr_action.protocols import Comparison, History, Image, Images, RepositoryState
from ecr_action.services import Cloud, Services

# An image built from many commits (the same bytes) has many commit tags; these many are compared.
_MOST = 3


def complete_tags(
    plan: Plan, choice: Choice, image: Image, there: Mapping[str, Image], cloud: Cloud, services: Services
) -> tuple[tuple[str, ...], bool]:
    """Complete the tags: those that name the image, then those that move. The flag: one was held back."""
    wanted, images, name = choice.tags, cloud.images, plan.repository
    for tag in (*wanted.fixed, *wanted.versions):
        if (tag not in there or there[tag].digest != image.digest) and images.put_tag(name, image, tag):
            services.console.info(f"Tagged {tag}")
    held = move_tags(plan, wanted.moving, there, image, images, services)
    return tuple(tag for tag in wanted.order if tag not in held), bool(held)


def move_tags(
    plan: Plan, moving: Sequence[str], there: Mapping[str, Image], image: Image, images: Images, services: Services
) -> tuple[str, ...]:
    """Put each of *moving* on *image* unless what it stands on is newer; the ones that were held back."""
    held = []
    for tag in moving:
        standing = there.get(tag)
        if standing is not None and standing.digest == image.digest:
            continue
        if standing is not None:
            found = _verdict(plan, tag, standing, images, services)
            if not found.go:
                text = found.notice.partition(". ")[0].rstrip(".")
                services.console.notice(f"The tag {tag} stays where it is: {text}.", title="Superseded")
                held.append(tag)
                continue
            if found.notice:
                services.console.notice(f"The tag {tag}: {found.notice}")
        if images.put_tag(plan.repository, image, tag):
            services.console.info(f"Tagged {tag}" + (f" (was on {standing.digest})" if standing else ""))
    return tuple(held)


def mark_deployed(
    plan: Plan, image: Image, state: RepositoryState, there: Mapping[str, Image], images: Images, services: Services
) -> None:
    """Put ``deployed-<env>`` on the image that is rolled out, and ``-previous`` on the one it takes the place of.

    The default lifecycle policy never expires what these tags name: what runs can't be expired.
    """
    tag = f"deployed-{plan.environment}"
    standing = there.get(tag)
    if standing is not None and standing.digest == image.digest:
        return
    if reuse.immutable(tag, state):
        fix = "exclude 'deployed-*' from its tag immutability."
        services.console.notice(f"{state.name} is {state.mutability}: {tag} can't mark what is deployed; {fix}")
        return
    # Others may have deployed since it was read.
    standing = images.find(plan.repository, [tag]).get(tag)
    if standing is not None and standing.digest == image.digest:
        return
    if standing is not None:
        images.put_tag(plan.repository, standing, f"{tag}-previous")
    if images.put_tag(plan.repository, image, tag):
        services.console.info(f"Tagged {tag}")


def _verdict(plan: Plan, tag: str, standing: Image, images: Images, services: Services) -> Verdict:
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
    ours = Ours(commit=plan.commit, version=plan.version, release=plan.version is not None, prerelease=plan.prerelease)
    return verdict(ours, stands, compared(plan.commit, commits, services.history), allow=False)


def compared(ours: str, commits: Sequence[str], history: History) -> Comparison | None:
    """GitHub's answer on *commits* (what stands) and *ours*: that of the newest of them.

    None where there is no commit to compare with.
    """
    if not commits:
        return None
    if ours in commits:
        return Comparison(status="identical")
    answers = [history.compare(commit, ours) for commit in commits[:_MOST]]
    behind = [answer for answer in answers if answer.status == "behind"]
    known = [answer for answer in answers if answer.status]
    best = behind or known or answers
    return best[0] if best else None
