"""Builds through the engine's own API, with the Docker SDK: where buildx is not there and a plain Dockerfile is enough.

BuildKit without a client beside it can't be given credentials, so every base image is pulled before it starts.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ecr_action.errors import BuildFailed, EngineLacks, Failure, PushFailed
from ecr_action.image import failures, sdk, store
from ecr_action.image.arguments import BuildRequest, described, size_in_bytes, unsupported
from ecr_action.image.dockerfile import Base, Dockerfile, bases, beyond_the_api, is_stock, parse
from ecr_action.image.endpoint import endpoint
from ecr_action.image.login import scrubber, user_config
from ecr_action.image.packing import ignore_file, packed, read_ignore
from ecr_action.image.pushing import Layers
from ecr_action.image.trace import Trace
from ecr_action.protocols import Built, Clock, Console, Login

if TYPE_CHECKING:
    from docker import APIClient


class DockerEngine:
    """The engine at the address that docker's own programs would use.

    Parameters: *environment* tells the address and the user's configuration, and gives bare build arguments.
    """

    name = "docker"

    def __init__(self, *, environment: Mapping[str, str], console: Console, clock: Clock) -> None:
        self._environment = environment
        self._console = console
        self._clock = clock

    def build(self, request: BuildRequest, push_to: str | None, login: Login | None) -> Built:
        """Build *request*, and push it to the reference *push_to* where one is given.

        Raises BuildFailed, PushFailed, EngineUnreachable, EngineLacks.
        """
        config = user_config(self._environment, self._console)
        place = endpoint(self._environment, config)
        scrub = scrubber(login)
        with sdk.translated(place, scrub):
            client = sdk.connect(place)
            try:
                platform = self._platform(client, str(place))
                dockerfile = _checked(request, platform)
                shown = sdk.credentials(config, self._environment, login)
                self._pull(client, request, dockerfile, platform, shown)
                trace, identity = self._build(client, request, dockerfile, push_to or request.load_as, scrub)
                if push_to is None and not request.load_as:
                    sdk.discard(client, identity)
                digest = self._push(client, push_to, login, scrub) if push_to else None
            finally:
                client.close()
        return Built(digest=digest, engine=self.name, steps=trace.log.steps)

    def load(self, reference: str, name: str, login: Login) -> None:
        """Put the image *reference* into the engine's store as *name*. Raises EngineUnreachable, PullFailed."""
        store.load(reference, name, login, environment=self._environment, console=self._console)

    def _platform(self, client: APIClient, place: str) -> str:
        found = client.version()
        platform = f"{found['Os']}/{found['Arch']}"
        self._console.info(f"Docker engine {found['Version']} at {place}, {platform}")
        return platform

    def _pull(
        self, client: APIClient, request: BuildRequest, dockerfile: Dockerfile, platform: str, shown: sdk.Credentials
    ) -> None:
        for base in bases(dockerfile, self._build_args(request), platform, request.target):
            if base.image is None:
                where = f"{request.dockerfile}:{base.line}"
                self._console.info(f"{where}: which image '{base.written}' is can't be told before the build.")
                continue
            try:
                found = sdk.pull(client, base.image, base.platform, shown)
                self._console.info(f"Pulled {base.image} {found}".rstrip())
            except sdk.Refused as error:
                if not sdk.in_store(client, base.image):
                    raise _no_base(request, base, str(error)) from error
                text = f"{base.image} can't be pulled, so the one in the engine's store is used. {error}"
                self._console.notice(text, title="Base image")

    def _build_args(self, request: BuildRequest) -> dict[str, str]:
        """Name -> value; a bare name takes the environment's, and is left out where that has none."""
        pairs = [(name, self._environment.get(name) if value is None else value) for name, value in request.build_args]
        return {name: value for name, value in pairs if value is not None}

    def _build(
        self,
        client: APIClient,
        request: BuildRequest,
        dockerfile: Dockerfile,
        named: str | None,
        scrub: Callable[[str], str],
    ) -> tuple[Trace, str]:
        """The progress, and the id of the image."""
        self._console.info(f"docker build: {described(request)}")
        context, file = Path(request.workspace, request.context), Path(request.workspace, request.dockerfile)
        path, text = _sent_dockerfile(file, context, dockerfile)
        ignore = ignore_file(context, file)
        pieces = packed(context, read_ignore(ignore, str(ignore)), path, text)
        trace, identity = Trace(scrub), ""
        for message in sdk.post_build(client, self._parameters(request, path, named), pieces):
            lines = trace.feed(message["aux"]) if message.get("id") == "moby.buildkit.trace" else []
            for line in (*lines, *scrub(str(message.get("stream", ""))).splitlines()):
                self._console.info(line)
            if message.get("id") == "moby.image.id":
                identity = message["aux"]["ID"]
            if "error" in message:
                raise _failed(scrub(str(message["error"])), trace, request, dockerfile)
        for line in trace.finish():
            self._console.info(line)
        return trace, identity

    def _parameters(self, request: BuildRequest, path: str, named: str | None) -> dict[str, str]:
        return {
            "version": "2",
            "dockerfile": path,
            "buildargs": json.dumps(self._build_args(request)),
            "labels": json.dumps(dict(request.labels)),
            **({"t": named} if named else {}),
            **({"target": request.target} if request.target else {}),
            **({"nocache": "1"} if request.no_cache else {}),
            **({"networkmode": request.network} if request.network else {}),
            **({"extrahosts": ",".join(request.add_hosts)} if request.add_hosts else {}),
            **({"shmsize": str(size_in_bytes(request.shm_size))} if request.shm_size else {}),
        }

    def _push(self, client: APIClient, reference: str, login: Login | None, scrub: Callable[[str], str]) -> str:
        layers = Layers()
        for message in sdk.push(client, reference, login):
            if "error" in message:
                raise failures.of_push(scrub(str(message["error"])), reference)
            if line := layers.feed(message, self._clock.monotonic()):
                self._console.info(line)
        if not layers.digest:
            raise PushFailed(f"{reference}: the push ended without a digest.", transient=True, fix="Run the job again.")
        self._console.info(f"Pushed {reference} {layers.digest}")
        return layers.digest


