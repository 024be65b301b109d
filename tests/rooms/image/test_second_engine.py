"""An engine elsewhere: over TCP with TLS, by variables or a context; on the classic store; full, or gone meanwhile."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ecr_action.errors import BuildFailed, EngineLacks, EngineUnreachable
from ecr_action.image.caching import Cache
from lab import certificates
from lab.second import SecondEngine

from .conftest import Room
from .test_engines import BASE, BOTH, failed, fresh

TLS = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


def published(room: Room, name: str) -> None:
    """Build and push with the engine *name*: the registry has it."""
    room.write({"Dockerfile": fresh()})
    repository, login = room.repository(), room.login()
    built = room.engine(name).build(room.request(), f"{room.host}/{repository}:v1", login)
    assert built.digest == room.manifest(repository, "v1")[0]


def test_over_tcp_with_tls_and_by_a_context(room: Room, second: SecondEngine, tmp_path: Path) -> None:
    """Both ways to name it, for buildx and for the SDK; the certificates of another authority open nothing."""
    for name in ("buildx", "docker"):
        published(room, name)
    others = tmp_path / "others"
    shutil.copytree(second.certificates, others)
    for file in ("ca.pem", "ca.key"):
        (others / file).unlink()
    certificates.authority(others)
    room.environment["DOCKER_CERT_PATH"] = str(others)
    for name in ("buildx", "docker"):
        error = failed(room, name, EngineUnreachable)
        assert (second.address in error.what, "DOCKER_CERT_PATH" in error.fix) == (True, True), error
    for variable in TLS:
        del room.environment[variable]
    files = {"ca": "ca.pem", "cert": "cert.pem", "key": "key.pem"}
    tls = ",".join(f"{field}={second.certificates / file}" for field, file in files.items())
    plugins = Path(room.environment.pop("DOCKER_CONFIG"), "cli-plugins")
    own = Path(room.environment["HOME"], ".docker")
    own.mkdir()
    (own / "cli-plugins").symlink_to(plugins)
    room.docker("context", "create", "far", f"--docker=host={second.address},{tls}")
    room.docker("context", "use", "far")
    for name in ("buildx", "docker"):
        published(room, name)
    assert f"{second.address} (context far, from currentContext)" in room.log


def test_what_the_classic_store_can_not_do(room: Room, second: SecondEngine) -> None:
    """Several platforms, a cache that is exported, attestations: each refused by the input's name."""
    login, reference = room.login(), f"{room.host}/{room.repository()}:v1"
    asked: dict[str, object] = {
        "platforms": ("linux/amd64", "linux/arm64"),
        "cache_to": (f"type=registry,ref={room.host}/{room.repository()}:buildcache",),
        "provenance": "true",
    }
    for field, value in asked.items():
        changes = {field: value, "push_to": reference, "login": login}
        error = failed(room, "buildx", EngineLacks, fresh(), **changes)
        assert (f"'{field.replace('_', '-')}'" in error.what, "setup-buildx-action" in error.fix) == (True, True)


@contextmanager
def killed_once(room: Room, words: str, engine: SecondEngine) -> Iterator[None]:
    """Let *engine* go away as soon as the log has *words*."""
    over = threading.Event()

    def watch() -> None:
        while words not in room.log and not over.is_set():
            time.sleep(0.05)
        engine.kill()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@BOTH
def test_a_disk_that_is_full_and_an_engine_that_goes_away(room: Room, second: SecondEngine, name: str) -> None:
    """The first is the Dockerfile's line that needed the room; the second none of its faults, and worth another run."""
    full = failed(room, name, BuildFailed, BASE + "RUN dd if=/dev/zero of=/big bs=1M count=400\n")
    assert (full.file, full.line) == ("Dockerfile", 2)
    assert "No space left on device" in full.why
    assert "The disk of the engine is full" in full.fix
    with killed_once(room, " begun\n", second):
        gone = failed(room, name, EngineUnreachable, BASE + "RUN echo begun; sleep 300\n")
    assert "went away during the build" in gone.what
    assert (gone.transient, gone.file, room.leftovers()) == (True, None, [])
    after = failed(room, name, EngineUnreachable)
    assert second.address in after.what
    assert not after.transient


def test_what_a_command_needs_and_was_not_given(room: Room) -> None:
    """A secret, required or not, and an agent: the lines to add. Another machine's program: the emulator to install."""
    text = BASE + "RUN --mount=type=secret,id=npm-token{} cat /run/secrets/npm-token\n"
    for required in ("", ",required=true"):
        secret = failed(room, "buildx", BuildFailed, text.format(required))
        assert "secrets: |\n  npm-token=${{ secrets.NPM_TOKEN }}" in secret.fix
        assert secret.line == 2
    agent = failed(room, "buildx", BuildFailed, BASE + "RUN --mount=type=ssh,required=true true\n")
    assert "ssh: default" in agent.fix
    # The head of a program for a machine that this one is not (ELF specification, e_machine 0x53: AVR).
    program = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x53\x00\x01\x00\x00\x00" + bytes(40)
    (room.workspace / "sh").write_bytes(program)
    (room.workspace / "sh").chmod(0o755)
    foreign = failed(room, "buildx", BuildFailed, "FROM scratch\nCOPY sh /bin/sh\nRUN true\n")
    assert "docker/setup-qemu-action" in foreign.fix


def test_a_cache_of_its_own_choice_on_the_classic_store(room: Room, second: SecondEngine) -> None:
    """It goes into the image, and a builder that has nothing takes it from there; one in the registry is refused."""
    login, repository = room.login(), room.repository()
    wanted = Cache(kind="auto", repository=f"{room.host}/{repository}", writes=True)
    room.write({"Dockerfile": fresh() + "RUN echo slow > /slow\n"})
    for _ in range(2):
        room.docker("builder", "prune", "--all", "--force")
        built = room.engine("buildx").build(room.request(cache=wanted), f"{room.host}/{repository}:latest", login)
    assert "writes type=inline" in room.log
    assert [step.cached for step in built.steps if "RUN echo slow" in step.name] == [True]
    error = failed(room, "buildx", EngineLacks, fresh(), cache=replace(wanted, kind="registry"), login=login)
    assert "'cache'" in error.what
