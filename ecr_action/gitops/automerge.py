"""Auto-merge: what it takes, asked before it is switched on. Pure.

Sources: GitHub, "Automatically merging a pull request"; GraphQL reference, "MergeStateStatus".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

QUERY = """query autoMerge($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    autoMergeAllowed squashMergeAllowed mergeCommitAllowed
    pullRequest(number: $number) {
      id viewerCanEnableAutoMerge mergeStateStatus autoMergeRequest { mergeMethod }
    }
  }
}"""
SWITCH_ON = """mutation switchOn($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { pullRequest { number } }
}"""


def is_on(found: Mapping[str, Any]) -> bool:
    """Whether GitHub waits already; *found* is the repository that :data:`QUERY` answers with."""
    return found["pullRequest"]["autoMergeRequest"] is not None


def obstacle(found: Mapping[str, Any], base: str) -> str:
    """Why auto-merge onto *base* can't be switched on, with what to do about it; empty where it can."""
    pull = found["pullRequest"]
    if not found["autoMergeAllowed"]:
        return "the repository does not allow it. Settings > General > Pull Requests > Allow auto-merge."
    if pull["mergeStateStatus"] in ("CLEAN", "UNSTABLE", "HAS_HOOKS"):
        return in_the_way("is in clean status", base)
    if pull["mergeStateStatus"] == "DIRTY":
        return f"it conflicts with {base}. The next newer image makes it anew, or resolve it by hand."
    if not pull["viewerCanEnableAutoMerge"]:
        return f"GitHub lets the token not switch it on. A branch protection rule or ruleset of {base} has to be there."
    return ""


def in_the_way(said: str, base: str) -> str:
    """What GitHub's refusal, in its words, means."""
    if "clean status" in said or "unstable status" in said or "rules not configured" in said:
        return (
            f"nothing is required before a merge into {base}, so that there is nothing to wait for. Require a review "
            "or a check (Settings > Rules), or write 'gitops-mode: commit'."
        )
    return f"GitHub says: {said.rstrip('.')}."


def request(found: Mapping[str, Any]) -> dict[str, Any]:
    """The mutation's input: by a squash where that is allowed, so that the base gets one commit."""
    method = "SQUASH" if found["squashMergeAllowed"] else "MERGE" if found["mergeCommitAllowed"] else "REBASE"
    return {"pullRequestId": found["pullRequest"]["id"], "mergeMethod": method}
