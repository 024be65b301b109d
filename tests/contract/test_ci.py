"""CI is the commands of the Makefile, with no job outside its gate."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import yaml

from .source import ROOT

CI: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
JOBS: dict[str, Any] = CI["jobs"]
AS_ROOT = 'sudo -E env "PATH=$PATH" '


def test_the_gate_waits_for_every_job() -> None:
    """A job that is not in the gate's `needs` could fail unseen."""
    assert sorted(JOBS["gate"]["needs"]) == sorted(set(JOBS) - {"gate"})


def test_the_gate_fails_on_any_other_result() -> None:
    """The gate runs in any case, and its script takes nothing but success."""
    script = JOBS["gate"]["steps"][0]["run"]
    status = {
        results: subprocess.run(["sh", "-ec", script], env={"RESULTS": results}, check=False).returncode
        for results in ("success success", "success failure", "cancelled success", "success skipped")
    }
    assert JOBS["gate"]["if"] == "always()"
    assert status == {"success success": 0, "success failure": 1, "cancelled success": 1, "success skipped": 1}


def test_jobs_run_make_targets() -> None:
    """Each job runs one target that the Makefile has; only the gate and the users' view have scripts of their own."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in JOBS.items()}
    ours = {name: runs for name, runs in commands.items() if name not in ("gate", "user")}
    assert [name for name, runs in ours.items() if len(runs) != 1] == []
    targets = {name: runs[0].removeprefix(AS_ROOT).removeprefix("make ") for name, runs in ours.items()}
    assert [target for target in targets.values() if not re.search(rf"^{target}:", makefile, re.M)] == []


def test_every_folder_of_tests_has_a_job() -> None:
    """By the target that runs it; what `make test` meets on one machine is met in CI."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    runs = {step["run"].split()[-1] for job in JOBS.values() for step in job["steps"] if "run" in step}
    found = re.findall(r"^([a-z-]+): setup.*\n\t.*\$\(PYTEST\) tests/([a-z]+)$", makefile, re.M)
    met = {folder for target, folder in found if target in runs}
    tests = ROOT / "tests"
    folders = {path.relative_to(tests).parts[0] for path in tests.rglob("test_*.py")}
    assert folders - met == set()


def test_the_lab_is_started_by_root() -> None:
    """The hosts file is root's, and a runner's user is not root."""
    commands = {name: step["run"] for name, job in JOBS.items() for step in job["steps"] if "run" in step}
    assert [name for name in ("rooms", "job", "lab", "month", "demo") if not commands[name].startswith(AS_ROOT)] == []


def test_unit_tests_run_on_every_python_and_both_architectures() -> None:
    """From the oldest that a runner may have to the newest, on x64 and arm64."""
    assert JOBS["unit"]["strategy"]["matrix"] == {
        "python": ["3.10", "3.11", "3.12", "3.13", "3.14"],
        "runner": ["ubuntu-24.04", "ubuntu-24.04-arm"],
    }


def test_ci_runs_the_readmes_command() -> None:
    """.ci/run calls what the README tells to call."""
    assert re.search(r"^make test$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.M)
