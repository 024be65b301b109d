"""The ECR API (JSON 1.1): image operations by the lab itself, repositories and policies by moto.

Follows the Amazon ECR API reference, operation by operation; rows in FIDELITY.md.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from . import model
from .call import ACCOUNT, Answer, Call
from .clock import Clock
from .errors import AwsError, invalid_parameter
from .identity import Caller, Identities
from .images import Images, Place
from .layers import LayerOperations
from .lifecycle import LifecycleOperations
from .moto_backend import Moto
from .scans import ScanOperations

BY_MOTO = {
    "CreateRepository",
    "DeleteRepository",
    "DescribeRepositories",
    "DescribeRegistry",
    "PutReplicationConfiguration",
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
    "PutImageScanningConfiguration",
    "PutImageTagMutability",
    "SetRepositoryPolicy",
    "GetRepositoryPolicy",
    "DeleteRepositoryPolicy",
    "GetRegistryScanningConfiguration",
    "BatchGetRepositoryScanningConfiguration",
}
# The API reference's note on ListImageReferrers: it needs the permission of another operation.
ACTION_OF = {"ListImageReferrers": "BatchGetImage"}


@dataclass(frozen=True)
class Ecr:
    """The operations: *parts* have the methods of their own, moto answers the rest.

    host: gives the host name, with its port, of an account's registry in a region.
    """

    images: Images
    layers: LayerOperations
    lifecycle: LifecycleOperations
    scans: ScanOperations
    moto: Moto
    identities: Identities
    clock: Clock
    host: Callable[[str, str], str]
    parts: tuple[object, ...]

    def answer(self, call: Call) -> Answer:
        """Return the result of *call*; AwsError for every refusal."""
        own = self._own(call.operation)
        if own is None and call.operation not in BY_MOTO:
            text = f"The lab does not answer ecr:{call.operation}"
            raise AwsError("UnknownOperationException", text, 501)
        model.check(call.operation, call.parameters)
        if not ACCOUNT.fullmatch(call.registry):
            raise invalid_parameter("registryId", "must satisfy regular expression '[0-9]{12}'")
        self._authorize(call)
        return own(call) if own else self._by_moto(call)

    def _own(self, operation: str) -> Callable[[Call], Answer] | None:
        for part in (self, *self.parts):
            found: Callable[[Call], Answer] | None = getattr(part, f"_{operation}", None)
            if found:
                return found
        return None

    def _authorize(self, call: Call) -> None:
        action = f"ecr:{ACTION_OF.get(call.operation, call.operation)}"
        for resource in self._resources(call):
            self.authorize(call.caller, action, resource, call.region, call.parameters.get("tags"))
        if call.operation == "CreateRepository" and call.parameters.get("tags"):
            tags = call.parameters["tags"]
            self.authorize(call.caller, "ecr:TagResource", call.place.arn, call.region, tags)

    def authorize(
        self, caller: Caller, action: str, resource: str, region: str, tags: list[dict[str, str]] | None = None
    ) -> None:
        """Raise AccessDeniedException unless *caller* may do *action* on *resource*, its own policy included.

        tags: the tags that the request sets, ``[{"Key", "Value"}]``.
        """
        context: dict[str, str | list[str]] = {"aws:RequestedRegion": region}
        for tag in tags or []:
            context[f"aws:RequestTag/{tag.get('Key')}"] = str(tag.get("Value"))
        if tags:
            context["aws:TagKeys"] = [str(tag.get("Key")) for tag in tags]
        text = None
        if ":repository/" in resource:
            account, name = resource.split(":")[4], resource.split(":repository/", 1)[1]
            repository = self.moto.repository(account, region, name)
            text = repository.policy if repository else None
            for key, value in self.moto.repository_tags(account, region, resource).items():
                context[f"aws:ResourceTag/{key}"] = context[f"ecr:ResourceTag/{key}"] = value
        self.identities.authorize(caller, action, resource, context, text)

    def _resources(self, call: Call) -> list[str]:
        if call.operation in ("GetAuthorizationToken", *_REGISTRY_WIDE):
            return ["*"]
        if "resourceArn" in call.parameters:
            return [str(call.parameters["resourceArn"])]
        names = call.parameters.get("repositoryNames") or [call.parameters.get("repositoryName") or "*"]
        return [Place(call.registry, call.region, str(name)).arn for name in names]

    # Repositories: moto answers.

    def _by_moto(self, call: Call) -> Answer:
        if call.operation == "DeleteRepository":
            self._check_empty(call)
        parameters = {k: v for k, v in call.parameters.items() if k != "registryId"}
        result: Answer = self.moto.ecr(call.registry, call.region, call.operation, parameters)
        if call.operation == "DeleteRepository":
            self.images.close(call.place)
            self.lifecycle.forget(call.place)
            self.scans.forget(call.place)
        for repository in [result.get("repository"), *result.get("repositories", [])]:
            if repository:
                host = self.host(repository["registryId"], call.region)
                repository["repositoryUri"] = f"{host}/{repository['repositoryName']}"
        for scanning in result.get("scanningConfigurations", []):
            self._tell_scan_on_push(call, scanning)
        return result

    def _tell_scan_on_push(self, call: Call, scanning: Answer) -> None:
        """Let the repository's own setting count where no rule of the registry applies; moto leaves it out."""
        repository = self.moto.repository(call.registry, call.region, str(scanning["repositoryName"]))
        own = repository.image_scanning_configuration if repository else {}
        basic = self.moto.scanning(call.registry, call.region)["scanType"] == "BASIC"
        if scanning.get("appliedScanFilters"):
            scanning["scanOnPush"] = scanning["scanFrequency"] != "MANUAL"
        elif basic and isinstance(own, dict) and own.get("scanOnPush"):
            scanning.update(scanOnPush=True, scanFrequency="SCAN_ON_PUSH")

    def _check_empty(self, call: Call) -> None:
        place = call.place
        if self.images.all(self.images.open(place)) and not call.parameters.get("force"):
            raise AwsError(
                "RepositoryNotEmptyException",
                f"The repository with name '{place.name}' in registry with id '{place.account}' "
                "cannot be deleted because it still contains images",
            )

    def _GetAuthorizationToken(self, call: Call) -> Answer:
        password, expires_at = self.identities.new_password(call.caller, call.region)
        token = base64.b64encode(f"AWS:{password}".encode()).decode()
        accounts = call.parameters.get("registryIds") or [call.caller.account]
        rows = [
            {
                "authorizationToken": token,
                "expiresAt": round(expires_at, 3),
                "proxyEndpoint": f"https://{self.host(str(account), call.region)}",
            }
            for account in accounts
        ]
        return {"authorizationData": rows}


_REGISTRY_WIDE = (
    "GetRegistryScanningConfiguration",
    "PutRegistryScanningConfiguration",
    "GetAccountSetting",
    "PutAccountSetting",
    "DescribeRegistry",
    "PutReplicationConfiguration",
    "CreateRepositoryCreationTemplate",
    "DescribeRepositoryCreationTemplates",
    "UpdateRepositoryCreationTemplate",
    "DeleteRepositoryCreationTemplate",
)
