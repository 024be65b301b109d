"""What the lab's GitHub keeps beside the git repositories: tokens, ids, settings, pull requests; one JSON file."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from lab.github import git

KINDS = ("pat", "fine-grained", "app", "actions")
LEVELS = ("read", "write", "admin")
FIRST_ID = 900_000_001


@dataclass(frozen=True)
class Viewer:
    """The owner of a token: *kind* is one of KINDS, *repositories* maps lower-case `o/r` to one of LEVELS.

    *permissions* (`{"contents": "write"}`) narrow tokens that are no classic ones, *scopes* are a classic one's;
    *expires* is in seconds since 1970; *unauthorized* are organisations whose single sign-on the token lacks.
    """

    login: str
    kind: str
    id: int
    repositories: dict[str, str]
    key: str
    permissions: dict[str, str] | None = None
    scopes: tuple[str, ...] = ("repo",)
    expires: float | None = None
    unauthorized: tuple[str, ...] = ()

    @property
    def email(self) -> str:
        return f"{self.id}+{self.login}@users.noreply.github.com"


@dataclass
class Repository:
    """A repository: its settings (saved) and the bare repository that holds its content."""

    full_name: str
    id: int
    owner_id: int
    created_at: str
    bare: git.Bare
    private: bool = True
    archived: bool = False
    owner_type: str = "Organization"
    description: str | None = None
    allow_auto_merge: bool = False
    allow_merge_commit: bool = True
    allow_squash_merge: bool = True
    delete_branch_on_merge: bool = False
    # Former names, which redirect; and how many calls still find nothing here, as after a creation.
    renamed_from: list[str] = field(default_factory=list)
    hidden_calls: int = 0
    # Branch name -> "branch-protection", "ruleset" or "merge-queue": what refuses a direct commit.
    protected: dict[str, str] = field(default_factory=dict)
    # Branch name -> names of the checks that a commit needs before it gets there.
    required: dict[str, list[str]] = field(default_factory=dict)
    # Logins that no protection stops.
    bypass: list[str] = field(default_factory=list)
    # Commit -> check name -> conclusion (`pending` while there is none).
    checks: dict[str, dict[str, str]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def owner(self) -> str:
        return self.full_name.split("/")[0]

    @property
    def name(self) -> str:
        return self.full_name.split("/")[1]


SETTINGS = (
    "private", "archived", "owner_type", "description", "allow_auto_merge", "allow_merge_commit", "allow_squash_merge",
    "delete_branch_on_merge", "renamed_from", "hidden_calls", "protected", "required", "bypass", "checks", "runs",
    "labels",
)  # fmt: skip
_SAVED = ("full_name", "id", "owner_id", "created_at", *SETTINGS, "pulls")


class State:
    """Everything that survives a restart; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "github.json"
        self._lock = threading.RLock()
        (folder / "repos").mkdir(parents=True, exist_ok=True)
        saved = json.loads(self._file.read_text()) if self._file.exists() else {}
        self._next: int = saved.get("next", FIRST_ID)
        self._accounts: dict[str, int] = saved.get("accounts", {})
        self._tokens: dict[str, dict[str, Any]] = saved.get("tokens", {})
        self.apps: list[dict[str, Any]] = saved.get("apps", [])
        self._repositories = {
            row["full_name"].lower(): Repository(bare=self._bare(row["full_name"]), **row)
            for row in saved.get("repositories", [])
        }

    def save(self) -> None:
        """Write the file anew, by an atomic rename."""
        with self._lock:
            rows = [{key: getattr(r, key) for key in _SAVED} for r in self._repositories.values()]
            document = {"next": self._next, "accounts": self._accounts, "tokens": self._tokens, "apps": self.apps}
            part = self._file.with_suffix(".part")
            part.write_text(json.dumps(document | {"repositories": rows}, indent=1))
            os.replace(part, self._file)

    def account_id(self, login: str) -> int:
        """Return the id of a user or organisation, the same for ever."""
        with self._lock:
            if login.lower() not in self._accounts:
                self._accounts[login.lower()] = self._take_id()
            return self._accounts[login.lower()]

    def add_token(self, token: str, login: str, kind: str, repositories: dict[str, str], **about: Any) -> None:
        """Register or replace a token; only its hash is kept. *about*: the further fields of Viewer.

        Raises ValueError for an unknown kind, level or field.
        """
        if kind not in KINDS or not set(repositories.values()) <= set(LEVELS):
            raise ValueError(f"kind is one of {KINDS}, a level one of {LEVELS}")
        if unknown := set(about) - {"permissions", "scopes", "expires", "unauthorized"}:
            raise ValueError(f"unknown: {sorted(unknown)}")
        levels = {name.lower(): level for name, level in repositories.items()}
        with self._lock:
            self._tokens[_key(token)] = {"login": login, "kind": kind, "repositories": levels} | about
            self.account_id(login)
            self.save()

    def forget_token(self, key: str) -> None:
        """Remove the token of a Viewer's *key*."""
        with self._lock:
            self._tokens.pop(key, None)
            self.save()

    def viewer(self, token: str) -> Viewer | None:
        """Return the owner of a token, None when it is unknown."""
        key = _key(token)
        row = self._tokens.get(key)
        return Viewer(**row, id=self.account_id(row["login"]), key=key) if row else None

    def renamed(self, full_name: str) -> Repository | None:
        """Return the repository that once had the name *full_name*; a new one of that name ends the redirect."""
        if self.repository(full_name):
            return None
        old = full_name.lower()
        return next((r for r in self._repositories.values() if old in map(str.lower, r.renamed_from)), None)

    def repository(self, full_name: str) -> Repository | None:
        """Return a repository by `owner/name` in any case; one put on disk by other means is adopted."""
        with self._lock:
            known = self._repositories.get(full_name.lower())
            if known is None:
                known = self._adopt(full_name)
            return known if known and known.bare.path.is_dir() else None

    def hidden(self, full_name: str) -> bool:
        """Tell whether a call still finds nothing at *full_name*; each call brings the repository nearer."""
        with self._lock:
            repo = self.repository(full_name)
            if repo is None or repo.hidden_calls <= 0:
                return False
            repo.hidden_calls -= 1
            return True

    def by_id(self, number: int) -> Repository | None:
        """Return a repository by its id."""
        return next((r for r in self._repositories.values() if r.id == number), None)

    def take_id(self) -> int:
        """Return a number never given before."""
        with self._lock:
            return self._take_id()

    def _take_id(self) -> int:
        self._next += 1
        return self._next - 1

    def _adopt(self, full_name: str) -> Repository | None:
        for bare in (self.folder / "repos").glob("*/*.git"):
            name = f"{bare.parent.name}/{bare.name.removesuffix('.git')}"
            if name.lower() == full_name.lower():
                repository = Repository(name, self._take_id(), self.account_id(bare.parent.name), now(), git.Bare(bare))
                self._repositories[name.lower()] = repository
                self.save()
                return repository
        return None

    def _bare(self, full_name: str) -> git.Bare:
        return git.Bare(self.folder / "repos" / f"{full_name}.git")


def now() -> str:
    """Return the present time as GitHub writes it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _key(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
