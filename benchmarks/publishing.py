"""A commit's first publish, and the same commit again: the example app, and one of 300 MB on a new runner."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from benchmarks import seed
from benchmarks.processes import Command, Ran, Sides, rows
from benchmarks.results import Measured
from benchmarks.scene import Scene, outputs
from lab.stage import Stage

# As an installation does, the layer comes out anew wherever it is built.
LARGE = "FROM busybox:stable\nRUN head -c 300000000 /dev/urandom > /installed\nCOPY index.html /www/\n"


def first_publish(scene: Scene, rounds: int) -> Measured:
    """From nothing to a bumped GitOps repository; an app of its own for each run, the build cache empty."""
    program, steps = seed.program(), list[Command]()

    def ours() -> Command:
        scene.fresh_builder()
        steps.append(scene.step(scene.app()))
        return steps[-1]

    def careful() -> Command:
        scene.fresh_builder()
        return scene.script("careful.py", scene.app(), "publish")

    def by_hand() -> Command:
        scene.fresh_builder()
        return scene.script("seed.sh", scene.app(), AWS_CLI=program)

    found = Sides({"ours": ours, "careful": careful, "seed": by_hand}).run(rounds)
    return Measured(rows("first-publish", found), {"first-publish": phases(steps[1:])})


def unchanged_commit(scene: Scene, rounds: int) -> Measured:
    """The same commit again, with everything that its first publish left in engine and builder."""
    apps, program, steps = [scene.app() for _ in range(3)], seed.program(), list[Command]()

    def ours() -> Command:
        steps.append(scene.step(apps[0]))
        return steps[-1]

    sides = {
        "ours": ours,
        "careful": lambda: scene.script("careful.py", apps[1], "publish"),
        "seed": lambda: scene.script("seed.sh", apps[2], AWS_CLI=program),
    }
    return Measured(rows("unchanged-commit", Sides(sides).run(rounds)), {"unchanged-commit": phases(steps[1:])})


def unchanged_large(scene: Scene, rounds: int) -> Measured:
    """The same commit of an app of 300 MB again, on an engine that has nothing of it."""
    ours, careful = (scene.app("large", {"Dockerfile": LARGE}) for _ in range(2))
    sent: dict[str, list[float]] = {"ours": [], "careful": []}

    def fresh(command: Command) -> Command:
        scene.fresh_engine()
        scene.moved()
        return command

    def after(side: str, _: Ran) -> None:
        sent[side].append(scene.moved()["bytes_sent"])

    sides = {
        "ours": lambda: fresh(scene.step(ours)),
        "careful": lambda: fresh(scene.script("careful.py", careful, "publish")),
    }
    found = Sides(sides, after).run(rounds)
    medians = {f"bytes_sent {side}": statistics.median(values) for side, values in sent.items()}
    return Measured(rows("unchanged-commit-300MB", found), {"unchanged-commit-300MB": medians})


def calls(scene: Scene, _: int) -> Measured:
    """What is called for one publish of each kind; no times."""
    ours, careful = scene.app(), scene.app()
    told: dict[str, Mapping[str, float]] = {}

    def count(name: str, command: Command) -> None:
        scene.moved()
        command.run()
        told[f"calls, {name}"] = scene.moved()

    for what in ("first publish", "unchanged commit"):
        count(f"{what}, ours", scene.step(ours))
        count(f"{what}, careful", scene.script("careful.py", careful, "publish"))
    for stage in (ours, careful):
        stage.tag("v1.0.0")
    ref = "refs/tags/v1.0.0"
    count("release, ours", scene.step(ours, ref=ref))
    count("release, careful", scene.script("careful.py", careful, "promote", "v1.0.0", "prod-v1.0.0", ref=ref))
    return Measured((), told)


def two_platforms(scene: Scene, rounds: int) -> Measured:
    """The first publish of an image for amd64 and arm64, by the engine's containerd store."""
    files = {"Dockerfile": "FROM scratch\nCOPY index.html /\n"}
    wanted = "linux/amd64,linux/arm64"

    def app() -> Stage:
        scene.fresh_builder()
        return scene.app("both", files)

    sides = {
        "ours": lambda: scene.step(app(), platforms=wanted),
        "careful": lambda: scene.script("careful.py", app(), "publish", PLATFORMS=wanted),
    }
    return Measured(rows("two-platforms", Sides(sides).run(rounds)))


def phases(steps: list[Command]) -> dict[str, float]:
    """Where the time of *steps* goes: the median seconds of each phase."""
    told = [outputs(step)["seconds"] for step in steps]
    names = dict.fromkeys(name for one in told for name in one)
    return {f"{name} (s)": round(statistics.median(one.get(name, 0.0) for one in told), 3) for name in names}
