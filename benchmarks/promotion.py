"""A release of an image of 300 MB that is published: its commit's image gets the version's tags."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from benchmarks.link import Link
from benchmarks.processes import BenchmarkError, Command, Ran, Sides, rows
from benchmarks.publishing import LARGE
from benchmarks.results import Measured
from benchmarks.scene import Scene, outputs
from lab import hosts
from lab.lab import ADDRESS
from lab.stage import Stage

MEGABIT = 1_000_000 / 8
# Go's resolver looks at the hosts file again after five seconds (net/hosts.go).
_HOSTS_SECONDS = 6.0
_STEP = ("Repository", "Image", "Tags")
_MOVING = ("BatchGetImage", "PutImage")


def promotion(scene: Scene, rounds: int) -> Measured:
    """All of it on loopback; by hand it is pull, tag and push, on an engine that has nothing of it."""
    return _measured(scene, rounds, "promotion-300MB", {})


def promotion_limited(scene: Scene, rounds: int) -> Measured:
    """The same with AWS and its registry behind a link of 100 Mbit/s."""
    with limited(scene, 100 * MEGABIT) as variables:
        return _measured(scene, rounds, "promotion-300MB-100mbit", variables)


@contextmanager
def limited(scene: Scene, rate: float) -> Iterator[Mapping[str, str]]:
    """Put a link of *rate* bytes a second before AWS; the variables by which a job is behind it."""
    endpoint, name = scene.environment["AWS_ENDPOINT_URL"], scene.environment["LAB_REGISTRY"]
    port = int(endpoint.rpartition(":")[2])
    link = Link({443: (ADDRESS, 443), port: ("127.0.0.1", port)}, rate)
    with link:
        hosts.add(link.address, [name])
        time.sleep(_HOSTS_SECONDS)
        try:
            yield {"AWS_ENDPOINT_URL": f"http://{link.address}:{port}"}
        finally:
            hosts.add(ADDRESS, [name])
            time.sleep(_HOSTS_SECONDS)


def _measured(scene: Scene, rounds: int, name: str, variables: Mapping[str, str]) -> Measured:
    ours, careful = (scene.app("large", {"Dockerfile": LARGE}) for _ in range(2))
    first = scene.step(ours)
    first.run()
    scene.script("careful.py", careful, "publish").run()
    digest, steps, figures = outputs(first)["digest"], list[Command](), list[dict[str, float]]()

    def release(stage: Stage) -> tuple[str, str]:
        version = f"v1.0.{next(numbers)}"
        stage.tag(version)
        scene.fresh_engine()
        scene.moved()
        return version, f"refs/tags/{version}"

    def step() -> Command:
        _, ref = release(ours)
        steps.append(scene.step(ours, ref=ref, has_engine=False, variables=variables))
        return steps[-1]

    def script() -> Command:
        version, ref = release(careful)
        return scene.script("careful.py", careful, "promote", version, f"prod-{version}", ref=ref, **variables)

    def after(side: str, _: Ran) -> None:
        if side == "ours":
            figures.append(_figures(scene, steps[-1], digest))

    numbers = iter(range(1000))
    found = Sides({"ours": step, "careful": script}, after).run(rounds)
    medians = {key: round(statistics.median(one[key] for one in figures), 3) for key in figures[0]}
    return Measured(rows(name, found), {name: medians})


def _figures(scene: Scene, step: Command, digest: str) -> dict[str, float]:
    """What the step itself took and moved: from the question whether the image is there to its last new tag."""
    told = outputs(step)
    if told["digest"] != digest:
        raise BenchmarkError(f"the promotion changed the digest: {told['digest']} instead of {digest}")
    calls = [call for call in scene.calls() if call["operation"] in _MOVING]
    # The mark of what is deployed comes after the bump.
    last = max(index for index, call in enumerate(calls[:3]) if call["operation"] == "PutImage")
    own = calls[: last + 1]
    return {
        "step_s": round(sum(told["seconds"].get(phase, 0.0) for phase in _STEP), 3),
        "step_requests": len(own),
        "step_bytes": sum(call["sent"] + call["received"] for call in own),
    }
