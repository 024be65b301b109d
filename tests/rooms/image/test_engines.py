"""Both engines against a real builder and a real registry."""

from __future__ import annotations

import base64
import json
import os
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest

from ecr_action.errors import BuildFailed, EngineLacks, EngineUnreachable, Failure, Interrupted, PushFailed
from ecr_action.image.buildx import BuildxEngine
from ecr_action.secret import Secret

from .conftest import Room

BOTH = pytest.mark.parametrize("name", ["buildx", "docker"])
BASE = "FROM busybox:stable\n"


def fresh() -> str:
    """A base whose next steps no earlier run has left in the cache."""
    return BASE + f"ENV RUN={time.time_ns()}\n"


def failed(room: Room, name: str, kind: type[Failure], dockerfile: str = BASE, **more: object) -> Failure:
    push_to, login = more.pop("push_to", None), more.pop("login", None)
    room.write({"Dockerfile": dockerfile})
    with pytest.raises(kind) as raised:
        room.engine(name).build(room.request(**more), push_to, login)  # type: ignore[arg-type]
    return raised.value


@BOTH
def test_an_image_is_built_and_pushed(room: Room, name: str) -> None:
    """One plain manifest under one tag, its digest as ECR has it, with labels and build arguments in it."""
    room.write({"app/Dockerfile": BASE + "ARG A\nARG B\nRUN echo $A/$B > /said\nCOPY f /f\n", "app/f": "text"})
    room.environment["B"] = "from the environment"
    repository, login = room.repository(), room.login()
    request = room.request(context="app", build_args=(("A", "a b"), ("B", None)), labels={"org.x": "1=2\n3"})
    built = room.engine(name).build(request, f"{room.host}/{repository}:v1", login)
    digest, manifest = room.manifest(repository, "v1")
    assert (built.digest, built.engine) == (digest, name)
    assert "config" in manifest
    image = f"{room.host}/{repository}@{digest}"
    assert json.loads(room.docker("inspect", image))[0]["Config"]["Labels"] == {"org.x": "1=2\n3"}
    assert room.docker("run", "--rm", "--network=none", image, "cat", "/said", "/f") == "a b/from the environment\ntext"


@BOTH
def test_progress_is_a_plain_log(room: Room, name: str) -> None:
    """A line per step, the command's output, times and cached marks; a second build says that it had it all."""
    room.write({"Dockerfile": fresh() + "RUN printf '10\\r20\\r30'; echo\nCOPY Dockerfile /x\n"})
    engine = room.engine(name)
    steps = engine.build(room.request(), None, None).steps
    assert [step.cached for step in steps if "RUN" in step.name] == [False]
    assert "\r" not in room.log
    assert room.log.count("RUN printf") == 1
    assert [line.split(" ", 1)[1] for line in room.log.splitlines() if line.endswith(" 30")] == ["30"]
    again = engine.build(room.request(), None, None).steps
    assert [step.cached for step in again if "RUN" in step.name or "COPY" in step.name] == [True, True]


@BOTH
def test_without_a_push_nothing_is_kept(room: Room, name: str) -> None:
    """The engine has the images that it had before."""
    room.write({"Dockerfile": BASE + f"RUN echo {time.time_ns()}\n"})
    before = images(room)
    assert room.engine(name).build(room.request(), None, None).digest is None
    assert images(room) == before


def images(room: Room) -> list[str]:
    return sorted(room.docker("images", "--all", "--quiet", "--no-trunc").split())


@BOTH
def test_the_same_context_reaches_the_builder(room: Room, name: str) -> None:
    """What ``.dockerignore`` leaves out, and nothing else, is missing; the Dockerfile's own file wins."""
    rules = "*.log\n**/node_modules\n!keep.log\nsecret*\nfolder\n!folder/in\n# x\n[!a]z\n"
    files = "a.log keep.log b/c.log b/node_modules/d e/.hidden secret.key folder/in folder/out az !z Az"
    room.write({path: path for path in files.split()} | {".dockerignore": rules})
    room.write({"Dockerfile": fresh() + "COPY . /c\nRUN cd /c && find . -type f | sort\n"})
    room.engine(name).build(room.request(), None, None)
    sent = {line.split(" ", 1)[1] for line in room.log.splitlines() if " ./" in line}
    expected = "./Az ./keep.log ./b/c.log ./e/.hidden ./folder/in ./Dockerfile ./.dockerignore"
    assert sent == set(expected.split())
    room.write({"Dockerfile.dockerignore": "*\n!az\n"})
    before = len(room.log)
    room.engine(name).build(room.request(), None, None)
    sent = {line.split(" ", 1)[1] for line in room.log[before:].splitlines() if " ./" in line}
    assert sent - {"./Dockerfile"} == {"./az"}


