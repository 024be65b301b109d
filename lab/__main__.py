"""``python -m lab up|down|status|shell|env``: the lab by itself."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from lab import shell
from lab.claim import ClaimError
from lab.debian import DebianError
from lab.engine import EngineError
from lab.lab import PARTS, Lab, ended_by_signals
from lab.paths import ROOT, Paths
from lab.processes import ProcessError


def main(arguments: list[str]) -> int:
    """Do what *arguments* ask and return the exit status: 0 done, 1 failed or (status, env, shell) not up."""
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of caches and states")
    parser.add_argument("--name", default="demo", help="which state (default: %(default)s)")
    parser.add_argument("--parts", type=_parts, default=PARTS, help=f"what to start, of {','.join(PARTS)}")
    parser.add_argument("-c", dest="text", metavar="COMMAND", help="with shell: run this and end with its status")
    parser.add_argument("command", choices=("up", "down", "status", "shell", "env"))
    chosen = parser.parse_args(arguments)
    lab = Lab(Paths(chosen.root, chosen.name), chosen.parts, say=lambda line: print(line, file=sys.stderr))
    try:
        with ended_by_signals():
            return _shell(lab, chosen.text) if chosen.command == "shell" else _run(lab, chosen.command)
    except (ClaimError, DebianError, EngineError, ProcessError, OSError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return 130


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(text.split(","))
    if unknown := set(parts) - set(PARTS):
        raise argparse.ArgumentTypeError(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return parts


def _shell(lab: Lab, text: str | None) -> int:
    if not lab.environment or not lab.is_up():
        print("lab: it is not up: python -m lab up", file=sys.stderr)
        return 1
    return shell.run(lab.paths, lab.environment, text)


def _run(lab: Lab, command: str) -> int:
    if command == "up":
        if lab.environment and lab.is_up():
            print("the lab is up already", file=sys.stderr)
        else:
            lab.up(detached=True)
    elif command == "down":
        lab.down()
    elif command == "status":
        print("\n".join(lab.status()))
        return 0 if lab.is_up() else 1
    else:
        for name, value in lab.environment.items():
            print(f"export {name}={shlex.quote(value)}")
        return 0 if lab.environment else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
