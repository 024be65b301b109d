"""Runs of the action whose Python has started already: a server that has everything imported forks once for each.

A month is five hundred runs, and starting Python and importing the SDKs is most of what a run takes when there is
nothing to build. Everything else is as in a job: the step's shell, its environment, its files, its pipes.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

# What a step starts in place of bootstrap.py: it hands over what it was given, and ends as the run ended.
_CLIENT = """\
import json, os, socket, struct, sys

with socket.socket(socket.AF_UNIX) as server:
    server.connect(os.path.join(os.environ["GITHUB_ACTION_PATH"], "socket"))
    given = json.dumps({"environment": dict(os.environ), "folder": os.getcwd()}).encode()
    socket.send_fds(server, [struct.pack(">I", len(given))], [0, 1, 2])
    server.sendall(given)
    ended = server.recv(1)
sys.exit(ended[0] if ended else 70)
"""
_STARTED_SECONDS = 120.0


@contextlib.contextmanager
def action(source: Path, folder: Path) -> Iterator[Path]:
    """The action of *source* as a folder for the runner, in *folder*, which is made; it ends with the block."""
    folder.mkdir(parents=True)
    shutil.copy2(source / "action.yml", folder)
    (folder / "bootstrap.py").write_text(_CLIENT)
    command = [sys.executable, "-I", "-u", "-X", "utf8", __file__, str(source), str(folder / "socket")]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        until = time.monotonic() + _STARTED_SECONDS
        while not (folder / "socket").exists():
            assert server.poll() is None, f"the server ended with {server.returncode}"
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.01)
        yield folder
    finally:
        server.terminate()
        server.wait()


def _serve(source: str, address: str) -> None:
    sys.path.insert(0, source)
    import ecr_action

    for found in pkgutil.walk_packages(ecr_action.__path__, "ecr_action."):
        importlib.import_module(found.name)
    for name in ("boto3", "docker", "github", "yaml"):
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        # It appears under its name once it takes connections.
        listening.bind(f"{address}.new")
        listening.listen(16)
        os.rename(f"{address}.new", address)
        while True:
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _run(connection)
            connection.close()


def _run(connection: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
    with connection.makefile("rb") as file:
        given = json.loads(file.read(*struct.unpack(">I", size)))
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(given["environment"])
    os.chdir(given["folder"])
    sys.argv = ["entrypoint.py"]
    from ecr_action.__main__ import main

    code = 70
    try:
        code = main()
    finally:
        connection.sendall(bytes([code]))
        os._exit(code)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
