"""GraphQL objects as dictionaries whose values are given, or made when asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.github import git, graph_pulls, shapes
from lab.github.access import denial, lacks, level
from lab.github.state import Repository, Viewer
from lab.github.world import World
from lab.github.writing import Failed

# https://docs.github.com/graphql/reference/objects#blob says that text is cut; the cut is at 512,000 bytes.
BLOB_TEXT_BYTES = 512_000
MOST_ITEMS = 100
BINARY_PROBE_BYTES = 8000

Object = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    """Makes the objects of one request."""

    world: World
    viewer: Viewer
    base: str

    def repository(self, repo: Repository) -> Object:
        may = level(self.viewer, repo)
        return {
            "__typename": "Repository", "id": shapes.node_id("R", repo.id), "databaseId": repo.id,
            "name": repo.name, "nameWithOwner": repo.full_name, "url": f"{self.base}/{repo.full_name}",
            "isArchived": repo.archived, "isDisabled": False, "isFork": False, "isPrivate": repo.private,
            "isEmpty": lambda _info: not repo.bare.references(), "autoMergeAllowed": repo.allow_auto_merge,
            "viewerPermission": may.upper() if may else None,
            "visibility": "PRIVATE" if repo.private else "PUBLIC",
            "defaultBranchRef": lambda _info: self.seen(repo).ref(repo, f"refs/heads/{repo.bare.default_branch()}"),
            "ref": lambda _info, qualifiedName: self.seen(repo).ref(repo, qualifiedName),
            "object": lambda _info, expression=None, oid=None: (
                self.seen(repo).expression(repo, oid or expression or "")),
            "deleteBranchOnMerge": repo.delete_branch_on_merge, "mergeCommitAllowed": repo.allow_merge_commit,
            "squashMergeAllowed": repo.allow_squash_merge,
            "pullRequest": lambda _info, number: graph_pulls.numbered(self, repo, number),
            "pullRequests": lambda _info, **filters: graph_pulls.connection(self, repo, **filters),
        }  # fmt: skip

    def seen(self, repo: Repository, accepted: str = "contents=read") -> Reader:
        """Return itself. Raises Failed FORBIDDEN where the token lacks the permission *accepted*."""
        if lacks(self.viewer, repo, accepted):
            raise Failed("FORBIDDEN", denial(self.viewer).message)
        return self

    def ref(self, repo: Repository, name: str) -> Object | None:
        """Find by full name, by `heads/main`, or by the bare name of a branch, then of a tag."""
        tries = [name] if name.startswith("refs/") else [f"refs/{name}", f"refs/heads/{name}", f"refs/tags/{name}"]
        for full in tries:
            oid = self.world.faults.seen(repo.id, full, repo.bare.reference(full))
            if oid:
                return self._ref(repo, full, oid)
        return None

    def _ref(self, repo: Repository, full: str, oid: str) -> Object:
        kind = full.split("/")[1]
        return {
            "__typename": "Ref", "id": shapes.node_id("REF", repo.id, full), "prefix": f"refs/{kind}/",
            "name": full.removeprefix(f"refs/{kind}/"), "repository": lambda _info: self.repository(repo),
            "target": lambda _info: self.object(repo, oid),
        }  # fmt: skip

    def expression(self, repo: Repository, expression: str) -> Object | None:
        """Read `rev`, or `rev:path` where the path may be empty."""
        name, colon, path = expression.partition(":")
        oid = self.world.commit(repo, name) or (name if git.OID.fullmatch(name) and repo.bare.kind(name) else None)
        if oid is None or not colon:
            return self.object(repo, oid) if oid else None
        entry = repo.bare.entry(oid, path.rstrip("/")) if path else None
        tree = repo.bare.ask("rev-parse", f"{oid}^{{tree}}")
        found = entry.oid if entry else tree if not path else None
        return self.object(repo, found) if found else None

    def object(self, repo: Repository, oid: str) -> Object | None:
        """Return a commit, tree or blob; None for a submodule's commit, which is not here."""
        kind = repo.bare.kind(oid)
        if kind == "tag":
            oid, kind = repo.bare.commit_of(oid) or oid, "commit"
        make: dict[str, Callable[[Repository, str], Object]] = {
            "commit": self.commit, "tree": self.tree, "blob": self.blob,
        }  # fmt: skip
        return make[kind](repo, oid) if kind else None

    def commit(self, repo: Repository, oid: str) -> Object:
        return self._commit(repo, repo.bare.commit(oid))

    def _commit(self, repo: Repository, found: git.Commit) -> Object:
        oid = found.oid
        headline, _, body = found.message.rstrip("\n").partition("\n")
        return self._git_object("Commit", repo, oid) | {
            "message": found.message.rstrip("\n"), "messageHeadline": headline, "messageBody": body.strip("\n"),
            "authoredDate": shapes.iso(found.author.date), "committedDate": shapes.iso(found.committer.date),
            "author": _actor(found.author), "committer": _actor(found.committer),
            "url": f"{self.base}/{repo.full_name}/commit/{oid}",
            "tree": lambda _info: self.tree(repo, found.tree),
            "file": lambda _info, path: self.file(repo, oid, path),
            "history": lambda _info, **given: self.history(repo, oid, **given),
            "parents": lambda _info, **given: self._commits(repo, found.parents, "parents", **given),
            "associatedPullRequests": lambda _info, **given: graph_pulls.of_commit(self, repo, oid, **given),
        }  # fmt: skip

    def file(self, repo: Repository, commit: str, path: str) -> Object | None:
        entry = repo.bare.entry(commit, path)
        return self._entry(repo, entry, path) if entry else None

    def tree(self, repo: Repository, oid: str) -> Object:
        def entries(_info: Any) -> list[Object]:
            return [self._entry(repo, entry, entry.path) for entry in repo.bare.entries(oid)]

        return self._git_object("Tree", repo, oid) | {"entries": entries}

    def blob(self, repo: Repository, oid: str) -> Object:
        content = repo.bare.blob(oid)
        binary = b"\0" in content[:BINARY_PROBE_BYTES]
        text = None if binary else _text(content[:BLOB_TEXT_BYTES])
        return self._git_object("Blob", repo, oid) | {
            "byteSize": len(content), "isBinary": binary, "isTruncated": len(content) > BLOB_TEXT_BYTES, "text": text,
        }  # fmt: skip

    def _entry(self, repo: Repository, entry: git.Entry, path: str) -> Object:
        return {
            "mode": int(entry.mode, 8), "name": path.rsplit("/", 1)[-1], "path": path, "oid": entry.oid,
            "type": entry.kind, "size": entry.size or 0, "object": lambda _info: self.object(repo, entry.oid),
        }  # fmt: skip

    def _git_object(self, kind: str, repo: Repository, oid: str) -> Object:
        return {
            "__typename": kind, "id": shapes.node_id(kind[0], repo.id, oid), "oid": oid, "abbreviatedOid": oid[:7],
        }  # fmt: skip

    def history(self, repo: Repository, oid: str, path: str | None = None, **given: Any) -> Object:
        return self._commits(repo, repo.bare.history(oid, path=path), "history", **given)

    def _commits(self, repo: Repository, oids: Sequence[str], name: str, **given: Any) -> Object:
        part, page = window(oids, name, **given)
        return {
            # One process of git for all of them: readers ask for dozens.
            "nodes": lambda _info: [self._commit(repo, one) for one in repo.bare.commits(part)],
            "totalCount": len(oids), "pageInfo": page,
        }  # fmt: skip


