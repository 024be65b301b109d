"""A build as values, and the command line that asks buildx for it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ecr_action.image.caching import AUTO, Cache
from ecr_action.secret import Secret


@dataclass(frozen=True, kw_only=True)
class BuildSecret:
    """A secret of the build by its *id*: its *value*, else the *variable* or the *path* (of a file) that holds it."""

    id: str
    value: Secret = field(default=Secret("", "secrets"), repr=False)
    variable: str = field(default="", repr=False)
    path: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """One build. Paths are as the user wrote them, relative to *workspace*; *build_args* is in input order.

    A build argument without a value (None) is taken from the environment by the builder, as docker does. What is not
    told here is docker/build-push-action's input of that name, each entry as the user wrote it; *builder_id* goes into
    the provenance, *load_as* is the name under which the engine's own store gets an image that is not pushed, *call*
    asks a question about the Dockerfile in place of a build. *cache*, by what the builder can do, stands for
    *cache_from* and *cache_to*; *by_digest*: push it under no tag, where the builder can.
    """

    workspace: str
    context: str = "."
    file: str | None = None
    target: str | None = None
    build_args: tuple[tuple[str, str | None], ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    add_hosts: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    attests: tuple[str, ...] = ()
    build_contexts: tuple[str, ...] = ()
    call: str | None = None
    builder: str | None = None
    builder_id: str = ""
    by_digest: bool = False
    cache: Cache | None = None
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    cgroup_parent: str | None = None
    load_as: str | None = None
    network: str | None = None
    no_cache: bool = False
    no_cache_filters: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    provenance: str | None = None
    pull: bool = False
    sbom: str | None = None
    secrets: tuple[BuildSecret, ...] = ()
    shm_size: str | None = None
    ssh: tuple[str, ...] = ()
    ulimit: tuple[str, ...] = ()

    @property
    def dockerfile(self) -> str:
        """Path of the Dockerfile, relative to the workspace."""
        return posixpath.normpath(self.file or posixpath.join(self.context, "Dockerfile"))

    @property
    def files(self) -> tuple[str, ...]:
        """The *outputs* that leave something on this machine: files, or an image in the engine's store."""
        return tuple(entry for entry in self.outputs if output_type(entry) not in PUSHED)

    @property
    def pushed_with(self) -> str:
        """The attributes of the pushed image that *outputs* gives, such as ``compression=zstd``."""
        of_image = [entry for entry in self.outputs if output_type(entry) in PUSHED]
        return ",".join(field for entry in of_image for field in entry.split(",") if not _OF_ITS_PLACE.match(field))


def buildx_arguments(
    request: BuildRequest,
    *,
    push_to: str | None,
    metadata_file: str,
    secret_files: Mapping[str, str] | None = None,
    progress: str = "plain",
) -> Sequence[str]:
    """The arguments after ``docker`` for *request*; pushed to the reference *push_to*, kept nowhere where it is None.

    Parameters: *secret_files* are the files that secrets with a value were written to, by id; *progress* is how the
    builder tells what it does. Every value stands behind
    ``=`` or after ``--``, so that none is read as a flag. One platform gives one plain manifest: attestations would
    make it an index.
    """
    arguments = ["buildx", "build", f"--progress={progress}", f"--metadata-file={metadata_file}"]
    arguments += _attestations(request)
    arguments += [f"--file={_path(request.file)}"] if request.file else []
    arguments += [f"--target={request.target}"] if request.target else []
    arguments += [f"--build-arg={_pair(name, value)}" for name, value in request.build_args]
    arguments += [f"--label={name}={value}" for name, value in request.labels.items()]
    arguments += [f"--platform={','.join(request.platforms)}"] if request.platforms else []
    arguments += [f"--{flag}={value}" for name, flag in LISTS.items() for value in getattr(request, name)]
    arguments += [f"--{flag}={value}" for name, flag in SINGLE.items() if (value := getattr(request, name))]
    arguments += [f"--{flag}" for name, flag in SWITCHES.items() if getattr(request, name)]
    arguments += [f"--secret={_secret(secret, secret_files or {})}" for secret in request.secrets]
    arguments += [f"--call={request.call}"] if request.call else _outputs(request, push_to)
    return [*arguments, "--", _path(request.context)]


# Exporters whose image goes to a registry; of their fields these are ours to say.
PUSHED = ("image", "registry")
_OF_ITS_PLACE = re.compile(r"(?:type|name|push)=")


