"""The walls of the house hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from . import law
from .source import ROOT, modules

KNOWN = modules()
LONGEST_FUNCTION, LONGEST_FILE = 60, 400


def test_every_import_obeys_the_law() -> None:
    """Nobody imports what their room may not."""
    assert "\n".join(law.breaches(KNOWN)) == ""


def test_imports_have_no_cycle() -> None:
    """Imports go one way, the ones inside functions too."""
    assert " -> ".join(law.cycle(KNOWN)) == ""


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        ({"print", "sys.stdout", "sys.stderr", "input"}, {"github.commands"}),
        ({"os.environ", "os.getenv", "os.environb", "sys.argv"}, {"environment"}),
        ({"sys.exit", "os._exit", "SystemExit", "exit", "quit"}, {"__main__"}),
    ],
    ids=["output", "environment", "exits"],
)
def test_one_place_alone(names: set[str], allowed: set[str]) -> None:
    """One module writes output, one reads the environment, one ends the process."""
    places = [place for name, found in law.uses(KNOWN, names).items() if name not in allowed for place in found]
    assert "\n".join(places) == ""


def test_pure_modules_ask_neither_clock_nor_disk() -> None:
    """Pure modules call no now(), today() or open()."""
    asked = []
    for name in sorted(law.pure_modules(KNOWN)):
        for node in KNOWN[name].walk():
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if re.fullmatch(r"open|.*\b(datetime|date)\.(now|today|utcnow)", called):
                asked.append(f"{KNOWN[name].at(node)}: {name} calls {called}")
    assert asked == []


def test_only_main_catches_everything() -> None:
    """``except Exception`` stands in __main__ alone, a bare ``except`` nowhere."""
    places = []
    for name, module in KNOWN.items():
        for node in module.walk():
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else ""
                if caught in ("", "BaseException") or (caught == "Exception" and name != "__main__"):
                    places.append(f"{module.at(node)}: except {caught}")
    assert places == []


def test_publish_does_not_ask_for_dry_runs() -> None:
    """A dry run is the same run with other writers: publish.py takes no other path in it."""
    text = KNOWN["publish"].path.read_text(encoding="utf-8")
    assert re.findall(r".*\b(?:if|not|and|or|while)\b.*dry_run.*", text) == []


def test_nothing_is_long() -> None:
    """No function of the program is above 60 lines, no file above 400."""
    long = []
    for module in KNOWN.values():
        lines = len(module.path.read_text(encoding="utf-8").splitlines())
        long += [f"{module.path}: {lines} lines"] if lines > LONGEST_FILE else []
        for node in module.walk():
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION:
                long.append(f"{module.at(node)}: {node.name} is too long")
    assert long == []


IMPORTING = """
import sys
sys.path.insert(0, {root!r})
sys.dont_write_bytecode = True
import actions_toolkit.command, json, re, ssl, yaml

def watch(event, args):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.mkdir", "tempfile.")):
        raise RuntimeError("importing did " + event)
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        raise RuntimeError("importing wrote " + str(args[0]))

sys.addaudithook(watch)
import importlib
for name in {names!r}:
    importlib.import_module(name)
print(sorted(name for name in ("boto3", "docker", "github") if name in sys.modules))
"""


def test_importing_does_nothing() -> None:
    """Importing every module opens no socket, starts no process, writes nothing, and loads no SDK."""
    names = [f"ecr_action.{name}".rstrip(".") for name in KNOWN if name != "__main__"]
    code = IMPORTING.format(root=str(ROOT), names=names)
    done = subprocess.run([sys.executable, "-Ic", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")


FORBIDDEN = re.compile(
    r"unittest[.]mock|Magic[M]ock|monkeypatch[.]set(attr|item)|mark[.](skip|xfail)|pytest[.](skip|xfail)"
)


@pytest.mark.parametrize("folder", ["tests", "lab"])
def test_no_mocks_and_no_skips(folder: str) -> None:
    """Tests run against real parts, and all of them run."""
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert found == []


# -- the law itself can fail ------------------------------------------------------------------------------------------

BREACHES = {
    "inputs.py": "import os",
    "plan.py": "from ecr_action.aws import session",
    "image/tags.py": "from ecr_action.gitops.find import x",
    "image/buildx.py": "import subprocess\nfrom ecr_action.aws.session import x",
    "aws/session.py": "import boto3\nimport docker",
    "github/oidc.py": "import urllib.request\nfrom ecr_action.run import run",
    "publish.py": "import boto3",
    "gitops/find.py": "from lab import aws",
    "image/labels.py": "def f():\n    import time",
    "report.py": "import yaml",
}


@pytest.mark.parametrize("path", BREACHES)
def test_a_breach_is_found(path: str, tmp_path: Path) -> None:
    """Each kind of breach is told with its path and line."""
    for name in [*BREACHES, "run.py", "__init__.py", "aws/__init__.py", "github/__init__.py"]:
        target = tmp_path / "ecr_action" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(
            BREACHES[path] if name == path else "import json" if name != "aws/session.py" else "import boto3"
        )
    told = list(law.breaches(modules(tmp_path)))
    assert len(told) == 1
    assert told[0].startswith(f"{tmp_path}/ecr_action/{path}:")


def test_a_cycle_is_found(tmp_path: Path) -> None:
    """A cycle is told in order, also through a relative import inside a function."""
    package = tmp_path / "ecr_action"
    (package / "aws").mkdir(parents=True)
    (package / "a.py").write_text("from ecr_action.aws import b")
    (package / "aws" / "b.py").write_text("def f():\n    from .. import a")
    assert law.cycle(modules(tmp_path)) == ["a", "aws.b", "a"]