def _actor(person: git.Person) -> Object:
    return {"name": person.name, "email": person.email, "date": shapes.iso(person.date)}


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        # The cut may fall inside a character; other bytes that are no UTF-8 are replaced.
        whole = content[: error.start] if error.reason == "unexpected end of data" else content
        return whole.decode(errors="replace")


def window(
    items: Sequence[Any], name: str, first: int | None = None, last: int | None = None,
    after: str | None = None, before: str | None = None,
) -> tuple[Sequence[Any], Object]:  # fmt: skip
    """Return the asked part of a connection's *items* and its pageInfo. Raises Failed."""
    size = first if first is not None else last
    if size is None:
        text = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
        raise Failed("MISSING_PAGINATION_BOUNDARIES", text)
    if size > MOST_ITEMS:
        text = f"Requesting {size} records on the `{name}` connection exceeds the `first` limit of 100 records."
        raise Failed("EXCESSIVE_PAGINATION", text)
    start, stop = int(after) if after else 0, int(before) - 1 if before else len(items)
    start, stop = (start, min(start + size, stop)) if first is not None else (max(stop - size, start), stop)
    page = {
        "hasNextPage": stop < len(items), "hasPreviousPage": start > 0,
        "startCursor": str(start + 1) if stop > start else None, "endCursor": str(stop) if stop > start else None,
    }  # fmt: skip
    return items[start:stop], page
