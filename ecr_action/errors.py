"""Every failure a user can meet: one tree, a stable code each.

::

    Failure
    ├── InputProblems        E-INPUT             exit 2: found before any effect
    ├── NoCredentials        E-AWS-CREDENTIALS
    ├── NoIdToken            E-OIDC-PERMISSION
    ├── OidcUnreachable      E-OIDC-UNREACHABLE
    ├── TrustRefused         E-AWS-TRUST
    ├── ProviderMissing      E-AWS-PROVIDER
    ├── WrongAccount         E-AWS-ACCOUNT
    ├── AwsDenied            E-AWS-DENIED
    ├── AwsRefused           E-AWS-REFUSED
    ├── AwsUnreachable       E-AWS-UNREACHABLE
    ├── SecretUnusable       E-AWS-SECRET
    ├── RepositoryMissing    E-ECR-REPOSITORY
    ├── TagTaken             E-ECR-TAG
    ├── ImageMissing         E-ECR-IMAGE
    │   └── ImageArchived    E-ECR-ARCHIVED
    ├── VulnerableImage      E-SCAN
    ├── EngineUnreachable    E-ENGINE
    ├── EngineLacks          E-ENGINE-LACKS
    ├── BuildFailed          E-BUILD
    ├── PushFailed           E-PUSH
    ├── PullFailed           E-PULL
    ├── OtherCommit          E-COMMIT
    ├── HistoryUnreadable    E-GITHUB-COMPARE
    ├── GitOpsAccess         E-GITOPS-ACCESS
    ├── AppRefused           E-GITHUB-APP
    ├── GitOpsParse          E-GITOPS-PARSE
    ├── NoReference          E-GITOPS-REFERENCE
    ├── EnvironmentUnclear   E-GITOPS-ENVIRONMENT
    ├── GitOpsRefused        E-GITOPS-REFUSED
    │   ├── GitOpsMissing    E-GITOPS-FILES
    │   └── BranchProtected  E-GITOPS-PROTECTED
    ├── GitOpsBusy           E-GITOPS-BUSY
    ├── PlatformMissing      E-GITOPS-PLATFORM
    ├── NotDeployed          E-NOT-DEPLOYED
    └── Interrupted          E-INTERRUPTED

An exception outside this tree is our own bug (``E-BUG``, exit 3).
"""

from __future__ import annotations

from ecr_action.failure import Failure, InputProblems, Problem

__all__ = ["Failure", "InputProblems", "Problem"]


class NoCredentials(Failure):
    """A push needs AWS credentials and there are none.

    ``role-to-assume`` is empty (the secret is not set, or hidden from a fork's or Dependabot's run) and the SDK's
    default chain found nothing either.
    """

    code = "E-AWS-CREDENTIALS"
    title = "No AWS credentials"


class NoIdToken(Failure):
    """``role-to-assume`` is given but GitHub offers this job no identity token.

    The job needs ``permissions: id-token: write``. A job's ``permissions`` replace the workflow's, so list
    ``contents: read`` beside it. In a reusable workflow the *calling* job must grant it too.
    """

    code = "E-OIDC-PERMISSION"
    title = "The job may not ask for an identity token"


class OidcUnreachable(Failure):
    """GitHub's identity token service did not answer, or not with a token, within the time allowed.

    Run the job again. A runner of your own needs the way to the host of ``ACTIONS_ID_TOKEN_REQUEST_URL``, or its proxy.
    """

    code = "E-OIDC-UNREACHABLE"
    title = "GitHub gave no identity token"


class TrustRefused(Failure):
    """AWS refused the role: its trust policy does not admit this job.

    The message prints the ``sub`` and ``aud`` that GitHub presented and the statement that admits exactly this job.
    Repositories created, renamed or transferred after 2026-07-15 have a ``sub`` with ids
    (``repo:org@1/app@2:...``), which ``repo:org/*:*`` does not match.
    """

    code = "E-AWS-TRUST"
    title = "The role does not trust this job"


class ProviderMissing(Failure):
    """The role's account has no OpenID Connect provider for GitHub, or the provider does not know our audience.

    The message has the command that makes it or adds the audience; docs/platform.md has it as Terraform.
    """

    code = "E-AWS-PROVIDER"
    title = "The account has no identity provider for GitHub"


