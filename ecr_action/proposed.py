"""The tag on what waits in a pull request: put there by the run that proposes, read by the one that sees the merge."""

from __future__ import annotations

from collections.abc import Mapping

from ecr_action.image import reuse
from ecr_action.plan import Plan
from ecr_action.protocols import Image, Images, RepositoryState
from ecr_action.report import RolledOut
from ecr_action.services import Services
from ecr_action.standing import Look
from ecr_action.tagging import mark_deployed


def mark_proposed(
    plan: Plan,
    rolled_out: RolledOut,
    image: Image,
    state: RepositoryState,
    there: Mapping[str, Image],
    images: Images,
    services: Services,
    look: Look,
) -> None:
    """See whether an earlier proposal was merged meanwhile; put ``deployed-<env>-proposed`` on *image* where it waits.

    The lifecycle policy shields both. *there* has the tags as they were when the run began, *look*
    tells what is rolled out now.
    """
    before = there.get(plan.proposed)
    if before is not None and _stood(plan, before, rolled_out, images):
        # What a rollback leaves stays its predecessor's successor: `previous` must not lead forward again.
        left, rejected = there.get(plan.mark), there.get(plan.rejected)
        back = left is not None and rejected is not None and left.digest == rejected.digest
        mark_deployed(plan, before, state, there, images, services, look=look, back=back)
    if plan.repository not in rolled_out.proposed:
        return
    if reuse.immutable(plan.proposed, state):
        text = f"{state.name} is {state.mutability}: {plan.proposed} can't mark what waits for a merge"
        services.console.notice(f"{text}; exclude 'deployed-*' from its tag immutability.")
    elif images.put_tag(plan.repository, image, plan.proposed):
        services.console.info(f"Tagged {plan.proposed}")


def _stood(plan: Plan, image: Image, rolled_out: RolledOut, images: Images) -> bool:
    """Whether the run found *image* in the GitOps repository."""
    found = [(tag, digest) for name, tag, digest in rolled_out.stood if name == plan.repository]
    if any(digest == image.digest for _, digest in found):
        return True
    tags = {tag for tag, digest in found if tag and not digest}
    return bool(tags) and not tags.isdisjoint(images.tags(plan.repository, image))
