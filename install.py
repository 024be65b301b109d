"""Makes the action's Python environment: the half of the start that only the first run of a version goes through.

Built in a folder beside its final one and published by one rename, so that a job sees a whole environment or none.
Standard library only.
"""

from __future__ import annotations

import configparser
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping

import bootstrap

UV_LOCK = os.path.join(bootstrap.HERE, "requirements-uv.lock")
BUILDING = ".building-"
DAY = 24 * 3600
# uv 0.4.23 is the first that reads UV_DEFAULT_INDEX and UV_INDEX.
OLDEST_UV = (0, 4, 23)


class CannotStart(Exception):
    """The action can't start: *what* happened, and the *fix* to paste."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


def make(variables: Mapping[str, str]) -> str:
    """Make the environment; where another job was faster, its environment is taken. Raises CannotStart."""
    started = time.monotonic()
    folder = writable(variables)
    sweep(folder, time.time())
    final = os.path.join(folder, bootstrap.name_of(bootstrap.LOCK))
    building = tempfile.mkdtemp(prefix=os.path.basename(final) + BUILDING, dir=folder)
    try:
        how = build(building, bootstrap.LOCK, variables)
        # mkdtemp's 0700 would hide it from the runner's user where a container job, as root, made it.
        os.chmod(building, 0o755)
        publish(building, final)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    say(f"Python environment made with {how} in {time.monotonic() - started:.1f} s: {final}")
    return final


def say(text: str) -> None:
    """One line for the log. stdout belongs to the program's result."""
    print(text, file=sys.stderr, flush=True)


def writable(variables: Mapping[str, str]) -> str:
    """The first of :func:`folders` that can be written to, made where it is missing."""
    for folder in bootstrap.folders(variables):
        try:
            os.makedirs(folder, mode=0o755, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK | os.X_OK) and (bootstrap.trusted(folder, variables) or bootstrap.private(folder)):
            return folder
    raise CannotStart(
        "No folder for the Python environment can be written to; tried {}.".format(
            ", ".join(bootstrap.folders(variables))
        ),
        "env:\n  RUNNER_TOOL_CACHE: ${{ runner.temp }}",
    )


def sweep(folder: str, now: float) -> None:
    """Remove what killed jobs left half-made in *folder* more than a day before *now* (seconds since 1970)."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        try:
            if BUILDING in name and now - os.lstat(path).st_mtime > DAY:
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue


def publish(building: str, final: str) -> None:
    """Give *building* its *final* name, unless another job's whole environment has it already."""
    try:
        os.rename(building, final)
    except OSError:
        if bootstrap.usable(final):
            return
        # What stands there is broken (its interpreter is gone): move it into our folder, which is removed anyway.
        aside = building + ".old"
        os.rename(final, aside)
        os.rename(building, final)
        os.rename(aside, building)


def build(folder: str, lock: str, variables: Mapping[str, str]) -> str:
    """Make *folder* a virtual environment with exactly what *lock* lists; tells with what it was installed.

    Only wheels, whose hashes the lock has: no code of a package runs at installation. Raises CannotStart.
    """
    create(folder)
    job = settings(variables)
    tools = os.path.join(folder, "tools")
    how, installer = choose(folder, tools, job)
    options = ["--require-hashes", "--only-binary", ":all:", "-r", lock]
    run(installer + options, job, folder)
    shutil.rmtree(tools, ignore_errors=True)
    with open(os.path.join(folder, bootstrap.MARKER), "w") as file:
        file.write(how + "\n")
    return how


def create(folder: str) -> None:
    """An empty virtual environment. Raises CannotStart where this Python can't make one."""
    try:
        import venv

        venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    except (ImportError, OSError) as error:
        raise CannotStart(
            f"{sys.executable} can't make a virtual environment: {error}.",
            "run: sudo apt-get install -y python3-venv python3-pip   # or:\n" + bootstrap.SETUP_PYTHON,
        ) from error


