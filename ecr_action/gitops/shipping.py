"""What ships: the commits between the image that stood and the one that takes its place. In words, bounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ecr_action import markdown
from ecr_action.gitops.message import foreign
from ecr_action.protocols import Comparison

_MOST = 20
_LONGEST = 120


@dataclass(frozen=True, kw_only=True)
class Shipping:
    """One image's step: *repository*; *was*, the tag or digest that stood, empty at its first deployment there.

    *comparison* is GitHub's of the commits of both, None where the one that stood names no commit.
    """

    repository: str
    was: str = ""
    comparison: Comparison | None = None


def text(shippings: Sequence[Shipping]) -> str:
    """Paragraphs for a commit's message: whatever a commit's subject holds, it stays in its line and calls nobody."""
    paragraphs = []
    for names, shipping in _grouped(shippings):
        lines = [f"- {subject} ({short})" for subject, short in _commits(shipping)]
        more = _more(shipping)
        lines += [f"- {more}" + (f": {_url(shipping)}" if _url(shipping) else "")] if more else []
        paragraphs.append("\n".join([f"{names}{_heading(shipping)}{':' if lines else '.'}", *lines]))
    return "\n\n".join(paragraphs)


def summary(shippings: Sequence[Shipping]) -> str:
    """The same in Markdown, for job summaries and pull requests; empty where nothing ships."""
    parts = []
    for names, shipping in _grouped(shippings):
        lines = [f"- {markdown.code(subject, cell=False)} {short}" for subject, short in _commits(shipping)]
        more = _more(shipping)
        lines += [f"- {more}"] if more else []
        page = f" ([compare]({_url(shipping)}))" if lines and _url(shipping) else ""
        heading = markdown.prose(f"{names}{_heading(shipping)}")
        parts.append("\n".join([f"**What ships:** {heading}{page}", *(["", *lines] if lines else [])]))
    return "\n\n".join(parts)


def _grouped(shippings: Sequence[Shipping]) -> Iterator[tuple[str, Shipping]]:
    """Each step once, with the names of the images that make it where there are several."""
    groups: dict[tuple[str, Comparison | None], list[Shipping]] = {}
    for shipping in shippings:
        groups.setdefault((foreign(shipping.was), shipping.comparison), []).append(shipping)
    several = len(shippings) > 1
    for group in groups.values():
        yield (f"{', '.join(item.repository for item in group)}: " if several else ""), group[0]


def _heading(shipping: Shipping) -> str:
    was, found = foreign(shipping.was), shipping.comparison
    if not was:
        return "First deployment here"
    if found is None or found.status is None:
        return f"Unknown, since {was} names no commit that GitHub could compare with"
    if found.status == "identical":
        return f"No new commit since {was}"
    if found.status == "behind":
        return f"Back by {_count(found.behind_by)}, from {was}"
    if found.status == "diverged":
        left = f"{_count(found.behind_by)} of it left out"
        return f"{_count(found.ahead_by)} on another line than {was} (a force push, or another branch), {left}"
    return f"{_count(found.ahead_by)} since {was}"


def _count(number: int) -> str:
    return "1 commit" if number == 1 else f"{number} commits"


def _commits(shipping: Shipping) -> Iterator[tuple[str, str]]:
    """Subject and short id of the commits that are shown."""
    found = shipping.comparison.revisions if shipping.comparison else ()
    for revision in found[:_MOST]:
        subject = foreign(revision.subject)
        cut = f"{subject[:_LONGEST].rstrip()}..." if len(subject) > _LONGEST else subject
        yield cut or "(no subject)", revision.sha[:7]


def _more(shipping: Shipping) -> str:
    found = shipping.comparison
    left = found.ahead_by - len(found.revisions[:_MOST]) if found else 0
    return f"and {left} more" if found and found.revisions and left > 0 else ""


def _url(shipping: Shipping) -> str:
    url = shipping.comparison.url if shipping.comparison else ""
    return url if markdown.is_url(url) else ""
