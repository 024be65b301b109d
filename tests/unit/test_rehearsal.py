"""The early look at the GitOps repository: what it reads, what comes of it after the build."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecr_action.errors import GitOpsAccess, NoReference
from ecr_action.gitops_protocols import File, Folder, GitOps
from ecr_action.rehearsal import look_ahead, rehearse
from ecr_action.report import Outcome, RolledOut
from ecr_action.rollout import Rehearsed, roll_out
from ecr_action.services import Services
from ecr_action.wanted import Wanted

from .blank import Blank
from .rolling import Branch, asked

DEV, PROD = (f"{account}.dkr.ecr.us-east-1.amazonaws.com" for account in ("123456789012", "210987654321"))
DIGEST = "sha256:" + "1" * 64
TAG = "refs/tags/v1.2.0"
SOURCE = f"{DEV}/dev/node-builds"
NEW = f"image: {PROD}/hello-node:v1.2.0\n"


def tried(wants: Wanted, services: Services) -> Rehearsed:
    """The look ahead, and what is made of it before the build."""
    return rehearse(wants, look_ahead(wants, services), f"{PROD}/hello-node", {}, Blank(), services)


def rolled_out(wants: Wanted, gitops: GitOps, folder: Folder | None = None) -> RolledOut:
    """The roll-out of an image that was built after the look."""
    services = replace(Blank().services(), gitops=lambda: gitops, manifests=lambda: folder)
    seen = tried(wants, services)
    outcome = Outcome(plan=wants.plan, uri=f"{PROD}/hello-node", primary="v1.2.0", digest=DIGEST)
    return roll_out(wants, [outcome], Blank(), services, seen)


@pytest.mark.parametrize("beside", [{}, {"prod/worker.yaml": f"image: {PROD}/hello-node:v1.1.0\n"}])
def test_files_that_name_the_images_source_are_read_early_too(beside: dict[str, str]) -> None:
    """All of them take the new name, whether another file has it already or none."""
    branch = Branch({"prod/app.yaml": f"image: {SOURCE}:old\n", **beside})
    assert rolled_out(asked(TAG, image=SOURCE), branch).deployed == ("hello-node",)
    assert set(branch.files.values()) == {NEW}
    assert branch.commits == [set(branch.files)]


def test_no_manifest_is_copied_beside_one_that_names_the_source() -> None:
    """The app stands there already, by the name of the repository that its image came from."""
    path, text = "hello-node/prod/app.yaml", f"kind: Deployment\nimage: {SOURCE}:old\n"
    own = f"kind: Deployment\nmetadata: {{name: hello-node}}\nimage: {PROD}/hello-node:x\n"
    folder = Folder(path="deploy", files=(File(path="hello-node/prod/deployment.yaml", content=own.encode()),))
    branch = Branch({path: text})
    assert rolled_out(asked(TAG, image=SOURCE), branch, folder).deployed == ("hello-node",)
    assert branch.commits == [{path}]


def test_what_somebody_adds_between_two_looks_is_rolled_out_to() -> None:
    """The second look, made for a better error, finds the image: that is no error any more."""
    branch = Branch({})
    branch.meanwhile = lambda: branch.files.update({"prod/app.yaml": f"image: {PROD}/hello-node:v1.1.0\n"})
    assert rolled_out(asked(TAG), branch).deployed == ("hello-node",)
    assert branch.files == {"prod/app.yaml": NEW}


def test_an_image_that_is_nowhere_is_told_before_the_build() -> None:
    """With every image that is there."""
    branch = Branch({"prod/app.yaml": "image: registry.example:5000/other:1\n"})
    with pytest.raises(NoReference, match="5000/other"):
        rolled_out(asked(TAG), branch)


def test_an_app_that_is_not_installed_yet_may_be_by_the_end_of_the_build() -> None:
    """As a repository that is not there yet: the build goes on, and it is asked for again."""

    def unseen() -> GitOps:
        raise GitOpsAccess("The GitHub App is not installed there.", transient=True)

    services = replace(Blank().services(), gitops=unseen)
    assert tried(asked("refs/heads/main"), services) == Rehearsed()


def test_a_token_that_is_refused_for_good_fails_before_the_build() -> None:
    """When the answer is needed, and as the failure that it is."""

    def refused() -> GitOps:
        raise GitOpsAccess("The private key is another App's.")

    services, wants = replace(Blank().services(), gitops=refused), asked("refs/heads/main")
    assert look_ahead(wants, services)
    with pytest.raises(GitOpsAccess, match="another App"):
        tried(wants, services)
