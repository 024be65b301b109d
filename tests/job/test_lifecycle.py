"""``lifecycle`` at the prompt, as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml

from lab.stage import ACTION

TRAP = {
    "rulePriority": 1,
    "description": "Keep a few of both",
    "selection": {
        "tagStatus": "tagged",
        "tagPrefixList": ["staging-", "dev-"],
        "countType": "imageCountMoreThan",
        "countNumber": 1,
    },
    "action": {"type": "expire"},
}
SIMULATE = ("simulate", "--policy", "policy.json", "--images", "images.json", "--at", "2026-02-01T00:00:00Z")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it in *folder*."""
    command = [sys.executable, str(ACTION / "entrypoint.py"), "lifecycle", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_the_default_policy_is_what_ecr_takes(tmp_path: Path) -> None:
    """Printed alone, and without an error of our own lint."""
    done = run(tmp_path, "default")
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "policy.json").write_text(done.stdout)
    linted = run(tmp_path, "lint", "--policy", "policy.json")
    assert (linted.returncode, [row for row in json.loads(linted.stdout) if row["severity"] == "error"]) == (0, [])


def test_lint_explains_that_all_prefixes_must_match(tmp_path: Path) -> None:
    """The trap of the list; a warning is no failure."""
    (tmp_path / "policy.json").write_text(json.dumps({"rules": [TRAP]}))
    done = run(tmp_path, "lint", "--policy", "policy.json")
    rows = json.loads(done.stdout)
    assert done.returncode == 0
    assert {"severity", "code", "rule", "message", "fix"} <= set(rows[0])
    assert (rows[0]["severity"], rows[0]["rule"]) == ("warning", 1)


def test_simulate_says_what_would_expire(tmp_path: Path) -> None:
    """A row for each image, in their order."""
    (tmp_path / "policy.json").write_text(json.dumps({"rules": [TRAP]}))
    both = [f"{place}-{number}" for number in (1, 2) for place in ("staging", "dev")]
    images = [
        {"imageDigest": "sha256:1", "imageTags": both[:2], "imagePushedAt": "2026-01-01T00:00:00Z"},
        {"imageDigest": "sha256:2", "imageTags": both[2:], "imagePushedAt": "2026-01-02T00:00:00Z"},
        {"imageDigest": "sha256:3", "imageTags": ["dev-3"], "imagePushedAt": "2025-01-01T00:00:00Z"},
    ]
    (tmp_path / "images.json").write_text(json.dumps({"imageDetails": images}))
    assert json.loads(run(tmp_path, *SIMULATE).stdout) == [
        {"digest": "sha256:1", "tags": both[:2], "rule": 1, "action": "expire"},
        {"digest": "sha256:2", "tags": both[2:], "rule": None, "action": None},
        {"digest": "sha256:3", "tags": ["dev-3"], "rule": None, "action": None},
    ]


def test_a_policy_that_ecr_refuses_is_linted_instead(tmp_path: Path) -> None:
    """Exit 1, the errors as rows."""
    (tmp_path / "policy.json").write_text('{"rules": [{}]}')
    (tmp_path / "images.json").write_text("[]")
    done = run(tmp_path, *SIMULATE)
    assert done.returncode == 1
    assert {row["severity"] for row in json.loads(done.stdout)} == {"error"}


def test_everything_wrong_with_a_simulation_is_told_at_once(tmp_path: Path) -> None:
    """What a row lacks by its name, the time, the file; a policy may be YAML, as for the action."""
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump({"rules": [TRAP]}))
    (tmp_path / "images.json").write_text('[{"imageDigest": "sha256:1"}]')
    done = run(tmp_path, "simulate", "--policy", "nowhere", "--images", "images.json", "--at", "noon")
    assert (done.returncode, done.stdout) == (1, "")
    for words in ("--policy names 'nowhere'", "row 1 lacks 'imagePushedAt'", "--at is 'noon'"):
        assert words in done.stderr
    assert json.loads(run(tmp_path, "lint", "--policy", "policy.yaml").stdout)[0]["code"] == "all-must-match"
    assert "--policy policy.yaml" in run(tmp_path, "lint", "policy.yaml").stderr


def test_the_plan_looks_at_the_policy_too(tmp_path: Path) -> None:
    """As a publish would, before anything."""
    command = [sys.executable, str(ACTION / "entrypoint.py"), "plan", "--repository", "app", "--lifecycle-policy"]
    (tmp_path / "policy.json").write_text('{"rules": [{}]}')
    for given in ("nowhere.json", "policy.json"):
        done = subprocess.run([*command, given], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert "lifecycle-policy" in done.stderr


def test_bad_input_exits_with_1(tmp_path: Path) -> None:
    """A missing file, no file at all, another word."""
    for arguments in (["lint", "--policy", "nowhere"], ["simulate"], ["forget"]):
        done = run(tmp_path, *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert "E-INPUT" in done.stderr
