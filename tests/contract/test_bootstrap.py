"""The action starts on any machine, or says in words why not."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

import bootstrap
import install

from .source import ROOT
from .starting import BASE, UV, Action, bare_python, copy, script, source_package, wheel

SOURCE = (ROOT / "bootstrap.py").read_text(encoding="utf-8")
TITLE = "::error title=ecr-publish could not start::"


@pytest.fixture
def action(tmp_path: Path) -> Action:
    """A copy of the action whose packages need no network."""
    return copy(tmp_path)


def made(text: str) -> list[str]:
    """With what environments were made, by the log lines of *text*."""
    return [line.split(" in ")[0] for line in text.splitlines() if line.startswith("Python environment made")]


# -- making and finding -----------------------------------------------------------------------------------------------


def test_the_first_start_makes_and_the_second_finds(action: Action) -> None:
    """An environment is made once; arguments and exit status pass through both times."""
    first = action.start("plan", "--format", "json", STATUS="7")
    second = action.start("plan", "--format", "json", STATUS="7")
    assert (made(first.err), made(second.err)) == (["Python environment made with uv"], [])
    assert (first.status, second.status) == (7, 7)
    assert first.facts == second.facts
    assert first.facts["arguments"] == ["plan", "--format", "json"]
    assert first.facts["tiny"] == "installed"
    assert [str(first.facts["python"])] == [f"{path}/bin/python" for path in action.environments()]


def test_the_jobs_python_settings_stay_outside(action: Action) -> None:
    """PYTHONPATH and PYTHONHOME of the job change nothing; texts are UTF-8 whatever the locale."""
    (action.folder / "poison").mkdir()
    (action.folder / "poison" / "tiny.py").write_text("VALUE = 'poisoned'\n")
    started = action.start(PYTHONPATH=str(action.folder / "poison"), PYTHONHOME="/nowhere", LC_ALL="C")
    assert (started.facts["tiny"], started.facts["isolated"], started.facts["utf8"]) == ("installed", 1, 1)
    assert started.facts["path"] == str(action.folder)


def test_no_bytecode_in_the_users_work_tree(action: Action) -> None:
    """An action that lies in the workspace leaves no file there; elsewhere bytecode is kept for the next start."""
    inside = action.start(GITHUB_WORKSPACE=str(action.folder.parent))
    written = [*action.folder.glob("__pycache__"), *action.folder.glob("ecr_action/__pycache__")]
    assert (inside.facts["bytecode"], written) == (False, [])
    assert action.start(GITHUB_WORKSPACE=str(action.folder / "bin")).facts["bytecode"] is True


def test_another_lock_is_another_environment(action: Action) -> None:
    """A new version of the action does not touch the environment of the old one."""
    action.start()
    action.lock({"tiny==2.0": wheel(action.wheels, "tiny", "2.0", {"tiny.py": "VALUE = 'newer'\n"})})
    assert action.start().facts["tiny"] == "newer"
    assert len(action.environments()) == 2


def test_environments_are_readable_by_others(action: Action) -> None:
    """A container job makes it as root, the runner's user takes it next time."""
    action.start()
    assert stat.S_IMODE(action.environments()[0].stat().st_mode) == 0o755


@pytest.mark.parametrize(
    ("variable", "place"),
    [
        ("AGENT_TOOLSDIRECTORY", "{}/ecr-publish"),
        ("XDG_CACHE_HOME", "{}/ecr-publish"),
        ("HOME", "{}/.cache/ecr-publish"),
    ],
)
def test_without_a_tool_cache(action: Action, tmp_path: Path, variable: str, place: str) -> None:
    """Elsewhere than on a runner the user's cache holds the environment."""
    other = tmp_path / "other"
    started = action.start(**{"RUNNER_TOOL_CACHE": "", variable: str(other)})
    assert str(started.facts["python"]).startswith(place.format(other))


def test_an_unwritable_tool_cache_is_passed_over(action: Action) -> None:
    """A tool cache that can't be written to is no reason to fail."""
    action.cache.write_text("a file where a folder should be")
    assert str(action.start().facts["python"]).startswith(f"{action.folder}/.cache/ecr-publish/")


def test_a_temporary_folder_that_others_write_to_is_refused(action: Action, tmp_path: Path) -> None:
    """What another user has planted in /tmp is never run."""
    planted = tmp_path / f"ecr-publish-{os.getuid()}"
    planted.mkdir()
    planted.chmod(0o777)
    started = action.start(RUNNER_TOOL_CACHE="", HOME="", TMPDIR=str(tmp_path))
    assert started.status == 1
    assert f"{TITLE}No folder for the Python environment can be written to" in started.out


