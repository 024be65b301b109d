"""A monorepo by hand: ``bake SERVICE...`` builds and pushes all of them, ``git-diff`` those whose folder changed."""

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import careful  # type: ignore[import-not-found]


def bake(services: tuple[str, ...]) -> None:
    targets = {
        name: {"context": name, "tags": [f"{careful.IMAGE}/{name}:{tag}" for tag in (careful.SHA, "latest")]}
        for name in services
    }
    file = careful.TEMP / "bake.json"
    file.write_text(json.dumps({"group": {"default": {"targets": list(targets)}}, "target": targets}))
    docker = {**careful.ENV, "DOCKER_CONFIG": str(careful.TEMP / "docker"), "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    careful.run("docker", "buildx", "bake", "--push", "--file", str(file), env=docker)


def changed(services: tuple[str, ...]) -> tuple[str, ...]:
    listed = subprocess.run(["git", "diff", "--name-only", "HEAD~1"], check=True, capture_output=True, text=True)
    folders = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    return tuple(name for name in services if name in folders)


def main(how: str, *services: str) -> None:
    wanted = services if how == "bake" else changed(services)
    ecr = careful.connect()
    careful.log_in(ecr)
    names = [f"{careful.ENV['REPOSITORY']}/{name}" for name in wanted]
    ecr.describe_repositories(repositoryNames=names)
    bake(wanted)


if __name__ == "__main__":
    main(*sys.argv[1:])
