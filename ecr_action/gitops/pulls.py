"""The pull request of an app in an environment: its branch, its text, what became of earlier ones. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ecr_action import markdown
from ecr_action.errors import BranchProtected, Failure, GitOpsAccess, GitOpsBusy, GitOpsRefused
from ecr_action.gitops.message import DIGEST, IMAGE, Origin, Shipped, trailers_of
from ecr_action.gitops.outcomes import Refusal
from ecr_action.gitops_protocols import Proposed, PullRequest

_LONGEST = 30_000
_BEGIN, _END = "<!-- ecr-publish -->", "<!-- /ecr-publish -->"
# In the text of a pull request that was closed by a run: no person has said no.
_CLOSED = "<!-- ecr-publish: closed -->"
_BLOCK = re.compile(f"{re.escape(_BEGIN)}.*?(?:{re.escape(_END)}|\\Z)", re.S)


def branch(repository: str, environment: str, onto: str | None = None) -> str:
    """The branch of *repository* (ECR's name) in *environment*: one for each, whatever their names hold.

    ECR's names have no ``--``, so that ``team/app`` and ``team-app`` stay two; an environment's has no ``@``. *onto*:
    the branch that it is to be merged into, where that was named.
    """
    return f"ecr-publish/{repository.replace('/', '--')}/{environment}" + (f"@{onto}" if onto else "")


def body(shipped: Sequence[Shipped], origin: Origin, environment: str, ships: str = "") -> str:
    """The description, as a block that is found again; *ships* tells what ships, in Markdown."""
    rows = [(f"Image of {item.repository}", f"{item.name}:{item.tag}") for item in shipped]
    rows += [("Digest", item.digest) for item in shipped if item.digest]
    rows += [("Built from", f"{origin.repository}@{origin.sha}")] if origin.sha else []
    table = "\n".join(f"| {markdown.prose(name)} | {markdown.code(value)} |" for name, value in rows)
    parts = [f"To **{markdown.prose(environment)}**:", f"| | |\n|---|---|\n{table}"]
    parts += [_bounded(ships.replace("<!--", "<! --"))] if ships else []
    by = f"{markdown.link('a run', origin.run_url)} of {markdown.prose(origin.repository)}" if origin.run_url else ""
    run = f" by {by}" if by else ""
    parts.append(
        f"Made{run}. A newer image takes the place of this one, here in this pull request. Commits of others on the "
        "branch are kept. Once it is closed without a merge, this image is not proposed again."
    )
    # GitHub may make the message of a squash of this text: then it tells whose commit that is.
    parts.append("<!--\n" + "\n".join(trailers_of(shipped, origin)) + f"\n-->\n{_END}")
    return "\n\n".join([_BEGIN, *parts])


def _bounded(text: str) -> str:
    """*text*, cut at the end of a line: GitHub takes 65,536 characters for all of a description."""
    if len(text) <= _LONGEST:
        return text
    return text[:_LONGEST].rpartition("\n")[0] + "\n- and more: see the commits"


def closing(old: str, why: str) -> str:
    """The text of a pull request that a run closes: *why* below the *old* one, and a mark that it was no person."""
    return f"{old.rstrip()}\n\n{_CLOSED}\n\n{why}"


def joined(old: str, block: str) -> str:
    """*block* in the place of the one in *old*, or below what somebody wrote there.

    A pull request that somebody opened again is theirs to close: the mark of our closing goes.
    """
    old = old.replace(_CLOSED, "")
    if _BLOCK.search(old):
        return _BLOCK.sub(lambda _: block, old, count=1)
    return f"{old.rstrip()}\n\n{block}" if old.strip() else block


def declined(found: Proposed, digests: Sequence[str]) -> PullRequest | None:
    """The last pull request that proposed all these images, if somebody closed it without a merge.

    Those that a run closed count for nothing.
    """
    if not digests or not all(digests):
        return None
    pulls = (pull for pull in found.pulls if not (pull.state == "closed" and _CLOSED in pull.body))
    named = (pull for pull in pulls if all(digest in pull.body for digest in digests))
    last = next(named, None)
    return last if last is not None and last.state == "closed" else None


def proposed_in(body: str) -> list[Shipped]:
    """The images that a description of ours names, by its trailers."""
    found: list[Shipped] = []
    for line in "".join(_BLOCK.findall(body)).replace("\r", "").split("\n"):
        key, _, value = line.partition(": ")
        name, colon, tag = value.strip().rpartition(":")
        if key == IMAGE and colon:
            found.append(Shipped(name=name, repository=name.partition("/")[2], tag=tag))
        elif key == DIGEST and found:
            found[-1] = replace(found[-1], digest=value.strip())
    return found


def ours_refused(refused: BranchProtected, repository: str, branch: str) -> Failure:
    """A rule of *repository* (``owner/name``) refuses the *branch* that the pull request is to come from."""
    return GitOpsRefused(
        f"A rule of {repository} refuses {branch}, the branch of our own that a pull request comes from.",
        why=f"{refused.what} The image is published.",
        fix=f"{repository}: Settings > Rules > Rulesets > the ruleset > Target branches >\n"
        "Add target > Exclude by pattern: ecr-publish/**\n"
        "Or let the token's owner (a user, or a GitHub App) bypass it: Bypass list",
    )


def refused(refusal: Refusal, repository: str, base: str) -> Failure:
    """What GitHub's refusal of a pull request of *repository* (``owner/name``) onto *base* means."""
    said = (refusal.message or f"HTTP {refusal.status}").rstrip(". ")
    if refusal.passing or refusal.limited:
        text = f"GitHub did not answer for the pull requests of {repository}: {said}."
        return GitOpsBusy(text, fix="Run the job again.", transient=True)
    if "not permitted to create or approve" in said:
        return GitOpsAccess(
            f"The job's own token may not open a pull request in {repository}.",
            why=f"GitHub says: {said}.",
            fix=f"{repository}: Settings > Actions > General > Workflow permissions >\n"
            "Allow GitHub Actions to create and approve pull requests; in the job:\n"
            "permissions:\n  contents: write\n  pull-requests: write",
        )
    if refusal.status in (401, 403, 404) or refusal.type == "FORBIDDEN":
        return GitOpsAccess(
            f"The token may not read or open pull requests in {repository}.",
            why=f"GitHub says: {said}.",
            fix="Give it, beside Contents: Read and write, the repository permission\nPull requests: Read and write\n"
            "(a GitHub App: Permissions & events, then accept them in the installation). Or write commits:\n"
            "gitops-mode: commit",
        )
    return GitOpsRefused(
        f"GitHub refused a pull request of {repository} onto {base}: {said}.",
        fix="Run the job again. The branch with the commit is there; a pull request can be opened by hand.",
    )