@BOTH
def test_a_dockerfile_outside_of_the_context(room: Room, name: str) -> None:
    """``file`` may be anywhere in the checkout."""
    room.write({"docker/prod": fresh() + "COPY f /f\nRUN cat /f\n", "app/f": "inside\n"})
    room.engine(name).build(room.request(context="app", file="docker/prod"), None, None)
    assert " inside\n" in room.log


@BOTH
def test_the_target_and_heredocs(room: Room, name: str) -> None:
    """The stage asked for is built, the one after it is not; here-documents and cache mounts work."""
    text = "# syntax=docker/dockerfile:1\nARG V=stable\nFROM busybox:$V AS one\n"
    text += f"ENV RUN={time.time_ns()}\nRUN --mount=type=cache,target=/c <<EOF\necho heredoc\nEOF\n"
    text += "FROM 127.0.0.1:1/never:1\nRUN echo two\n"
    if name == "buildx":
        # With buildx the frontend would come from a registry.
        text = text.partition("\n")[2]
    room.write({"Dockerfile": text})
    room.engine(name).build(room.request(target="one"), None, None)
    assert " heredoc\n" in room.log


@BOTH
def test_a_failing_command(room: Room, name: str) -> None:
    """The exit code, the last output, the Dockerfile's line; nothing is pushed."""
    repository = room.repository()
    text = BASE + "\nRUN echo one \\\n && echo two && exit 42\nRUN true\n"
    reference = f"{room.host}/{repository}:v1"
    error = failed(room, name, BuildFailed, text, push_to=reference, login=room.login())
    assert "exit code: 42" in error.what
    assert error.why == "The last lines of its output:\none\ntwo"
    assert (error.file, error.line) == ("Dockerfile", 3)
    assert room.ecr.list_images(repositoryName=repository)["imageIds"] == []


@BOTH
def test_a_dockerfile_that_is_wrong(room: Room, name: str) -> None:
    """An unknown instruction and a missing file have their line; a missing file its name."""
    error = failed(room, name, BuildFailed, BASE + "BUILD x\n")
    assert ("unknown instruction: BUILD" in error.what, error.line) == (True, 2)
    error = failed(room, name, BuildFailed, BASE + "\nCOPY dist/app /x\n")
    assert (error.line, "dist/app is not in the context" in error.fix) == (3, True)


@BOTH
def test_a_base_image_that_is_nowhere(room: Room, name: str) -> None:
    """The image, the line of FROM."""
    error = failed(room, name, BuildFailed, f"ARG X\nFROM {room.host}/{room.repository()}:nope\n", login=room.login())
    assert (":nope" in error.what, error.file, error.line) == (True, "Dockerfile", 2)


@BOTH
def test_a_base_image_of_the_same_registry(room: Room, name: str) -> None:
    """It is pulled with ECR's login, which the engine itself has not."""
    base, own, login = room.repository(), room.repository(), room.login()
    room.write({"Dockerfile": BASE + f"RUN echo {time.time_ns()} > /base\n"})
    image = f"{room.host}/{base}:b"
    room.engine(name).build(room.request(), image, login)
    room.docker("rmi", image)
    room.docker("builder", "prune", "--all", "--force")
    room.write({"Dockerfile": f"FROM {image}\nRUN test -s /base\n"})
    built = room.engine(name).build(room.request(), f"{room.host}/{own}:v1", login)
    assert built.digest == room.manifest(own, "v1")[0]


@BOTH
def test_a_registry_that_refuses(room: Room, name: str) -> None:
    """A wrong password, a missing repository, a tag that may not move: the registry's words and the way out."""
    login = room.login()
    repository = room.repository(imageTagMutability="IMMUTABLE")
    reference = f"{room.host}/{repository}:v1"
    gone = failed(room, name, PushFailed, push_to=f"{room.host}/not/there:v1", login=login)
    assert "create-repository" in gone.fix
    room.engine(name).build(room.request(), reference, login)
    other = BASE + f"RUN echo {time.time_ns()}\n"
    taken = failed(room, name, PushFailed, other, push_to=reference, login=login)
    assert "immutable" in taken.what
    assert "IMMUTABLE_WITH_EXCLUSION" in taken.fix
    wrong = replace(login, password=Secret("wrong-password", "password"))
    refused = failed(room, name, PushFailed, other, push_to=reference, login=wrong)
    assert "wrong-password" not in f"{refused}{room.log}"


@BOTH
def test_no_engine(room: Room, name: str) -> None:
    """The address that was tried, and what to do."""
    room.environment["DOCKER_HOST"] = "unix:///nowhere/docker.sock"
    error = failed(room, name, EngineUnreachable)
    assert "unix:///nowhere/docker.sock" in error.what
    assert "ubuntu-latest" in error.fix


