"""The GitOps repository through GitHub's API: exact bytes of one commit in, one commit out."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Protocol

from ecr_action.errors import GitOpsAccess, GitOpsMissing, GitOpsRefused
from ecr_action.github.answers import Answer, ApiError
from ecr_action.gitops import outcomes
from ecr_action.gitops.archive import LARGEST, oid_of, original, unpacked
from ecr_action.gitops.first import begin
from ecr_action.gitops.tree import is_glob, path_of, wanted
from ecr_action.gitops_protocols import Commit, File, Snapshot, Stale
from ecr_action.protocols import Console
from ecr_action.secret import Secret

# Blobs fetched one by one: those that the archive changed (.gitattributes), or all where it can't be had.
_MOST_BLOBS = 200

_REPOSITORY = """query repository($owner: String!, $name: String!%s) {
  repository(owner: $owner, name: $name) {
    nameWithOwner isArchived isEmpty viewerPermission
    defaultBranchRef { name }
    %s { name target { oid ... on Commit { %s } } }
  }
}"""
_FILE = """%s: file(path: $%s) {
  mode object { oid ... on Blob { text byteSize isTruncated isBinary } }
}"""
# More commits than land between two looks at the busiest branch.
_LAST = "history(first: 50) { nodes { oid } }"
_LATEST = """query latest($owner: String!, $name: String!, $ref: String!) {
  repository(owner: $owner, name: $name) {
    ref(qualifiedName: $ref) { target { ... on Commit {
      history(first: 20) { nodes { oid url message } }
    } } }
  }
}"""
_COMMIT = """mutation createCommitOnBranch($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid url } }
}"""


class Api(Protocol):
    """The calls of GitHub's API that are made here; each raises ApiError."""

    token: Secret

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any: ...
    def blob(self, repository: str, oid: str) -> bytes: ...
    def archive(self, repository: str, commit: str) -> bytes: ...
    def query(self, text: str, variables: Mapping[str, Any]) -> Answer: ...
    def mutation(self, text: str, variables: Mapping[str, Any]) -> Answer: ...
    def put(self, path: str, body: Mapping[str, Any]) -> Any: ...


@dataclass(frozen=True)
class _Head:
    """The branch as a query saw it: *entries* are the answers for the files named, *latest* its last commits' ids."""

    repository: str
    branch: str
    oid: str
    entries: Mapping[str, Any]
    latest: tuple[str, ...] = ()