def choose(folder: str, tools: str, job: Mapping[str, str]) -> tuple[str, list[str]]:
    """What installs packages into the environment *folder*: the machine's uv, a uv that pip brings, or pip alone.

    uv needs a third of pip's time. Our own copy goes to *tools* and is not kept.
    """
    python = os.path.join(folder, "bin", "python")
    uv = present_uv(job)
    how = "uv"
    if uv is None:
        pip = find_pip(python, job)
        target = ["--target", tools, "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", UV_LOCK]
        try:
            run(pip + target, job, folder)
        except CannotStart as error:
            if "No matching distribution" not in error.what:
                raise
            return "pip", [*pip, "--target", site_packages(folder)]
        uv, how = [os.path.join(tools, "bin", "uv")], "uv from pip"
    options = ["--quiet", "--compile-bytecode", "--no-python-downloads", "--python", python]
    # uv has no variable for this one.
    options += ["--no-index"] if job.get("PIP_NO_INDEX") else []
    return how, [*uv, "pip", "install", *options]


def site_packages(folder: str) -> str:
    """Where the packages of the environment *folder* lie."""
    return os.path.join(folder, "lib", "python{}.{}".format(*sys.version_info[:2]), "site-packages")


def present_uv(job: Mapping[str, str]) -> list[str] | None:
    """The command of a uv that is on PATH or importable, unless it is too old for what we ask."""
    found = shutil.which("uv", path=job.get("PATH"))
    candidates = [[found]] if found else []
    if importlib.util.find_spec("uv"):
        candidates.append([sys.executable, "-I", "-m", "uv"])
    for command in candidates:
        if uv_version(command, job) >= OLDEST_UV:
            return command
    return None


def uv_version(command: list[str], job: Mapping[str, str]) -> tuple[int, ...]:
    """The version that *command* tells, () where it does not work."""
    try:
        answer = subprocess.run([*command, "--version"], env=dict(job), capture_output=True)
    except OSError:
        return ()
    numbers = re.match(rb"uv (\d+)\.(\d+)\.(\d+)", answer.stdout)
    return tuple(int(number) for number in numbers.groups()) if numbers else ()


def find_pip(python: str, job: Mapping[str, str]) -> list[str]:
    """The command of this Python's pip, else of one that ensurepip puts into the environment of *python*."""
    options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-I", *options]
    if not importlib.util.find_spec("ensurepip"):
        raise CannotStart(
            f"{sys.executable} has neither pip nor ensurepip, and there is no uv.",
            "run: sudo apt-get install -y python3-venv python3-pip   # or:\n" + bootstrap.SETUP_PYTHON,
        )
    run([python, "-I", "-m", "ensurepip", "--default-pip"], job, os.path.dirname(os.path.dirname(python)))
    return [python, "-I", *options]


def run(command: list[str], job: Mapping[str, str], folder: str) -> None:
    """Run *command* in *folder* (no project's settings lie there); CannotStart has its last lines."""
    done = subprocess.run(command, env=dict(job), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        lines = without_passwords(done.stdout.decode("utf-8", "replace")).strip().splitlines()
        # Each retry warns again; the error below says it once.
        lines = [line for line in lines if not line.startswith("WARNING:")][-15:]
        raise CannotStart(
            "The Python packages could not be installed:\n" + "\n".join(lines), remedy("\n".join(lines).lower())
        )


def without_passwords(text: str) -> str:
    """*text* without what stands before the ``@`` of an address."""
    return re.sub(r"://[^/@\s]+@", "://***@", text)


def remedy(output: str) -> str:
    """What to do about an installation that failed with *output* (lower case)."""
    if "hash" in output:
        return (
            "The package index gives other files than the lock file names. Correct its mirror, or name another:\n"
            "env:\n  PIP_INDEX_URL: <index>"
        )
    return (
        "The runner must reach a package index. Behind a proxy, or with a mirror, give the job:\n"
        "env:\n  PIP_INDEX_URL: <index>\n  HTTPS_PROXY: <proxy>\n  PIP_CERT: <file with the CA certificates>"
    )


# -- The job's settings --------------------------------------------------------------------------------------------

# pip's option, uv's variable for the same thing. Everything else of PIP_* and UV_* (targets, constraints, ...) is
# about the user's own installations and stays away from ours.
SHARED = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "timeout": "UV_HTTP_TIMEOUT",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
}
PIP_ONLY = ("no-index", "retries", "cache-dir", "config-file", "no-cache-dir", "keyring-provider")
UV_ONLY = tuple(
    "UV_CACHE_DIR UV_NO_CACHE UV_SYSTEM_CERTS UV_NATIVE_TLS UV_CONFIG_FILE UV_OFFLINE UV_KEYRING_PROVIDER UV_LINK_MODE "
    "UV_INDEX_STRATEGY UV_INDEX_URL UV_EXTRA_INDEX_URL UV_CONCURRENT_DOWNLOADS UV_HTTP_RETRIES".split()
)
SECRET = tuple(
    "ECR_PUBLISH_INPUTS ACTIONS_ID_TOKEN_REQUEST_TOKEN ACTIONS_ID_TOKEN_REQUEST_URL ACTIONS_RUNTIME_TOKEN".split()
)


