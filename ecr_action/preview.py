"""What a merge would change in the GitOps repository, shown on a pull request: read, never written.

What is wrong with it is a warning and fails nothing. The run of a pull request judges its code; the GitOps repository
changes by itself, and its state must not keep anybody from merging, least of all the pull request that mends it.
"""

from __future__ import annotations

from ecr_action.errors import Failure, NoReference
from ecr_action.gitops import edit
from ecr_action.gitops.edit import Result, Target
from ecr_action.gitops.superseded import Ours, Standing, Verdict, verdict
from ecr_action.protocols import Comparison
from ecr_action.report import Previewed
from ecr_action.services import Services
from ecr_action.wanted import Preview, Wanted

# In the place of the digest, which the merge's own build makes.
_UNKNOWN = "sha256:" + "0" * 64


def preview(wanted: Wanted, services: Services) -> Previewed | None:
    """The change as a diff, or the failure that the run after the merge would end in; None where nothing is shown."""
    shown, console = wanted.preview, services.console
    if shown is None:
        if wanted.preview_missing:
            console.info(f"Preview: {wanted.preview_missing}.")
        return None
    told = Previewed(repository=shown.gitops.repository, environment=shown.environment)
    try:
        result = _result(wanted, shown, services)
    except Failure as failure:
        return _failed(told, failure, wanted, services)
    kept = tuple(verdict.notice for _, verdict in result.kept)
    diff = edit.unified_diff(result)
    return Previewed(
        repository=told.repository,
        environment=told.environment,
        diff=diff,
        notices=(*kept, *result.notices, *result.warnings),
        digest_unknown=_UNKNOWN in diff,
    )


def _result(wanted: Wanted, shown: Preview, services: Services) -> Result:
    target = Target(
        registry=shown.registry,
        repository=wanted.plan.repository,
        tag=shown.tag,
        digest=_UNKNOWN,
        pin=shown.gitops.pin,
    )

    def ahead(_: Target, standing: Standing) -> Verdict:
        # What is merged comes after what stands; a release in a file of no environment stays all the same.
        return verdict(Ours(commit=wanted.plan.commit), standing, Comparison(status="ahead"), allow=False)

    def tried(needles: list[bytes]) -> Result:
        snapshot = services.gitops().read(shown.gitops.patterns, needles)
        return edit.bump(
            snapshot.files,
            [target],
            environment=shown.environment,
            named=shown.gitops.named,
            paths=snapshot.paths,
            replicas=shown.gitops.replicas,
            verdict=ahead,
        )

    try:
        return tried(edit.needles([target]))
    except NoReference:
        # Every file with an image in it: the error then lists what is there.
        tried([b"image"])
        raise


def _failed(told: Previewed, failure: Failure, wanted: Wanted, services: Services) -> Previewed | None:
    console = services.console
    if failure.code.startswith(("E-AWS", "E-OIDC")):
        # The token is in AWS, and a role need not trust pull requests.
        console.info(f"Preview: what a merge would change is not shown, its token can't be read: {failure.what}")
        return None
    folder = services.manifests() if isinstance(failure, NoReference) else None
    if folder is not None and folder.files:
        text = f"{told.repository} does not know the image yet; a merge copies the manifests of {folder.path}/ there."
        return Previewed(repository=told.repository, environment=told.environment, notices=(text,))
    onto = wanted.plan.preview
    text = f"After a merge the roll-out to {onto} would end like this:\n{failure}"
    console.warning(text, title=f"{failure.title} ({failure.code})")
    return Previewed(repository=told.repository, environment=told.environment, failure=failure)
