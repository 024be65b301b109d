"""Lifecycle policies by the ECR API, their previews, and their effect when the lab is told that a day has passed.

Follows the ECR API reference and the user guide's pages on lifecycle policies. Rows in FIDELITY.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .call import Answer, Call, page
from .clock import Clock
from .errors import AwsError
from .expiry import State, outcomes
from .images import Images, Place
from .lifecycle_text import Rule, checked, storage_class
from .store import Store

POLICY, PREVIEW, PENDING = "lifecycle", "preview", "pending"


@dataclass(frozen=True)
class LifecycleOperations:
    """The operations. Methods are named after their operations."""

    store: Store
    clock: Clock
    images: Images

    def _PutLifecyclePolicy(self, call: Call) -> Answer:
        self.images.open(call.place)
        text = str(call.parameters.get("lifecyclePolicyText", ""))
        self.keep(call.place, text)
        return _named(call.place, lifecyclePolicyText=text)

    def keep(self, place: Place, text: str) -> None:
        """Put a policy on a repository; InvalidParameterException for one that ECR refuses."""
        checked(text)
        self.store.keep((place.account, place.region), POLICY, place.name, {"text": text})

    def _GetLifecyclePolicy(self, call: Call) -> Answer:
        kept = self._policy(call.place)
        evaluated = {"lastEvaluatedAt": kept["evaluated"]} if "evaluated" in kept else {}
        return _named(call.place, lifecyclePolicyText=kept["text"], **evaluated)

    def _DeleteLifecyclePolicy(self, call: Call) -> Answer:
        answer = self._GetLifecyclePolicy(call)
        self.store.drop((call.registry, call.region), POLICY, call.place.name)
        return answer

    def forget(self, place: Place) -> None:
        """Forget policy and preview of a repository that was deleted."""
        for kind in (POLICY, PREVIEW):
            self.store.drop((place.account, place.region), kind, place.name)

    def _policy(self, place: Place) -> dict[str, Any]:
        self.images.open(place)
        kept = self.store.documents((place.account, place.region), POLICY).get(place.name)
        if kept is None:
            raise AwsError("LifecyclePolicyNotFoundException", _absent("Lifecycle policy does not exist", place))
        return kept

    def _StartLifecyclePolicyPreview(self, call: Call) -> Answer:
        place = call.place
        repository = self.images.open(place)
        text = str(call.parameters.get("lifecyclePolicyText") or self._policy(place)["text"])
        rules, where = checked(text), (place.account, place.region)
        standing = self.store.documents(where, PREVIEW).get(place.name)
        if standing and standing["pending"] > 0:
            text = _absent("A lifecycle policy preview is in progress", place)
            raise AwsError("LifecyclePolicyPreviewInProgressException", text)
        pending = int(self.store.setting(PENDING, "0"))
        preview = {"text": text, "pending": pending, "rows": self._rows(repository, rules)}
        self.store.keep(where, PREVIEW, place.name, preview)
        return _named(place, lifecyclePolicyText=text, status="IN_PROGRESS")

    def _GetLifecyclePolicyPreview(self, call: Call) -> Answer:
        place, where = call.place, (call.registry, call.region)
        self.images.open(place)
        preview = self.store.documents(where, PREVIEW).get(place.name)
        if preview is None:
            text = _absent("Lifecycle policy preview does not exist", place)
            raise AwsError("LifecyclePolicyPreviewNotFoundException", text)
        if preview["pending"] > 0:
            self.store.keep(where, PREVIEW, place.name, {**preview, "pending": preview["pending"] - 1})
            return _named(place, lifecyclePolicyText=preview["text"], status="IN_PROGRESS")
        rows = [row for row in preview["rows"] if _is_asked_for(row, call.parameters)]
        shown, token = page(rows, call.parameters, most=100)
        return _named(
            place,
            lifecyclePolicyText=preview["text"],
            status="COMPLETE",
            previewResults=shown,
            summary=_summary(preview["rows"]),
            **token,
        )

    def _rows(self, repository: int, rules: list[Rule]) -> list[Answer]:
        states = self._states(repository)
        acting = outcomes(rules, states, self.clock.now())
        return [_row(state, acting[state.digest]) for state in states if state.digest in acting]

    def _states(self, repository: int) -> list[State]:
        tags, rows = self.images.tags(repository), self.images.all(repository)
        holding = {str(row["digest"]) for row in rows if row["status"] != "ARCHIVED"}
        return [
            State(
                digest=str(row["digest"]),
                tags=tuple(tags.get(row["digest"], ())),
                pushed_at=row["pushed_at"],
                status=row["status"],
                pulled_at=row["pulled_at"],
                archived_at=row["archived_at"],
                activated_at=row["activated_at"],
                held=not holding.isdisjoint(self.images.parents(repository, str(row["digest"]))),
                subject=row["subject"],
            )
            for row in rows
        ]

    def act(self) -> list[dict[str, Any]]:
        """Do what the policies of all repositories ask for now; return it, a row for each image.

        Then referrers follow subjects that are archived or gone.
        """
        done: list[dict[str, Any]] = []
        for account, region, name, kept in self._policies():
            place = Place(account, region, name)
            repository = self.images.open(place)
            rows = self._rows(repository, checked(kept["text"]))
            for row in rows:
                if row["action"]["type"] == "EXPIRE":
                    self.images.delete(repository, row["imageDigest"])
                else:
                    self.images.archive(repository, row["imageDigest"])
            done += [{"repositoryName": name, **row} for row in rows]
            kept = {**kept, "evaluated": round(self.clock.now(), 3)}
            self.store.keep((account, region), POLICY, name, kept)
        self.images.sweep()
        return done

    def _policies(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        places = {(p.account, p.region) for p in self.images.places()}
        return [(*where, name, kept) for where in places for name, kept in self.store.documents(where, POLICY).items()]


def _named(place: Place, **rest: Any) -> Answer:
    return {"registryId": place.account, "repositoryName": place.name, **rest}


def _absent(start: str, place: Place) -> str:
    return f"{start} for the repository with name '{place.name}' in the registry with id '{place.account}'"


def _row(state: State, rule: Rule) -> Answer:
    action = {"type": str(rule["action"]["type"]).upper()}
    if action["type"] == "TRANSITION":
        action["targetStorageClass"] = "ARCHIVE"
    row = {
        "imageDigest": state.digest,
        "imagePushedAt": round(state.pushed_at, 3),
        "action": action,
        "appliedRulePriority": rule["rulePriority"],
        "storageClass": storage_class(rule).upper(),
    }
    return {**row, "imageTags": list(state.tags)} if state.tags else row


def _is_asked_for(row: Answer, parameters: dict[str, Any]) -> bool:
    status = (parameters.get("filter") or {}).get("tagStatus", "ANY")
    tags, ids = row.get("imageTags", []), parameters.get("imageIds")
    if status != "ANY" and (status == "TAGGED") != bool(tags):
        return False
    return not ids or any(i.get("imageDigest") == row["imageDigest"] or i.get("imageTag") in tags for i in ids)


def _summary(rows: list[Answer]) -> Answer:
    expiring = sum(row["action"]["type"] == "EXPIRE" for row in rows)
    moving = {"targetStorageClass": "ARCHIVE", "imageTotalCount": len(rows) - expiring}
    return {"expiringImageTotalCount": expiring, "transitioningImageTotalCounts": [moving]}
