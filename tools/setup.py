"""Makes ``.venv`` from requirements-dev.lock with the action's own bootstrap; does nothing where it is up to date."""

import hashlib
import os
import shutil
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

import bootstrap  # noqa: E402
import install  # noqa: E402


def main() -> int:
    """Make the environment; exit status 1 with words where that fails."""
    lock = os.path.join(ROOT, "requirements-dev.lock")
    folder = os.path.join(ROOT, ".venv")
    stamp = os.path.join(folder, ".made-from")
    unfit = bootstrap.refusal(tuple(sys.version_info[:3]), os.name)
    if unfit:
        return say(*unfit)
    # Not the interpreter: a shell with another PATH must not take the environment from under a running one.
    wanted = hashlib.sha256(read(lock).encode()).hexdigest()
    if bootstrap.usable(folder) and read(stamp) == wanted:
        return 0
    shutil.rmtree(folder, ignore_errors=True)
    try:
        how = install.build(folder, lock, os.environ)
    except install.CannotStart as error:
        return say(error.what, error.fix)
    # Last, so that an interrupted set-up is begun again.
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(wanted)
    print(f".venv made with {how} for {sys.executable}", file=sys.stderr)
    return 0


def say(what: str, fix: str) -> int:
    """Tell what is wrong and the fix; the exit status."""
    print(f"{what}\nFix:\n{fix}", file=sys.stderr)
    return 1


def read(path: str) -> str:
    """The text of *path*, empty where there is none."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


sys.exit(main())
