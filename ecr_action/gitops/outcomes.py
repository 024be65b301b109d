"""What GitHub's refusals of a read or a commit mean, and what to do about each. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from ecr_action.errors import (
    BranchProtected,
    Failure,
    GitOpsAccess,
    GitOpsBusy,
    GitOpsMissing,
    GitOpsRefused,
)

_STALE = re.compile(r"Expected branch to point to |is at [0-9a-f]{40,64}\b.*\bbut expected [0-9a-f]{40,64}", re.DOTALL)
_RULES = re.compile(
    r"repository rule violations|changes must be made through|protected branch|not authorized to push to this branch",
    re.I,
)
# A name has no blank in it, so that no repository's name fits.
_ARCHIVED = re.compile(r"repository (was|is) archived", re.I)


class Refusal(Protocol):
    """What is known of an answer."""

    @property
    def status(self) -> int: ...
    @property
    def message(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def passing(self) -> bool: ...
    @property
    def limited(self) -> bool: ...


def is_stale(refusal: Refusal) -> bool:
    """Whether the branch moved since it was read."""
    return refusal.type == "STALE_DATA" or bool(_STALE.search(refusal.message))


def failure(refusal: Refusal, repository: str, branch: str, token: str) -> Failure:
    """The failure for *refusal* of a call on *repository* (``owner/name``).

    Parameters: *branch* is the one written to, *token* the token itself, of which only its kind is told.
    """
    said = (refusal.message or f"HTTP {refusal.status}").rstrip(". ")
    if refusal.limited:
        return _limited(said, repository)
    if refusal.status == 401:
        return GitOpsAccess(
            f"GitHub does not know the gitops-token ({kind(token)}): {said}.",
            why="It was revoked, has expired, or is another GitHub's.",
            fix="gitops-token: ${{ secrets.GITOPS_PAT }}\nSet it with: gh secret set GITOPS_PAT",
        )
    if _ARCHIVED.search(said):
        return GitOpsRefused(
            f"{repository} is archived: nothing can be written.", fix=f"gh repo unarchive {repository}"
        )
    if _RULES.search(said) or refusal.type == "BRANCH_PROTECTION_RULE_VIOLATION":
        return _protected(said, repository, branch)
    if refusal.type == "FORBIDDEN" and branch:
        return _read_only(said, refusal.headers, repository, branch, token)
    if refusal.type == "NOT_FOUND" and not branch:
        return _absent(repository, token, said, refusal.headers)
    if refusal.type in ("FORBIDDEN", "NOT_FOUND", "INSUFFICIENT_SCOPES") or refusal.status in (403, 404):
        return no_access(repository, token, said, refusal.headers)
    if refusal.passing:
        return GitOpsBusy(f"GitHub did not answer for {repository}: {said}.", fix="Run the job again.", transient=True)
    where = f"{repository}, branch {branch}" if branch else repository
    return GitOpsRefused(f"GitHub refused a call on {where}: {said}.", fix="Run the job again.")


def _limited(said: str, repository: str) -> GitOpsBusy:
    return GitOpsBusy(
        f"GitHub's rate limit held longer than ten minutes, for {repository}: {said}.",
        why="The token's calls of this hour are used up, by this job or by others with the same token.",
        fix="Run the job again in an hour, or give it a GitHub App's token, which has a limit of its own.",
        transient=True,
    )


def _protected(said: str, repository: str, branch: str) -> BranchProtected:
    owner, _, name = repository.partition("/")
    return BranchProtected(
        f"The branch {branch} of {repository} takes no direct commits: {said}.",
        why="A branch protection rule or a ruleset asks for a pull request or a merge queue. The image is published.",
        fix="gitops-mode: auto   # a pull request where the branch takes no commits\n"
        "Or let the token's owner (a user, or a GitHub App) bypass it: Settings > Rules > Rulesets > Bypass list,\n"
        "or commit to a branch of its own, which Argo CD follows:\n"
        "gitops-branch: deploy\n"
        f"The rules in force: gh api repos/{owner}/{name}/rules/branches/{branch}",
    )


def _read_only(said: str, headers: Mapping[str, str], repository: str, branch: str, token: str) -> GitOpsAccess:
    return GitOpsAccess(
        f"The gitops-token ({kind(token)}) may not write to {repository}, branch {branch}.",
        why=_facts(said, headers),
        fix=_boxes(token, repository),
    )


def no_access(repository: str, token: str, said: str, headers: Mapping[str, str]) -> GitOpsAccess:
    """The token can't read or write the repository, or there is no such repository: GitHub does not tell which."""
    return GitOpsAccess(
        f"The gitops-token ({kind(token)}) has no access to {repository}, or there is no such repository.",
        why=_facts(said, headers),
        fix=f"gitops-repository: {repository}   # is this its name?\n{_boxes(token, repository)}",
    )


def _absent(repository: str, token: str, said: str, headers: Mapping[str, str]) -> GitOpsAccess:
    """As no_access, of a repository that may be made at this moment: transient."""
    denied = no_access(repository, token, said, headers)
    return GitOpsAccess(denied.what, why=denied.why, fix=denied.fix, transient=True)


def _facts(said: str, headers: Mapping[str, str]) -> str:
    wanted = headers.get("x-accepted-github-permissions", "")
    scopes = headers.get("x-oauth-scopes")
    facts = [f"GitHub says: {said}."]
    facts += [f"The call needs: {wanted}."] if wanted else []
    facts += [f"The token's scopes: {scopes or 'none'}."] if scopes is not None else []
    return " ".join([*facts, "Whatever was published before stays published."])


def kind(token: str) -> str:
    """What sort of token it is, by the prefixes that GitHub gives ("GitHub's token formats")."""
    kinds = {
        "github_pat_": "a fine-grained personal access token",
        "ghp_": "a classic personal access token",
        "ghs_": "an installation token: the job's own or a GitHub App's",
        "gho_": "an OAuth token",
        "ghu_": "a GitHub App's user token",
    }
    return next((name for prefix, name in kinds.items() if token.startswith(prefix)), "of no known kind")


def _boxes(token: str, repository: str) -> str:
    if token.startswith("ghp_"):
        return "The classic token needs the scope 'repo', and single sign-on authorized for the organization."
    if token.startswith("ghs_"):
        return (
            f"The job's own token reaches its own repository alone; for {repository} use a GitHub App installed\n"
            "there with Contents: read and write, or a fine-grained token."
        )
    return (
        f"The token's page: Resource owner {repository.partition('/')[0]}, Repository access {repository},\n"
        "Repository permissions > Contents: Read and write."
    )


def empty(repository: str) -> GitOpsMissing:
    """A repository without a commit, for an app that brings no manifests of its own."""
    return GitOpsMissing(
        f"{repository} is empty: there is no file to bump.",
        why="It has no commit, and this commit of the app has no manifests to begin it with.",
        fix=f"Commit the app's manifests to {repository} first, with 'image: placeholder' for the image,\n"
        "or put them into the folder deploy/ of the app: then they are copied (gitops-bootstrap).",
    )


def no_branch(repository: str, branch: str, default: str) -> GitOpsMissing:
    """The branch that was asked for is not there; *default* is empty where the default one is not there either."""
    if not branch:
        return GitOpsMissing(f"{repository} lacks its own default branch.", fix="gitops-branch: one that is there")
    return GitOpsMissing(
        f"{repository} has no branch {branch}" + (f"; its default branch is {default}." if default else "."),
        fix=f"gitops-branch: {default or 'one that is there'}",
    )
