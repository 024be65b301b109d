"""Repository creation templates: which one fits a name, and what it says of a repository that is made. Pure.

Sources: ECR user guide, "Templates to control repositories created during a pull through cache, create on push, or
replication action" (the most specific prefix counts, ROOT fits every name); API reference, RepositoryCreationTemplate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ecr_action.aws import lifecycle
from ecr_action.protocols import RepositorySpec

ROOT, SCENARIO = "ROOT", "CREATE_ON_PUSH"


def fitting(name: str, rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The template by which ECR itself would create the repository *name* on a push, None where there is none."""
    fit = [row for row in rows if SCENARIO in row.get("appliedFor", ()) and _fits(str(row["prefix"]), name)]
    return max(fit, key=lambda row: -1 if row["prefix"] == ROOT else len(str(row["prefix"])), default=None)


def _fits(prefix: str, name: str) -> bool:
    return prefix == ROOT or name.startswith(f"{prefix.rstrip('/')}/")


def applied(spec: RepositorySpec, template: Mapping[str, Any]) -> RepositorySpec:
    """*spec* with the template's settings where its own are the inputs' defaults; tags of both, the inputs' first."""
    encryption, tags = template.get("encryptionConfiguration") or {}, template.get("resourceTags") or ()
    filters = template.get("imageTagMutabilityExclusionFilters") or ()
    found = replace(
        spec,
        template=str(template["prefix"]),
        tags={**{str(tag["Key"]): str(tag["Value"]) for tag in tags}, **spec.tags},
        policy=template.get("repositoryPolicy") or None,
    )
    if (spec.encryption, spec.kms_key) == ("AES256", None) and encryption:
        kind, key = str(encryption["encryptionType"]), encryption.get("kmsKey")
        found = replace(found, encryption=kind, kms_key=key or None)
    if spec.mutability == "MUTABLE":
        mutability = str(template.get("imageTagMutability") or "MUTABLE")
        found = replace(found, mutability=mutability, immutable_except=tuple(str(one["filter"]) for one in filters))
    if template.get("lifecyclePolicy") and _unchosen(spec):
        found = replace(found, lifecycle_policy=str(template["lifecyclePolicy"]), lifecycle_is_default=False)
    return found


def _unchosen(spec: RepositorySpec) -> bool:
    """Whether the lifecycle policy is the default one because nobody wrote anything about it."""
    plain = spec.lifecycle_policy == lifecycle.text(lifecycle.default_policy())
    return plain and spec.lifecycle_is_default and not spec.lifecycle_asked_for
