"""ECR repositories: read, created, and their lifecycle policy. What the role may not do costs a notice."""

from __future__ import annotations

from typing import Any

from ecr_action.aws import inventory, permissions, refusals
from ecr_action.aws.calls import Losses, Service
from ecr_action.aws.refusals import DENIED, Refusal
from ecr_action.aws.simulate import Stored
from ecr_action.errors import AwsDenied, AwsRefused
from ecr_action.protocols import Clock, Lifecycle, RepositorySpec, RepositoryState

_NOT_FOUND = "RepositoryNotFoundException"
_EXISTS = "RepositoryAlreadyExistsException"
_NO_POLICY = "LifecyclePolicyNotFoundException"
# The tags that have to move in any repository; ECR takes five filters (API reference, CreateRepository).
MOVING = ("latest", "deployed-*", "buildcache*", "key-*", "sha256-*")
_IMMUTABLE = {
    "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
    "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": name} for name in MOVING],
}
# Seconds between the reads of a repository that another job has made a moment ago.
_PAUSES = (0.5, 1.0, 2.0, 4.0)


class EcrRepository:
    """The repositories of one registry, through *ecr*."""

    def __init__(self, ecr: Service, losses: Losses, clock: Clock) -> None:
        self._ecr = ecr
        self._losses = losses
        self._clock = clock

    def read(self, name: str) -> RepositoryState | None:
        """The repository as it is, None where there is none. Raises AwsDenied, AwsRefused, AwsUnreachable."""
        answer = self._ecr.call(
            "DescribeRepositories", expected=(_NOT_FOUND,), repositoryNames=[name], **self._ecr.registry
        )
        return None if isinstance(answer, Refusal) else _state(answer["repositories"][0])

    def read_lifecycle(self, name: str) -> Lifecycle:
        """The lifecycle policy's text; not readable, with a notice, where the role may not read it."""
        answer = self._ecr.call(
            "GetLifecyclePolicy",
            expected=(_NO_POLICY, _NOT_FOUND, *DENIED),
            repositoryName=name,
            **self._ecr.registry,
        )
        if not isinstance(answer, Refusal):
            return Lifecycle(readable=True, text=str(answer["lifecyclePolicyText"]))
        if answer.denied:
            self._losses.say(answer)
            return Lifecycle(readable=False)
        return Lifecycle(readable=True)

    def create(self, spec: RepositorySpec) -> tuple[RepositoryState, bool]:
        """Create it; the flag is False where another job was faster. Raises AwsDenied, AwsRefused, AwsUnreachable."""
        answer = self._create(spec, tagged=bool(spec.tags))
        if isinstance(answer, Refusal) and answer.denied and spec.tags:
            if refusals.denial(answer).action != "ecr:TagResource":
                raise _may_not_create(answer, spec)
            self._losses.say(answer)
            answer = self._create(spec, tagged=False)
        if not isinstance(answer, Refusal):
            return _state(answer["repository"]), True
        if answer.denied:
            raise _may_not_create(answer, spec)
        return self._other_job_s(spec.name, answer), False

    def _create(self, spec: RepositorySpec, *, tagged: bool) -> dict[str, Any] | Refusal:
        key = {"kmsKey": spec.kms_key} if spec.kms_key else {}
        tags = {"tags": [{"Key": key, "Value": value} for key, value in spec.tags.items()]} if tagged else {}
        return self._ecr.call(
            "CreateRepository",
            expected=(_EXISTS, *DENIED),
            repositoryName=spec.name,
            imageScanningConfiguration={"scanOnPush": spec.scan_on_push},
            encryptionConfiguration={"encryptionType": spec.encryption, **key},
            **(_IMMUTABLE if spec.immutable else {}),
            **tags,
            **self._ecr.registry,
        )

    def _other_job_s(self, name: str, refusal: Refusal) -> RepositoryState:
        for pause in _PAUSES:
            state = self.read(name)
            if state is not None:
                return state
            self._clock.sleep(pause)
        raise AwsRefused(
            f"ECR says that the repository {name} exists, and does not show it: {refusal.message}",
            why="Another job may have created and deleted it at this moment.",
            fix="Run the job again.",
        )

    def write_lifecycle(self, name: str, text: str) -> bool:
        """Put the policy; False, with a notice, where the role may not. Raises AwsRefused with ECR's own reason."""
        answer = self._ecr.call(
            "PutLifecyclePolicy",
            expected=DENIED,
            repositoryName=name,
            lifecyclePolicyText=text,
            **self._ecr.registry,
        )
        if isinstance(answer, Refusal):
            self._losses.say(answer)
            return False
        return True

    def stored(self, name: str) -> tuple[Stored, ...] | None:
        """Every image, archived ones too; None, with a notice, where the role may not list them."""
        refusal, rows = inventory.rows(self._ecr, name)
        if refusal is not None:
            self._losses.say(refusal)
            return None
        return inventory.images(self._ecr, name, rows)


def _may_not_create(refusal: Refusal, spec: RepositorySpec) -> AwsDenied:
    failure = refusals.denied(refusal)
    failure.fix += f"\nOr create it once by hand: aws ecr create-repository --repository-name {spec.name}"
    if spec.encryption != "AES256" and refusals.denial(refusal).action.startswith("kms:"):
        actions = [p.action for p in permissions.PERMISSIONS if p.resource == permissions.KEY]
        failure.fix += f"\nA key of your own needs: {permissions.statement(actions, spec.kms_key or '*')}"
    return failure


def _state(row: dict[str, Any]) -> RepositoryState:
    filters = row.get("imageTagMutabilityExclusionFilters") or []
    return RepositoryState(
        name=str(row["repositoryName"]),
        uri=str(row["repositoryUri"]),
        arn=str(row["repositoryArn"]),
        account=str(row["registryId"]),
        mutability=str(row.get("imageTagMutability") or "MUTABLE"),
        immutable_except=tuple(str(item["filter"]) for item in filters),
        scan_on_push=bool((row.get("imageScanningConfiguration") or {}).get("scanOnPush")),
        encryption=str((row.get("encryptionConfiguration") or {}).get("encryptionType") or "AES256"),
        created_at=row.get("createdAt"),
    )
