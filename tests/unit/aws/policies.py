"""Lifecycle policies that ECR takes, drawn at random."""

from __future__ import annotations

from hypothesis import strategies as st

from ecr_action.aws.policy import Policy, Rule, Selection

PREFIXES = ("prod-", "staging-", "dev-", "v", "pr-", "latest", "a", "b")
PATTERNS = ("*", "v*.*.*", "latest", "prod-*", "*-rc*", "a*b*c*d*")
COUNTS = st.integers(1, 12)


@st.composite
def selections(draw: st.DrawFn, status: str, prefixes: tuple[str, ...]) -> tuple[Selection, str]:
    """A selection of images that are not archived, and an action that goes with it."""
    kind = draw(st.sampled_from(["imageCountMoreThan", "sinceImagePushed", "sinceImagePulled"]))
    action = "transition" if kind == "sinceImagePulled" else draw(st.sampled_from(["expire", "transition"]))
    by_pattern = status == "tagged" and not prefixes
    patterns = tuple(draw(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2))) if by_pattern else ()
    return Selection(
        tag_status=status, count_type=kind, count_number=draw(COUNTS), prefixes=prefixes, patterns=patterns
    ), action


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Up to eight rules: prefixes used once, one untagged rule, one of any image at the end, one for the archive."""
    free = draw(st.permutations(PREFIXES))
    chosen: list[tuple[Selection, str]] = []
    for _ in range(draw(st.integers(1, 5))):
        count = min(draw(st.integers(0, 2)), len(free))
        chosen.append(draw(selections("tagged", tuple(free[:count]))))
        free = free[count:]
    if draw(st.booleans()):
        chosen.insert(draw(st.integers(0, len(chosen))), draw(selections("untagged", ())))
    if draw(st.booleans()):
        archive = Selection(
            tag_status="any", count_type="sinceImageTransitioned", count_number=90, storage_class="archive"
        )
        chosen.insert(draw(st.integers(0, len(chosen))), (archive, "expire"))
    if draw(st.booleans()):
        chosen.append(draw(selections("any", ())))
    numbers = sorted(draw(st.sets(st.integers(1, 999), min_size=len(chosen), max_size=len(chosen))))
    texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
    return Policy(
        tuple(
            Rule(priority=number, selection=selection, action=action, description=draw(texts))
            for number, (selection, action) in zip(numbers, chosen, strict=True)
        )
    )