def test_jobs_that_race_share_one_environment(action: Action) -> None:
    """Four first starts at once all run, one environment stays, nothing half-made is left."""
    processes = [action.begin() for _ in range(4)]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, outputs
    assert len({out for out, _ in outputs}) == 1
    assert [path.name for path in action.environments()] == [bootstrap_name(action)]


def test_the_faster_job_s_environment_stays(tmp_path: Path) -> None:
    """Who comes second leaves the whole environment alone that another job may be running in."""
    for name in ("building", "final"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "python").symlink_to(BASE)
        (tmp_path / name / bootstrap.MARKER).write_text(name)
    install.publish(str(tmp_path / "building"), str(tmp_path / "final"))
    assert (tmp_path / "final" / bootstrap.MARKER).read_text() == "final"


def bootstrap_name(action: Action) -> str:
    """The name that the copy's environment has."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import bootstrap; print(bootstrap.name_of(bootstrap.LOCK))"
    command = [BASE, "-B", "-I", "-c", code, str(action.folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_killed_start_leaves_nothing_that_is_used(action: Action, tmp_path: Path) -> None:
    """After a kill in the middle the next start makes its own; a day later the remains are removed."""
    script(
        action.folder / "bin" / "uv",
        f'[ "$1" = --version ] && echo "uv 9.0.0" && exit\necho $$ > {tmp_path}/there\nexec sleep 60',
    )
    process = action.begin()
    while not (tmp_path / "there").exists() or not (tmp_path / "there").read_text().endswith("\n"):
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    os.kill(int((tmp_path / "there").read_text()), signal.SIGKILL)
    process.communicate(timeout=10)
    (remains,) = action.environments()
    assert install.BUILDING in remains.name

    shutil.copy(UV, action.folder / "bin" / "uv")
    assert action.start().facts["tiny"] == "installed"
    assert remains in action.environments()
    os.utime(remains, (time.time() - 90000,) * 2)
    action.lock({"tiny==3.0": wheel(action.wheels, "tiny", "3.0", {"tiny.py": "VALUE = 3\n"})})
    action.start()
    assert remains not in action.environments()


@pytest.mark.parametrize("broken", ["marker", "interpreter"])
def test_a_broken_environment_is_made_anew(action: Action, broken: str) -> None:
    """One without its marker, or whose Python is gone, is replaced."""
    action.start()
    (environment,) = action.environments()
    (environment / (bootstrap.MARKER if broken == "marker" else "bin/python")).unlink()
    again = action.start()
    assert made(again.err) == ["Python environment made with uv"]
    assert action.environments() == [environment]


# -- with what --------------------------------------------------------------------------------------------------------


def test_pip_brings_uv_where_there_is_none(action: Action, tmp_path: Path) -> None:
    """Where uv is missing, pip installs the pinned one, uv the rest, and uv is not kept."""
    action.without_uv()
    brought = {"uv-9.0.data/scripts/uv": f'#!/bin/sh\nexec {UV} "$@"\n'}
    digest = wheel(action.wheels, "uv", "9.0", brought)
    (action.folder / "requirements-uv.lock").write_text(f"uv==9.0 --hash=sha256:{digest}\n")
    started = action.start(python=bare_python(tmp_path / "python", pip=True))
    assert made(started.err) == ["Python environment made with uv from pip"]
    assert started.facts["tiny"] == "installed"
    assert not (action.environments()[0] / "tools").exists()


def test_pip_alone_where_uv_has_no_wheel(action: Action, tmp_path: Path) -> None:
    """A platform that uv has no wheel for still starts."""
    action.without_uv()
    started = action.start(python=bare_python(tmp_path / "python", pip=True))
    assert made(started.err) == ["Python environment made with pip"]
    assert started.facts["tiny"] == "installed"


def test_a_uv_that_is_too_old_is_not_used(action: Action, tmp_path: Path) -> None:
    """A uv that does not know the index variables counts as missing."""
    script(action.folder / "bin" / "uv", 'echo "uv 0.4.22"')
    started = action.start(python=bare_python(tmp_path / "python", pip=True))
    assert made(started.err) == ["Python environment made with pip"]


def test_neither_uv_nor_pip_is_named(action: Action, tmp_path: Path) -> None:
    """A Python without pip, ensurepip and uv is told what to install."""
    action.without_uv()
    started = action.start(python=bare_python(tmp_path / "python", pip=False))
    assert started.status == 1
    assert started.out.startswith(TITLE)
    assert "neither pip nor ensurepip" in started.out
    assert "apt-get install -y python3-venv python3-pip" in started.out
    assert action.environments() == []


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_what_the_system_refuses_is_an_annotation_too(action: Action) -> None:
    """A failure of the system itself, such as a program that can't be run, is told as the others are."""
    (action.folder / "requirements.lock").unlink()
    started = action.start()
    assert (started.status, started.err) == (1, "")
    assert started.out.startswith(f"{TITLE}")
    assert "requirements.lock" in started.out


