"""GitOps files that live in the app's own repository: the commit of a bump is a push there, and must not start anew."""

from __future__ import annotations

import re
from dataclasses import replace

from ecr_action.github.context import Branch, Context, GitTag, Nothing
from ecr_action.gitops.message import SCRATCH, is_ours

_MERGE = re.compile(r"Merge pull request #[0-9]+ from ")


def guarded(context: Context) -> Context:
    """*context*, with nothing to do where a push brought nothing but a bump of ours.

    A tag on such a commit, a schedule and a person who starts the workflow are none of its consequences: they go on.
    """
    if not context.pushed or isinstance(context.source, GitTag | Nothing):
        return context
    if isinstance(context.source, Branch) and context.source.name.startswith(SCRATCH):
        return replace(context, source=Nothing("the branch is one of this action's own, made for a pull request"))
    head, *others = context.pushed
    titles = {title for message in others if (title := message.partition("\n")[0])}
    merge = bool(_MERGE.match(head)) or head.startswith(tuple(titles))
    merged = bool(others) and all(map(is_ours, others)) and merge
    if not (merged or all(map(is_ours, context.pushed))):
        return context
    because = (
        "the push is a GitOps commit of this action, and to publish it would lead to the next one; "
        "start the workflow by hand to publish it all the same"
    )
    return replace(context, source=Nothing(because))
