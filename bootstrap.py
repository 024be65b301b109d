"""Makes or finds the action's Python environment, then becomes ``entrypoint.py`` in it.

Standard library only, and its text parses on every Python 3, so that an old one is named in words instead of a
SyntaxError: no f-strings, annotations as strings, nothing newer than 3.4 in the syntax.

The environment lies in the runner's tool cache under a name made of everything it depends on (lock file, Python,
platform); ``install.py`` makes it where there is none.
"""

import os
import sys

OLDEST = (3, 10)
HERE = os.path.dirname(os.path.abspath(__file__))
LOCK = os.path.join(HERE, "requirements.lock")
MARKER = ".complete"
SETUP_PYTHON = '- uses: actions/setup-python@v6\n  with:\n    python-version: "3.13"'


def main(arguments: "list[str]") -> int:
    """Become the program; returns an exit status only where that failed, with an annotation that says why."""
    unfit = refusal(tuple(sys.version_info[:3]), os.name)
    if unfit:
        return refuse(*unfit)
    try:
        environment = find(os.environ)
        if environment is None:
            # Bytecode beside the sources would make the work tree of `uses: ./` dirty.
            sys.dont_write_bytecode = True
            sys.path.insert(0, HERE)
            import install

            try:
                environment = install.make(os.environ)
            except install.CannotStart as error:
                return refuse(error.what, error.fix)
    except OSError as error:
        fix = "Check that the tool cache has space and can be written to, and that the action's files are whole."
        return refuse("The system refuses: {}.".format(error), fix)
    return become(environment, arguments)


def refuse(what: str, fix: str) -> int:
    """Write the annotation, in UTF-8 as runners read it whatever the locale; the exit status."""
    sys.stdout.buffer.write((annotation(what, fix) + "\n").encode("utf-8", "backslashreplace"))
    sys.stdout.flush()
    return 1


def annotation(what: str, fix: str) -> str:
    """The workflow command that says *what* happened and the *fix* to paste: one line, whatever the text."""
    text = "{}\nFix:\n{}".format(what, fix)
    return "::error title=ecr-publish could not start::" + (
        text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    )


def refusal(version: "tuple[int, ...]", platform: str) -> "tuple[str, str] | None":
    """What is wrong with this Python (*version*: major, minor, micro) or *platform* (os.name), and the fix."""
    if platform == "nt":
        return "Windows runners are not supported: images for Linux are built on Linux.", "runs-on: ubuntu-latest"
    if version[:2] < OLDEST:
        text = "Python {} is too old: ecr-publish needs Python {}.{} or newer. This one is {}."
        written = ".".join(str(part) for part in version)
        return text.format(written, OLDEST[0], OLDEST[1], sys.executable), SETUP_PYTHON
    return None


def become(environment: str, arguments: "list[str]") -> int:
    """Replace this process by the program, so that signals of the runner reach it."""
    python = os.path.join(environment, "bin", "python")
    command = [python, "-I", "-u", "-X", "utf8"]
    workspace = os.environ.get("GITHUB_WORKSPACE")
    if workspace and (HERE + os.sep).startswith(os.path.realpath(workspace) + os.sep):
        # `uses: ./...`: bytecode beside the sources would make the user's work tree dirty.
        command.append("-B")
    sys.stdout.flush()
    os.execv(python, command + [os.path.join(HERE, "entrypoint.py")] + arguments)


# -- Finding -------------------------------------------------------------------------------------------------------


def folders(variables: "Mapping[str, str]") -> "list[str]":
    """Folders that may hold environments, best first: the runner's tool cache, the user's cache, a temporary one."""
    found = []
    for name in ("RUNNER_TOOL_CACHE", "AGENT_TOOLSDIRECTORY", "XDG_CACHE_HOME"):
        if os.path.isabs(variables.get(name, "")):
            found.append(os.path.join(variables[name], "ecr-publish"))
    if os.path.isabs(variables.get("HOME", "")):
        found.append(os.path.join(variables["HOME"], ".cache", "ecr-publish"))
    found.append(os.path.join(variables.get("TMPDIR") or "/tmp", "ecr-publish-{}".format(os.getuid())))
    return found


def name_of(lock: str) -> str:
    """The environment's name: Python and 20 hex digits of everything that the environment depends on.

    The interpreter's path and the C library are part of it: a host and its ``container:`` jobs share a tool cache.
    """
    import hashlib

    with open(lock, "rb") as file:
        digest = hashlib.sha256(file.read())
    version = sys.implementation.cache_tag + "-" + ".".join(str(part) for part in sys.version_info[:3])
    base = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    triple = getattr(sys.implementation, "_multiarch", sys.platform)
    digest.update("\n".join([version, sys.abiflags, base, triple, c_library(), " ".join(os.uname()[::4])]).encode())
    return version + "-" + digest.hexdigest()[:20]


def c_library() -> str:
    """The C library that wheels are chosen by, such as ``glibc 2.36``; empty where the system names none."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        return ""


def usable(environment: str) -> bool:
    """Whether *environment* is complete and its interpreter is still there."""
    python = os.path.join(environment, "bin", "python")
    return os.path.exists(os.path.join(environment, MARKER)) and os.access(python, os.X_OK)


def private(folder: str) -> bool:
    """Whether nobody else can have put things into *folder*: it is ours, or not one that everybody may write to."""
    state = os.lstat(folder)
    return not os.path.islink(folder) and state.st_uid in (0, os.getuid()) and not state.st_mode & 0o002


def find(variables: "Mapping[str, str]") -> "str | None":
    """The environment that an earlier run left, if there is one."""
    name = name_of(LOCK)
    for folder in folders(variables):
        environment = os.path.join(folder, name)
        if usable(environment) and (trusted(folder, variables) or private(folder)):
            return environment
    return None


def trusted(folder: str, variables: "Mapping[str, str]") -> bool:
    """Whether *folder* lies in a tool cache: whoever may write there can replace any tool of the job anyway."""
    caches = [variables.get("RUNNER_TOOL_CACHE"), variables.get("AGENT_TOOLSDIRECTORY")]
    return os.path.dirname(folder) in caches


if False:  # for type checkers; the module typing is younger than some Pythons that must read this
    from collections.abc import Mapping

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
