"""All parts of the AWS side, put together and listening."""

from __future__ import annotations

import secrets
import shutil
import ssl
import threading
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path

from lab import certificates

from . import web
from .api import Api
from .clock import Clock
from .content import Content
from .control import Control
from .ecr import Ecr
from .ecr_images import ImageOperations
from .identity import Identities
from .images import Images
from .layers import LayerOperations, Uploads
from .ledger import Calls, Faults, Rates
from .lifecycle import LifecycleOperations
from .moto_backend import Moto
from .oidc import Issuer
from .registry import Registry
from .scans import ScanOperations
from .settings import RegistrySettings
from .store import Store
from .sts import Sts

DEFAULT_JOB = "default"
# Regions whose host names the certificate covers, beside the lab's own.
REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-west-1", "sa-east-1")


@dataclass(frozen=True)
class Settings:
    """Where the lab listens and keeps its files; port 0 is a free one."""

    state: Path
    ca_dir: Path
    address: str = "127.83.67.1"
    registry_port: int = 443
    api_port: int = 0
    account: str = "123456789012"
    region: str = "us-east-1"


class AwsLab:
    """The running AWS side."""

    def __init__(self, settings: Settings) -> None:
        """Start everything; OSError when an address is taken, RuntimeError when docker-registry does not start."""
        self.settings = settings
        settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._store = Store(settings.state / "aws.sqlite")
        self._calls, self._faults = Calls(), Faults()
        self._clock = Clock(self._store)
        self._servers: list[ThreadingHTTPServer] = []
        self._api_server = web.server(("127.0.0.1", settings.api_port), self._answer_api)
        self._registry_server = web.server(
            (settings.address, settings.registry_port), self._answer_registry, self._tls()
        )
        self._content = Content(registry_program(settings.state), settings.state / "registry")
        self._assemble()
        for server in (self._api_server, self._registry_server):
            threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()

    def _assemble(self) -> None:
        chosen = self.settings
        moto = Moto(self._store, self._clock)
        identities = Identities(self._store, self._clock, moto, chosen.account)
        images = Images(self._store, self._clock, self._content, moto)
        issuer = Issuer(self._store, self._clock, lambda: self.origin)
        key = identities.admin_secret.encode()
        uploads = Uploads(chosen.state / "uploads")
        layers = LayerOperations(images, self._content, self._clock, self.origin, key, uploads)
        lifecycle = LifecycleOperations(self._store, self._clock, images)
        registry_settings = RegistrySettings(self._store, self._clock, moto, lifecycle)
        scans = ScanOperations(self._store, self._clock, images, moto)
        images.on_push = scans.pushed
        parts = (ImageOperations(images), layers, lifecycle, scans, registry_settings)
        ecr = Ecr(images, layers, lifecycle, scans, moto, identities, self._clock, self.host, parts)
        rates = Rates()
        job = issuer.register({}, DEFAULT_JOB, self._store.setting("job-token", secrets.token_urlsafe(30)))
        self._job = {"ACTIONS_ID_TOKEN_REQUEST_URL": job["url"], "ACTIONS_ID_TOKEN_REQUEST_TOKEN": job["token"]}
        control = Control(
            self._calls,
            self._faults,
            issuer,
            identities,
            self._clock,
            lambda: self.environment,
            chosen.account,
            rates,
            images,
            lifecycle,
            scans,
        )
        sts = Sts(identities, moto, issuer, self._clock)
        self._api = Api(ecr, sts, issuer, identities, moto, self._content, self._calls, self._faults, control, rates)
        place = (chosen.account, chosen.region)
        self._registry = Registry(
            images, self._content, ecr, identities, self._calls, self._faults, place, registry_settings, rates
        )

    def _answer_api(self, request: web.Request) -> web.Response:
        return self._api.answer(request)

    def _answer_registry(self, request: web.Request) -> web.Response:
        return self._registry.answer(request)

    def _tls(self) -> ssl.SSLContext:
        own = f"{self.settings.account}.dkr.ecr.{self.settings.region}.amazonaws.com"
        regions = dict.fromkeys((self.settings.region, *REGIONS))
        hosts = [own, self.settings.address]
        hosts += [h for r in regions for h in (f"*.dkr.ecr.{r}.amazonaws.com", f"*.dkr-ecr.{r}.on.aws")]
        made = certificates.leaf(self.settings.ca_dir, "registry", hosts)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.certificate, made.key)
        return context

    @property
    def origin(self) -> str:
        """The address of the API, ``http://127.0.0.1:<port>``."""
        return f"http://127.0.0.1:{self._api_server.server_port}"

    def host(self, account: str, region: str) -> str:
        """Return the host name of a registry, with the port unless that is 443."""
        port = self._registry_server.server_port
        domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return f"{account}.dkr.ecr.{region}.{domain}" + ("" if port == 443 else f":{port}")

    @property
    def environment(self) -> dict[str, str]:
        """What a job's environment needs to meet this lab instead of AWS."""
        return {
            "AWS_ENDPOINT_URL": self.origin,
            "AWS_CA_BUNDLE": str(self.settings.ca_dir / "ca.pem"),
            "LAB_REGISTRY": self.host(self.settings.account, self.settings.region),
            **self._job,
        }

    def close(self) -> None:
        """Stop listening, end docker-registry, close the record."""
        for server in (self._api_server, self._registry_server):
            server.shutdown()
            server.server_close()
        self._content.stop()
        self._store.close()


def registry_program(state: Path) -> Path:
    """Return the docker-registry program: the installed one, else Debian's, unpacked beside the state."""
    installed = shutil.which("docker-registry")
    if installed:
        return Path(installed)
    folder = state / "packages"
    program = folder / "usr/bin/docker-registry"
    if not program.is_file():
        from lab import debian

        debian.unpack(["docker-registry"], folder)
    return program