@pytest.mark.parametrize("pip", [False, True], ids=["uv", "pip"])
def test_a_wrong_hash_is_refused(action: Action, tmp_path: Path, pip: bool) -> None:
    """A package that is not the one locked is not installed, whoever installs."""
    action.lock({"tiny==1.0": "0" * 64})
    if pip:
        action.without_uv()
    started = action.start(python=bare_python(tmp_path / "python", pip=True))
    assert started.status == 1
    assert started.out.startswith(f"{TITLE}The Python packages could not be installed:%0A")
    assert "other files than the lock file names" in started.out
    assert (started.out.count("\n"), action.environments()) == (1, [])


@pytest.mark.parametrize("pip", [False, True], ids=["uv", "pip"])
def test_a_package_without_a_hash_is_refused(action: Action, tmp_path: Path, pip: bool) -> None:
    """A lock file that forgot a hash installs nothing."""
    (action.folder / "requirements.lock").write_text("tiny==1.0\n")
    if pip:
        action.without_uv()
    assert action.start(python=bare_python(tmp_path / "python", pip=True)).status == 1


@pytest.mark.parametrize("pip", [False, True], ids=["uv", "pip"])
def test_the_code_of_a_source_package_is_not_run(action: Action, tmp_path: Path, pip: bool) -> None:
    """A package that comes as source would run its own code at installation; it is refused."""
    (action.wheels / "tiny-1.0-py3-none-any.whl").unlink()
    action.lock({"tiny==1.0": source_package(action.wheels, ran=tmp_path / "ran")})
    if pip:
        action.without_uv()
    started = action.start(python=bare_python(tmp_path / "python", pip=True))
    assert (started.status, (tmp_path / "ran").exists()) == (1, False)


@pytest.mark.parametrize("pip", [False, True], ids=["uv", "pip"])
def test_an_unreachable_index_is_named(action: Action, tmp_path: Path, pip: bool) -> None:
    """Without network the annotation says what is out of reach and which variables help, and shows no password."""
    if pip:
        action.without_uv()
    started = action.start(
        python=bare_python(tmp_path / "python", pip=True),
        PIP_NO_INDEX="",
        PIP_FIND_LINKS="",
        PIP_INDEX_URL="http://user:canary@127.0.0.1:9/simple",
        PIP_RETRIES="0",
        UV_HTTP_RETRIES="0",
    )
    assert started.status == 1
    assert started.out.startswith(TITLE)
    assert "PIP_INDEX_URL" in started.out
    assert "tiny" in started.out
    assert "canary" not in started.out + started.err


def test_the_text_parses_on_every_python_3() -> None:
    """No syntax newer than Python 3.4, nothing evaluated at import that an old one lacks."""
    tree = ast.parse(SOURCE, feature_version=(3, 4))
    assert [
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr)
    ] == []
    top = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert top == ["import os", "import sys"]


def older_pythons() -> list[str]:
    """Interpreters of this machine that are Python 3 and older than the action needs."""
    folders = [Path.home() / ".pyenv/versions", Path("/opt/hostedtoolcache/Python")]
    found = [str(path) for folder in folders for path in folder.glob("**/bin/python3") if path.exists()]
    code = "import sys; sys.exit(sys.version_info >= (3, 10))"
    return [path for path in sorted(found) if subprocess.run([path, "-c", code], check=False).returncode == 0]


def test_an_older_python_is_named() -> None:
    """Every older Python 3 that is at hand says in one annotation that it is too old, and how to get a newer one."""
    for python in older_pythons():
        done = subprocess.run([python, str(ROOT / "bootstrap.py")], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr, done.stdout.count("\n")) == (1, "", 1), python
        assert done.stdout.startswith(f"{TITLE}Python 3."), python
        assert "actions/setup-python" in done.stdout, python


@pytest.mark.parametrize(
    ("version", "platform", "word"), [((3, 9, 18), "posix", "3.9.18 is too old"), ((3, 12, 1), "nt", "Windows")]
)
def test_what_can_not_do_is_refused(version: tuple[int, ...], platform: str, word: str) -> None:
    """An old version and Windows are refused with the lines to write."""
    what, fix = bootstrap.refusal(version, platform) or ("", "")
    assert word in what
    assert ":" in fix


