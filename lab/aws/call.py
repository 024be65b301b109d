"""One call of the ECR API, and what its operations share: image ids, failures, pages."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

from .errors import AwsError, invalid_parameter
from .identity import Caller
from .images import Place

Answer = dict[str, Any]
ACCOUNT = re.compile(r"\d{12}")


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


def image_ids(call: Call) -> list[dict[str, str]]:
    wanted = call.parameters.get("imageIds") or []
    if not 1 <= len(wanted) <= 100:
        bound = "less than or equal to 100" if wanted else "greater than or equal to 1"
        raise invalid_parameter("imageIds", f"Member must have length {bound}")
    return list(wanted)


def failure(wanted: dict[str, str], code: str, reason: str) -> Answer:
    return {"imageId": wanted, "failureCode": code, "failureReason": reason}


def image_not_found(place: Place, wanted: dict[str, str]) -> AwsError:
    digest, tag = (wanted.get(k) or "null" for k in ("imageDigest", "imageTag"))
    return AwsError(
        "ImageNotFoundException",
        f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not exist within the repository "
        f"with name '{place.name}' in the registry with id '{place.account}'",
    )


def page(rows: list[Any], parameters: dict[str, Any], most: int = 1000) -> tuple[list[Any], dict[str, str]]:
    """Return one page (100 rows unless maxResults says otherwise, *most* at most) and the token of the next one."""
    count = int(parameters.get("maxResults") or 100)
    if not 1 <= count <= most:
        raise invalid_parameter("maxResults", f"Member must have value less than or equal to {most}")
    try:
        start = int(base64.b64decode(str(parameters.get("nextToken") or "MA=="), validate=True))
    except ValueError as error:
        raise invalid_parameter("nextToken", "Invalid token") from error
    following = base64.b64encode(str(start + count).encode()).decode()
    return rows[start : start + count], {"nextToken": following} if start + count < len(rows) else {}