@contextmanager
def cancelled_after(seconds: float) -> Iterator[None]:
    """A SIGALRM that does what the program does on SIGINT."""

    def handler(number: int, frame: FrameType | None) -> None:
        raise Interrupted("cancelled")

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def children() -> list[str]:
    """The programs that this process has started and not ended."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return [command for command in found if "buildx" in command]


@BOTH
def test_a_cancelled_build(room: Room, name: str) -> None:
    """The builder is ended, the command it ran too, and the password is gone, all before the runner kills us."""
    mark = unique()
    room.write({"Dockerfile": BASE + f"RUN sleep {mark}\n"})
    repository, login = room.repository(), room.login()
    began = time.monotonic()
    with cancelled_after(2.0), pytest.raises(Interrupted):
        room.engine(name).build(room.request(), f"{room.host}/{repository}:v1", login)
    assert time.monotonic() - began < 5
    assert (children(), room.leftovers()) == ([], [])
    assert f"sleep {mark}" in room.log
    assert ended(f"sleep\0{mark}")


@BOTH
def test_the_password_is_nowhere(room: Room, name: str) -> None:
    """Not in the log, in no argument of a program, in no file that stays; the user's configuration is as it was."""
    home = Path(room.environment["HOME"])
    plugins = Path(room.environment["DOCKER_CONFIG"], "cli-plugins")
    del room.environment["DOCKER_CONFIG"]
    (home / ".docker").mkdir()
    (home / ".docker" / "cli-plugins").symlink_to(plugins)
    (home / ".docker" / "config.json").write_text('{"credsStore": "none-such"}')
    spy(room)
    repository, login = room.repository(), room.login()
    room.write({"Dockerfile": BASE})
    room.engine(name).build(room.request(), f"{room.host}/{repository}:v1", login)
    password = login.password.reveal()
    assert password not in room.log
    assert room.leftovers() == []
    assert (home / ".docker" / "config.json").read_text() == '{"credsStore": "none-such"}'
    kept = [path for path in home.rglob("*") if path.is_file() and password.encode() in path.read_bytes()]
    assert kept == []
    said = (home / "spied").read_text() if (home / "spied").exists() else ""
    assert ("buildx build" in said) is (name == "buildx")
    assert password not in said


@BOTH
def test_a_command_that_prints_the_password(room: Room, name: str) -> None:
    """It is hidden in what the builder says, and in the failure, in both of its forms."""
    login = room.login()
    password = login.password.reveal()
    token = base64.b64encode(f"AWS:{password}".encode()).decode()
    text = fresh() + "ARG P\nARG T\nRUN echo $P; echo x${T}x; exit 3\n"
    arguments = (("P", password), ("T", token))
    reference = f"{room.host}/{room.repository()}:v1"
    error = failed(room, name, BuildFailed, text, build_args=arguments, push_to=reference, login=login)
    assert password not in f"{room.log}{error}"
    assert token not in f"{room.log}{error}"
    assert error.why.splitlines()[1:] == ["***", "x***x"]


def test_a_builder_that_ignores_signals(room: Room) -> None:
    """It is killed in time, with the programs it has started."""
    folder = room.temp.parent / "stub"
    folder.mkdir()
    mark = unique()
    script = "#!/bin/sh\ntrap '' INT TERM\n[ $2 = version ] && echo a 1 && exit\n"
    (folder / "docker").write_text(f"{script}sleep {mark}1 & sleep {mark}2\n")
    (folder / "docker").chmod(0o700)
    room.environment["PATH"] = f"{folder}:{room.environment['PATH']}"
    began = time.monotonic()
    with cancelled_after(0.5), pytest.raises(Interrupted):
        room.engine("buildx").build(room.request(), None, None)
    assert 5 < time.monotonic() - began < 7
    assert ended(f"sleep\0{mark}")


def unique() -> str:
    """A time to sleep for that no other process sleeps for."""
    return f"8{time.time_ns() % 10**7:07}"


def ended(words: str) -> bool:
    """Whether every process whose arguments hold *words* is gone within five seconds."""
    until = time.monotonic() + 5
    while any(words.encode() in read(path) for path in Path("/proc").glob("[0-9]*/cmdline")):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def spy(room: Room) -> None:
    """Put a ``docker`` first on the PATH that notes its arguments and environment, and goes on to the real one."""
    real = next(Path(p, "docker") for p in room.environment["PATH"].split(":") if Path(p, "docker").exists())
    folder = room.temp.parent / "spy"
    folder.mkdir()
    script = folder / "docker"
    script.write_text(f'#!/bin/sh\n{{ echo "$@"; env; }} >> "$HOME/spied"\nexec {real} "$@"\n')
    script.chmod(0o700)
    room.environment["PATH"] = f"{folder}:{room.environment['PATH']}"


