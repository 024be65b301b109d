"""ECR repositories: read, created, and their lifecycle policy. What the role may not do costs a notice."""

from __future__ import annotations

from typing import Any

from ecr_action.aws import inventory, permissions, refusals, templates
from ecr_action.aws.calls import Losses, Service
from ecr_action.aws.refusals import DENIED, Refusal
from ecr_action.aws.simulate import Stored
from ecr_action.errors import AwsDenied, AwsRefused
from ecr_action.protocols import Clock, Lifecycle, RepositorySpec, RepositoryState, Scanning

_NOT_FOUND = "RepositoryNotFoundException"
_EXISTS = "RepositoryAlreadyExistsException"
_KMS = "KmsException"
_NO_POLICY = "LifecyclePolicyNotFoundException"
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
            if spec.policy:
                self._write("SetRepositoryPolicy", spec.name, policyText=spec.policy)
            return _state(answer["repository"]), True
        if answer.denied:
            raise _may_not_create(answer, spec)
        if answer.code == _KMS:
            raise _no_key(answer, spec)
        return self._other_job_s(spec.name, answer), False

    def _create(self, spec: RepositorySpec, *, tagged: bool) -> dict[str, Any] | Refusal:
        key = {"kmsKey": spec.kms_key} if spec.kms_key else {}
        tags = {"tags": [{"Key": key, "Value": value} for key, value in spec.tags.items()]} if tagged else {}
        return self._ecr.call(
            "CreateRepository",
            expected=(_EXISTS, _KMS, *DENIED),
            repositoryName=spec.name,
            imageScanningConfiguration={"scanOnPush": spec.scan_on_push},
            encryptionConfiguration={"encryptionType": spec.encryption, **key},
            **(_mutability(spec) if spec.mutability != "MUTABLE" else {}),
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
        return self._write("PutLifecyclePolicy", name, lifecyclePolicyText=text)

    def write_scanning(self, name: str, on: bool) -> bool:
        """Switch the repository's own scanning on push; False, with a notice, where the role may not."""
        return self._write("PutImageScanningConfiguration", name, imageScanningConfiguration={"scanOnPush": on})

    def write_mutability(self, spec: RepositorySpec) -> bool:
        """Make its tags as *spec* has them; False, with a notice, where the role may not."""
        return self._write("PutImageTagMutability", spec.name, **_mutability(spec))

    def _write(self, operation: str, name: str, **settings: Any) -> bool:
        answer = self._ecr.call(operation, expected=DENIED, repositoryName=name, **settings, **self._ecr.registry)
        if isinstance(answer, Refusal):
            self._losses.say(answer)
            return False
        return True

    def scanning(self, name: str) -> Scanning | None:
        """How it is scanned in effect: a rule of the registry overrules what the repository says itself.

        None, with a notice, where the role may not ask; and for another account's registry, which ECR doesn't tell.
        """
        if self._ecr.registry_id:
            return None
        answer = self._ecr.call("BatchGetRepositoryScanningConfiguration", expected=DENIED, repositoryNames=[name])
        if isinstance(answer, Refusal):
            self._losses.say(answer)
            return None
        rows = answer.get("scanningConfigurations") or []
        if not rows:
            return None
        on_push = bool(rows[0].get("scanOnPush")) or rows[0].get("scanFrequency") in ("SCAN_ON_PUSH", "CONTINUOUS_SCAN")
        return Scanning(on_push=on_push, by_rule=bool(rows[0].get("appliedScanFilters")))

    def templated(self, spec: RepositorySpec) -> RepositorySpec:
        """*spec* with the defaults of the creation template for its name; as it is, with a notice, where denied.

        As it is also in another account's registry, whose templates ECR doesn't tell.
        """
        rows: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        while not self._ecr.registry_id:
            answer = self._ecr.call("DescribeRepositoryCreationTemplates", expected=DENIED, **more)
            if isinstance(answer, Refusal):
                self._losses.say(answer)
                break
            rows += answer.get("repositoryCreationTemplates") or []
            if not answer.get("nextToken"):
                break
            more = {"nextToken": answer["nextToken"]}
        template = templates.fitting(spec.name, rows)
        return templates.applied(spec, template) if template else spec

    def stored(self, name: str) -> tuple[Stored, ...] | None:
        """Every image, archived ones too; None, with a notice, where the role may not list them."""
        refusal, rows = inventory.rows(self._ecr, name)
        if refusal is not None:
            self._losses.say(refusal)
            return None
        return inventory.images(self._ecr, name, rows)


def _no_key(refusal: Refusal, spec: RepositorySpec) -> AwsRefused:
    """ECR can't use the key that a new repository is to have: nothing was created."""
    key = spec.kms_key or "AWS's own key of the account"
    return AwsRefused(
        f"The repository {spec.name} can't be created with the key {key}: {refusal.code}: {refusal.message}",
        why="The key does not exist, is disabled, lies in another Region, or its policy does not let ECR use it.",
        fix=f"aws kms describe-key --key-id {spec.kms_key or 'alias/aws/ecr'}\n"
        "kms-key: arn:aws:kms:REGION:ACCOUNT:key/ID   # a key of the repository's own Region",
    )


def _may_not_create(refusal: Refusal, spec: RepositorySpec) -> AwsDenied:
    failure = refusals.denied(refusal)
    failure.fix += f"\nOr create it once by hand: aws ecr create-repository --repository-name {spec.name}"
    if spec.encryption != "AES256" and refusals.denial(refusal).action.startswith("kms:"):
        actions = [p.action for p in permissions.PERMISSIONS if p.resource == permissions.KEY]
        failure.fix += f"\nA key of your own needs: {permissions.statement(actions, spec.kms_key or '*')}"
    return failure


def _mutability(spec: RepositorySpec) -> dict[str, Any]:
    filters = [{"filterType": "WILDCARD", "filter": name} for name in spec.immutable_except]
    excluded = {"imageTagMutabilityExclusionFilters": filters} if filters else {}
    return {"imageTagMutability": spec.mutability, **excluded}


def _state(row: dict[str, Any]) -> RepositoryState:
    filters = row.get("imageTagMutabilityExclusionFilters") or []
    encryption = row.get("encryptionConfiguration") or {}
    return RepositoryState(
        name=str(row["repositoryName"]),
        uri=str(row["repositoryUri"]),
        arn=str(row["repositoryArn"]),
        account=str(row["registryId"]),
        mutability=str(row.get("imageTagMutability") or "MUTABLE"),
        immutable_except=tuple(str(item["filter"]) for item in filters),
        scan_on_push=bool((row.get("imageScanningConfiguration") or {}).get("scanOnPush")),
        encryption=str(encryption.get("encryptionType") or "AES256"),
        kms_key=str(encryption.get("kmsKey") or ""),
        created_at=row.get("createdAt"),
    )
