"""The Docker SDK's border: its client, its streams and its errors in our terms."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from ecr_action.errors import BuildFailed, Failure
from ecr_action.image import failures
from ecr_action.image.endpoint import Endpoint
from ecr_action.protocols import Login

if TYPE_CHECKING:
    from docker import APIClient

# Between two bytes of an answer; a command of a Dockerfile may be silent for long, so builds have no limit.
_ANSWER_SECONDS = 600
_PROBE_SECONDS = 20
# Repository name -> what to show its registry.
Credentials = Callable[[str], "dict[str, str]"]


class Refused(Exception):
    """The engine took a call and its answer ends in an error, in the engine's words."""


@contextmanager
def translated(place: Endpoint, scrub: Callable[[str], str]) -> Iterator[None]:
    """The SDK's errors as ours: EngineUnreachable, or BuildFailed for a call that the engine refuses."""
    from docker.errors import APIError, DockerException
    from docker.transport import unixconn

    # Its HTTP layers' errors pass through the SDK: those of the upper one are OSErrors, those of the lower one are not.
    cut_off = cast(Any, unixconn).urllib3.exceptions.HTTPError

    try:
        yield
    except Failure:
        raise
    except APIError as error:
        raise BuildFailed(f"The engine refuses the call: {scrub(said(error))}") from error
    except (DockerException, OSError, cut_off) as error:
        raise failures.unreachable(str(place), scrub(said(error))) from error


def connect(place: Endpoint) -> APIClient:
    """A client of the engine at *place*, which has answered once."""
    from docker import APIClient
    from docker.tls import TLSConfig

    class Client(APIClient):
        def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
            # REQUESTS_CA_BUNDLE would take the place of the engine's own authority.
            own = self.verify if verify is None else verify
            return super().merge_environment_settings(url, proxies, stream, own, cert)

    tls: TLSConfig | bool = False
    if place.certificates:
        folder = place.certificates
        pair = (str(folder / "cert.pem"), str(folder / "key.pem")) if (folder / "cert.pem").is_file() else None
        authority = str(folder / "ca.pem") if (folder / "ca.pem").is_file() else None
        tls = TLSConfig(client_cert=pair, ca_cert=authority, verify=place.verify)
    client = Client(base_url=place.address, version="auto", timeout=_PROBE_SECONDS, tls=tls)
    client.timeout = _ANSWER_SECONDS
    return client


def credentials(config: Mapping[str, Any], environment: Mapping[str, str], login: Login | None) -> Credentials:
    """What each registry is shown: ECR's login for its host, else the user's own (*config*), else nothing."""
    from docker.auth import load_config, resolve_repository_name
    from docker.errors import DockerException

    known = load_config(config_dict=dict(config), credstore_env=dict(environment)) if config else None

    def shown(name: str) -> dict[str, str]:
        registry, _ = resolve_repository_name(name)
        if login and registry == login.host:
            return auth(login)
        try:
            with warnings.catch_warnings():
                # The SDK also says on stderr what its exception says.
                warnings.simplefilter("ignore")
                found = known.resolve_authconfig(registry) if known else None
        except DockerException:
            # A helper that is broken or not on the PATH: the registry may not ask for a password at all.
            found = None
        return dict(found) if found else {}

    return shown


def auth(login: Login) -> dict[str, str]:
    """*login* as the engine takes it."""
    return {"username": login.user, "password": login.password.reveal(), "serveraddress": login.host}


def post_build(client: APIClient, parameters: Mapping[str, str], pieces: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """The messages of a build by BuildKit (``version=2``), which the SDK's own ``build`` has no parameter for."""
    private = cast(Any, client)
    response = private._post(
        private._url("/build"),
        params=dict(parameters),
        data=pieces,
        headers={"Content-Type": "application/x-tar"},
        stream=True,
        timeout=None,
    )
    private._raise_for_status(response)
    for line in response.iter_lines():
        if line.strip():
            yield json.loads(line)


def pull(client: APIClient, image: str, platform: str | None, shown: Credentials) -> str:
    """Pull *image*; its digest, as far as the engine tells it. Raises Refused."""
    from docker.errors import APIError

    name, tag = name_and_tag(image)
    digest = ""
    try:
        for message in client.pull(name, tag=tag, stream=True, decode=True, platform=platform, auth_config=shown(name)):
            if "error" in message:
                raise Refused(" ".join(str(message["error"]).split()))
            status = str(message.get("status", ""))
            digest = status[8:] if status.startswith("Digest: ") else digest
    except APIError as error:
        raise Refused(said(error)) from error
    return digest


def push(client: APIClient, reference: str, login: Login | None) -> Iterator[dict[str, Any]]:
    """The messages of a push of *reference*."""
    name, tag = name_and_tag(reference)
    messages = client.push(name, tag=tag, stream=True, decode=True, auth_config=auth(login) if login else {})
    yield from cast("Iterator[dict[str, Any]]", messages)


def in_store(client: APIClient, image: str) -> bool:
    """Whether the engine has *image*."""
    from docker.errors import ImageNotFound

    try:
        cast(Any, client).inspect_image(image)
    except ImageNotFound:
        return False
    return True


def discard(client: APIClient, identity: str) -> None:
    """Remove the image *identity* unless it has a name: an earlier build of the same may be somebody's."""
    from docker.errors import APIError

    private = cast(Any, client)
    try:
        if not private.inspect_image(identity).get("RepoTags"):
            private.remove_image(identity)
    except APIError:
        # A container uses it, or another build: then it is not ours to remove.
        return


def name_and_tag(reference: str) -> tuple[str, str]:
    """Name, and tag or digest; without either the engine would pull every tag there is."""
    name, at, digest = reference.partition("@")
    head, colon, tag = name.rpartition(":")
    if colon and "/" not in tag:
        name = head
    else:
        tag = "latest"
    return name, digest if at else tag


def said(error: Exception) -> str:
    """The engine's own words of an error, in one line."""
    explanation = getattr(error, "explanation", None)
    return " ".join(str(explanation or error).split())