# -- What differs -----------------------------------------------------------------------------------------------------


def test_auto_takes_buildx_where_it_is_there(room: Room) -> None:
    """And the engine's own API where docker knows no buildx, or is not there, or does not even start."""
    assert room.engine("auto").name == "buildx"
    room.environment["DOCKER_CONFIG"] = str(room.temp)
    assert room.engine("auto").name == "docker"
    with pytest.raises(EngineLacks, match="'docker buildx version' does not work"):
        room.engine("buildx")
    room.environment["PATH"] = "/nowhere"
    assert room.engine("auto").name == "docker"
    broken = room.temp / "docker"
    broken.write_text("#!/nowhere/interpreter\n")
    broken.chmod(stat.S_IRWXU)
    room.environment["PATH"] = str(room.temp)
    assert room.engine("auto").name == "docker"


def test_two_platforms_in_one_push(room: Room) -> None:
    """buildx makes an index of both, and of nothing else."""
    room.write({"Dockerfile": "FROM scratch\nCOPY Dockerfile /x\n"})
    repository = room.repository()
    platforms = ("linux/amd64", "linux/arm64")
    built = room.engine("buildx").build(room.request(platforms=platforms), f"{room.host}/{repository}:v1", room.login())
    digest, manifest = room.manifest(repository, "v1")
    assert built.digest == digest
    assert [child["platform"]["architecture"] for child in manifest["manifests"]] == ["amd64", "arm64"]


@pytest.mark.parametrize(
    ("dockerfile", "changes", "words"),
    [
        (BASE, {"platforms": ("linux/s390x",)}, "'platforms' is linux/s390x"),
        (BASE, {"platforms": ("linux/amd64", "linux/arm64")}, "'platforms' is linux/amd64, linux/arm64"),
        (BASE + "RUN --mount=type=secret,id=x cat /run/secrets/x\n", {}, "Dockerfile:2 has 'RUN --mount=type=secret'"),
        (BASE + "RUN --mount=type=ssh true\n", {}, "Dockerfile:2 has 'RUN --mount=type=ssh'"),
        ("# syntax=my/own:1\n" + BASE, {}, "Dockerfile:1 has '# syntax=my/own:1'"),
    ],
)
def test_what_the_api_alone_can_not_do(room: Room, dockerfile: str, changes: dict[str, object], words: str) -> None:
    """It is refused before anything is built, with the step that helps."""
    error = failed(room, "docker", EngineLacks, dockerfile, **changes)
    assert words in error.what
    assert "docker/setup-buildx-action" in error.fix
    assert "#1" not in room.log


def test_the_engines_own_platform_is_no_further_one(room: Room) -> None:
    """``platforms`` that names the engine's own is what it builds anyway."""
    machine = {"x86_64": "linux/amd64/v1", "aarch64": "linux/arm64/v8"}[os.uname().machine]
    room.write({"Dockerfile": BASE})
    assert room.engine("docker").build(room.request(platforms=(machine,)), None, None).engine == "docker"


def test_a_base_that_can_not_be_pulled_but_is_there(room: Room) -> None:
    """It is used, with a notice that says why."""
    room.docker("tag", "busybox:stable", "127.0.0.1:1/only/here:1")
    room.write({"Dockerfile": "FROM 127.0.0.1:1/only/here:1\nRUN echo works\n"})
    room.engine("docker").build(room.request(), None, None)
    room.docker("rmi", "127.0.0.1:1/only/here:1")
    assert "::notice title=Base image::127.0.0.1:1/only/here:1 can't be pulled" in room.log
    assert " works\n" in room.log


def test_a_group_for_each_stage_and_an_older_buildx(room: Room) -> None:
    """Stages that run side by side are told in turns; a buildx that is too old for that is read as text."""
    stage = "FROM busybox:stable AS {0}\nRUN echo in {0} > /{0}; cat /{0}\n"
    last = "FROM scratch\nCOPY --from=one /one /\nCOPY --from=two /two /\n"
    room.write({"Dockerfile": f"# {time.time_ns()}\n{stage.format('one')}{stage.format('two')}{last}"})
    for version, expected in (("v0.29.1", {"one", "two", "stage-2"}), ("v0.11.2", set())):
        room.stream.seek(0)
        room.stream.truncate()
        engine = BuildxEngine(environment=room.environment, temp=room.temp, console=room.console, version=version)
        steps = engine.build(room.request(no_cache=True), None, None).steps
        assert [step.cached for step in steps if "RUN echo" in step.name] == [False, False]
        lines = room.log.splitlines()
        assert {line.rpartition(" ")[2] for line in lines if line.startswith("::group::Stage ")} == expected
        said = [line.partition(" ")[2] for line in lines if line.endswith((" in one", " in two"))]
        assert sorted(said) == ["in one", "in two"]