class WrongAccount(Failure):
    """The credentials belong to an account that ``allowed-account-ids`` does not list.

    Correct ``role-to-assume``, or add the account to the list.
    """

    code = "E-AWS-ACCOUNT"
    title = "Another account's credentials"


class AwsDenied(Failure):
    """A policy refuses a call that the run can't do without. The message has the statement to add."""

    code = "E-AWS-DENIED"
    title = "AWS denies a call"


class AwsRefused(Failure):
    """AWS answered a call with an error that another run will meet again until something is changed.

    The message has AWS's own words and, for the errors that are known here, what to change.
    """

    code = "E-AWS-REFUSED"
    title = "AWS refuses a call"


class AwsUnreachable(Failure):
    """AWS did not answer, or answered with an error that passes. Run the job again."""

    code = "E-AWS-UNREACHABLE"
    title = "AWS does not answer"


class SecretUnusable(Failure):
    """An input names a secret by its ARN, and there is none, or it holds something else than the input needs.

    The value itself is never shown. ``...:secret:NAME:KEY::`` takes one value of a secret that is a JSON object.
    """

    code = "E-AWS-SECRET"
    title = "A secret can't be used"


class RepositoryMissing(Failure):
    """The ECR repository does not exist and ``create-repository`` is ``false``.

    Make it beforehand, correct ``repository``, ``aws-region`` or ``registry-id``, or leave ``create-repository`` out.
    """

    code = "E-ECR-REPOSITORY"
    title = "The ECR repository does not exist"


class TagTaken(Failure):
    """A tag that may stand on one image only already names another one.

    A version is written once; tags of an immutable repository can't be moved. Publish the next version, or delete
    the tag on purpose.
    """

    code = "E-ECR-TAG"
    title = "The tag names another image"


class ImageMissing(Failure):
    """The image that ``image:`` names is not in the repository, or has no tag that could be rolled out.

    The message has what is there. Name another one, or publish it first: it may have expired.

    Or it is one of ``parts``: they must be those of ``platforms``, one for each.
    """

    code = "E-ECR-IMAGE"
    title = "The image is not in the repository"


class VulnerableImage(Failure):
    """The image's scan found what ``scan-fail-on`` forbids, or it was not scanned and ``scan-fail-on`` forbids that.

    The image is in the registry under its commit alone: no other tag was moved to it, and it was not rolled out.
    """

    code = "E-SCAN"
    title = "The image does not pass the scan"


class ImageArchived(ImageMissing):
    """The image is in the archive storage class of ECR, from which nothing can be read.

    Restore it with the command of the message and run again: that takes up to 20 minutes.
    """

    code = "E-ECR-ARCHIVED"
    title = "The image is archived"


class EngineUnreachable(Failure):
    """An image must be built and no Docker engine answers, or it shows another certificate than it should, or it goes
    away while it builds. Nothing is tagged by then, and a re-run continues.

    Take a runner with Docker, such as ``runs-on: ubuntu-latest``, or let ``DOCKER_HOST`` name an engine.
    """

    code = "E-ENGINE"
    title = "No Docker engine answers"


class EngineLacks(Failure):
    """The engine at hand can't do what an input asks for. Nothing was built.

    Leave the input out, or set up what the message names, such as ``docker/setup-buildx-action``.
    """

    code = "E-ENGINE-LACKS"
    title = "The engine can't do that"


class BuildFailed(Failure):
    """The build of the image failed: a command of the Dockerfile, its syntax, or a base image.

    The annotation stands at the Dockerfile's line, with the end of the command's output. Mend it and push again.
    """

    code = "E-BUILD"
    title = "The build failed"


class PushFailed(Failure):
    """The image was built and the registry did not take it. No tag was moved.

    The message has the permission or the setting that lacks; run the job again after it.
    """

    code = "E-PUSH"
    title = "The push failed"


class PullFailed(Failure):
    """The image is in the registry, and the engine did not get it from there.

    Run the job again, or leave ``load`` out.
    """

    code = "E-PULL"
    title = "The image was not loaded"


