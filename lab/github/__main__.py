"""`python -m lab.github --state DIR --port P`: GitHub on loopback, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from lab.github.server import Server
from lab.github.state import State
from lab.github.world import World


def main() -> None:
    """Serve until a signal comes; prints the URL once it answers."""
    parser = argparse.ArgumentParser(prog="python -m lab.github", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of repositories and records")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (0: a free one)")
    arguments = parser.parse_args()
    server = Server(World(State(arguments.state)), arguments.port)
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for the loop that this thread runs, so it is called from another one.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(server.base, flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    main()