def settings(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment for pip and uv: the job's index, proxy and certificates in both languages, no secret of ours."""
    job = {name: value for name, value in variables.items() if passes(name)}
    pip = dict(pip_files(variables))
    pip.update(pip_variables(variables))
    for option, name in SHARED.items():
        value = pip.get(option, "")
        if value and name not in job and not already(name, job):
            job[name] = for_uv(option, value)
    job["PIP_NO_INDEX"] = "1" if pip.get("no-index", "").lower() in ("1", "true", "yes", "on", "t", "y") else ""
    mirror = job.get("UV_DEFAULT_INDEX") or job.get("UV_INDEX_URL")
    if mirror and "index-url" not in pip:
        job["PIP_INDEX_URL"] = mirror.partition("=")[2] if "=" in mirror.partition("://")[0] else mirror
    if "SSL_CERT_FILE" not in job:
        bundle = job.get("REQUESTS_CA_BUNDLE") or job.get("CURL_CA_BUNDLE")
        job.update({"SSL_CERT_FILE": bundle} if bundle else {})
    # uv stops at the first index that has a name; pip looks at all. The hashes say what is right.
    job.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    job.update({"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"})
    return job


def passes(name: str) -> bool:
    """Whether pip and uv may see the job's variable *name*."""
    if name.startswith("PIP_"):
        return name[4:].lower().replace("_", "-") in set(SHARED) | set(PIP_ONLY) | {"default-timeout"}
    if name.startswith("UV_"):
        return name in UV_ONLY or name in SHARED.values()
    others = ("PYTHON", "INPUT_", "VIRTUAL_ENV", "CONDA_", "FORCE_COLOR", "CLICOLOR")
    return not name.startswith(others) and name not in SECRET


def already(name: str, job: Mapping[str, str]) -> bool:
    """Whether the job has uv's older variable for the same thing, or its own proxy."""
    older = {"UV_DEFAULT_INDEX": ["UV_INDEX_URL"], "UV_INDEX": ["UV_EXTRA_INDEX_URL"]}
    older["ALL_PROXY"] = ["HTTPS_PROXY", "https_proxy", "all_proxy"]
    return any(job.get(other) for other in older.get(name, []))


def for_uv(option: str, value: str) -> str:
    """pip's *value* of *option* as uv reads it."""
    if option == "find-links":
        # uv refuses a folder that is not there, pip passes over it.
        return ",".join(place for place in value.split() if "://" in place or os.path.exists(place))
    if option == "timeout":
        return value.partition(".")[0]
    return " ".join(value.split())


def pip_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """pip's options that the job's PIP_* variables give."""
    pairs = {name[4:].lower().replace("_", "-"): value for name, value in variables.items() if name.startswith("PIP_")}
    if "default-timeout" in pairs:
        pairs.setdefault("timeout", pairs["default-timeout"])
    return {option: value for option, value in pairs.items() if value}


def pip_files(variables: Mapping[str, str]) -> dict[str, str]:
    """pip's options that its configuration files give, read as pip does (later files win)."""
    home = variables.get("HOME", "/")
    user = variables.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    names = ["/etc/pip.conf", os.path.join(home, ".pip", "pip.conf"), os.path.join(user, "pip", "pip.conf")]
    names = [name for name in [*names, variables.get("PIP_CONFIG_FILE", "")] if name]
    parser = configparser.RawConfigParser()
    try:
        parser.read([] if variables.get("PIP_CONFIG_FILE") == os.devnull else names, encoding="utf-8")
    except (configparser.Error, ValueError):
        return {}
    found: dict[str, str] = {}
    for section in ("global", "install"):
        found.update(parser.items(section) if parser.has_section(section) else [])
    return {option.replace("_", "-"): value for option, value in found.items()}
