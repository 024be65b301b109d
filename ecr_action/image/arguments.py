"""A build as values, and the command line that asks buildx for it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """One build. Paths are as the user wrote them, relative to *workspace*; *build_args* is in input order.

    A build argument without a value (None) is taken from the environment by the builder, as docker does.
    """

    workspace: str
    context: str = "."
    file: str | None = None
    target: str | None = None
    build_args: tuple[tuple[str, str | None], ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()

    @property
    def dockerfile(self) -> str:
        """Path of the Dockerfile, relative to the workspace."""
        return posixpath.normpath(self.file or posixpath.join(self.context, "Dockerfile"))


def buildx_arguments(request: BuildRequest, *, push_to: str | None, metadata_file: str) -> Sequence[str]:
    """The arguments after ``docker`` for *request*; pushed to the reference *push_to*, kept nowhere where it is None.

    Every value stands behind ``=`` or after ``--``, so that none is read as a flag. One platform gives one plain
    manifest: attestations would make it an index.
    """
    arguments = ["buildx", "build", "--progress=plain", f"--metadata-file={metadata_file}"]
    arguments += ["--provenance=false", "--sbom=false"]
    arguments += [f"--file={_path(request.file)}"] if request.file else []
    arguments += [f"--target={request.target}"] if request.target else []
    arguments += [f"--build-arg={_pair(name, value)}" for name, value in request.build_args]
    arguments += [f"--label={name}={value}" for name, value in request.labels.items()]
    arguments += [f"--platform={','.join(request.platforms)}"] if request.platforms else []
    arguments += ["--output=type=cacheonly"] if push_to is None else ["--push", f"--tag={push_to}"]
    return [*arguments, "--", _path(request.context)]


def described(request: BuildRequest) -> str:
    """*request* in a line for the log: build arguments by their names alone, since they may hold secrets by mistake."""
    parts = [f"context {request.context}", f"file {request.dockerfile}"]
    parts += [f"target {request.target}"] if request.target else []
    parts += [f"platforms {', '.join(request.platforms)}"] if request.platforms else []
    parts += [f"build-args {', '.join(name for name, _ in request.build_args)}"] if request.build_args else []
    return ", ".join(parts)


def _pair(name: str, value: str | None) -> str:
    return name if value is None else f"{name}={value}"


def _path(text: str) -> str:
    # `-` is standard input to docker, as a context and as a file.
    return f"./{text}" if text.startswith("-") else text
