"""Where the lab keeps things: one cache of packages for all labs, one folder of state per lab."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1] / ".lab"


@dataclass(frozen=True)
class Paths:
    """The folders of the lab called *name* under *root* (normally ``.lab`` of the checkout)."""

    root: Path = ROOT
    name: str = "demo"

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", self.root.resolve())

    @property
    def cache(self) -> Path:
        """Downloaded and unpacked packages, shared by all labs of this root."""
        return self.root / "cache"

    @property
    def state(self) -> Path:
        """What survives stop and start: registry, records, repositories, the engine's data."""
        return self.root / self.name

    @property
    def run(self) -> Path:
        """Process records and logs."""
        return self.state / "run"

    @property
    def tls(self) -> Path:
        """The lab's certificate authority: ``ca.pem`` is what clients trust."""
        return self.state / "tls"

    @property
    def docker_config(self) -> Path:
        """The lab's own DOCKER_CONFIG, so that no login touches the user's."""
        return self.state / "docker"

    @property
    def engine(self) -> Path:
        """Data of the private engine: images, containers, containerd's content."""
        return self.state / "engine"

    @property
    def mark(self) -> str:
        """Eight hex digits of this lab's own, for names that all labs of a machine share."""
        return hashlib.sha256(str(self.state).encode()).hexdigest()[:8]

    @property
    def sockets(self) -> Path:
        """A short folder for sockets: a Unix socket's path ends at 107 bytes (unix(7))."""
        return Path("/run") / f"ecrlab-{self.mark}"
