"""The tags step: those that name the image, then those that move, forward only."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence

from ecr_action.errors import TagTaken
from ecr_action.gitops.superseded import Ours, Standing, Verdict, verdict
from ecr_action.image import latest, reuse, version
from ecr_action.image.reuse import Choice
from ecr_action.plan import Plan
from ecr_action.protocols import Comparison, History, Image, Images, RepositoryState
from ecr_action.services import Cloud, Services

# An image built from many commits (the same bytes) has many commit tags; these many are compared.
_MOST = 3
# Each look after the first means that yet another run has rolled out since.
_LOOKS = 5


def complete_tags(
    plan: Plan,
    key: str,
    choice: Choice,
    image: Image,
    there: Mapping[str, Image],
    cloud: Cloud,
    services: Services,
) -> tuple[tuple[str, ...], bool]:
    """Complete the tags: those that name the image, then those that move. The flag: one was held back."""
    wanted, images, name = choice.tags, cloud.images, plan.repository
    for tag in (*wanted.fixed, *wanted.versions):
        if (tag not in there or there[tag].digest != image.digest) and images.put_tag(name, image, tag):
            services.console.info(f"Tagged {tag}")
    if choice.keyed and key and (key not in there or there[key].digest != image.digest):
        _put_key(name, key, image, images, services)
    held = move_tags(plan, wanted.moving, there, image, images, services)
    return tuple(tag for tag in wanted.order if tag not in held), bool(held)


def _put_key(repository: str, key: str, image: Image, images: Images, services: Services) -> None:
    """Let later runs find *image* by its build inputs."""
    try:
        if images.put_tag(repository, image, key):
            services.console.info(f"Tagged {key}")
    except TagTaken:
        text = f"The repository {repository} is immutable: {key} stays on an earlier image, which later runs reuse."
        services.console.notice(f"{text} Exclude 'key-*' from its tag immutability.")


def move_tags(
    plan: Plan, moving: Sequence[str], there: Mapping[str, Image], image: Image, images: Images, services: Services
) -> tuple[str, ...]:
    """Put each of *moving* on *image* unless what it stands on is newer; the ones that were held back."""
    held = [tag for tag in moving if not _may_move(plan, tag, there.get(tag), image, images, services)]
    ours = [tag for tag in moving if tag not in held]
    if not ours:
        return tuple(held)
    stands = {tag for tag in ours if tag in there and there[tag].digest == image.digest}
    for tag in ours:
        if tag not in stands and images.put_tag(plan.repository, image, tag):
            was = there.get(tag)
            services.console.info(f"Tagged {tag}" + (f" (was on {was.digest})" if was else ""))
    if plan.branch and _settle(plan, ours, images, services):
        return tuple(moving)
    return tuple(held)


def _may_move(plan: Plan, tag: str, standing: Image | None, image: Image, images: Images, services: Services) -> bool:
    if standing is None or standing.digest == image.digest:
        return True
    found = _verdict(plan, tag, standing, images, services)
    if not found.go:
        text = found.notice.partition(". ")[0].rstrip(".")
        services.console.notice(f"The tag {tag} stays where it is: {text}.", title="Superseded")
    elif found.notice:
        services.console.notice(f"The tag {tag}: {found.notice}")
    return found.go


def _settle(plan: Plan, moved: Sequence[str], images: Images, services: Services) -> bool:
    """Move the tags on to what others have published of the branch by now; whether anything was newer than ours."""
    steps, answer, published, passed = latest.settle(plan.commit, put=False), None, dict[str, Image](), False
    while (step := _next(steps, answer)) is not None:
        answer = None
        if isinstance(step, latest.Newer):
            after = services.history.after(step.commit, plan.branch)
            published = dict(images.find(plan.repository, after))
            answer = latest.newest(after, published)
            continue
        passed = True
        for tag in moved:
            images.put_tag(plan.repository, published[step.commit], tag)
            text = f"The tag {tag} moves on to {step.commit}, which another run has published meanwhile."
            services.console.notice(text, title="Superseded")
    return passed


def _next(
    steps: Generator[latest.Put | latest.Newer, str | None, None], answer: str | None
) -> latest.Put | latest.Newer | None:
    try:
        return steps.send(answer)
    except StopIteration:
        return None


def mark_deployed(
    plan: Plan,
    image: Image,
    state: RepositoryState,
    there: Mapping[str, Image],
    images: Images,
    services: Services,
    *,
    look: Callable[[], Sequence[tuple[str, str, str]]],
    changed: bool = True,
    back: bool = False,
) -> None:
    """Put ``deployed-<env>`` on the image that is rolled out, and ``-previous`` on the one it takes the place of.

    *back*: it is a rollback, whose ``-previous`` stays, so that a second run of it does not go forward again.
    *changed*: this run changed what is rolled out; *there* has the tags as they were when it began.
    *look* tells repository, tag and digest of what is rolled out by then: PutImage has no conditional form, so that
    whoever put the mark last looks afterwards, and lets it follow what others have rolled out in between.
    The default lifecycle policy never expires what these tags name: what runs can't be expired.
    """
    tag = plan.mark
    standing = there.get(tag)
    if standing is not None and standing.digest == image.digest and not changed:
        return
    if reuse.immutable(tag, state):
        fix = "exclude 'deployed-*' from its tag immutability."
        services.console.notice(f"{state.name} is {state.mutability}: {tag} can't mark what is deployed; {fix}")
        return
    # Others may have deployed since it was read, and what they deployed after us is newer.
    known, standing = standing, images.find(plan.repository, [tag]).get(tag)
    if standing is not None and standing.digest == image.digest:
        return
    moved = standing is not None and (known is None or known.digest != standing.digest)
    if moved and not plan.consent and is_older(plan, tag, standing, image, images, services):
        services.console.info(f"{tag} stays on the newer image that was deployed meanwhile.")
        return
    if standing is not None and not back:
        images.put_tag(plan.repository, standing, f"{tag}-previous")
    if images.put_tag(plan.repository, image, tag):
        services.console.info(f"Tagged {tag}")
    for _ in range(_LOOKS):
        found = _rolled_out(plan.repository, image, look(), images)
        if found is None:
            return
        if not back:
            images.put_tag(plan.repository, image, f"{tag}-previous")
        image = found
        images.put_tag(plan.repository, image, tag)
        services.console.info(f"{tag} moves on to {image.digest}, which another run has rolled out meanwhile.")


def _rolled_out(
    repository: str, image: Image, references: Sequence[tuple[str, str, str]], images: Images
) -> Image | None:
    """The one image that *references* name instead of *image*; None where they name it still, or several."""
    named = [(tag, digest) for name, tag, digest in references if name == repository]
    by_tag = images.find(repository, sorted({tag for tag, digest in named if tag and not digest})) if named else {}
    digests = {digest for _, digest in named if digest} | {found.digest for found in by_tag.values()}
    if len(digests) != 1 or image.digest in digests:
        return None
    (digest,) = digests
    return next(iter(by_tag.values()), None) or images.by_digest(repository, digest)


def mark_rejected(plan: Plan, image: Image, state: RepositoryState, images: Images, services: Services) -> None:
    """Put ``deployed-<env>-rejected`` on the image that a rollback leaves: only an explicit deploy goes back to it."""
    tag = plan.rejected
    if reuse.immutable(tag, state):
        text = f"{state.name} is {state.mutability}: {tag} can't mark what was rolled back"
        services.console.notice(f"{text}; exclude 'deployed-*' from its tag immutability.")
    elif images.put_tag(plan.repository, image, tag):
        text = f"{image.digest} is rejected: no push, re-run or schedule takes it to {plan.environment} again."
        services.console.notice(text, title="Rolled back")


def rejected(plan: Plan, there: Mapping[str, Image], images: Images, services: Services) -> str:
    """Why this commit is not deployed: it, or a descendant of it, was rolled back; empty where it may be."""
    tag = plan.rejected
    if tag not in there or plan.consent:
        return ""
    found = compared(plan.commit, images.commits(plan.repository, there[tag]), services.history)
    if found is None or found.status not in ("identical", "behind"):
        return ""
    which = "this commit" if found.status == "identical" else "a later commit"
    return (
        f"{which} was rolled back in {plan.environment}; only a newer one, or an explicit deploy, goes there.\n"
        f"To deploy it all the same:  mode: deploy, image: {plan.tags.primary or plan.commit}"
    )


def is_older(plan: Plan, tag: str, standing: Image | None, image: Image, images: Images, services: Services) -> bool:
    """Whether *image* is older than the one that *tag* stands on, as far as that can be told."""
    if standing is None or standing.digest == image.digest:
        return False
    return not _verdict(plan, tag, standing, images, services).go


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
