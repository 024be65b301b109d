"""The action with one of its guards taken out: a copy of it in which some lines say something else."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.stage import ACTION


@dataclass(frozen=True, kw_only=True)
class Guard:
    """*name* says what is guarded; *cuts*: file, the lines as they are, what stands there instead.

    *seen*: how the month tells that it is gone, as a regular expression.
    """

    name: str
    seen: str
    cuts: Sequence[tuple[str, str, str]]


GUARDS = (
    Guard(
        name="deployed images are marked",
        seen=r"deployed-[a-z]+ is on another image",
        cuts=[
            (
                "ecr_action/publish.py",
                "            if out.deployed:\n",
                "            if out.deployed and not plan:\n",
            )
        ],
    ),
    Guard(
        name="nothing goes back",
        seen=r"went back from|the second run",
        cuts=[
            (
                "ecr_action/gitops/superseded.py",
                "    if stream := _stream(ours, standing):\n",
                "    return Verdict(go=True)\n    if stream := _stream(ours, standing):\n",
            )
        ],
    ),
    Guard(
        name="the registry is written before the GitOps repository",
        seen=r"which is not in the registry",
        cuts=[
            (
                "ecr_action/publish.py",
                '    with timeline.phase("Tags"):\n',
                '    early = replace(outcome, uri=state.uri, digest=image.digest, primary=choice.tags.primary or "")\n'
                "    roll_out(wanted, [early], cloud.images, services)\n"
                '    with timeline.phase("Tags"):\n',
            )
        ],
    ),
    Guard(
        name="a version is written once",
        seen=r"v[0-9.]+ was sha256:",
        cuts=[("ecr_action/obtain.py", "    if not foreign:\n", "    if foreign or not foreign:\n")],
    ),
)


def without(guard: Guard, folder: Path) -> Path:
    """A copy of the action in *folder* that lacks *guard*. Raises AssertionError where its lines are not found."""
    shutil.copytree(ACTION / "ecr_action", folder / "ecr_action", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ACTION / "action.yml", folder)
    for name, lines, instead in guard.cuts:
        text = (folder / name).read_text()
        assert text.count(lines) == 1, f"{guard.name}: {name} has not these lines once:\n{lines}"
        (folder / name).write_text(text.replace(lines, instead))
    return folder
