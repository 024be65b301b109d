"""GitOps files that live in the app's own repository: the commit of a bump is a push there, and must not start anew."""

from __future__ import annotations

import re
from dataclasses import replace

from ecr_action.github.context import Context, GitTag, Nothing
from ecr_action.gitops.message import is_ours

_MERGE = re.compile(r"Merge pull request #[0-9]+ from ")


def guarded(context: Context) -> Context:
    """*context*, with nothing to do where a push brought nothing but a bump of ours.

    A tag on such a commit, a schedule and a person who starts the workflow are none of its consequences: they go on.
    """
    if not context.pushed or isinstance(context.source, GitTag | Nothing):
        return context
    head, *others = context.pushed
    merged = bool(_MERGE.match(head)) and bool(others) and all(map(is_ours, others))
    if not (is_ours(head) or merged):
        return context
    because = (
        "the push is a GitOps commit of this action, and to publish it would lead to the next one; "
        "start the workflow by hand to publish it all the same"
    )
    return replace(context, source=Nothing(because))
