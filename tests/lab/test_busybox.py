"""The base image."""

from __future__ import annotations

import io
import json
import tarfile

from lab import busybox


def read(data: bytes) -> dict[str, tarfile.TarInfo]:
    """Return the entries of a tar by name."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {entry.name: entry for entry in tar}


def test_the_layer_has_the_program_its_applets_and_a_shared_tmp() -> None:
    """Applets are hard links to the program, as in the official image."""
    entries = read(busybox.layer(b"program", ["sh", "busybox", "httpd"]))
    assert entries["bin/busybox"].isreg()
    assert (entries["bin/busybox"].mode, entries["tmp"].mode) == (0o755, 0o1777)
    assert [entries[name].linkname for name in ("bin/sh", "bin/httpd", "usr/bin/env")] == ["bin/busybox"] * 3


def test_the_same_program_gives_the_same_bytes() -> None:
    """No clock and no order of a listing is in the image."""
    first = busybox.image(busybox.layer(b"program", ["sh", "ash"]), "amd64")
    second = busybox.image(busybox.layer(b"program", ["ash", "sh"]), "amd64")
    assert first == second


def test_the_config_names_the_machine_and_a_shell() -> None:
    """An arm64 machine gets arm64, and the image runs sh."""
    config = json.loads(busybox._json(busybox._config("sha256:0", "arm64")))
    assert (config["architecture"], config["variant"], config["config"]["Cmd"]) == ("arm64", "v8", ["sh"])
