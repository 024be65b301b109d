"""`make audit` on a stand-in of the OSV database: each package that users get is asked for, and a finding is told."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PINS = {
    (name, version)
    for lock in ("requirements.lock", "requirements-uv.lock")
    for name, version in re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", (ROOT / lock).read_text("utf-8"), re.M)
}


class Osv(ThreadingHTTPServer):
    """Answers as OSV does (OSV.dev, "POST /v1/query"): *known* by package name; *asked* is what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.known: dict[str, Mapping[str, Any]] = {}
        self.asked: set[tuple[str, str]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/query"


class _Handler(BaseHTTPRequestHandler):
    server: Osv

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["content-length"])))
        name = query["package"]["name"]
        self.server.asked.add((name, query["version"]))
        found = self.server.known.get(name)
        body = json.dumps({"vulns": [found]} if found else {}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what came."""


@pytest.fixture
def osv() -> Iterator[Osv]:
    """A database that knows nothing yet."""
    with Osv() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def audit(osv: Osv) -> subprocess.CompletedProcess[str]:
    """What CI's job runs; no proxy stands between."""
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    command = ["make", "--silent", "audit", f"OSV={osv.url}"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_every_package_that_users_get_is_asked_for(osv: Osv) -> None:
    """In the locked version; without a finding the job is green."""
    done = audit(osv)
    assert done.returncode == 0, done.stderr
    assert osv.asked
    assert {pin for pin in osv.asked if pin not in PINS} == set()
    assert {name for name, _ in osv.asked} >= {"boto3", "botocore", "docker", "pygithub", "pyyaml", "urllib3", "uv"}


def test_a_known_vulnerability_fails_the_job_and_is_named(osv: Osv) -> None:
    """With the package, its locked version, and the one that mends it."""
    version = dict(PINS)["urllib3"]
    affected = {"package": {"ecosystem": "PyPI", "name": "urllib3"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}]}  # fmt: skip
    osv.known["urllib3"] = {"id": "PYSEC-2026-1", "summary": "Wrong.", "affected": [affected]}
    done = audit(osv)
    assert done.returncode != 0
    row = next(line.split() for line in done.stdout.splitlines() if line.startswith("urllib3"))
    assert row == ["urllib3", version, "PYSEC-2026-1", "99.1"]
