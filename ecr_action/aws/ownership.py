"""Whose lifecycle policy stands, and whether ours is written over it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ecr_action.aws import lifecycle
from ecr_action.aws.policy import Policy
from ecr_action.aws.simulate import Fate, Stored, simulate
from ecr_action.protocols import Lifecycle, RepositorySpec

# A policy may still be missing on a repository this young because a run was cut off between its two calls.
YOUNG = timedelta(hours=1)
# More images than these are counted, not listed.
_LISTED = 10
# The images that the repository holds; None where the role may not list them.
Inventory = Callable[[], "Sequence[Stored] | None"]


@dataclass(frozen=True)
class Decision:
    """Whether to write, why, and how loudly to say so (``info``, ``notice``, ``warning``)."""

    write: bool
    because: str
    level: str = "info"


def decide(
    standing: Lifecycle,
    spec: RepositorySpec,
    *,
    created_now: bool,
    created_at: datetime | None,
    now: datetime,
    inventory: Inventory,
) -> Decision:
    """Whether the policy of *spec* is written over what stands. *created_at* None = unknown, which counts as old.

    *inventory* is called only where images decide.
    """
    if created_now:
        return Decision(True, "The new repository gets its lifecycle policy.")
    young = created_at is not None and now - created_at < YOUNG
    if not standing.readable:
        if young:
            return Decision(True, "The repository is less than an hour old: its lifecycle policy is written (again).")
        return Decision(False, "The lifecycle policy can't be read, and is left as it is.")
    have = lifecycle.parse(standing.text)[0] if standing.text else None
    want = lifecycle.parse(spec.lifecycle_policy or "")[0]
    if standing.text == spec.lifecycle_policy or (have and want and lifecycle.same(have, want)):
        return Decision(False, "The lifecycle policy is as wanted.")
    if standing.text is not None and not (have and lifecycle.ours(have)):
        return _somebody_else_s(spec, have, want, now, inventory)
    return _over_ours(spec, have, want, now, inventory, young=young)


def _over_ours(
    spec: RepositorySpec, have: Policy | None, want: Policy | None, now: datetime, inventory: Inventory, *, young: bool
) -> Decision:
    """Nothing stands, or an earlier default."""
    what = f"The repository {spec.name} has {'an earlier default' if have else 'no'} lifecycle policy"
    lost = _lost(have, want, now, inventory)
    if spec.lifecycle_asked_for:
        return Decision(True, f"{what}, and gets the one that is asked for.{_listed(lost)}", _level(lost))
    if lost is None:
        if young and have is None:
            return Decision(True, f"{what}, is less than an hour old, and gets the default one.")
        return Decision(False, f"{what}, and its images can't be listed: it stays so. {_ASK}", "notice")
    if lost:
        return Decision(False, f"{what}. The default one is not written unasked.{_listed(lost)} {_ASK}", "warning")
    return Decision(True, f"{what}, and gets the default one: no tagged image expires by it today.")


_ASK = (
    "Look at the policy with `python -m ecr_action lifecycle default`; to have it written, add the line "
    "`lifecycle-policy: default`, to leave policies alone `lifecycle-policy: none`."
)


def _somebody_else_s(
    spec: RepositorySpec, have: Policy | None, want: Policy | None, now: datetime, inventory: Inventory
) -> Decision:
    which = "the default one" if spec.lifecycle_is_default else "the one of lifecycle-policy"
    what = f"The repository {spec.name} has another lifecycle policy than {which}"
    if spec.drift == "fix":
        lost = _lost(have, want, now, inventory)
        if lost is None and not spec.lifecycle_asked_for:
            return Decision(False, f"{what}, and its images can't be listed: it stays. {_ASK}", "notice")
        if lost and not spec.lifecycle_asked_for:
            stays = f"{what}: 'drift: fix' does not replace it unasked."
            return Decision(False, f"{stays}{_listed(lost)} {_ASK}", "warning")
        return Decision(True, f"{what}: it is replaced, as 'drift: fix' says.{_listed(lost)}", _level(lost))
    if spec.drift == "ignore":
        return Decision(False, f"{what}: it stays.")
    differs = lifecycle.difference(have, want) if have and want else "(it can't be read as a policy)"
    return Decision(
        False,
        f"{what}, written by somebody else (Terraform, the console): it stays. To replace it: drift: fix. To leave it "
        f"alone without this warning: lifecycle-policy: none. It differs (- stands, + is wanted):\n{differs}",
        "warning",
    )


def _lost(have: Policy | None, want: Policy | None, now: datetime, inventory: Inventory) -> tuple[Fate, ...] | None:
    """The tagged images that *want* expires today and *have* does not; None where they can't be listed."""
    images = inventory()
    if images is None or want is None:
        return None
    going = {fate.digest for fate in simulate(have, images, now) if fate.action == "expire"} if have else set()
    return tuple(
        fate
        for fate in simulate(want, images, now)
        if fate.action == "expire" and fate.tags and fate.digest not in going
    )


def _level(lost: Sequence[Fate] | None) -> str:
    return "warning" if lost else "info"


def _listed(lost: Sequence[Fate] | None) -> str:
    if not lost:
        return ""
    names = ", ".join(f"{fate.tags[0]} (rule {fate.rule})" for fate in lost[:_LISTED])
    more = f" and {len(lost) - _LISTED} more" if len(lost) > _LISTED else ""
    return f" It expires {len(lost)} tagged images today: {names}{more}."
