"""The ECR API (JSON 1.1): image operations by the lab itself, repositories and policies by moto.

Follows the Amazon ECR API reference, operation by operation; rows in FIDELITY.md.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from .clock import Clock
from .content import Content
from .errors import AwsError, invalid_parameter
from .identity import Caller, Identities
from .images import DIGEST, MANIFEST_BYTES, TAG, Images, Place, details, parse
from .moto_backend import Moto

Answer = dict[str, Any]
BY_MOTO = {
    "CreateRepository",
    "DeleteRepository",
    "DescribeRepositories",
    "PutLifecyclePolicy",
    "GetLifecyclePolicy",
    "DeleteLifecyclePolicy",
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
    "PutImageScanningConfiguration",
    "PutImageTagMutability",
    "SetRepositoryPolicy",
    "GetRepositoryPolicy",
    "DeleteRepositoryPolicy",
    "GetRegistryScanningConfiguration",
    "PutRegistryScanningConfiguration",
    "BatchGetRepositoryScanningConfiguration",
}
LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
LAYER_URL_LIFE = 3600


@dataclass(frozen=True)
class Call:
    """One call of the API: who, where, what, with which parameters."""

    caller: Caller
    region: str
    operation: str
    parameters: dict[str, Any]
    headers: dict[str, str]

    @property
    def registry(self) -> str:
        """The account whose registry is meant."""
        return str(self.parameters.get("registryId") or self.caller.account)

    @property
    def place(self) -> Place:
        """The repository that is meant."""
        return Place(self.registry, self.region, str(self.parameters.get("repositoryName", "")))


@dataclass(frozen=True)
class Ecr:
    """The operations. *origin* is where this API is reached, *host* gives a registry's host name with its port."""

    images: Images
    content: Content
    moto: Moto
    identities: Identities
    clock: Clock
    origin: str
    host: Callable[[str, str], str]
    url_key: bytes

    def answer(self, call: Call) -> Answer:
        """Return the result of *call*; AwsError for every refusal."""
        own = getattr(self, f"_{call.operation}", None)
        if own is None and call.operation not in BY_MOTO:
            text = f"The lab does not answer ecr:{call.operation}"
            raise AwsError("UnknownOperationException", text, 501)
        self._authorize(call)
        return own(call) if own else self._by_moto(call)

    def _authorize(self, call: Call) -> None:
        action = f"ecr:{call.operation}"
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
        body = json.dumps(parameters).encode()
        answer = self.moto.call(call.registry, call.region, "ecr", call.operation, call.headers, body)
        result: Answer = json.loads(answer.body or b"{}")
        if answer.status >= 300:
            code = str(result.get("__type", "ServerException")).split("#")[-1]
            raise AwsError(code, str(result.get("message") or result.get("Message")), answer.status)
        if call.operation == "DeleteRepository":
            self.images.close(call.place)
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
        if isinstance(own, dict) and own.get("scanOnPush") and not scanning.get("appliedScanFilters"):
            scanning.update(scanOnPush=True, scanFrequency="SCAN_ON_PUSH")

    def _check_empty(self, call: Call) -> None:
        place = call.place
        if self.images.all(self.images.open(place)) and not call.parameters.get("force"):
            raise AwsError(
                "RepositoryNotEmptyException",
                f"The repository with name '{place.name}' in registry with id '{place.account}' "
                "cannot be deleted because it still contains images",
            )

    # Images: the lab answers. Methods are named after their operations.

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

    def _PutImage(self, call: Call) -> Answer:
        place, tag = call.place, call.parameters.get("imageTag")
        content = str(call.parameters.get("imageManifest", "")).encode()
        if len(content) > MANIFEST_BYTES:
            raise invalid_parameter("imageManifest", "Member must have length less than or equal to 4194304")
        _check_tag(tag)
        repository = self.images.open(place)
        manifest = parse(content, call.parameters.get("imageManifestMediaType"))
        wanted = call.parameters.get("imageDigest")
        if wanted and wanted != manifest.digest:
            raise AwsError(
                "ImageDigestDoesNotMatchException",
                f"The image digest '{wanted}' does not match the digest '{manifest.digest}' "
                "that was calculated for the image",
            )
        if not self.images.put(place, manifest, tag):
            raise AwsError(
                "ImageAlreadyExistsException",
                f"Image with digest '{manifest.digest}' and tag '{tag or 'null'}' already exists in the repository "
                f"with name '{place.name}' in registry with id '{place.account}'",
            )
        return {"image": self._image(place, repository, manifest.digest, tag)}

    def _image(self, place: Place, repository: int, digest: str, tag: str | None) -> Answer:
        content, media_type = self.images.manifest(repository, digest)
        name = {"imageDigest": digest, "imageTag": tag} if tag else {"imageDigest": digest}
        return {
            "registryId": place.account,
            "repositoryName": place.name,
            "imageId": name,
            "imageManifest": content.decode(),
            "imageManifestMediaType": media_type,
        }

    def _BatchGetImage(self, call: Call) -> Answer:
        repository = self.images.open(call.place)
        accepted = call.parameters.get("acceptedMediaTypes")
        images, failures = [], []
        for wanted in _image_ids(call):
            digest, failure = self._resolve(repository, wanted)
            row = self.images.image(repository, digest) if digest else None
            unfit = row and (row["status"] != "ACTIVE" or (accepted and row["media_type"] not in accepted))
            if failure or row is None or unfit:
                failures.append(failure or _failure(wanted, "ImageNotFound", "Requested image not found"))
            else:
                images.append(self._image(call.place, repository, str(digest), wanted.get("imageTag")))
        return {"images": images, "failures": failures}

    def _resolve(self, repository: int, wanted: dict[str, str]) -> tuple[str | None, Answer | None]:
        """Return the digest that an image id means, or the failure to report for it."""
        digest, tag = wanted.get("imageDigest"), wanted.get("imageTag")
        if not digest and not tag:
            return None, _failure(wanted, "MissingDigestAndTag", "both tag and digest cannot be null")
        if digest and not DIGEST.fullmatch(digest):
            return None, _failure(wanted, "InvalidImageDigest", "image digest is not sha256 and 64 hexadecimal digits")
        standing = self.images.digest_of(repository, tag) if tag else digest
        found = standing if standing and self.images.image(repository, standing) else None
        if found is None:
            return None, _failure(wanted, "ImageNotFound", "Requested image not found")
        if digest and digest != found:
            return None, _failure(wanted, "ImageTagDoesNotMatchDigest", "Requested digest does not match the tag's")
        return found, None

    def _DescribeImages(self, call: Call) -> Answer:
        place, repository = call.place, self.images.open(call.place)
        tags = self.images.tags(repository)
        if call.parameters.get("imageIds"):
            rows = []
            for wanted in _image_ids(call):
                digest, failure = self._resolve(repository, wanted)
                row = self.images.image(repository, digest) if digest else None
                if failure or row is None:
                    raise _image_not_found(place, wanted)
                rows.append(row)
            return {"imageDetails": [details(place, r, tags.get(r["digest"], [])) for r in rows]}
        chosen = [r for r in self.images.all(repository) if _is_chosen(r, tags, call.parameters.get("filter"))]
        page, token = _page(chosen, call.parameters)
        return {"imageDetails": [details(place, r, tags.get(r["digest"], [])) for r in page], **token}

    def _ListImages(self, call: Call) -> Answer:
        repository = self.images.open(call.place)
        tags = self.images.tags(repository)
        wanted = {"imageStatus": "ANY", **(call.parameters.get("filter") or {})}
        names: list[dict[str, str]] = []
        for row in self.images.all(repository):
            if _is_chosen(row, tags, wanted):
                digest = str(row["digest"])
                names += [{"imageDigest": digest, "imageTag": t} for t in tags.get(digest, [])] or [
                    {"imageDigest": digest}
                ]
        page, token = _page(names, call.parameters)
        return {"imageIds": page, **token}

    def _BatchDeleteImage(self, call: Call) -> Answer:
        repository = self.images.open(call.place)
        deleted, failures = [], []
        for wanted in _image_ids(call):
            digest, failure = self._resolve(repository, wanted)
            parents = self.images.parents(repository, digest) if digest and not wanted.get("imageTag") else []
            if parents:
                reason = f"Requested image referenced by manifest list: [{', '.join(parents)}]"
                failure = _failure(wanted, "ImageReferencedByManifestList", reason)
            if failure or digest is None:
                failures.append(failure)
                continue
            tags = [wanted["imageTag"]] if wanted.get("imageTag") else self.images.tags(repository).get(digest, [])
            if wanted.get("imageTag"):
                self.images.untag(repository, wanted["imageTag"])
            else:
                self.images.delete(repository, digest)
            deleted += [{"imageDigest": digest, "imageTag": t} for t in tags] or [{"imageDigest": digest}]
        return {"imageIds": deleted, "failures": failures}

    def _BatchCheckLayerAvailability(self, call: Call) -> Answer:
        repository = self.images.open(call.place)
        layers: list[Answer] = []
        failures: list[Answer] = []
        for digest in call.parameters.get("layerDigests", []):
            if not DIGEST.fullmatch(digest):
                reason = "Invalid layer digest"
                failures.append({"layerDigest": digest, "failureCode": "InvalidLayerDigest", "failureReason": reason})
                continue
            size = self.content.blob_size(repository, digest)
            row: Answer = {"layerDigest": digest, "layerAvailability": "UNAVAILABLE"}
            if size is not None:
                row = {**row, "layerAvailability": "AVAILABLE", "layerSize": size, "mediaType": LAYER_TYPE}
            layers.append(row)
        return {"layers": layers, "failures": failures}

    def _GetDownloadUrlForLayer(self, call: Call) -> Answer:
        place, digest = call.place, str(call.parameters.get("layerDigest", ""))
        repository = self.images.open(place)
        if self.content.blob_size(repository, digest) is None:
            raise AwsError(
                "LayersNotFoundException",
                f"The layer with digest '{digest}' does not exist in the repository with name '{place.name}' "
                f"in the registry with id '{place.account}'",
            )
        expires = int(self.clock.now()) + LAYER_URL_LIFE
        query = {"expires": expires, "signature": self.layer_signature(repository, digest, expires)}
        return {"downloadUrl": f"{self.origin}/layers/{repository}/{digest}?{urlencode(query)}", "layerDigest": digest}

    def _GetAccountSetting(self, call: Call) -> Answer:
        defaults = {"BASIC_SCAN_TYPE_VERSION": "AWS_NATIVE", "REGISTRY_POLICY_SCOPE": "V2", "BLOB_MOUNTING": "DISABLED"}
        name = str(call.parameters.get("name"))
        if name not in defaults:
            raise invalid_parameter("name", f"Member must satisfy enum value set: [{', '.join(defaults)}]")
        return {"name": name, "value": defaults[name]}

    def _DescribeRepositoryCreationTemplates(self, call: Call) -> Answer:
        return {"registryId": call.registry, "repositoryCreationTemplates": []}

    def layer_signature(self, repository: int, digest: str, expires: int) -> str:
        """Return what makes a layer's URL valid until *expires* (seconds since the epoch)."""
        return hmac.new(self.url_key, f"{repository} {digest} {expires}".encode(), hashlib.sha256).hexdigest()


