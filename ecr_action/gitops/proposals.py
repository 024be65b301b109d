"""Pull requests of the GitOps repository through GitHub's API.

The branch is never moved to its base: GitHub would close the pull request for good. So a commit is made on a branch of
its own, and ours is then moved onto it by force, from where it was read and from nowhere else (GraphQL reference,
"updateRefs").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from ecr_action.errors import BranchProtected
from ecr_action.github.answers import Answer, ApiError
from ecr_action.gitops import automerge, outcomes, pulls
from ecr_action.gitops.commit import Api, GitHubGitOps
from ecr_action.gitops.message import is_ours
from ecr_action.gitops_protocols import Commit, Proposed, PullRequest, Snapshot, Stale
from ecr_action.protocols import Console

_NOTHING = "0" * 40
# Pull requests of one branch that are looked at, the newest ones.
_MOST = 30
_BRANCH = """query branch($owner: String!, $name: String!, $head: String!, $base: String!, $ref: String!) {
  repository(owner: $owner, name: $name) {
    id ref(qualifiedName: $ref) { target { oid } }
    pullRequests(headRefName: $head, baseRefName: $base, states: [OPEN], last: 1) { nodes { mergeable } }
  }
}"""
_MOVE = """mutation move($input: UpdateRefsInput!) {
  updateRefs(input: $input) { clientMutationId }
}"""


class Sender(Api, Protocol):
    """The calls of GitHub's API that are made here; each raises ApiError."""

    def send(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> Any: ...


class GitHubProposals:
    """Pull requests of *repository* (``owner/name``). *scratch* names the branch that a commit is made on first.

    *own*: the token is the job's own, whose pull requests start no workflows; *auto_merge*: GitHub is to merge them.
    """

    def __init__(
        self,
        api: Sender,
        repository: str,
        console: Console,
        *,
        scratch: str,
        own: bool = False,
        auto_merge: bool = False,
    ) -> None:
        self._api = api
        self._repository = repository
        self._console = console
        self._scratch = scratch
        self._own = own
        self._auto_merge = auto_merge
        self._rooms: dict[str, GitHubGitOps] = {}

    # -- read -----------------------------------------------------------------------------------------------------

    def look(self, base: Snapshot, branch: str) -> Proposed:
        """The branch and its pull requests onto *base*'s branch. Raises GitOpsAccess, GitOpsRefused, GitOpsBusy."""
        try:
            told = self._branch(base, branch)
            head = _oid(told)
            found = self._pulls(base, branch)
            foreign, files = self._beyond(base, head) if head else (False, frozenset())
        except ApiError as error:
            raise pulls.refused(error, base.repository, base.branch) from error
        conflicts = any(row["mergeable"] == "CONFLICTING" for row in told["pullRequests"]["nodes"])
        return Proposed(
            branch=branch,
            repository_id=str(told["id"]),
            head=head,
            pulls=found,
            foreign=foreign,
            files=files,
            conflicts=conflicts,
        )

    def _branch(self, base: Snapshot, branch: str) -> Mapping[str, Any]:
        owner, _, name = base.repository.partition("/")
        given = {"owner": owner, "name": name, "head": branch, "base": base.branch, "ref": f"refs/heads/{branch}"}
        found: Mapping[str, Any] = self._asked(self._api.query(_BRANCH, given))["repository"]
        return found

    def _pulls(self, base: Snapshot, branch: str) -> tuple[PullRequest, ...]:
        owner = base.repository.partition("/")[0]
        given = {"state": "all", "head": f"{owner}:{branch}", "base": base.branch, "per_page": _MOST}
        return tuple(_pull(row) for row in self._api.get(f"/repos/{base.repository}/pulls", given))

    def _beyond(self, base: Snapshot, head: str) -> tuple[bool, frozenset[str]]:
        """Whether one of the commits that the branch has beyond its base is not ours, and the files that differ."""
        told = self._api.get(f"/repos/{base.repository}/compare/{base.head}...{head}", {"per_page": 100})
        known = told["commits"]
        foreign = len(known) < told["total_commits"] or not all(_is_ours(row["commit"]) for row in known)
        return foreign, frozenset(str(row["filename"]) for row in told.get("files") or ())

    def read(self, proposed: Proposed, patterns: Sequence[str], needles: Sequence[bytes]) -> Snapshot:
        """The files as they are on the branch. Raises what reading the base does."""
        if proposed.branch not in self._rooms:
            room = GitHubGitOps(self._api, self._repository, proposed.branch, self._console)
            self._rooms[proposed.branch] = room
        return self._rooms[proposed.branch].read(patterns, needles)

    # -- write ----------------------------------------------------------------------------------------------------

    def add(self, on: Snapshot, changes: Mapping[str, bytes], message: str) -> Commit | None:
        """One commit on top of the branch, which others have committed to."""
        try:
            return self._rooms[on.branch].commit(on, changes, message)
        except BranchProtected as refused:
            raise pulls.ours_refused(refused, self._repository, on.branch) from None

    def commit(self, base: Snapshot, proposed: Proposed, changes: Mapping[str, bytes], message: str) -> Commit | None:
        """One commit on the base's head, and our branch moved onto it."""
        scratch = Snapshot(repository=base.repository, branch=self._scratch, head=base.head, files=base.files)
        moved = False
        try:
            self._begin(proposed, scratch)
            room = GitHubGitOps(self._api, self._repository, self._scratch, self._console)
            made = room.commit(scratch, changes, message)
            moved = self._onto(base, proposed, made)
        except BranchProtected as refused:
            raise pulls.ours_refused(refused, self._repository, proposed.branch) from None
        finally:
            if not moved:
                self._clean_up()
        return made

    def _begin(self, proposed: Proposed, scratch: Snapshot) -> None:
        try:
            self._move(proposed, (scratch.branch, _NOTHING, scratch.head))
        except ApiError as error:
            raise self._late(error) if error.passing else self._refusal(error, scratch) from error

    def _onto(self, base: Snapshot, proposed: Proposed, made: Commit) -> bool:
        """Move our branch onto the commit, and take away the other one, in one call. Raises Stale."""
        before = proposed.head or _NOTHING
        try:
            self._move(proposed, (proposed.branch, before, made.oid), (self._scratch, made.oid, _NOTHING))
        except ApiError as error:
            now = self._where(base, proposed.branch)
            # GitHub documents no text for a branch that is elsewhere by now, so that it is looked at.
            if now not in (made.oid, proposed.head):
                raise Stale("another run moved our branch") from error
            if now != made.oid:
                ours = Snapshot(repository=base.repository, branch=proposed.branch, head="", files=())
                raise self._late(error) if error.passing else self._refusal(error, ours) from error
        return True

    def _late(self, error: ApiError) -> Stale:
        return Stale(f"GitHub failed to answer ({error.message or error.status})")

    def _where(self, base: Snapshot, branch: str) -> str:
        try:
            return _oid(self._branch(base, branch))
        except ApiError as error:
            raise self._refusal(error, base) from error

    def _move(self, proposed: Proposed, *updates: tuple[str, str, str]) -> None:
        rows = [
            {"name": f"refs/heads/{name}", "beforeOid": before, "afterOid": after, "force": True}
            for name, before, after in updates
        ]
        self._asked(self._api.mutation(_MOVE, {"input": {"repositoryId": proposed.repository_id, "refUpdates": rows}}))

    def _clean_up(self) -> None:
        try:
            self._api.send("DELETE", f"/repos/{self._repository}/git/refs/heads/{quote(self._scratch)}")
        except ApiError as error:
            if error.status == 422:
                # It was never made.
                return
            text = f"The branch {self._scratch} of {self._repository} is left over: {error.message or error.status}."
            self._console.notice(f"{text} It can be deleted.")

    def _refusal(self, error: ApiError, place: Snapshot) -> Exception:
        return outcomes.failure(error, self._repository, place.branch, self._api.token.reveal())

    # -- the pull request itself ----------------------------------------------------------------------------------

    def ask(self, base: Snapshot, proposed: Proposed, title: str, body: str) -> PullRequest | None:
        """Open the pull request, or update the text of the open one. Raises GitOpsAccess, GitOpsRefused, GitOpsBusy."""
        there = proposed.open
        try:
            if there is None:
                return self._opened(base, proposed, title, body)
            given = {"title": title, "body": pulls.joined(there.body, body)}
            told = self._api.send("PATCH", f"/repos/{base.repository}/pulls/{there.number}", given)
        except ApiError as error:
            raise pulls.refused(error, base.repository, base.branch) from error
        self._console.info(f"Updated the pull request {there.url}")
        return _pull(told)

    def close(self, base: Snapshot, pull: PullRequest, why: str) -> None:
        """Close *pull* without a merge, and put *why* below its text. Raises as :meth:`ask`."""
        given = {"state": "closed", "body": pulls.closing(pull.body, why)}
        try:
            self._api.send("PATCH", f"/repos/{base.repository}/pulls/{pull.number}", given)
        except ApiError as error:
            raise pulls.refused(error, base.repository, base.branch) from error
        self._console.info(f"Closed the pull request {pull.url}: {why}")

    def _opened(self, base: Snapshot, proposed: Proposed, title: str, body: str) -> PullRequest | None:
        given = {"title": title, "body": body, "head": proposed.branch, "base": base.branch}
        try:
            made = _pull(self._api.send("POST", f"/repos/{base.repository}/pulls", given))
        except ApiError as error:
            # Two runs at once, or an answer that was lost: there is one, and it is ours.
            there = next((one for one in self._pulls(base, proposed.branch) if one.state == "open"), None)
            if there is None or not (error.status == 422 or error.passing):
                raise
            return there
        self._console.info(f"Opened the pull request {made.url}")
        if self._own:
            text = "It was opened with the job's own token: GitHub starts no workflow for it, so that required checks"
            self._console.notice(f"{text} never come. Give the step a gitops-token or a GitHub App.", title="GitOps")
        return made

    def merge_when_ready(self, base: Snapshot, pull: PullRequest) -> None:
        """Let GitHub merge *pull* once all is there that its base requires, where that was asked for.

        What stands in the way is asked first, and told in a warning: the pull request is there all the same.
        """
        if not self._auto_merge:
            return
        owner, _, name = base.repository.partition("/")
        given = {"owner": owner, "name": name, "number": pull.number}
        try:
            found = self._asked(self._api.query(automerge.QUERY, given))["repository"]
            if automerge.is_on(found):
                return
            obstacle = automerge.obstacle(found, base.branch)
            if not obstacle:
                self._asked(self._api.mutation(automerge.SWITCH_ON, {"input": automerge.request(found)}))
                self._console.info(f"GitHub merges {pull.url} when all that {base.branch} requires is there.")
                return
        except ApiError as error:
            obstacle = automerge.in_the_way(error.message or f"HTTP {error.status}", base.branch)
        self._console.warning(f"{pull.url} is not merged by itself: {obstacle}", title="GitOps")

    def _asked(self, answer: Answer) -> Mapping[str, Any]:
        if answer.errors:
            raise answer.errors[0]
        return answer.data


def _is_ours(commit: Mapping[str, Any]) -> bool:
    """Whether a commit of the REST API is as it was made here: somebody who amends one keeps its message, and is its
    committer; of those that are made through GitHub's API that is GitHub (`noreply@` and the server's host)."""
    return is_ours(commit["message"]) and str((commit["committer"] or {}).get("email")).startswith("noreply@")


def _oid(found: Mapping[str, Any]) -> str:
    """The branch's commit in an answer to :data:`_BRANCH`, empty where there is no branch."""
    return str(found["ref"]["target"]["oid"]) if found["ref"] else ""


def _pull(row: Mapping[str, Any]) -> PullRequest:
    """A row of the REST API ("List pull requests")."""
    state = "merged" if row.get("merged_at") else str(row["state"])
    return PullRequest(
        number=int(row["number"]),
        url=str(row["html_url"]),
        state=state,
        head=str(row["head"]["sha"]),
        title=str(row.get("title") or ""),
        body=str(row.get("body") or ""),
    )
