"""Image references, and the registries that Amazon ECR's host names mean."""

from __future__ import annotations

import re
from dataclasses import dataclass

# "Amazon ECR registries" and "Making requests to Amazon ECR" (user guide): plain, FIPS and dual-stack host names.
_ECR_HOST = re.compile(
    r"(?P<account>[0-9]{12})\.(?:dkr\.ecr(?:-fips)?|dkr-ecr(?:-fips)?)\.(?P<region>[a-z0-9-]+)"
    r"\.(?P<domain>amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|on\.aws|on\.amazonwebservices\.com\.cn)"
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::[0-9]+)?"
_REFERENCE = re.compile(  # OCI distribution specification, "Pulling manifests"; distribution's reference grammar
    rf"(?:(?P<host>{_HOST})/)?(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
# CreateRepository, repositoryName: 2 to 256 characters (API reference).
_REPOSITORY = re.compile(r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, order=True)
class Registry:
    """One ECR registry: *account* (12 digits) and *region*. Several host names mean the same registry."""

    account: str
    region: str


def registry_of(host: str) -> Registry | None:
    """The ECR registry that *host* names, or None where it is another registry's host.

    ``.com.cn`` hosts exist for ``cn-`` regions only, and no other host does there.
    """
    match = _ECR_HOST.fullmatch(host.lower())
    if not match:
        return None
    chinese = match["domain"].endswith(".cn")
    if chinese != match["region"].startswith("cn-"):
        return None
    return Registry(match["account"], match["region"])


@dataclass(frozen=True)
class Reference:
    """``host/path:tag@digest``; *host*, *tag* and *digest* may be missing."""

    host: str | None
    path: str
    tag: str | None = None
    digest: str | None = None

    @property
    def registry(self) -> Registry | None:
        """The ECR registry of the host, if it is one."""
        return registry_of(self.host) if self.host else None

    @property
    def name(self) -> str:
        """Host and path, without tag and digest."""
        return f"{self.host}/{self.path}" if self.host else self.path

    def __str__(self) -> str:
        return (
            self.name
            + (f":{self.tag}" if self.tag is not None else "")
            + (f"@{self.digest}" if self.digest is not None else "")
        )


def parse(text: str) -> Reference | None:
    """*text* as a reference, or None where it is none.

    The first component is a host if it has a dot or a port, or is ``localhost`` (distribution's rule).
    """
    match = _REFERENCE.fullmatch(text)
    if not match:
        return None
    host, path = match["host"], match["path"]
    if host is not None and not ("." in host or ":" in host or host == "localhost"):
        host, path = None, f"{host}/{path}"
        if not re.fullmatch(rf"{_COMPONENT}(?:/{_COMPONENT})*", path):
            return None
    return Reference(host, path, match["tag"], match["digest"])


def repository_problem(name: str) -> str | None:
    """Why ECR refuses *name* as a repository name, in words; None if it takes it (API reference, CreateRepository)."""
    if not 2 <= len(name) <= 256:
        return f"has {len(name)} characters; ECR takes 2 to 256"
    if name != name.lower():
        return f"has upper-case letters; write {name.lower()!r}"
    if not _REPOSITORY.fullmatch(name):
        return "must be made of a-z and 0-9, with single . _ - or / between them"
    return None
