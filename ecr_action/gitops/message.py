"""The message of the GitOps commit: subject, what ships, and trailers that machines read back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ecr_action.errors import Problem
from ecr_action.image.tags import expand, placeholders

PLACEHOLDERS = ("repository", "tag", "environment", "sha", "sha7", "version", "actor", "run-url")
RUN, IMAGE, DIGEST, SOURCE = (f"Ecr-Publish-{name}" for name in ("Run", "Image", "Digest", "Source"))
_DEFAULT = "Deploy {repository} {tag} to {environment}"
_LONGEST_SUBJECT = 200
# Line breaks as Python, git and GitHub's pages see them, other control characters, and marks that turn text around.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+")
_OURS = re.compile(r"\s*ecr-publish-[a-z-]+\s*:", re.I)
_TRAILER = re.compile(r"[A-Za-z0-9-]+: \S.*")
# GitHub starts no workflow for a commit with one of these ("Skipping workflow runs").
_SKIP = re.compile(r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]", re.I)
_SKIP_TRAILER = re.compile(r"\s*skip-checks\s*:", re.I)
# A commit that says "fixes #1" closes issue 1 of the repository that it lands in, and @name writes to a person.
_LINK = re.compile(r"#(?=\d)|(?<![A-Za-z0-9_])@(?=\w)|(?<=\bGH)-(?=\d)", re.I)
_ISSUE_URL = re.compile(r"(https?:)(//\S+/(?:issues|pull|discussions)/\d)", re.I)
# The beginning of the branches that a commit is made on before it goes to the pull request's own.
SCRATCH = "ecr-publish/scratch/"


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """An image of the commit: *name* (host and repository), *repository*, *tag*, *digest* where it is known."""

    name: str
    repository: str
    tag: str
    digest: str | None = None


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where it comes from: *repository* (``owner/name``), *sha* (40 hex), *version*, *actor* and *run_url*."""

    repository: str
    sha: str
    version: str = ""
    actor: str = ""
    run_url: str = ""


def problems(template: str) -> list[Problem]:
    """What is wrong with ``gitops-commit-message``: placeholders that there are none of."""
    known = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    return [
        Problem("gitops-commit-message", f"has the placeholder {{{name}}}, which is none.", f"There are {known}.")
        for name in placeholders(template)
        if name not in PLACEHOLDERS
    ]


def compose(
    shipped: Sequence[Shipped],
    origin: Origin,
    *,
    environment: str | None,
    template: str | None = None,
    ships: str = "",
) -> str:
    """The whole message, first line the subject.

    Parameters: *shipped* has at least one image; *template* is the user's, with :data:`PLACEHOLDERS`; *ships* tells
    what ships, as :func:`shipping.text` has it. Whatever a value holds, it stays in its line and makes no trailer.
    """
    subject, body = _written(shipped, origin, environment, template)
    trailers = "\n".join(trailers_of(shipped, origin))
    last = body.rpartition("\n\n")[2]
    if body and all(_TRAILER.fullmatch(line) for line in last.split("\n")):
        trailers = f"{last}\n{trailers}"
        body = body.rpartition("\n\n")[0]
    return "\n\n".join(part for part in (subject, body, ships, trailers) if part) + "\n"


def is_ours(message: str) -> bool:
    """Whether *message* is of a commit as :func:`compose` makes it, or of a pull request of one that was squashed.

    A squash of several commits has each of them under a ``*``: there may be more in it.
    """
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", message.replace("\r", "").strip())]
    own = [part for part in paragraphs[-2:] if f"\n{IMAGE}: " in f"\n{part}" and f"\n{SOURCE}: " in part]
    return bool(own) and not any(part.startswith("* ") for part in paragraphs)


def _written(
    shipped: Sequence[Shipped], origin: Origin, environment: str | None, template: str | None
) -> tuple[str, str]:
    """Subject and body of the template."""
    values: dict[str, str | None] = {
        "repository": _listed(item.repository for item in shipped),
        "tag": _listed(item.tag for item in shipped),
        "environment": environment or "",
        "sha": origin.sha,
        "sha7": origin.sha[:7],
        "version": origin.version,
        "actor": origin.actor,
        "run-url": origin.run_url,
    }
    default = _DEFAULT if environment else _DEFAULT.removesuffix(" to {environment}")
    clean = {name: _clean(value or "") for name, value in values.items()}
    text = expand(template or default, clean).replace("\r\n", "\n").replace("\r", "\n").strip()
    subject, _, body = "\n".join(_guarded(_clean(line)) for line in text.split("\n")).partition("\n")
    # A squash of several commits is told by its bullets, which are no part of a message of ours.
    body = re.sub(r"^\* ", "- ", body, flags=re.M)
    return subject[:_LONGEST_SUBJECT].strip() or "Deploy", body.strip()


def _listed(names: Iterable[str]) -> str:
    """The first three of *names*, each once, and how many more there are: a subject is one line."""
    found = list(dict.fromkeys(names))
    more = [f"and {len(found) - 3} more"] if len(found) > 4 else []
    return " ".join([", ".join(found[: 3 if more else 4]), *more])


def trailers_of(shipped: Sequence[Shipped], origin: Origin) -> list[str]:
    """The lines by which a commit of ours is known."""
    found = []
    for item in shipped:
        found.append(f"{IMAGE}: {_clean(item.name)}:{_clean(item.tag)}")
        found += [f"{DIGEST}: {_clean(item.digest)}"] if item.digest else []
    found.append(f"{SOURCE}: {_clean(origin.repository)}@{_clean(origin.sha)}")
    found += [f"{RUN}: {_clean(origin.run_url)}"] if origin.run_url else []
    return found


def _clean(text: str) -> str:
    """*text* in one line, without what GitHub takes as an order to skip workflows."""
    line = _CONTROL.sub(" ", text).strip()
    line = line.encode("utf-8", "replace").decode()
    return _SKIP.sub(r"(\1)", line)


def foreign(text: str) -> str:
    """A line that somebody else wrote, a commit's subject: it links nothing, closes nothing and calls nobody."""
    line = _ISSUE_URL.sub(r"\1 \2", _clean(text))
    return _guarded(_LINK.sub(lambda match: f"{match[0]} ", line))


def _guarded(line: str) -> str:
    """*line* so that it is none of our trailers."""
    return f"> {line.lstrip()}" if _OURS.match(line) or _SKIP_TRAILER.match(line) else line
