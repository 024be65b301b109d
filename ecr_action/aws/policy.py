"""What a lifecycle policy is: rules, each a selection of images and an action. Pure.

Source: ECR user guide, "Lifecycle policy properties in Amazon ECR".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which images a rule is about.

    *tag_status*: ``tagged``, ``untagged``, ``any``. A tagged image must match **all** of *prefixes* (or *patterns*),
    each by any of its tags. *count_type*: ``imageCountMoreThan`` or an age (``sinceImagePushed``, ...) in days.
    """

    tag_status: str
    count_type: str
    count_number: int
    prefixes: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    storage_class: str = "standard"

    @property
    def by_age(self) -> bool:
        """Whether images are told by age, not by their number."""
        return self.count_type != "imageCountMoreThan"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. *priority*: lower is applied first. *action*: ``expire`` or ``transition`` (to the archive)."""

    priority: int
    selection: Selection
    description: str = ""
    action: str = "expire"


@dataclass(frozen=True)
class Policy:
    """A policy: its *rules* in the order in which they are applied."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Keep:
    """How much of a kind of images stays: the last *number* of them, or each for *number* days."""

    number: int
    days: bool = False


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something to say of a policy. *severity*: ``error`` (ECR refuses it) or ``warning``; *rule* is a priority."""

    severity: str
    code: str
    message: str
    fix: str
    rule: int | None = None
    where: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message
