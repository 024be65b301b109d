"""A roll-out of an image that is there, in GitOps repositories of 100 to 20,000 files."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import Command, Ran, Sides, rows
from benchmarks.results import Measured, Row
from benchmarks.scene import Scene
from lab.github import setup
from lab.stage import Stage

SIZES = (100, 1_000, 5_000, 20_000)
FILE = "manifests/deployment.yaml"
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: service-{number}
spec:
  template:
    spec:
      containers:
        - name: service-{number}
          image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/service-{number}:v1.0.{number}
"""


@dataclass
class _Size:
    """A published app whose GitOps repository has *count* files; what its runs moved."""

    scene: Scene
    count: int
    stage: Stage = field(init=False)
    moved: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stage = self.scene.app("sized")
        others = range(self.count - 1)
        files = {f"services/{number % 100}/{number}.yaml": MANIFEST.format(number=number) for number in others}
        setup.commit(self._bare, files, "The other services")
        self.first = setup.read(self._bare, FILE)
        self.scene.step(self.stage, gitops_token="-", gitops_repository="-").run()

    @property
    def _bare(self) -> Path:
        return setup.repository(self.scene.hub().state, self.stage.gitops)

    def again(self, command: Command) -> Command:
        """The image's file as before its first roll-out, so that *command* has a commit to make."""
        setup.commit(self._bare, {FILE: self.first}, "Back to the placeholder")
        self.scene.moved()
        return command

    def after(self, side: str, _: Ran) -> None:
        self.moved.setdefault(side, []).append(self.scene.moved())

    def measure(self, rounds: int) -> tuple[tuple[Row, ...], dict[str, dict[str, float]]]:
        """Named, found by the image, and by hand."""
        step, stage = self.scene.step, self.stage
        sides = {
            "ours": lambda: self.again(step(stage, gitops_files=FILE)),
            "ours, found": lambda: self.again(step(stage)),
            "careful": lambda: self.again(self.scene.script("careful.py", stage, "bump")),
        }
        found = Sides(sides, self.after).run(rounds)
        name = f"gitops-bump-{self.count}-files"
        told = {f"{name}": _medians(self.moved["ours"]), f"{name}, found": _medians(self.moved["ours, found"])}
        return (*rows(name, found), *rows(f"{name}, found", found, "ours, found")), told


def gitops_size(scene: Scene, rounds: int) -> Measured:
    """For each size a row with the file named in `gitops-files`, and one with it found by the image's name."""
    made, figures = list[Row](), dict[str, dict[str, float]]()
    for count in SIZES:
        more, told = _Size(scene, count).measure(rounds)
        made += more
        figures |= told
    return Measured(tuple(made), figures)


def _medians(moved: list[dict[str, float]]) -> dict[str, float]:
    names = ("github_calls", "bytes_received")
    return {name: statistics.median(one[name] for one in moved) for name in names}