class GitHubGitOps:
    """The branch *branch* (None: the default one) of *repository* (``owner/name``)."""

    def __init__(self, api: Api, repository: str, branch: str | None, console: Console, *, writes: bool = True) -> None:
        self._writes = writes
        self._api = api
        self._repository = repository
        self._branch = branch
        self._console = console
        self._last: Snapshot | None = None
        self._asked: tuple[tuple[str, ...], tuple[bytes, ...]] = ((), ())
        # The head below the first commit that got no answer: GitHub may have made it, and show it later.
        self._unanswered = ""

    # -- read -----------------------------------------------------------------------------------------------------

    def read(self, patterns: Sequence[str], needles: Sequence[bytes]) -> Snapshot:
        """The files that *patterns* mean and that contain one of *needles*, all of one commit.

        Named files cost one call, patterns three (head, tree, archive). What was read before is read again by name,
        one call. Raises GitOpsAccess, GitOpsRefused, GitOpsBusy.
        """
        asked = (tuple(patterns), tuple(needles))
        try:
            snapshot = self._again() if self._last and self._last.files and self._asked == asked else None
            snapshot = snapshot or self._fresh(patterns, needles)
        except ApiError as error:
            raise self._failure(error) from error
        self._last, self._asked = snapshot, asked
        return snapshot

    def _fresh(self, patterns: Sequence[str], needles: Sequence[bytes]) -> Snapshot:
        """What *patterns* mean, read without anything that is known from before."""
        only_files = bool(patterns) and not any(is_glob(pattern) for pattern in patterns)
        named = self._named([*dict.fromkeys(map(path_of, patterns))]) if only_files else None
        return named or self._whole(patterns, needles)

    def _again(self) -> Snapshot | None:
        """The files of the last snapshot as they are now; None where one of them is gone, or became a link."""
        assert self._last is not None
        head = self._head([file.path for file in self._last.files], latest=True)
        if head.oid == self._last.head:
            return replace(self._last, since=0)
        entries = head.entries
        if any(entry is None or not wanted(path, _mode(entry), ()) for path, entry in entries.items()):
            return None
        kept = tuple(file for path, entry in entries.items() if (file := self._file(path, entry)))
        paths, skipped = self._last.paths, self._last.skipped
        return Snapshot(
            repository=head.repository,
            branch=head.branch,
            head=head.oid,
            files=kept,
            paths=paths,
            skipped=skipped,
            since=next((count for count, oid in enumerate(head.latest) if oid == self._last.head), None),
        )

    def _named(self, paths: Sequence[str]) -> Snapshot | None:
        """Files by their names, in one query; None where one of them is a folder."""
        head = self._head(paths)
        if not head.oid:
            return _empty(head)
        files, skipped = [], []
        for path in paths:
            entry = head.entries.get(path)
            if entry is None:
                raise self._no_file(path, head)
            if _mode(entry) == "040000":
                return None
            if not wanted(path, _mode(entry), ()):
                skipped.append(path)
            elif found := self._file(path, entry):
                files.append(found)
        if skipped:
            raise GitOpsRefused(
                f"{', '.join(skipped)} of {head.repository}: a link, a submodule, or no YAML or JSON file.",
                fix="gitops-files: the path of the file itself",
            )
        return Snapshot(repository=head.repository, branch=head.branch, head=head.oid, files=tuple(files))

    def _no_file(self, path: str, head: _Head) -> GitOpsMissing:
        return GitOpsMissing(
            f"There is no {path} on the branch {head.branch} of {head.repository}.",
            fix="gitops-files: a path that is there. Without 'gitops-files' the files are found by the image's name.",
        )

    def _head(self, paths: Sequence[str], *, latest: bool = False) -> _Head:
        """The branch's head and the entries of *paths*, in one query, so that both are of one commit."""
        owner, _, name = self._repository.partition("/")
        names = {f"f{index}": path for index, path in enumerate(dict.fromkeys(paths))}
        declared = "".join(f", ${alias}: String!" for alias in names)
        fields = "\n".join([*([_LAST] if latest else []), *(_FILE % (alias, alias) for alias in names)])
        variables = {"owner": owner, "name": name, **names}
        if self._branch:
            declared += ", $ref: String!"
            variables["ref"] = f"refs/heads/{self._branch}"
        ref = "ref: ref(qualifiedName: $ref)" if self._branch else "ref: defaultBranchRef"
        answer = self._api.query(_REPOSITORY % (declared, ref, fields), variables)
        found = answer.data.get("repository")
        if not found:
            raise answer.errors[0] if answer.errors else ApiError(404, "Not Found")
        if answer.errors:
            raise answer.errors[0]
        return self._checked(found, names)

    def _checked(self, found: Mapping[str, Any], names: Mapping[str, str]) -> _Head:
        full_name = str(found["nameWithOwner"])
        if found["isArchived"]:
            raise ApiError(403, "Repository was archived so is read-only")
        if self._writes and found["viewerPermission"] in ("READ", "TRIAGE"):
            said = f"the token's permission is {found['viewerPermission']}"
            raise outcomes.no_access(full_name, self._api.token.reveal(), said, {})
        if found["isEmpty"]:
            return _Head(full_name, self._branch or "", "", {})
        if not found["ref"]:
            default = found["defaultBranchRef"] or {}
            raise outcomes.no_branch(full_name, self._branch or "", str(default.get("name", "")))
        target = found["ref"]["target"]
        entries = {path: target.get(alias) for alias, path in names.items()}
        history = target.get("history") or {"nodes": ()}
        latest = tuple(str(node["oid"]) for node in history["nodes"])
        return _Head(full_name, str(found["ref"]["name"]), str(target["oid"]), entries, latest)

    def _file(self, path: str, entry: Mapping[str, Any] | None) -> File | None:
        """The file with its exact bytes: a text that GitHub cut or decoded otherwise is fetched as it is."""
        if entry is None or not entry.get("object"):
            return None
        blob = entry["object"]
        content = (blob.get("text") or "").encode()
        if blob.get("isTruncated") or blob.get("isBinary") or oid_of(content) != blob["oid"]:
            content = self._api.blob(self._repository, str(blob["oid"]))
        return File(path=path, content=content, mode=_mode(entry), oid=str(blob["oid"]))

    def _whole(self, patterns: Sequence[str], needles: Sequence[bytes]) -> Snapshot:
        """Every file that is meant: the tree says which there are, the archive brings them."""
        head = self._head([])
        if not head.oid:
            return _empty(head)
        tree = self._api.get(f"/repos/{head.repository}/git/trees/{head.oid}", {"recursive": "1"})
        if tree.get("truncated"):
            raise GitOpsRefused(
                f"{head.repository} has more files than GitHub lists at once.",
                fix="gitops-files: the paths of the files, without * in them",
            )
        entries = {str(entry["path"]): entry for entry in tree["tree"] if entry["type"] != "tree"}
        meant = {path: entry for path, entry in entries.items() if wanted(path, str(entry["mode"]), patterns)}
        if patterns and not meant:
            raise self._no_match(patterns, head, entries)
        files = self._bytes_of(meant, needles, head)
        skipped = tuple(path for path, entry in entries.items() if entry["mode"] in ("120000", "160000"))
        return Snapshot(
            repository=head.repository,
            branch=head.branch,
            head=head.oid,
            files=files,
            paths=tuple(entries),
            skipped=skipped,
        )

    def _no_match(self, patterns: Sequence[str], head: _Head, entries: Mapping[str, Any]) -> GitOpsMissing:
        manifests = [path for path, entry in entries.items() if wanted(path, str(entry["mode"]), ())]
        listed = "\n".join(f"  {path}" for path in manifests[:20])
        more = f"\n  and {len(manifests) - 20} more" if len(manifests) > 20 else ""
        return GitOpsMissing(
            f"gitops-files ({', '.join(patterns)}) matches no file of {head.repository}, branch {head.branch}.",
            why=f"It has these manifests:\n{listed}{more}" if manifests else "It has no YAML or JSON file at all.",
            fix="gitops-files: a path that is there. Without 'gitops-files' the files are found by the image's name.",
        )

    def _bytes_of(self, meant: Mapping[str, Any], needles: Sequence[bytes], head: _Head) -> tuple[File, ...]:
        """Those of *meant* that contain a needle, with their exact bytes.

        The archive is what ``git archive`` writes: attributes may have changed or left out files of it. Whatever
        differs from the tree's blob is fetched by itself.
        """
        found: dict[str, bytes] = {}
        unsure = set(meant)
        for path, archived in unpacked(self._api.archive(head.repository, head.oid)):
            content = original(archived, str(meant[path]["sha"])) if path in meant else None
            if content is not None:
                unsure.discard(path)
                if any(needle in content for needle in needles):
                    found[path] = content
        small = sorted(path for path in unsure if int(meant[path].get("size") or 0) <= LARGEST)
        if len(small) > _MOST_BLOBS:
            raise GitOpsRefused(
                f"The archive of {head.repository} lacks or changes {len(small)} of its manifests (.gitattributes).",
                fix="gitops-files: the paths of the files, without * in them",
            )
        for path in small:
            content = self._api.blob(head.repository, str(meant[path]["sha"]))
            if any(needle in content for needle in needles):
                found[path] = content
        return tuple(
            File(path=path, content=found[path], mode=str(meant[path]["mode"]), oid=str(meant[path]["sha"]))
            for path in meant
            if path in found
        )

    # -- commit ---------------------------------------------------------------------------------------------------

    def commit(self, snapshot: Snapshot, changes: Mapping[str, bytes], message: str) -> Commit:
        """One commit of *changes* on the snapshot's head; without one, after a first commit.

        Raises Stale where the branch moved, or may have; GitOpsAccess, GitOpsRefused, GitOpsBusy.
        """
        if not snapshot.head:
            snapshot = self._begun(snapshot, changes)
        headline, _, body = message.partition("\n")
        additions = [
            {"path": path, "contents": base64.b64encode(content).decode()} for path, content in changes.items()
        ]
        body = body.strip("\n")
        given = {
            "branch": {"repositoryNameWithOwner": snapshot.repository, "branchName": snapshot.branch},
            "expectedHeadOid": snapshot.head,
            "message": {"headline": headline, **({"body": body} if body else {})},
            "fileChanges": {"additions": additions},
        }
        try:
            answer = self._api.mutation(_COMMIT, {"input": given})
            if answer.errors:
                raise answer.errors[0]
            made = (answer.data.get("createCommitOnBranch") or {}).get("commit")
            if not made:
                raise ApiError(0, "an answer without a commit")
        except ApiError as error:
            if outcomes.is_stale(error) or error.passing:
                return self._own(snapshot, message, error)
            raise self._failure(error, snapshot.branch) from error
        self._console.info(f"Committed {made['oid']} to {snapshot.repository}")
        return Commit(oid=str(made["oid"]), url=str(made["url"]))

    def _begun(self, snapshot: Snapshot, changes: Mapping[str, bytes]) -> Snapshot:
        """The snapshot of a repository that had no commit until now."""
        try:
            begin(self._api, snapshot.repository, snapshot.branch, changes)
            head = self._head([])
        except ApiError as error:
            if error.passing:
                raise Stale(f"GitHub failed to answer ({error.message or error.status})") from error
            raise self._failure(error, snapshot.branch) from error
        if not head.oid:
            raise Stale("its first commit is not shown yet")
        self._console.info(f"{head.repository} was empty: its first commit is {head.oid}.")
        return replace(snapshot, branch=head.branch, head=head.oid)

    def _own(self, snapshot: Snapshot, message: str, error: ApiError) -> Commit:
        """Our own commit, where GitHub made it and failed to say so. Raises Stale otherwise."""
        if error.passing:
            self._unanswered = self._unanswered or snapshot.head
        if not self._unanswered:
            raise Stale from error
        try:
            latest = self._latest(snapshot)
        except ApiError as second:
            raise self._failure(second, snapshot.branch) from second
        for commit, before in pairwise(latest):
            if before["oid"] in (snapshot.head, self._unanswered) and commit["message"].split() == message.split():
                self._console.info(f"GitHub failed to answer, but made {commit['oid']}.")
                return Commit(oid=str(commit["oid"]), url=str(commit["url"]))
        raise Stale(f"GitHub failed to answer ({error.message or error.status})" if error.passing else "") from error

    def _latest(self, snapshot: Snapshot) -> Sequence[Any]:
        """The branch's latest commits, newest first."""
        owner, _, name = snapshot.repository.partition("/")
        variables = {"owner": owner, "name": name, "ref": f"refs/heads/{snapshot.branch}"}
        answer = self._api.query(_LATEST, variables)
        if answer.errors:
            raise answer.errors[0]
        found = answer.data["repository"]["ref"]
        return found["target"]["history"]["nodes"] if found else ()

    def _failure(self, error: ApiError, branch: str = "") -> Exception:
        if not self._api.token and not error.passing and not error.limited:
            return GitOpsAccess(
                f"{self._repository} can't be read without a token.",
                fix="gitops-token: ${{ secrets.GITOPS_PAT }}",
            )
        return outcomes.failure(error, self._repository, branch or self._branch or "", self._api.token.reveal())


def _empty(head: _Head) -> Snapshot:
    return Snapshot(repository=head.repository, branch=head.branch, head="", files=())


def _mode(entry: Mapping[str, Any]) -> str:
    """git's mode, six octal digits; GraphQL has it as a number."""
    return f"{int(entry['mode']):06o}"