def _checked(request: BuildRequest, platform: str) -> Dockerfile:
    """The Dockerfile, once it is sure that the engine's API can build it for *platform*. Raises EngineLacks."""
    if names := unsupported(request):
        what = f"{' and '.join(repr(name) for name in names)} can't be given to the engine's API: that takes buildx."
        raise failures.lacks(names[0], "Nothing was built.", what=what)
    if any(not _same_platform(wanted, platform) for wanted in request.platforms):
        what = f"'platforms' is {', '.join(request.platforms)}, and without buildx this engine builds {platform} alone."
        raise failures.lacks("platforms", "", what=what)
    text = Path(request.workspace, request.dockerfile).read_text(encoding="utf-8", errors="surrogateescape")
    dockerfile = parse(text)
    for line, words in beyond_the_api(dockerfile):
        raise EngineLacks(
            f"{request.dockerfile}:{line} has '{words}', which takes buildx.",
            why="The engine's API alone has no way to hand it to the builder. Nothing was built.",
            fix=failures.INSTALL_BUILDX,
            file=request.dockerfile,
            line=line,
        )
    return dockerfile


def _same_platform(wanted: str, platform: str) -> bool:
    system, _, architecture = wanted.partition("/")
    # A first variant is the architecture itself (containerd, package "platforms", Normalize).
    plain = {"amd64/v1": "amd64", "arm64/v8": "arm64"}.get(architecture, architecture)
    return f"{system}/{plain}" == platform


def _sent_dockerfile(file: Path, context: Path, dockerfile: Dockerfile) -> tuple[str, bytes]:
    """Path and bytes under which the Dockerfile lies in the context that is sent.

    ``# syntax=docker/dockerfile:1`` is blanked: the engine would fetch from Docker Hub what it has inside. One that
    lies outside of the context, or is ignored there, is sent with it all the same: the API has no other way.
    """
    text = file.read_bytes()
    if is_stock(dockerfile.directives.get("syntax", "")):
        text = re.sub(rb"(?im)^#[ \t]*syntax[ \t]*=.*$", b"#", text, count=1)
    try:
        path = PurePosixPath(file.resolve().relative_to(context.resolve()))
    except ValueError:
        path = PurePosixPath(f".dockerfile.{hashlib.sha256(text).hexdigest()[:20]}")
    return str(path), text


def _no_base(request: BuildRequest, base: Base, error: str) -> BuildFailed:
    return BuildFailed(
        f"The base image {base.image} can't be pulled, and the engine has none: {error}",
        fix=failures.no_base(error),
        file=request.dockerfile,
        line=base.line,
    )


def _failed(error: str, trace: Trace, request: BuildRequest, dockerfile: Dockerfile) -> Failure:
    trace.finish()
    trace.log.outside.append(f"ERROR: {error}")
    return failures.of_build(trace.log, request, None, dockerfile)