class OtherCommit(Failure):
    """The commit to publish is not the one that is checked out, and it has no image yet; or one of ``parts`` is of
    another commit.

    Check that commit out: ``actions/checkout`` with ``ref:``.
    """

    code = "E-COMMIT"
    title = "Another commit is checked out"


class HistoryUnreadable(Failure):
    """GitHub did not answer which of two commits is the newer one.

    Run the job again. The job's token needs ``permissions: contents: read``.
    """

    code = "E-GITHUB-COMPARE"
    title = "GitHub does not compare the commits"


class GitOpsAccess(Failure):
    """The GitOps repository can't be read or written with the token, or there is none: GitHub does not tell which.

    Look at the repository's name, then give the token ``Contents: Read and write`` on it.
    """

    code = "E-GITOPS-ACCESS"
    title = "No access to the GitOps repository"


class AppRefused(Failure):
    """GitHub gives the App of ``gitops-app-id`` no token for the GitOps repository.

    The id is another App's, the key is not this App's, or the installation is suspended or lacks a permission. The
    message says which of them. (Where the App is not installed on the repository, the code is ``E-GITOPS-ACCESS``.)
    """

    code = "E-GITHUB-APP"
    title = "The GitHub App gets no token"


class GitOpsParse(Failure):
    """A file of the GitOps repository that mentions the image can't be read, or can't be edited safely.

    The annotation has file and line. Mend the file, or name others with ``gitops-files``.
    """

    code = "E-GITOPS-PARSE"
    title = "A GitOps file can't be edited"


class NoReference(Failure):
    """The image is referenced nowhere among the files looked at.

    The message lists the images that are there. Write ours into the file that is to run it, or name the field with
    ``gitops-files: path#field``.
    """

    code = "E-GITOPS-REFERENCE"
    title = "The image is not referenced"


class EnvironmentUnclear(Failure):
    """References of several environments (or of none) are there, and it can't be told which one is meant.

    Nothing was written. The message has ready ``gitops-files:`` lines to choose from.
    """

    code = "E-GITOPS-ENVIRONMENT"
    title = "Can't tell which files belong to the environment"


class GitOpsRefused(Failure):
    """GitHub refused the commit: a protected branch, a ruleset, an archived repository.

    The message has GitHub's words and the setting to change. The image is published: run the job again after it.
    """

    code = "E-GITOPS-REFUSED"
    title = "The GitOps repository refuses the commit"


class GitOpsMissing(GitOpsRefused):
    """The GitOps repository lacks what an input names: the branch, a file, or any commit at all.

    The message has what is there. Correct ``gitops-branch`` or ``gitops-files`` and run again.
    """

    code = "E-GITOPS-FILES"
    title = "The GitOps repository lacks what an input names"


class BranchProtected(GitOpsRefused):
    """The GitOps branch takes no direct commits: a protection rule, a ruleset or a merge queue stands before it.

    ``gitops-mode: auto`` or ``pull-request`` proposes the change instead. The image is published.
    """

    code = "E-GITOPS-PROTECTED"
    title = "The GitOps branch takes no direct commits"


class GitOpsBusy(Failure):
    """Others kept committing to the GitOps branch, or GitHub kept failing, for the whole time allowed.

    The image is published; run the job again, which finds it and rolls it out.
    """

    code = "E-GITOPS-BUSY"
    title = "The GitOps commit did not get through"


class PlatformMissing(Failure):
    """The workload may run on machines that the image is not built for: by its ``nodeSelector`` or node affinity on
    ``kubernetes.io/arch``, else by the input ``node-architectures``. It was not rolled out.

    Write ``platforms:`` as the message has it, or correct the selector.
    """

    code = "E-GITOPS-PLATFORM"
    title = "The image lacks a platform that its nodes need"


class NotDeployed(Failure):
    """``mode: deploy`` changed nothing, since something newer stands, or every reference is held by a comment.

    The message says which. Start the workflow by hand to go back on purpose, or take the comment away.
    """

    code = "E-NOT-DEPLOYED"
    title = "The image was not deployed"


class Interrupted(Failure):
    """The job was cancelled. Everything written so far is consistent; a new run continues."""

    code = "E-INTERRUPTED"
    title = "Cancelled"
