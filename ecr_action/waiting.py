"""A release whose commit is being built by another run at this moment waits for that image instead of building it."""

from __future__ import annotations

from ecr_action.image import version
from ecr_action.plan import Plan
from ecr_action.protocols import Image, Images, Running
from ecr_action.services import Services

LONGEST_SECONDS = 300.0
PAUSE_SECONDS = 10.0


def wait_for_build(plan: Plan, tag: str, run_id: str, images: Images, services: Services) -> Image | None:
    """The image under *tag* once the run that builds it has published it; None where none does, or not in 5 minutes.

    A run that ends without the image is waited for no longer. Raises errors.Failure.
    """
    if plan.version is None:
        return None
    end, said = services.clock.monotonic() + LONGEST_SECONDS, False
    while any(_builds(run, run_id) for run in services.history.running(plan.commit)):
        if services.clock.monotonic() >= end:
            services.console.notice("The image of this commit did not come within 5 minutes.")
            return None
        if not said:
            services.console.info(f"Another run is building {plan.commit}: waiting for its image, 5 minutes at most.")
            said = True
        services.clock.sleep(PAUSE_SECONDS)
        if found := images.find(plan.repository, [tag]).get(tag):
            return found
    return images.find(plan.repository, [tag]).get(tag) if said else None


def _builds(run: Running, ours: str) -> bool:
    """Whether *run* may be building the commit for a branch: neither our own, nor the release's other event."""
    of_version = version.parse(run.branch.rpartition("/")[2]) is not None
    return run.id != ours and run.event in ("push", "workflow_dispatch") and not of_version
