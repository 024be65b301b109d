"""Where it is measured: the lab, its engine and all work trees on tmpfs, so that no disk is in the figures."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.processes import Command
from lab import busybox, client
from lab.github.client import GitHub
from lab.lab import Lab
from lab.paths import ROOT, Paths
from lab.runner import action, context
from lab.runner.shim import TOOL_CACHE
from lab.stage import ACTION, EXAMPLES, REGION, Stage, read_folder

RAW = Path(__file__).with_name("raw")
MEMORY, ENOUGH = Path("/dev/shm"), 8_000_000_000
_NUMBERS = itertools.count(1)


@dataclass
class Scene:
    """A lab that is up in *paths*, whose *environment* is what a job has; *folder* is for work trees."""

    paths: Paths
    environment: Mapping[str, str]
    folder: Path
    docker: client.Client = field(init=False)

    def __post_init__(self) -> None:
        self.docker = client.Client(str(self.paths.state / "bin/docker"), {**os.environ, **self.environment})

    def app(
        self, name: str = "", files: Mapping[str, str] | None = None, gitops: Mapping[str, str] | None = None
    ) -> Stage:
        """A new app of its own, the example unless *files* are given, and its GitOps repository (*gitops*)."""
        short = f"{name or 'hello-web'}-{next(_NUMBERS)}"
        stage = Stage(self.paths, self.environment, name=f"darede-labs/{short}", gitops=f"darede-labs/{short}-gitops")
        manifests = read_folder(EXAMPLES / "hello-web-gitops") if gitops is None else gitops
        stage.set_up({path: text.replace("hello-web", short) for path, text in manifests.items()})
        if files:
            stage.commit("The app", files)
        stage.calls()
        return stage

    def step(
        self,
        stage: Stage,
        *arguments: str,
        ref: str = "refs/heads/main",
        has_engine: bool = True,
        variables: Mapping[str, str] | None = None,
        **changes: str,
    ) -> Command:
        """The action's step on a push of *ref*, as a runner starts it: action.yml's script, in the app's checkout.

        *changes* are inputs (``-`` leaves one out), *variables* the job's own; without *has_engine* no engine is there.
        With *arguments* the program is started with them instead, as at a prompt.
        """
        loaded = action.read(ACTION)
        temp = Path(tempfile.mkdtemp(prefix="runner-", dir=self.folder))
        around = stage.job("push", ref) | ({} if has_engine else {"DOCKER_HOST": "tcp://127.0.0.1:9"})
        told = context.event("push", stage.push_payload(ref), stage.name, stage.app, ref, stage.head)
        job = context.variables(told, stage.app, temp, TOOL_CACHE, temp / "event.json")
        given = {name: default or "" for name, default in loaded.inputs.items()}
        given |= {"github-token": stage.token} | stage.inputs(**changes)
        job |= {name: str(temp / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        step = loaded.steps[0]
        script = temp / "step.sh"
        script.write_text(step.run)
        machine = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        job = machine | job | around | {"ECR_PUBLISH_INPUTS": json.dumps(given), **(variables or {})}
        job["GITHUB_ACTION_PATH"] = str(ACTION)
        argv = [sys.executable, "-I", str(ACTION / "bootstrap.py"), *arguments] if arguments else step.command(script)
        return Command(argv, stage.app, job)

    def script(
        self, name: str, stage: Stage, *arguments: str, ref: str = "refs/heads/main", **variables: str
    ) -> Command:
        """A raw side: the script *name* of ``raw/``, in the app's checkout, with what a job would give it."""
        temp = Path(tempfile.mkdtemp(prefix="raw-", dir=self.folder))
        told = {
            "ROLE": stage.role,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "REPOSITORY": stage.name.rpartition("/")[2],
            "REGISTRY": self.environment["LAB_REGISTRY"],
            "GITHUB_SHA": stage.head,
            "GITHUB_REF": ref,
            "GITOPS_URL": self.git_url(stage),
            "GITOPS_FILE": "manifests/deployment.yaml",
            "RUNNER_TEMP": str(temp),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        program = [sys.executable, "-I"] if name.endswith(".py") else ["bash", "-euo", "pipefail"]
        folder = Path(variables.pop("FOLDER", stage.app))
        machine = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        environment = {**machine, **stage.job("push", ref), **told, **variables}
        return Command([*program, str(RAW / name), *arguments], folder, environment)

    def git_url(self, stage: Stage) -> str:
        """The address by which git reaches the GitOps repository, its token in it as checkout has it."""
        scheme, _, host = self.environment["GITHUB_API_URL"].partition("://")
        return f"{scheme}://x-access-token:{stage.gitops_token}@{host}/{stage.gitops}.git"

    def fresh_engine(self) -> None:
        """Leave nothing in the engine's stores but the base image, as on a new runner."""
        kept = self.docker.run("image", "inspect", "--format", "{{.Id}}", busybox.IMAGE)
        there = self.docker.run("image", "ls", "--quiet", "--no-trunc").split()
        gone = [one for one in dict.fromkeys(there) if one != kept]
        if gone:
            self.docker.run("image", "rm", "--force", *gone)
        self.fresh_builder()

    def fresh_builder(self) -> None:
        """Leave nothing in the build cache."""
        self.docker.run("builder", "prune", "--all", "--force")

    def moved(self) -> dict[str, float]:
        """Calls of AWS (API and wire), of GitHub, and the bytes of both, since the last time."""
        aws, github = self.calls(), self.hub().clear_calls()
        api = [call for call in aws if call["service"] != "registry"]
        return {
            "aws_calls": len(api),
            "registry_calls": len(aws) - len(api),
            "github_calls": len(github),
            "bytes_sent": sum(call["received"] for call in (*aws, *github)),
            "bytes_received": sum(call["sent"] for call in (*aws, *github)),
        }

    def hub(self) -> GitHub:
        """The lab's GitHub."""
        return GitHub(self.environment["GITHUB_API_URL"], self.paths.state / "github")

    def calls(self) -> list[dict[str, Any]]:
        """The calls of AWS and of its registry since the last time."""
        request = urllib.request.Request(f"{self.environment['AWS_ENDPOINT_URL']}/_lab/calls", method="DELETE")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return list(json.load(answer))


def outputs(step: Command) -> dict[str, Any]:
    """The output ``metadata`` of a step that has run."""
    text = Path(step.environment["GITHUB_OUTPUT"]).read_text(encoding="utf-8")
    found = next(line for line in text.splitlines() if line.startswith('{"commit"'))
    return dict(json.loads(found))


def _roomy() -> Path:
    """Memory as a folder; the lab's own where there is too little for six images of 300 MB, twice."""
    enough = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH
    return MEMORY if enough else ROOT


@contextmanager
def scene(parent: Path | None = None) -> Iterator[Scene]:
    """The lab, from nothing to nothing, below *parent*: by default memory, where there is enough of it.

    Packages come from the checkout's own cache.
    """
    cache = ROOT / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="ecr-bench-", dir=parent or _roomy()))
    try:
        (folder / "cache").symlink_to(cache)
        paths = Paths(folder, "bench")
        with Lab(paths, say=lambda line: print(line, file=sys.stderr)) as environment:
            (folder / "work").mkdir()
            yield Scene(paths, environment, folder / "work")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
