"""``python -m lab.aws``: run the AWS side until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from .server import AwsLab, Settings

STOP_SECONDS = 8.0


def main(arguments: list[str]) -> int:
    """Start by *arguments*, say on stdout where it listens, and wait for a signal."""
    parser = argparse.ArgumentParser(prog="python -m lab.aws", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of the record and the content")
    parser.add_argument("--ca-dir", type=Path, required=True, help="folder of the certificate authority")
    parser.add_argument("--address", default="127.83.67.1", help="address of the registry")
    parser.add_argument("--registry-port", type=int, default=443, help="0: a free one")
    parser.add_argument("--api-port", type=int, default=0, help="0: a free one")
    parser.add_argument("--account", default="123456789012")
    parser.add_argument("--region", default="us-east-1")
    chosen = parser.parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    settings = Settings(
        chosen.state.resolve(),
        chosen.ca_dir.resolve(),
        chosen.address,
        chosen.registry_port,
        chosen.api_port,
        chosen.account,
        chosen.region,
    )
    try:
        lab = AwsLab(settings)
    except (OSError, RuntimeError) as error:
        print(f"lab.aws cannot start: {error}", file=sys.stderr)
        return 1
    print(f"{lab.origin} {lab.environment['LAB_REGISTRY']}", flush=True)
    while not ended.wait(1):
        continue
    # A request that hangs must not keep the process: docker-registry ends with it.
    limit = threading.Timer(STOP_SECONDS, os._exit, (1,))
    limit.daemon = True
    limit.start()
    lab.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