def test_an_annotation_is_one_line() -> None:
    """Whatever a tool printed, it can't begin a workflow command of its own."""
    text = bootstrap.annotation("100%\r\n::set-output name=x::y", "a\nb")
    assert text == f"{TITLE}100%25%0D%0A::set-output name=x::y%0AFix:%0Aa%0Ab"


def test_addresses_lose_their_passwords() -> None:
    """What a tool prints of an index is shown without the login in it, whether or not the tool hides it itself."""
    text = "GET https://user:canary@mirror/simple and http://token@[::1]:80/x failed"
    assert install.without_passwords(text) == "GET https://***@mirror/simple and http://***@[::1]:80/x failed"


# -- the job's settings -----------------------------------------------------------------------------------------------

NOTHING = {"PIP_CONFIG_FILE": os.devnull}


@pytest.mark.parametrize(
    ("job", "tools"),
    [
        ({"PIP_INDEX_URL": "https://mirror/simple"}, {"UV_DEFAULT_INDEX": "https://mirror/simple"}),
        ({"UV_DEFAULT_INDEX": "ours=https://mirror/simple"}, {"PIP_INDEX_URL": "https://mirror/simple"}),
        ({"PIP_EXTRA_INDEX_URL": "https://a\nhttps://b"}, {"UV_INDEX": "https://a https://b"}),
        ({"PIP_INDEX_URL": "https://a", "UV_INDEX_URL": "https://b"}, {"UV_DEFAULT_INDEX": None}),
        ({"PIP_FIND_LINKS": "/nowhere /etc https://x/y"}, {"UV_FIND_LINKS": "/etc,https://x/y"}),
        ({"PIP_CERT": "/ca.pem"}, {"SSL_CERT_FILE": "/ca.pem"}),
        ({"PIP_CERT": "/ca.pem", "SSL_CERT_FILE": "/own.pem"}, {"SSL_CERT_FILE": "/own.pem"}),
        ({"REQUESTS_CA_BUNDLE": "/ca.pem"}, {"SSL_CERT_FILE": "/ca.pem"}),
        ({"PIP_PROXY": "http://proxy:3128"}, {"ALL_PROXY": "http://proxy:3128"}),
        ({"PIP_PROXY": "http://a", "HTTPS_PROXY": "http://b"}, {"ALL_PROXY": None, "HTTPS_PROXY": "http://b"}),
        ({"PIP_DEFAULT_TIMEOUT": "15.5"}, {"UV_HTTP_TIMEOUT": "15"}),
        ({"PIP_TRUSTED_HOST": "mirror"}, {"UV_INSECURE_HOST": "mirror"}),
        (
            {"PIP_TARGET": "/x", "UV_SYSTEM_PYTHON": "1", "PIP_USER": "1"},
            {"PIP_TARGET": None, "UV_SYSTEM_PYTHON": None},
        ),
        (
            {"ECR_PUBLISH_INPUTS": "{}", "INPUT_X": "1", "PYTHONPATH": "/x"},
            {"ECR_PUBLISH_INPUTS": None, "INPUT_X": None},
        ),
    ],
)
def test_the_jobs_index_proxy_and_certificates_are_honoured(job: dict[str, str], tools: dict[str, str | None]) -> None:
    """What the job says to one installer holds for the other, and nothing else of it reaches them."""
    got = install.settings({**NOTHING, "HOME": "/nowhere", **job})
    assert {name: got.get(name) for name in tools} == tools


def test_pips_configuration_files_are_honoured(tmp_path: Path) -> None:
    """An index that only pip's file names is uv's too; a variable goes before the file."""
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://mirror/simple\ntimeout = 5\n[install]\ncert = /ca\n"
    )
    job = {"HOME": "/nowhere", "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "PIP_CERT": "/own"}
    got = install.settings(job)
    names = ("UV_DEFAULT_INDEX", "SSL_CERT_FILE", "UV_HTTP_TIMEOUT")
    assert [got[name] for name in names] == ["https://mirror/simple", "/own", "5"]


def test_installers_see_no_secret(action: Action, tmp_path: Path) -> None:
    """The step's inputs and the right to identity tokens are not in the installer's environment."""
    script(
        action.folder / "bin" / "uv", f'[ "$1" = --version ] && echo "uv 9.0.0"\nenv >> {tmp_path}/seen\nexec {UV} "$@"'
    )
    secrets = {"ECR_PUBLISH_INPUTS": '{"gitops-token": "canary"}', "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "canary"}
    assert action.start(**secrets).status == 0
    seen = (tmp_path / "seen").read_text()
    assert "PIP_NO_INDEX=1" in seen
    assert "canary" not in seen
