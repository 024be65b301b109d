"""Foreign text in Markdown: whatever it holds, it stays in its place."""

from __future__ import annotations

import re


def code(text: str, *, cell: bool = True) -> str:
    """*text* as inline code that nothing in it can leave; *cell*: in a table, where a bar would end it."""
    flat = " ".join(text.split())
    flat = flat.replace("|", "\\|") if cell else flat
    ticks = "`" * (_longest(flat) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def prose(text: str) -> str:
    """*text* as plain words: no markup, links, HTML or mentions come out of it."""
    flat = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~@])", r"\\\1", flat)


def block(text: str, language: str) -> str:
    """*text* as a block of code, its lines kept."""
    ticks = "`" * max(3, _longest(text) + 1)
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}"


def link(text: str, url: str) -> str:
    """*text* as a link to *url*; as code alone where *url* is none that can stand there."""
    return f"[{text}]({url})" if is_url(url) else code(text)


def is_url(text: str) -> bool:
    """Whether *text* is an address that can stand in a link."""
    return bool(re.fullmatch(r"https?://[^\s()<>\[\]|`\\]+", text))


def _longest(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
