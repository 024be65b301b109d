"""The lab's one record of what AWS would remember: a sqlite file.

Images, tags and push times, sessions, passwords, jobs, and the journal of calls that moto has to see again
after a restart. Content (layers, configurations, manifests) lies in docker-registry, by digest.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists settings (key text primary key, value text not null);
create table if not exists repositories (
    id integer primary key autoincrement, account text not null, region text not null, name text not null,
    unique (account, region, name));
create table if not exists images (
    repository integer not null references repositories (id) on delete cascade, digest text not null,
    media_type text not null, artifact_type text, size integer not null, pushed_at real not null,
    status text not null default 'ACTIVE', subject text, pulled_at real, archived_at real, activated_at real,
    orphaned_at real, primary key (repository, digest));
create table if not exists tags (
    repository integer not null, tag text not null, digest text not null,
    primary key (repository, tag),
    foreign key (repository, digest) references images (repository, digest) on delete cascade);
create table if not exists children (
    repository integer not null, parent text not null, child text not null,
    primary key (repository, parent, child),
    foreign key (repository, parent) references images (repository, digest) on delete cascade);
create table if not exists sessions (
    access_key text primary key, secret text not null, token text not null, account text not null,
    role text not null, role_id text not null, name text not null, expires_at real not null);
create table if not exists passwords (
    hash text primary key, caller text not null, region text not null, expires_at real not null);
create table if not exists documents (
    account text not null, region text not null, kind text not null, key text not null, value text not null,
    primary key (account, region, kind, key));
create table if not exists jobs (id text primary key, token text not null, claims text not null);
create table if not exists journal (
    id integer primary key autoincrement, at real not null, seed integer not null, account text not null,
    region text not null, service text not null, headers text not null, body blob not null);
"""


class Store:
    """One connection, used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open *path*, made (readable by its owner alone) when it is missing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        os.chmod(path, 0o600)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = normal")
        self._connection.execute("pragma foreign_keys = on")
        self._connection.executescript(SCHEMA)
        self._widen()
        self._depth = 0

    def _widen(self) -> None:
        """Give a record of an earlier lab the columns that images have now."""
        known = {row["name"] for row in self._connection.execute("pragma table_info(images)")}
        for name in ("pulled_at", "archived_at", "activated_at", "orphaned_at"):
            if name not in known:
                self._connection.execute(f"alter table images add column {name} real")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the record alone; everything inside is kept, or (on an exception) nothing. May be nested."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("begin immediate")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("rollback")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("commit")

    def rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        """Return all rows of *statement*."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, *values: Any) -> sqlite3.Row | None:
        """Return the first row of *statement*, or None."""
        found = self.rows(statement, *values)
        return found[0] if found else None

    def run(self, statement: str, *values: Any) -> int:
        """Execute *statement*; return the id of the row it inserted (0 if none)."""
        with self._lock:
            return self._connection.execute(statement, values).lastrowid or 0

    def setting(self, key: str, default: str) -> str:
        """Return the value kept under *key*; *default* is kept and returned when there is none."""
        with self.transaction():
            found = self.row("select value from settings where key = ?", key)
            if found:
                return str(found["value"])
            self.set(key, default)
            return default

    def set(self, key: str, value: str) -> None:
        """Keep *value* under *key*."""
        self.run("insert or replace into settings values (?, ?)", key, value)

    def documents(self, place: tuple[str, str], kind: str) -> dict[str, dict[str, Any]]:
        """Return the documents of *kind* that are kept for an account and region, by key."""
        rows = self.rows(
            "select key, value from documents where (account, region, kind) = (?, ?, ?) order by key", *place, kind
        )
        return {str(row["key"]): json.loads(row["value"]) for row in rows}

    def keep(self, place: tuple[str, str], kind: str, key: str, value: dict[str, Any]) -> None:
        """Keep a document, in place of an earlier one of its kind and key."""
        self.run("insert or replace into documents values (?, ?, ?, ?, ?)", *place, kind, key, json.dumps(value))

    def drop(self, place: tuple[str, str], kind: str, key: str) -> None:
        """Forget a document."""
        self.run("delete from documents where (account, region, kind, key) = (?, ?, ?, ?)", *place, kind, key)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
