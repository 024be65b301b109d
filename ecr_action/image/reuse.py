"""Which image is published: one that is there, or a new one; and the tags that this one gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ecr_action.errors import TagTaken
from ecr_action.image.key import SERVICE, Key, differing
from ecr_action.image.tags import Tags
from ecr_action.protocols import Image, RepositoryState

# ECR takes 1,000 tags of an image ("Amazon ECR service quotas"); by its content one image serves many commits.
MOST_TAGS = 900


@dataclass(frozen=True, kw_only=True)
class Choice:
    """*image* to reuse, or None to build one; the *tags* it gets; *because*, in words; *notices* for the user.

    *keyed*: later runs with the same build inputs may take this image. *anew*: one that is there is too old.
    """

    image: Image | None
    tags: Tags
    because: str
    notices: tuple[str, ...] = ()
    keyed: bool = True
    anew: bool = False


@dataclass(frozen=True, kw_only=True)
class Known:
    """What can be asked of an image: its build *inputs* (None: another pipeline's image) and all its tags (*names*)."""

    inputs: Callable[[Image], Mapping[str, str] | None]
    names: Callable[[Image], tuple[str, ...]]


def asked(tags: Tags, run_id: str, key: Key) -> tuple[str, ...]:
    """The tags that have to be looked up before :func:`choose` can decide."""
    own = (tags.content, *second(tags, run_id).fixed, key.tag) if tags.content else ()
    return tuple(dict.fromkeys((*tags.order, *own)))


def choose(
    tags: Tags, there: Mapping[str, Image], run_id: str, *, reusing: bool, key: Key, known: Known, dirty: bool = False
) -> Choice:
    """Reuse the image with our key where there is one; a second image of a commit never takes the first one's tags.

    Parameters: *there* maps the tags of :func:`asked` that exist to their images; *run_id* is GITHUB_RUN_ID, so that a
    re-run finds the image of its first attempt; *reusing* is whether this run may take an image that others built;
    *dirty*: the checkout is of no commit, so that nobody may take what is built. Raises TagTaken where the commit's
    image is another service's.
    """
    content = tags.content or ""
    first, own, keyed = (there.get(tag) for tag in (content, f"{content}-r{run_id}", key.tag))
    if dirty:
        said = (
            f"The checkout has uncommitted changes: the image gets tags that end in -r{run_id}, and no run reuses it."
        )
        return Choice(
            image=None, tags=second(tags, run_id), because="uncommitted changes", notices=(said,), keyed=False
        )
    if reusing and keyed is not None and len(known.names(keyed) if first is None else ()) < MOST_TAGS:
        because = f"{key.tag} is in the repository: same {'commit, same ' if first else ''}build inputs"
        return Choice(image=keyed, tags=_its_tags(tags, keyed, first, run_id, known), because=because)
    if first is None:
        return Choice(image=None, tags=tags, because=f"no image has the tag {content}")
    said = f"{content} has an image already; this one is built anew and gets tags that end in -r{run_id}"
    if reusing:
        inputs = known.inputs(first)
        if inputs is None:
            notice = f"{content} is another pipeline's image: which inputs it was built with can't be told."
            return Choice(image=first, tags=tags, because="same commit", notices=(notice,), keyed=False)
        others = differing(key.inputs, inputs)
        if not others:
            return Choice(
                image=first, tags=tags, because=f"{content} is in the repository: same commit and build inputs"
            )
        _refuse_other_service(content, others)
        said = f"{content} was built with another {', '.join(others)}; this image gets tags that end in -r{run_id}"
    renamed = second(tags, run_id)
    if own is None:
        return Choice(image=None, tags=renamed, because=said, notices=(said,))
    if differing(key.inputs, known.inputs(own) or {}):
        raise _two_in_one_run(content, run_id)
    return Choice(image=own, tags=renamed, because=f"{content}-r{run_id} is in the repository: this run built it")


def _its_tags(tags: Tags, image: Image, first: Image | None, run_id: str, known: Known) -> Tags:
    """The tags of *image*: the plain ones unless the commit's first image has them."""
    if first is None or first.digest == image.digest:
        return tags
    prefix = f"{tags.content}-r"
    runs = [name.removeprefix(prefix) for name in known.names(image) if name.startswith(prefix)]
    return second(tags, runs[0] if runs else run_id)


def _refuse_other_service(content: str, others: tuple[str, ...]) -> None:
    found = [name for name in others if name in SERVICE]
    if found:
        raise TagTaken(
            f"{content} is the image of another service: it was built with another {' and '.join(found)}.",
            why="Two services of one commit can't share a repository: each would take the other's tags.",
            fix="Give this one a repository of its own:\nrepository: <service>",
        )


def _two_in_one_run(content: str, run_id: str) -> TagTaken:
    return TagTaken(
        f"{content}-r{run_id} is there already, built by another job of this run with other inputs.",
        why="One run can add one image to a commit that has one.",
        fix="Give each job a repository of its own:\nrepository: <service>",
    )


def second(tags: Tags, run_id: str) -> Tags:
    """The tags of a second image of one commit: each that names the commit ends in ``-r<run>``; moving ones move."""
    renamed = {tag: f"{tag}-r{run_id}"[-128:] for tag in tags.fixed}
    return replace(
        tags,
        content=renamed.get(tags.content or "", tags.content),
        fixed=tuple(renamed[tag] for tag in tags.fixed),
        primary=renamed.get(tags.primary or "", tags.primary),
        order=tuple(renamed.get(tag, tag) for tag in tags.order),
    )


def immutable(tag: str, state: RepositoryState) -> bool:
    """Whether *tag* can't be moved in this repository (exclusion filters are wildcards: API reference)."""
    excluded = any(_matches(pattern, tag) for pattern in state.immutable_except)
    if state.mutability in ("IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"):
        return not excluded
    return state.mutability == "MUTABLE_WITH_EXCLUSION" and excluded


def _matches(pattern: str, tag: str) -> bool:
    head, *rest = pattern.split("*")
    if not rest:
        return tag == pattern
    if not tag.startswith(head) or not tag[len(head) :].endswith(rest[-1]):
        return False
    middle, end = len(head), len(tag) - len(rest[-1])
    for part in rest[:-1]:
        found = tag.find(part, middle, end)
        if found < 0:
            return False
        middle = found + len(part)
    return middle <= end


def fitted(tags: Tags, state: RepositoryState) -> tuple[Tags, tuple[str, ...]]:
    """*tags* without those that an immutable repository can't keep moving.

    ``pr-<n>`` is left out, with a notice. Raises TagTaken for any other one.
    """
    stuck = [tag for tag in tags.moving if immutable(tag, state)]
    notices = []
    for tag in stuck:
        if not tag.startswith("pr-"):
            raise _stuck(tag, state)
        notices.append(f"The repository {state.name} is immutable: the tag {tag} is left out.")
    return (
        replace(
            tags,
            moving=tuple(tag for tag in tags.moving if tag not in stuck),
            order=tuple(tag for tag in tags.order if tag not in stuck),
        ),
        tuple(notices),
    )


def _stuck(tag: str, state: RepositoryState) -> TagTaken:
    fix = "latest: 'false'" if tag == "latest" else f"Leave {tag!r} out of 'tags:', or add {{sha7}} to it."
    return TagTaken(
        f"The tag {tag} has to move, and the repository {state.name} is {state.mutability}.",
        why="An immutable tag stays on the first image that it was put on. Nothing was built.",
        fix=f"{fix}\nor let it move:\n{_mutability(tag, state)}",
    )


def _mutability(tag: str, state: RepositoryState) -> str:
    """The command after which *tag* may move and everything else is as it was."""
    command = f"aws ecr put-image-tag-mutability --repository-name {state.name} --image-tag-mutability "
    if state.mutability == "MUTABLE_WITH_EXCLUSION":
        kept = [name for name in state.immutable_except if not _matches(name, tag)]
        if not kept:
            return command + "MUTABLE"
        command += "MUTABLE_WITH_EXCLUSION"
    else:
        kept = [*state.immutable_except, tag]
        command += "IMMUTABLE_WITH_EXCLUSION"
    filters = " ".join(f"filterType=WILDCARD,filter={name}" for name in kept)
    return f"{command} --image-tag-mutability-exclusion-filters {filters}"


def lengthened(
    tags: Tags,
    commit: str,
    there: Mapping[str, Image],
    chosen: Image | None,
    commits: Callable[[Image], tuple[str, ...]],
) -> tuple[Tags, tuple[str, ...]]:
    """*tags* with a longer short sha where another commit has the short one already, and the notice that says so.

    Parameters: *commits* tells the commits of an image (40 hex). An image whose commit can't be told is another one's.
    """
    short = next((tag for tag in tags.fixed if len(tag) < 40 and commit.startswith(tag)), None)
    standing = there.get(short or "")
    if short is None or standing is None or (chosen and standing.digest == chosen.digest):
        return tags, ()
    others = commits(standing)
    if commit in others:
        return tags, ()
    same = max((_common(commit, other) for other in others), default=len(short))
    longer = commit[: max(same, len(short)) + 1]
    # Not where it is the beginning of the whole id.
    renamed = {tag: re.sub(rf"{short}(?![0-9a-f])", longer, tag) for tag in tags.fixed}
    said = f"The tag {short} names another commit: this one's short tag is {longer}."
    return (
        replace(
            tags,
            fixed=tuple(renamed.values()),
            primary=renamed.get(tags.primary or "", tags.primary),
            order=tuple(renamed.get(tag, tag) for tag in tags.order),
        ),
        (said,),
    )


def _common(one: str, other: str) -> int:
    """How many characters *one* and *other* begin with in common."""
    return next(
        (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def taken(
    version_tags: Mapping[str, Image], commits: Mapping[str, tuple[str, ...]], commit: str, repository: str
) -> tuple[Image | None, TagTaken | None]:
    """Versions are written once: the image that has them already if it is of this *commit*, else the error.

    Parameters: *version_tags* are the version tags that exist, by image; *commits* gives the commits by digest.
    """
    for tag, image in version_tags.items():
        built_from = commits.get(image.digest, ())
        if commit not in built_from:
            of = f"commit {built_from[0]}" if built_from else "a commit that can't be told"
            return None, TagTaken(
                f"{tag} is published already, from {of}; this run is of commit {commit}.",
                why="A version is written once: what runs as it must not change under its name. Nothing was built.",
                fix=f"Release the next version, or, if nothing runs {tag}, delete its tags:\n"
                f"aws ecr batch-delete-image --repository-name {repository} --image-ids "
                + " ".join(f"imageTag={name}" for name in version_tags),
            )
    return next(iter(version_tags.values()), None), None
