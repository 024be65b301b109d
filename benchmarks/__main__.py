"""``python -m benchmarks NAME``: measure, print, and put the rows into results.json."""

from __future__ import annotations

import argparse
import sys

from benchmarks import registry_push, results

BENCHMARKS = {"registry-push": registry_push.measure}


def main(arguments: list[str]) -> int:
    """Run the benchmark that *arguments* name; 0 when it could be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=BENCHMARKS)
    rows = BENCHMARKS[parser.parse_args(arguments).name]()
    for row in rows:
        print(f"{row.name}: {row.ratio} of {row.raw} ({row.ours_s} s; raw {row.raw_s} s)")
    results.record(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
