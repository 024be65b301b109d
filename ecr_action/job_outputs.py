"""The images that other jobs of the workflow published, as their outputs tell it in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ecr_action.converters import Wrong, environment_name
from ecr_action.image.key import KEY
from ecr_action.image.reference import DIGEST, parse, repository_problem
from ecr_action.image.tags import is_tag

_FORM = "An image is this action's output 'metadata', or an object with 'image' (or 'repository' and 'tag')."
# Those of this action's outputs that name an image; without a value of one of the first no image is meant.
_WHICH = ("image", "image-path", "image-digest", "digest", "tag")
_NAMES = (*_WHICH, "repository", "metadata")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One image: its *repository*, *tag* (may be empty where there is a *digest*), its registry's *host* if told.

    *where* it stands in the JSON, for messages; *environment* is the one that its job published it for; *key*
    the tag that names what it was built from, where ``mode: matrix`` told it.
    """

    where: str
    repository: str
    tag: str
    digest: str = ""
    host: str = ""
    environment: str = ""
    key: str = ""


@dataclass(frozen=True)
class Listing:
    """The *images*, each repository once; *without*: the jobs that published none. *given*: there was an input."""

    images: tuple[Listed, ...] = ()
    without: tuple[str, ...] = ()
    given: bool = False


@dataclass
class _Reading:
    images: dict[str, Listed] = field(default_factory=dict)
    without: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def listing(text: str) -> Listing:
    """The images in *text*: a list or an object of them, at any depth, or ``toJSON(needs)``.

    A text in it may be JSON itself, as outputs are. Raises converters.Wrong with everything that is wrong.
    """
    if not text.strip():
        return Listing()
    reading = _Reading()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        single = parse(text.strip())
        if single is None:
            raise Wrong("is no JSON.", f"Write it with toJSON, or as a list. {_FORM}") from None
        value = text.strip()
    try:
        _read(reading, "", value, strict=True)
    except RecursionError:
        reading.problems.append("it is nested too deeply")
    if reading.problems:
        raise Wrong(f"has {'; '.join(reading.problems)}.", _FORM)
    return Listing(tuple(reading.images.values()), tuple(reading.without), given=True)


def _read(reading: _Reading, where: str, value: Any, *, strict: bool) -> None:
    """*strict*: what is no image is a problem; among the outputs of a job it may be anything else."""
    if isinstance(value, str):
        _read_text(reading, where, value.strip(), strict)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _read(reading, f"{where}[{index}]", item, strict=strict)
    elif isinstance(value, dict) and "result" in value and isinstance(value.get("outputs"), dict):
        _read_job(reading, where, value)
    elif isinstance(value, dict) and ("metadata" in value or any(isinstance(value.get(n), str) for n in _NAMES)):
        _read_image(reading, where, value)
    elif isinstance(value, dict):
        for name, item in value.items():
            _read(reading, f"{where}.{name}" if where else name, item, strict=strict)
    elif value is None:
        reading.without.append(where)
    elif strict:
        reading.problems.append(f"{_at(where)}, which is no image")


def _read_text(reading: _Reading, where: str, text: str, strict: bool) -> None:
    if not text:
        reading.without.append(where)
    elif text[0] in "{[":
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            reading.problems.append(f"{_at(where)}, which is no JSON though it begins like it")
            return
        _read(reading, where, value, strict=strict)
    elif (found := parse(text)) and (found.digest or (found.tag and (strict or found.host))):
        _add(reading, where, {"image": text})
    elif strict:
        reading.problems.append(f"{_at(where)} ({text[:60]!r}), which is no image with a tag or digest")


def _read_job(reading: _Reading, where: str, job: Mapping[str, Any]) -> None:
    """One job of the ``needs`` context ("Contexts reference")."""
    if job["result"] not in ("success", "skipped"):
        reading.problems.append(f"the job {where or 'named'}, which ended with {str(job['result'])[:20]!r}")
        return
    before = len(reading.images) + len(reading.problems)
    outputs, inner = job["outputs"], _Reading(reading.images, [], reading.problems)
    if "metadata" in outputs or "image" in outputs or "repository" in outputs:
        _read_image(inner, where, outputs)
    else:
        for name, value in outputs.items():
            _read(inner, f"{where}.{name}", value, strict=False)
    if len(reading.images) + len(reading.problems) == before:
        reading.without.append(where)


def _read_image(reading: _Reading, where: str, given: Mapping[str, Any]) -> None:
    told = given.get("metadata")
    if told and isinstance(told, str):
        _read_text(reading, where, told.strip(), strict=True)
    elif told and isinstance(told, dict):
        _read_image(reading, where, told)
    elif any(given.get(name) for name in _WHICH) or not any(name in given for name in (*_WHICH, "metadata")):
        _add(reading, where, given)
    else:
        reading.without.append(where)


def _add(reading: _Reading, where: str, given: Mapping[str, Any]) -> None:
    found = _listed(reading, where, given)
    if found is None:
        return
    other = reading.images.setdefault(found.repository, found)
    if (other.tag, other.digest) != (found.tag, found.digest):
        both = f"{other.tag or other.digest} and {found.tag or found.digest}"
        reading.problems.append(f"the repository {found.repository} twice, with {both}")


def _listed(reading: _Reading, where: str, given: Mapping[str, Any]) -> Listed | None:
    """One image from the outputs that name it, each of which may be missing, but not say something else."""
    read = {name: str(given.get(name) or "").strip() for name in (*_NAMES, "registry", "environment", "key")}
    references = [parse(read[name]) for name in ("image", "image-digest", "image-path") if read[name]]
    if not all(references):
        reading.problems.append(f"{_at(where)} with an 'image' that is none")
        return None
    told = [found for found in references if found]
    values = {
        "repository": {*(found.path for found in told), read["repository"]} - {""},
        "registry": {*(found.host or "" for found in told), read["registry"]} - {""},
        "tag": {*(found.tag or "" for found in told), read["tag"]} - {""},
        "digest": {*(found.digest or "" for found in told), read["digest"]} - {""},
    }
    wrong = [f"{_at(where)} with two values of {name}" for name, found in values.items() if len(found) > 1]
    one = {name: next(iter(found), "") for name, found in values.items()}
    if not one["repository"]:
        wrong.append(f"{_at(where)} without 'image' and 'repository'")
    elif said := repository_problem(one["repository"]):
        wrong.append(f"{_at(where)} with a 'repository' that {said}")
    if not (one["tag"] or one["digest"]):
        wrong.append(f"{_at(where)} without 'tag' and 'digest'")
    if one["tag"] and not is_tag(one["tag"]):
        wrong.append(f"{_at(where)} with a 'tag' that is none")
    if one["digest"] and not DIGEST.fullmatch(one["digest"]):
        wrong.append(f"{_at(where)} with a 'digest' that is none")
    if read["key"] and not KEY.fullmatch(read["key"]):
        wrong.append(f"{_at(where)} with a 'key' that is none")
    environment = _environment(read["environment"])
    if environment is None:
        wrong.append(f"{_at(where)} with an 'environment' that is none")
    reading.problems += wrong
    if wrong or environment is None:
        return None
    return Listed(
        where=where,
        repository=one["repository"],
        tag=one["tag"],
        digest=one["digest"],
        host=one["registry"],
        environment=environment,
        key=read["key"],
    )


def _environment(text: str) -> str | None:
    try:
        return environment_name(text) or ""
    except Wrong:
        return None


def _at(where: str) -> str:
    return f"an entry {where}" if where else "a value"