def output_type(entry: str) -> str:
    """The exporter of one entry of ``outputs``: a path alone is a folder (docker's reference, "buildx build")."""
    found = re.search(r"(?:^|,)type=([a-z]+)", entry)
    return found[1] if found else "local"


def _outputs(request: BuildRequest, push_to: str | None) -> list[str]:
    files = [f"--output={entry}" for entry in request.files]
    if push_to is None:
        loaded = [f"--output=type=docker,name={request.load_as}"] if request.load_as else []
        return [*loaded, *files] or ["--output=type=cacheonly"]
    if request.by_digest:
        name, more = push_to.rpartition(":")[0], f",{request.pushed_with}" if request.pushed_with else ""
        return [f"--output=type=image,name={name},push-by-digest=true,name-canonical=true,push=true{more}", *files]
    if not request.outputs:
        return ["--push", f"--tag={push_to}"]
    more = f",{request.pushed_with}" if request.pushed_with else ""
    return [f"--output=type=image,name={push_to},push=true{more}", *files]


# Field -> flag of `docker buildx build`: one for each entry, one with a value, one by itself.
LISTS = {
    "add_hosts": "add-host",
    "allow": "allow",
    "annotations": "annotation",
    "build_contexts": "build-context",
    "cache_from": "cache-from",
    "cache_to": "cache-to",
    "no_cache_filters": "no-cache-filter",
    "ssh": "ssh",
    "ulimit": "ulimit",
}
SINGLE = {
    "builder": "builder",
    "cgroup_parent": "cgroup-parent",
    "network": "network",
    "shm_size": "shm-size",
}
SWITCHES = {"no_cache": "no-cache", "pull": "pull"}


def described(request: BuildRequest) -> str:
    """*request* in a line for the log: build arguments by their names alone, since they may hold secrets by mistake."""
    parts = [f"context {request.context}", f"file {request.dockerfile}"]
    parts += [f"target {request.target}"] if request.target else []
    parts += [f"platforms {', '.join(request.platforms)}"] if request.platforms else []
    parts += [f"build-args {', '.join(name for name, _ in request.build_args)}"] if request.build_args else []
    return ", ".join(parts)


def unsupported(request: BuildRequest) -> tuple[str, ...]:
    """The inputs of *request* that the engine's own API has no way to carry, by name."""
    names = (
        "allow annotations attests build_contexts builder cache_from cache_to call cgroup_parent "
        "no_cache_filters outputs secrets ssh ulimit"
    ).split()
    found = [name for name in names if getattr(request, name)]
    found += ["cache"] if request.cache and request.cache.kind != AUTO else []
    found += [name for name in ("provenance", "sbom") if getattr(request, name) not in (None, "false")]
    return tuple(name.replace("_", "-") for name in found)


def size_in_bytes(text: str) -> int:
    """Bytes of a size as docker takes it (``64m``). Raises ValueError."""
    match = re.fullmatch(r"([0-9]+)([bkmg]?)b?", text.strip().lower())
    if not match:
        raise ValueError(text)
    return int(match[1]) * {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}[match[2] or "b"]


def _attestations(request: BuildRequest) -> list[str]:
    """Off unless asked for: with one a single platform becomes an index, and the digest another one each time."""
    kinds = [field[5:] for line in request.attests for field in line.split(",") if field.startswith("type=")]
    flags = [f"--attest={line}" for line in request.attests]
    if "provenance" not in kinds:
        flags.append(f"--provenance={_provenance(request)}")
    if "sbom" not in kinds:
        flags.append(f"--sbom={request.sbom or 'false'}")
    return flags


def _provenance(request: BuildRequest) -> str:
    text = request.provenance or "false"
    if text == "false" or not request.builder_id or "builder-id=" in text:
        return text
    return f"builder-id={request.builder_id}" if text == "true" else f"{text},builder-id={request.builder_id}"


def _secret(secret: BuildSecret, files: Mapping[str, str]) -> str:
    if secret.variable:
        return _csv(f"id={secret.id}", f"env={secret.variable}")
    return _csv(f"id={secret.id}", f"src={secret.path or files[secret.id]}")


def _csv(*fields: str) -> str:
    quoted = (f'"{field.replace(chr(34), chr(34) * 2)}"' if set(field) & set(',"\n') else field for field in fields)
    return ",".join(quoted)


def _pair(name: str, value: str | None) -> str:
    return name if value is None else f"{name}={value}"


def _path(text: str) -> str:
    # `-` is standard input to docker, as a context and as a file.
    return f"./{text}" if text.startswith("-") else text
