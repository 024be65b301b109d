"""A context of 50,000 files of which 95% are ignored: what is packed and sent, in which time and memory."""

from __future__ import annotations

import statistics

from benchmarks.processes import Sides, Weighed, rows
from benchmarks.results import Measured
from benchmarks.scene import Scene
from lab.stage import Stage

FILES, IGNORED = 50_000, 47_500


def large_context(scene: Scene, rounds: int) -> Measured:
    """Builds that push nothing: by both engines of ours, and by the docker command alone."""
    stage = scene.app("packed", {"Dockerfile": "FROM busybox:stable\nCOPY . /app\n", ".gitignore": "node_modules\n"})
    (stage.app / ".dockerignore").write_text("**/node_modules\n.git\n")
    _fill(stage)
    sides = {
        "ours": lambda: Weighed(scene.step(stage, push="false", engine="buildx")),
        "ours, docker": lambda: Weighed(scene.step(stage, push="false", engine="docker")),
        "docker": lambda: Weighed(scene.script("docker.sh", stage)),
    }
    found = Sides(sides).run(rounds)
    peaks = {f"peak of {side} (MB)": statistics.median(ran.peak for ran in runs) for side, runs in found.items()}
    name = "context-50000-files"
    made = (*rows(name, found), *rows(f"{name}, engine docker", found, "ours, docker"))
    return Measured(made, {name: peaks})


def _fill(stage: Stage) -> None:
    for number in range(FILES):
        part = "node_modules/" if number < IGNORED else "src/"
        file = stage.app / f"{part}{number // 500}/{number}.js"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"export default {number}\n")
    stage.commit("All files")
