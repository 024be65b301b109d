"""Texts of the inputs that name the image become values here. Pure."""

from __future__ import annotations

from difflib import get_close_matches

from ecr_action.converters import Wrong, entries_of
from ecr_action.image import rules, tags
from ecr_action.image.reference import parse


def image_tags(value: str) -> tuple[str, ...]:
    """Tags, in three dialects: plain with placeholders, metadata-action's rules, full references. Raises Wrong."""
    if any(rules.is_rule(line) for line in value.splitlines()):
        found = [entry for line in value.splitlines() for entry in _of_line(line)]
    else:
        found = list(entries_of(value))
    wrong = [said for entry in found if (said := _wrong(entry))]
    if wrong:
        raise Wrong("; ".join(wrong) + ".")
    return tuple(found)


def _of_line(line: str) -> tuple[str, ...]:
    # metadata-action's lists know comments, at the very beginning of a line; build-push-action's do not.
    if line.startswith("#"):
        return ()
    return (line.strip(),) if rules.is_rule(line) else entries_of(line)


def _wrong(entry: str) -> str:
    """What is wrong with one entry of ``tags``, empty where nothing is."""
    if rules.is_rule(entry):
        return _wrong_rule(entry)
    unknown = [name for name in tags.placeholders(entry) if name not in tags.PLACEHOLDERS]
    if unknown:
        near = get_close_matches(unknown[0], tags.PLACEHOLDERS, 1)
        hint = f"did you mean {{{near[0]}}}?" if near else f"there are {{{'}, {'.join(tags.PLACEHOLDERS)}}}"
        return f"has the placeholder {{{unknown[0]}}}, which there is not ({hint})"
    sample = tags.expand(entry, dict.fromkeys(tags.PLACEHOLDERS, "0"))
    reference = parse(sample)
    if reference and reference.host:
        if reference.registry is None:
            return f"has {entry!r}: images are published in Amazon ECR alone; take the line out"
        if reference.tag is None or reference.digest:
            return f"has {entry!r}, which has no tag; a full reference is <registry>/<repository>:<tag>"
        sample = reference.tag
    if tags.is_tag(sample):
        return f"has {entry!r}: the action keeps tags of that form for itself" if tags.is_ours(sample) else ""
    clean = tags.sanitised(entry)
    return f"has {entry!r}, which is no tag" + (f" (write {clean!r})" if clean and tags.is_tag(clean) else "")


def _wrong_rule(entry: str) -> str:
    try:
        rules.parse(entry)
    except ValueError as error:
        return f"line {entry!r} {error}"
    return ""
