"""Builds with ``docker buildx``: BuildKit with all it can do, pushed by the builder itself."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecr_action.errors import EngineLacks, Failure
from ecr_action.image import caching, failures, rawjson
from ecr_action.image.arguments import BuildRequest, buildx_arguments, described
from ecr_action.image.choice import Probe
from ecr_action.image.dockerfile import parse
from ecr_action.image.findings import checks, warnings
from ecr_action.image.groups import Groups
from ecr_action.image.login import logged_in, scrubber
from ecr_action.image.progress import Log, Plain
from ecr_action.image.rawjson import RawJson
from ecr_action.protocols import Built, Console, Login

# A cancelled job gets SIGINT and 7.5 s later SIGTERM: the builder has to be gone by then.
_GRACE_SECONDS = (4.0, 1.5)
_ANSWER_SECONDS = 30.0
# GitHub shows ten warnings of a step.
_ANNOTATIONS = 10


def probe(environment: Mapping[str, str]) -> Probe:
    """Whether ``docker buildx`` works with *environment*."""
    docker = shutil.which("docker", path=environment.get("PATH"))
    if not docker:
        return Probe(said="There is no 'docker' on the PATH.")
    try:
        done = _asked([docker, "buildx", "version"], environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Probe(said=f"{docker} can't be started: {error}")
    if done.returncode:
        return Probe(said=(done.stderr or done.stdout).strip().partition("\n")[0])
    return Probe(buildx=" ".join(done.stdout.split()[1:2]) or "unknown")


def _asked(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A short question. Raises OSError, TimeoutExpired."""
    return subprocess.run(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_ANSWER_SECONDS,
        check=False,
    )


def _inspected(environment: Mapping[str, str], builder: str | None) -> str:
    """What buildx says of the builder; nothing where it can't say it: the build itself tells why."""
    docker = shutil.which("docker", path=environment.get("PATH")) or "docker"
    try:
        return _asked([docker, "buildx", "inspect", *([builder] if builder else [])], environment).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


class BuildxEngine:
    """``docker buildx build`` as a child process.

    Parameters: *environment* is the child's, *temp* RUNNER_TEMP, *version* that of buildx, for the log.
    """

    name = "buildx"

    def __init__(self, *, environment: Mapping[str, str], temp: Path, console: Console, version: str = "") -> None:
        self._environment = environment
        self._temp = temp
        self._console = console
        self._version = version

    def build(self, request: BuildRequest, push_to: str | None, login: Login | None) -> Built:
        """Build *request*, and push it to the reference *push_to* where one is given.

        Raises BuildFailed, PushFailed, EngineUnreachable, EngineLacks.
        """
        self._console.info(f"docker buildx {self._version}: {described(request)}".replace("  ", " "))
        scrub = scrubber(login)
        os.makedirs(self._temp, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix="ecr-publish-build-", dir=self._temp) as folder,
            logged_in(self._settings(), login, temp=self._temp, console=self._console) as environment,
        ):
            metadata = Path(folder, "metadata.json")
            files = _secret_files(request, Path(folder))
            request = self._fitted(request, environment)
            arguments = buildx_arguments(
                request,
                push_to=push_to,
                metadata_file=str(metadata),
                secret_files=files,
                progress="rawjson" if rawjson.is_known_to(self._version) else "plain",
            )
            status, log = self._run(arguments, request.workspace, environment, scrub)
            told = _told(metadata)
            if status and not checks(told):
                raise _failure(status, log, request, push_to)
            digest = _digest(told) if push_to else None
        for line, text in (*warnings(told), *checks(told))[:_ANNOTATIONS]:
            self._console.warning(scrub(text), title="Dockerfile", file=request.dockerfile, line=line)
        if status:
            raise failures.of_checks(request, len(checks(told)))
        return Built(digest=digest, engine=self.name, steps=log.steps)

    def load(self, reference: str, name: str, login: Login) -> None:
        """Put the image *reference* into the engine's store as *name*. Raises EngineUnreachable, PullFailed."""
        from ecr_action.image import store

        store.load(reference, name, login, environment=self._environment, console=self._console)

    def _fitted(self, request: BuildRequest, environment: Mapping[str, str]) -> BuildRequest:
        """*request* with what this builder can do of a cache, and of a push without a tag."""
        automatic = request.cache is not None and request.cache.kind == caching.AUTO
        inspected = _inspected(environment, request.builder) if automatic or request.by_digest else ""
        request = replace(request, by_digest=request.by_digest and caching.pushes_by_digest(inspected))
        if request.cache is None:
            return request
        reads, writes = caching.entries(request.cache, caching.exported(inspected))
        self._console.info(f"Cache: reads {', '.join(reads) or 'none'}; writes {', '.join(writes) or 'none'}")
        return replace(request, cache_from=reads, cache_to=writes)

    def _settings(self) -> dict[str, str]:
        own = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "DOCKER_CLI_HINTS": "false"}
        # The metadata file is read for the digest: a provenance record in it costs a call and serves nobody.
        told = {"BUILDX_METADATA_PROVENANCE": "disabled", "BUILDX_METADATA_WARNINGS": "true"}
        return {**told, **self._environment, **own}

    def _run(
        self, arguments: Sequence[str], folder: str, environment: Mapping[str, str], scrub: Callable[[str], str]
    ) -> tuple[int, Log]:
        docker = shutil.which("docker", path=environment.get("PATH"))
        if not docker:
            raise EngineLacks("There is no 'docker' on the PATH.", fix=failures.INSTALL_BUILDX)
        told = RawJson(scrub) if rawjson.is_known_to(self._version) else Plain(scrub)
        with _child([docker, *arguments], folder, environment) as child, Groups(self._console) as groups:
            assert child.stdout is not None
            try:
                for line in child.stdout:
                    groups.show(told.feed(line.decode(errors="replace").rstrip("\n")))
            finally:
                # What a stage said is most wanted where the build is cut short.
                groups.show(told.finish())
            return child.wait(), told.log


@contextlib.contextmanager
def _child(command: Sequence[str], folder: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a process group of its own, which is ended whole whenever we leave."""
    child = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        for number, seconds in zip((signal.SIGINT, signal.SIGTERM), _GRACE_SECONDS, strict=True):
            if child.poll() is not None:
                break
            _signal(child, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(seconds)
    finally:
        # What the plugin may have left behind goes with its group; a second signal to us cuts the waiting short.
        _signal(child, signal.SIGKILL)
        child.wait()
        if child.stdout:
            child.stdout.close()


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _failure(status: int, log: Log, request: BuildRequest, push_to: str | None) -> Failure:
    if not log.error:
        ended = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        log.outside.append(f"ERROR: docker buildx {ended} and said nothing")
    try:
        text = Path(request.workspace, request.dockerfile).read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    return failures.of_build(log, request, push_to, parse(text))


def _secret_files(request: BuildRequest, folder: Path) -> dict[str, str]:
    """The values of secrets in files of *folder* (mode 0700), by id: a command line is everybody's to read."""
    files = {}
    for number, secret in enumerate(secret for secret in request.secrets if secret.value):
        file = folder / f"secret-{number}"
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.write(secret.value.reveal())
        files[secret.id] = str(file)
    return files


def _told(metadata: Path) -> dict[str, Any]:
    try:
        found = json.loads(metadata.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(told: Mapping[str, Any]) -> str | None:
    found = told.get("containerimage.digest")
    return found if isinstance(found, str) else None
