"""What `mode: deploy` asks for: an image that is there, taken to an environment. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ecr_action.errors import ImageArchived, ImageMissing, Problem
from ecr_action.github.context import Context, Nothing, PullRequest, Queue
from ecr_action.image import tags, version
from ecr_action.image.reference import DIGEST, parse, registry_of
from ecr_action.inputs import Inputs
from ecr_action.plan import Decision, Plan, repository_name
from ecr_action.protocols import Archived

PREVIOUS = "previous"
# Tags that move, or that say something else than which image it is: none of them is rolled out.
_NO_NAME = re.compile(r"latest|deployed-.*|key-[0-9a-f]{16}|buildcache.*|sha256-.*|pr-[0-9]+")
_SHORT = re.compile(r"[0-9a-f]{7,39}(?:-r[0-9]+)?")


@dataclass(frozen=True, kw_only=True)
class Named:
    """How ``image:`` names an image: by *digest*, or the first of *tags* that is there, of a *repository* if told."""

    tags: tuple[str, ...] = ()
    digest: str = ""
    host: str = ""
    repository: str = ""


def make(inputs: Inputs, context: Context) -> tuple[Plan, tuple[Problem, ...]]:
    """The plan of a deploy, and what is wrong with inputs for this event. Its commit is the image's, not known yet."""
    problems: list[Problem] = []
    repository = repository_name(inputs, context, problems)
    if isinstance(context.source, PullRequest | Queue):
        problems.append(Problem("mode", f"is deploy, and a {context.event} rolls nothing out.", "Use another event."))
    if not inputs.environment:
        what = "is not given, and 'mode: deploy' has to know where to."
        problems.append(Problem("environment", what, "Write a line like 'environment: prod'."))
    if not inputs.image:
        what = "is not given: 'mode: deploy' takes an image that is there."
        problems.append(Problem("image", what, "Write a line like 'image: v1.2.3', or 'image: previous' to roll back."))
    elif (found := named(inputs.image, inputs.environment or "")) is None:
        problems.append(_unnamed(inputs.image))
    else:
        problems += _foreign(found)
    made = Plan(
        event=context.event,
        commit="",
        nothing=context.source.because if isinstance(context.source, Nothing) else None,
        deploy=inputs.image or "",
        environment=inputs.environment,
        gitops=True,
        named=True,
        repository=repository,
        reasons=(Decision("deploy", f"{inputs.image} to {inputs.environment}", "mode: deploy is given"),),
    )
    return made, tuple(problems)


def _unnamed(text: str) -> Problem:
    reference = parse(text)
    if reference is not None and not (reference.tag or reference.digest):
        what = f"is {text!r}, a repository without the tag or digest of an image in it."
        return Problem("image", what, f"Write a line like 'image: {text}:v1.2.3'.")
    what = f"is {text!r}, which is no version, tag, digest, commit or reference, nor 'previous'."
    return Problem("image", what, "Write a line like 'image: v1.2.3'.")


def named(text: str, environment: str) -> Named | None:
    """What *text* names; None where it is nothing that names an image."""
    if text == PREVIOUS:
        return Named(tags=(f"deployed-{environment}-previous",))
    if DIGEST.fullmatch(text):
        return Named(digest=text)
    found = version.parse(text)
    if tags.is_tag(text) or found:
        literal = (text,) if tags.is_tag(text) else ()
        return Named(tags=tuple(dict.fromkeys((*literal, *((found.tag,) if found else ())))))
    reference = parse(text)
    if reference is None or not (reference.tag or reference.digest):
        return None
    return Named(
        tags=(reference.tag,) if reference.tag and not reference.digest else (),
        digest=reference.digest or "",
        host=reference.host or "",
        repository=reference.path,
    )


def source(inputs: Inputs, plan: Plan, problems: list[Problem]) -> Named | None:
    """Where a publish takes its commit's image from: ``image:`` as a repository of another name, account or Region.

    Without a tag it is the one under the commit's own.
    """
    if not inputs.image or inputs.mode != "publish" or plan.nothing:
        return None
    reference = parse(inputs.image)
    if reference is None or not (reference.host or reference.tag or reference.digest or "/" in reference.path):
        what = f"is {inputs.image!r}, and nothing is deployed."
        fix = "Add the line 'mode: deploy'; or name the repository that has this commit's image: <registry>/<name>"
        problems.append(Problem("image", what, fix))
        return None
    found = Named(
        tags=(reference.tag or plan.commit,) if not reference.digest else (),
        digest=reference.digest or "",
        host=reference.host or "",
        repository=reference.path,
    )
    problems += _foreign(found)
    return found if plan.push else None


def _foreign(found: Named) -> list[Problem]:
    """What is wrong with a registry that is none of ECR's."""
    if not found.host or registry_of(found.host):
        return []
    fix = "Build it, or copy it to ECR first: docker buildx imagetools create --tag <ECR's> <this>"
    return [Problem("image", f"is an image of {found.host}, which is no private ECR registry.", fix)]


def newest_version(names: Sequence[str]) -> version.Version | None:
    """The highest version among the tags *names* of one image."""
    return max((found for name in names if (found := version.of_tag(name))), default=None)


def tag_to_roll_out(asked: Sequence[str], names: Sequence[str]) -> str | None:
    """The tag that a GitOps repository references: one that stays on its image.

    Parameters: *asked* are the tags that the user named, *names* all that the image has. One that was named wins where
    it says which build it is; then a version, then a commit id. Any other (``edge``, ``1.2``) may move tomorrow.
    """
    stay = [name for name in names if not _NO_NAME.fullmatch(name)]
    versions = [found.tag for name in stay if (found := version.of_tag(name))]
    shas = sorted((name for name in stay if _SHORT.fullmatch(name) or tags.SHA.fullmatch(name)), key=len)
    builds = tuple(f"-{name}" for name in (*versions, *shas))
    named = [tag for tag in asked if tag in stay]
    own = [tag for tag in named if version.of_tag(tag) or _SHORT.fullmatch(tag) or tag.endswith(builds)]
    found = newest_version(stay)
    order = (*own, found.tag if found else "", *shas, *named, *sorted(stay))
    return next((tag for tag in order if tag in stay), None)


def archived(found: Archived, repository: str, options: str = "") -> ImageArchived:
    """The error for an image that can't be read; *options* are those of an aws command that name its registry."""
    named = found.name if found.name == found.digest else f"{found.name} ({found.digest})"
    command = f"aws ecr update-image-storage-class --repository-name {repository} "
    command += f"--image-id imageDigest={found.digest} --target-storage-class STANDARD{options}"
    if found.activating:
        command = "Run the job again when it is there: restoring takes up to 20 minutes."
    return ImageArchived(
        f"{named} of the repository {repository} is {'being restored' if found.activating else 'archived'}.",
        why="What is in the archive storage class can be neither pulled nor promoted.",
        fix=command if found.activating else f"{command}\nThen, after up to 20 minutes, run the job again.",
    )


def missing(image: str, repository: str, options: str = "") -> ImageMissing:
    """The error for an image that the repository does not have; *options* as in :func:`archived`."""
    why = "No deploy has marked a predecessor there." if image == PREVIOUS else "It was never published, or it expired."
    return ImageMissing(
        f"The repository {repository} has no image {image}.",
        why=why,
        fix=f"aws ecr describe-images --repository-name {repository}{options} --query 'imageDetails[].imageTags'",
    )
