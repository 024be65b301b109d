"""``python -m benchmarks [ROW...]``: measure, print, and put the rows into results.json as each is done."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping

from benchmarks import gitops_size, large_context, monorepo, promotion, publishing, registry_push, results, startup
from benchmarks.processes import BenchmarkError
from benchmarks.results import Measured
from benchmarks.scene import Scene, scene

ON_THE_LAB: Mapping[str, Callable[[Scene, int], Measured]] = {
    "first-publish": publishing.first_publish,
    "unchanged-commit": publishing.unchanged_commit,
    "unchanged-commit-300MB": publishing.unchanged_large,
    "promotion-300MB": promotion.promotion,
    "promotion-300MB-100mbit": promotion.promotion_limited,
    "one-of-20-services": monorepo.one_of_20_services,
    "context-50000-files": large_context.large_context,
    "start-up": startup.startup,
    "gitops-bump": gitops_size.gitops_size,
    "calls": publishing.calls,
    "two-platforms": publishing.two_platforms,
}
REGISTRY_PUSH = "registry-push"


def main(arguments: list[str]) -> int:
    """Run the benchmarks that *arguments* name, by default all; 0 when each could be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("row", nargs="*", help=f"{REGISTRY_PUSH}, {', '.join(ON_THE_LAB)}; all of them without one")
    parser.add_argument("--pairs", type=int, default=5, help="rounds that count, after one that does not")
    given = parser.parse_args(arguments)
    wanted = given.row or [REGISTRY_PUSH, *ON_THE_LAB]
    if unknown := sorted(set(wanted) - {REGISTRY_PUSH, *ON_THE_LAB}):
        parser.error(f"no such row: {', '.join(unknown)}")
    if REGISTRY_PUSH in wanted:
        _push(given.pairs)
    rest = [name for name in wanted if name in ON_THE_LAB]
    failed = _on_the_lab(rest, given.pairs) if rest else []
    if failed:
        print(f"not measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _push(pairs: int) -> None:
    began = time.monotonic()
    _keep(REGISTRY_PUSH, Measured(tuple(registry_push.measure(pairs=pairs))), began)


def _on_the_lab(names: list[str], pairs: int) -> list[str]:
    """Measure *names* on one lab; those that failed. The others' rows are kept whatever happens."""
    failed = []
    with scene() as lab:
        for name in names:
            began = time.monotonic()
            try:
                _keep(name, ON_THE_LAB[name](lab, pairs), began)
            except BenchmarkError as error:
                print(f"{name}: {error}", file=sys.stderr)
                failed.append(name)
    return failed


def _keep(name: str, measured: Measured, began: float) -> None:
    results.record(measured.rows, measured.figures)
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    for row in measured.rows:
        print(f"  {row.name}: {row.ratio} of {row.raw} ({row.ours_s} s; raw {row.raw_s} s)", flush=True)
    for figure, values in measured.figures.items():
        print(f"  {figure}: {dict(values)}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
