"""The images that other jobs built, one for each platform, as their outputs tell it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_action.converters import Wrong, entries_of
from ecr_action.errors import Problem
from ecr_action.image.reference import DIGEST

_FORM = "It takes ${{ toJSON(needs) }}, whose jobs have the output 'digest', or digests, one a line."


@dataclass(frozen=True)
class Parts:
    """Their *digests*, each once, in order. *given*: there was an input, though its jobs may have pushed nothing."""

    digests: tuple[str, ...] = ()
    given: bool = False


NO_PARTS = Parts()


def parts(text: str) -> Parts:
    """The digests in ``toJSON(needs)``, or in a list of them. Raises Wrong: a job that failed has built no part."""
    if not text.strip():
        return Parts()
    if text.lstrip()[0] not in "{[":
        return _checked(entries_of(text))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Wrong("is no JSON though it begins like it.", _FORM) from None
    return _checked(tuple(_of_jobs(value) if isinstance(value, dict) else map(str, value)))


def _of_jobs(jobs: Mapping[str, Any]) -> Iterator[str]:
    """The output ``digest`` of each job that has one ("Contexts reference", ``needs``)."""
    for name, job in jobs.items():
        if not isinstance(job, dict) or not isinstance(job.get("outputs"), dict):
            raise Wrong(f"has {name!r}, which is no job of 'needs'.", _FORM)
        if job.get("result") not in ("success", "skipped"):
            raise Wrong(f"has the job {name}, which ended with {str(job.get('result'))[:20]!r}.", "Run that job again.")
        if digest := job["outputs"].get("digest"):
            yield str(digest)


def _checked(found: tuple[str, ...]) -> Parts:
    digests = [entry.rpartition("@")[2] for entry in found]
    for digest in digests:
        if not DIGEST.fullmatch(digest):
            raise Wrong(f"has {digest[:80]!r}, which is no digest.", _FORM)
    return Parts(tuple(dict.fromkeys(digests)), given=True)


def problems(values: Mapping[str, Any]) -> list[Problem]:
    """What contradicts the inputs ``part`` and ``parts``, by the *values* of all inputs."""
    part, given, platforms = values.get("part"), values["parts"].given, values.get("platforms") or ()
    found = []
    if part and given:
        found.append(Problem("part", "is given beside 'parts': a job builds one, or merges them all."))
    name = "part" if part else "parts" if given else ""
    if name and values.get("mode") != "publish":
        found.append(Problem(name, f"is given, and the mode is {values.get('mode')}.", "Leave one of them out."))
    if name and not platforms:
        fix = "Write all of them in every job, like 'platforms: linux/amd64,linux/arm64'."
        found.append(Problem(name, "is given without 'platforms', the whole that it is of.", fix))
    elif part and part not in platforms:
        found.append(Problem("part", f"is {part}, which is none of 'platforms' ({', '.join(platforms)})."))
    return found
