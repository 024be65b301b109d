"""The first roll-out of an app: its own manifests, for a GitOps repository that knows nothing of the image yet."""

from __future__ import annotations

from ecr_action.errors import Failure
from ecr_action.gitops import bootstrap
from ecr_action.gitops.bootstrap import Copies
from ecr_action.gitops.target import Target
from ecr_action.gitops.tree import wanted as is_manifest
from ecr_action.gitops_protocols import Folder, Snapshot
from ecr_action.protocols import Images
from ecr_action.services import Services
from ecr_action.wanted import Wanted

_ENVIRONMENTS = ("dev", "staging", "prod")


def copies(
    wanted: Wanted, target: Target, snapshot: Snapshot, images: Images, services: Services
) -> tuple[Folder, Copies] | None:
    """What the snapshot's repository gets of the app's own manifests; None where that is not to be asked at all.

    An image that was rolled out before is known nowhere because somebody took it out: it is not put back. Raises
    errors.Failure of what is read.
    """
    folder = services.manifests()
    if folder is None or not (folder.files or folder.too_much) or not bootstrap.is_unknown(snapshot.files, target):
        return None
    marks = {f"deployed-{name}" for name in (*_ENVIRONMENTS, wanted.plan.environment)}
    if standing := sorted(images.find(wanted.plan.repository, sorted(marks))):
        why = f"the image was rolled out before ({', '.join(standing)}), so that its reference was taken out"
        return folder, Copies(refused=why)
    return folder, bootstrap.choose(folder, snapshot.paths, target, shared=_is_shared(snapshot, services))


def _is_shared(snapshot: Snapshot, services: Services) -> bool:
    """Whether other images are at home in the repository. A repository without manifests is not read for that."""
    if not any(is_manifest(path, "100644", ()) for path in snapshot.paths):
        return False
    return bootstrap.have_images(services.gitops().read((), bootstrap.IMAGE_WORDS).files)


def told(failure: Failure, folder: Folder, refused: str) -> Failure:
    """*failure*, with why nothing of *folder* was copied instead, and what to do about that."""
    failure.why = f"{failure.why}\n{folder.path}/ of this commit is not copied there: {refused}.".strip()
    failure.fix = f"{failure.fix}\nor copy the manifests of {folder.path}/ to where they belong yourself"
    return failure