_REGISTRY_WIDE = (
    "GetRegistryScanningConfiguration",
    "PutRegistryScanningConfiguration",
    "GetAccountSetting",
    "DescribeRepositoryCreationTemplates",
)


def _image_ids(call: Call) -> list[dict[str, str]]:
    wanted = call.parameters.get("imageIds") or []
    if not 1 <= len(wanted) <= 100:
        bound = "less than or equal to 100" if wanted else "greater than or equal to 1"
        raise invalid_parameter("imageIds", f"Member must have length {bound}")
    return list(wanted)


def _check_tag(tag: str | None) -> None:
    if tag is not None and not TAG.fullmatch(tag):
        raise invalid_parameter("imageTag", f"must satisfy regular expression '{TAG.pattern}'")


def _failure(wanted: dict[str, str], code: str, reason: str) -> Answer:
    return {"imageId": wanted, "failureCode": code, "failureReason": reason}


def _image_not_found(place: Place, wanted: dict[str, str]) -> AwsError:
    digest, tag = (wanted.get(k) or "null" for k in ("imageDigest", "imageTag"))
    return AwsError(
        "ImageNotFoundException",
        f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not exist within the repository "
        f"with name '{place.name}' in the registry with id '{place.account}'",
    )


def _is_chosen(row: Any, tags: dict[str, list[str]], wanted: dict[str, str] | None) -> bool:
    wanted = wanted or {}
    status, tagged = wanted.get("imageStatus", "ACTIVE"), wanted.get("tagStatus", "ANY")
    return status in ("ANY", row["status"]) and (tagged == "ANY" or (tagged == "TAGGED") == (row["digest"] in tags))


def _page(rows: list[Any], parameters: dict[str, Any]) -> tuple[list[Any], dict[str, str]]:
    """Return one page (100 rows unless maxResults says otherwise, 1000 at most) and the token of the next one."""
    count = int(parameters.get("maxResults") or 100)
    if not 1 <= count <= 1000:
        raise invalid_parameter("maxResults", "Member must have value less than or equal to 1000")
    try:
        start = int(base64.b64decode(str(parameters.get("nextToken") or "MA=="), validate=True))
    except ValueError as error:
        raise invalid_parameter("nextToken", "Invalid token") from error
    following = base64.b64encode(str(start + count).encode()).decode()
    return rows[start : start + count], {"nextToken": following} if start + count < len(rows) else {}
