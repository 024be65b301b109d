"""The app's own manifests for a GitOps repository that knows nothing of its image: which are copied, and when none."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ecr_action.errors import GitOpsParse
from ecr_action.gitops import placeholders
from ecr_action.gitops.diff import unified
from ecr_action.gitops.edit import Result
from ecr_action.gitops.find import find
from ecr_action.gitops.target import Target
from ecr_action.gitops_protocols import File, Folder

# The needles of a search for it, and what it looks like.
IMAGE_WORDS = (b"image", b"newName", b"newTag")
_IMAGE = re.compile(rb"""\b(?:images?|newName|newTag)["']?[ \t]*:""")


@dataclass(frozen=True, kw_only=True)
class Copies:
    """The *files* to add, by their paths in the GitOps repository; *refused* says in words why there are none.

    *stay*: paths of the folder that are there already, whatever their content.
    """

    files: tuple[File, ...] = ()
    stay: tuple[str, ...] = ()
    refused: str = ""


def is_unknown(files: Sequence[File], target: Target) -> bool:
    """Whether *files* know nothing of the image: in no registry, no longer text, by no placeholder, and in no file that
    mentions it and can't be read, such as a chart's template."""
    try:
        known = any(find(file, [target.repository]) for file in files) or placeholders.placeholders(files, target)
    except GitOpsParse:
        return False
    return not known


def have_images(files: Iterable[File]) -> bool:
    """Whether an image, of whichever app, is at home in one of *files*; a tag alone counts as one."""
    return any(_IMAGE.search(file.content) for file in files)


def choose(folder: Folder, paths: Collection[str], target: Target, *, shared: bool) -> Copies:
    """What of *folder* is copied into a repository that has *paths*; nothing that is there is touched.

    *shared*: other images are at home in the repository. There the folder's paths must show that the files are this
    app's: a folder on the way has its name. ``deployment.yaml`` beside other apps' folders is nobody's.
    """
    if folder.too_much:
        return Copies(refused=folder.too_much)
    name = target.repository.rpartition("/")[2].lower()
    if shared and (homeless := [file.path for file in folder.files if name not in _folders(file.path)]):
        why = f"the repository has other apps' images, and {homeless[0]} lies in no folder called {name}"
        return Copies(refused=why)
    there = set(paths)
    new = [file for file in folder.files if file.path not in there]
    if blocked := [file.path for file in new if _is_blocked(file.path, there)]:
        return Copies(refused=f"a file, link or folder is in the way of {blocked[0]}")
    stay = tuple(file.path for file in folder.files if file.path in there)
    return Copies(files=tuple(new), stay=stay, refused="" if new else "all of its files are there already")


def _folders(path: str) -> list[str]:
    return path.lower().split("/")[:-1]


def _is_blocked(path: str, there: Collection[str]) -> bool:
    """Whether a folder of *path* is a file, link or submodule there, or *path* itself is a folder there."""
    parts = path.split("/")
    above = {"/".join(parts[:end]) for end in range(1, len(parts))}
    return not above.isdisjoint(there) or any(other.startswith(f"{path}/") for other in there)


def notices(folder: Folder, copies: Copies, result: Result) -> Iterable[str]:
    """What to tell of the copies: which they are, what was left out, and what came along as the app has it."""
    yield f"Copied from {folder.path}/ of this commit: {', '.join(file.path for file in copies.files)}."
    if copies.stay:
        yield f"There already, and not touched: {', '.join(copies.stay)}."
    if folder.left_out:
        yield f"Never copied (links, submodules, .github/): {', '.join(folder.left_out)}."
    programs = [file.path for file in copies.files if file.mode == "100755"]
    if programs:
        yield f"GitHub makes new files without the executable bit: {', '.join(programs)}."
    chosen = {(item.file, item.line) for item in result.chosen}
    for item in result.references:
        if item.kind != "listed" and (item.file, item.line) not in chosen:
            yield f"{item.file}, line {item.line}: {item.name} is not of this run's environment; it came as it is."


def diff(copies: Copies, result: Result) -> str:
    """The commit as a unified diff: whole new files, with the image in them."""
    edited = {edit.path: edit.content for edit in result.edits}
    texts = (unified(file.path, b"", edited.get(file.path, file.content)) for file in copies.files)
    return "".join(text.replace(text.partition("\n")[0], "--- /dev/null", 1) for text in texts)
