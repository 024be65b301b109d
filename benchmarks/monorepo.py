"""A repository of 20 services of which one changed."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from benchmarks.processes import Runnable, Sides, Together, rows
from benchmarks.results import Measured
from benchmarks.scene import Scene
from lab.stage import Stage

SERVICES = tuple(f"service-{number}" for number in range(20))
# As many steps at a time as a small runner takes; on GitHub each service is a job with a machine of its own.
_AT_ONCE = 4


def one_of_20_services(scene: Scene, rounds: int) -> Measured:
    """`reuse: content` asks for every service, `bake` builds every one, a filter by `git diff` what changed."""
    stages = {side: _app(scene, side) for side in ("ours", "bake", "git-diff")}
    revisions = itertools.count(1)
    for stage in stages.values():
        # All services are published, as every day's repository has them.
        _all(scene, stage).run()

    def change(side: str) -> Stage:
        stage = stages[side]
        revision = next(revisions)
        stage.commit(f"Revision {revision}", {f"{SERVICES[revision % 20]}/index.html": f"revision {revision}\n"})
        return stage

    sides: dict[str, Callable[[], Runnable]] = {
        "ours": lambda: _all(scene, change("ours")),
        "bake": lambda: scene.script("monorepo.py", change("bake"), "bake", *SERVICES, GITOPS_URL=""),
        "git-diff": lambda: scene.script("monorepo.py", change("git-diff"), "git-diff", *SERVICES, GITOPS_URL=""),
    }
    return Measured(rows("one-of-20-services", Sides(sides).run(rounds)))


def _app(scene: Scene, side: str) -> Stage:
    dockerfile = "FROM busybox:stable\nCOPY index.html /www/\n"
    files = {f"{name}/Dockerfile": dockerfile for name in SERVICES}
    files |= {f"{name}/index.html": f"{side} {name}\n" for name in SERVICES}
    return scene.app("many", files)


def _all(scene: Scene, stage: Stage) -> Together:
    name = stage.name.rpartition("/")[2]
    steps = [
        scene.step(
            stage,
            repository=f"{name}/{service}",
            context=service,
            reuse="content",
            gitops_token="-",
            gitops_repository="-",
        )
        for service in SERVICES
    ]
    return Together(steps, _AT_ONCE)
