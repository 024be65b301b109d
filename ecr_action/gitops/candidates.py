"""The error for an image that is nowhere: what was there instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from ecr_action.errors import NoReference
from ecr_action.gitops.find import Found
from ecr_action.gitops.target import Target
from ecr_action.gitops.tree import SUFFIXES
from ecr_action.gitops_protocols import File

_IMAGE = re.compile(rb"""(?:image|newName|repository|"image"|"repository")["']?:[ \t]*["']?([^\s"'#,{}\[\]]+)""")
_MOST = 10


def not_referenced(target: Target, files: Sequence[File], seen: Sequence[Found]) -> NoReference:
    """The failure, with the images that were seen, the most similar ones first."""
    images: dict[str, str] = {}
    for file in files:
        for match in _IMAGE.finditer(file.content):
            images.setdefault(match[1].decode("utf-8", "replace"), file.path)
    near = difflib.get_close_matches(target.name, images, _MOST, 0.0)
    lines = [f"  {image} ({images[image]})" for image in near]
    others = [f"{item.file}, line {item.line}: {item.name} ({_why(item)})" for item in seen[:_MOST]]
    looked = ", ".join(file.path for file in files[:_MOST]) + (", ..." if len(files) > _MOST else "")
    where = f" ({looked})." if looked else "."
    what = f"{target.name} is referenced in none of the {len(files)} files looked at{where}"
    why = ["Images that were seen:", *lines] if lines else ["No image was seen in them."]
    why += ["Not editable:", *others] if others else []
    fix = (
        f"Write the image into the file that is to run it (image: {target.name}:{target.tag}), "
        "or name the field: gitops-files: <path>#<field>"
    )
    if target.name in images:
        what = f"{images[target.name]} names {target.name} without a tag: the chart's own version holds there."
        fix = f"Write a tag beside it (tag: {target.tag}),\nor name the field: {images[target.name]}#image.tag"
    return NoReference(what, why="\n".join(why), fix=fix)


def never_edited(paths: Sequence[str], skipped: Sequence[str]) -> str:
    """What is no candidate, whatever it holds, in words: *skipped* links and submodules, workflows. Empty for none."""
    links = [path for path in skipped if path.endswith(SUFFIXES) or "." not in path.rpartition("/")[2]]
    workflows = [path for path in paths if path.lower().startswith(".github/") and path.endswith(SUFFIXES)]
    if not links and not workflows:
        return ""
    named = ", ".join([*links, *workflows][:_MOST])
    return f"Never edited, whatever they hold (links, submodules, .github/): {named}."


def _why(found: Found) -> str:
    return "inside a longer text or data" if found.kind == "listed" else "another registry"
